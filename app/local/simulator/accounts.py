"""The simulated accounts: how each speaks, its keys, and the variables with which the app reaches it."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from app.domain.account import prefix_of, provider_of
from app.local.simulator import keys
from app.local.simulator.dialect import Dialect


@dataclass(frozen=True, slots=True)
class Account:
    """One simulated account. `key` signs its webhooks; `forged_key` does under the fault bad_signature."""

    name: str
    dialect: Dialect
    key: bytes
    forged_key: bytes


def dialect_of(account: str) -> Dialect:
    """How `account` speaks. The dialect of each provider is found by the provider's name."""
    dialect: type[Dialect] = import_module(f"app.local.simulator.{provider_of(account)}.dialect").DIALECT
    return dialect(account)


def open_account(account: str, folder: Path) -> Account:
    """The account, with its key in `folder`, which is made if there is none."""
    dialect = dialect_of(account)
    key = keys.load_or_create(folder, account, dialect.new_key)
    return Account(account, dialect, key, dialect.new_key())


def ready_variables(account: str, folder: Path) -> dict[str, str]:
    """The variables with which the app sends through the simulated account and verifies its webhooks.

    The address is not among them, because only the running simulator knows it. Makes the key in `folder` if there is
    none.
    """
    dialect = dialect_of(account)
    key = keys.load_or_create(folder, account, dialect.new_key)
    values = {**dialect.credentials, **dialect.webhook_variables(key)}
    return {f"{prefix_of(account)}{name}": value for name, value in values.items()}


def credentials(account: str) -> dict[str, str]:
    """The variables that authenticate calls to this simulated account. They are the same on every machine."""
    return {f"{prefix_of(account)}{name}": value for name, value in dialect_of(account).credentials.items()}
