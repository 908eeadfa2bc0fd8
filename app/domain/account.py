"""Account ids. `acme` is the account at the provider Acme; `acme:eu` is one of several, and `eu` is its label."""

import re
from typing import Final

ACCOUNT: Final = re.compile(r"(?P<provider>[a-z][a-z0-9_]{0,30}?)(?::(?P<label>[a-z0-9]{1,20}))?")


def is_account(text: str) -> bool:
    """Whether `text` has the form of an account id. Whether there is such a provider, only the registry knows."""
    return ACCOUNT.fullmatch(text) is not None


def provider_of(account: str) -> str:
    """The name of the provider at which `account` is."""
    return account.partition(":")[0]


def label_of(account: str) -> str:
    """The label of `account`; "" if it has none."""
    return account.partition(":")[2]


def prefix_of(account: str) -> str:
    """What the names of the account's variables start with: `ACME_` or `ACME_EU_`."""
    return f"{account.upper().replace(':', '_')}_"
