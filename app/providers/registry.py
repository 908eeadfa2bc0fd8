"""Finds the providers by name. A provider's package is imported when an account of it is first used, and not before."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Final

from app.domain.account import is_account, label_of, prefix_of, provider_of
from app.domain.sandbox_accounts import ACCOUNTS as SANDBOX
from app.errors import ConfigurationError, ServiceUnavailable
from app.providers.sdk.contract import AnyProvider, Outside
from app.providers.sdk.limits import Limits
from app.providers.sdk.variables import Declaration, Values, Variable
from app.settings import ACCOUNT_VARIABLES

if TYPE_CHECKING:
    from app.providers.sdk.own_list import AnyOwnList

# Name → the package, which has the modules `variables` (with DECLARATION), `limits` (with LIMITS), `provider` (with
# PROVIDER) and, if its API has the account's own suppression list, `own_list` (with OWN_LIST).
PROVIDERS: Final = {
    "sendgrid": "app.providers.sendgrid",
    "mailgun": "app.providers.mailgun",
    "ses": "app.providers.ses",
    "resend": "app.providers.resend",
}
# The beginnings of headers by which an email would control how a provider handles it: with another configuration set,
# for example, SES would send no webhooks. The API refuses them whatever the provider.
CONTROL_HEADERS: Final = ("x-ses-", "x-mailgun-", "x-smtpapi", "x-sg-")


def declaration(provider: str) -> Declaration:
    """What the configuration of a provider consists of."""
    declared: Declaration = import_module(f"{PROVIDERS[provider]}.variables").DECLARATION
    return declared


def limits(provider: str) -> Limits:
    """What a provider carries."""
    table: Limits = import_module(f"{PROVIDERS[provider]}.limits").LIMITS
    return table


def values(account: str, env: Mapping[str, str]) -> Values:
    """The values of an account's variables in `env`."""
    return Values(account, declaration(provider_of(account)), env)


def open_account(account: str, env: Mapping[str, str], outside: Outside) -> AnyProvider:
    """The account that the variables in `env` describe. Raises ConfigurationError naming a malformed one."""
    provider: type[AnyProvider] = import_module(f"{PROVIDERS[provider_of(account)]}.provider").PROVIDER
    return provider.open(values(account, env), outside)


def own_list(account: AnyProvider) -> "AnyOwnList | None":
    """The own suppression list of an account; None if its provider's API has none."""
    module = f"{PROVIDERS[provider_of(account.account)]}.own_list"
    if find_spec(module) is None:
        return None
    made: AnyOwnList = import_module(module).OWN_LIST(account)
    return made


def check(accounts: Iterable[str]) -> None:
    """Raise ConfigurationError for an account of an unknown provider, or with a label that makes two variables one.

    The label `from`, for example: the variable FROM_DOMAINS of `sendgrid` would look like one of `sendgrid:from`.
    """
    for account in accounts:
        provider = provider_of(account)
        if account in SANDBOX:
            raise ConfigurationError(f"PROVIDERS: {account!r} is always there, for test keys only; leave it out")
        if provider not in PROVIDERS:
            raise ConfigurationError(f"PROVIDERS: {account!r} is not one of {', '.join(PROVIDERS)}")
        if taken := _taken(account):
            raise ConfigurationError(
                f"PROVIDERS: the label of {account!r} would make its variables look like {provider.upper()}_{taken};"
                " choose another label"
            )


def _taken(account: str) -> str:
    """A variable of the provider that looks like one of this account, because of its label; "" if there is none."""
    names = [*ACCOUNT_VARIABLES, *(variable.name for variable in declaration(provider_of(account)).variables)]
    beginning = f"{label_of(account).upper()}_"
    return next((name for name in names if len(beginning) > 1 and name.startswith(beginning)), "")


def check_values(accounts: Iterable[str], env: Mapping[str, str]) -> None:
    """Raise ConfigurationError naming the variables of the accounts that have characters which cannot be in them."""
    faults = [fault for account in accounts for fault in values(account, env).faults()]
    if faults:
        raise ConfigurationError("; ".join(faults))


def draining(configured: Iterable[str], env: Mapping[str, str]) -> tuple[str, ...]:
    """The accounts that are not `configured`, but whose webhooks can be verified: emails may be under way there."""
    found = {account for account in _named_by_variables(env) if can_verify(account, env)}
    return tuple(sorted(found - set(configured)))


def can_verify(account: str, env: Mapping[str, str]) -> bool:
    """Whether the variables by which webhooks of `account` are verified are set in `env`."""
    if not is_account(account) or provider_of(account) not in PROVIDERS:
        return False
    return not _taken(account) and values(account, env).can_verify()


def find_variable(name: str) -> tuple[str, Variable] | None:
    """The account and the variable of its provider that an environment variable is; None if it is no provider's.

    What every account may have, such as a cap, is none of its provider's.
    """
    for provider in sorted(PROVIDERS, key=len, reverse=True):
        own = name.removeprefix(prefix_of(provider))
        for variable in declaration(provider).variables if own != name else ():
            label = own.removesuffix(variable.name)
            account = provider + (f":{label.removesuffix('_').lower()}" if label else "")
            is_whole = own.endswith(variable.name) and (not label or label.endswith("_"))
            if is_whole and label == label.upper() and is_account(account) and not _taken(account):
                return account, variable
    return None


def _named_by_variables(env: Mapping[str, str]) -> Iterator[str]:
    """The accounts to which a variable in `env` may belong that webhooks need."""
    for provider in PROVIDERS:
        prefix = prefix_of(provider)
        names = [name.removeprefix(prefix) for name, value in env.items() if value and name.startswith(prefix)]
        if not names:
            continue
        for variable in declaration(provider).variables:
            if variable.verifies:
                labels = {name.removesuffix(variable.name) for name in names if name.endswith(variable.name)}
                yield from (provider + (label and f":{label.rstrip('_').lower()}") for label in labels)


class Accounts(Mapping[str, AnyProvider]):
    """The accounts of a process by id. It iterates over those that are configured.

    `configured` has passed `check`. An account that left PROVIDERS is opened when its first webhook comes, as long as
    its secrets are still set.
    """

    def __init__(self, configured: Iterable[str], env: Mapping[str, str], outside: Callable[[str], Outside]) -> None:
        """`outside` says what an account may use of the process."""
        self._env, self._outside, self._lock = env, outside, Lock()
        self._configured = {account: open_account(account, env, outside(account)) for account in configured}
        self._draining: dict[str, AnyProvider] = {}

    def __getitem__(self, account: str) -> AnyProvider:
        """The account. Raises KeyError if it is not configured and its webhooks cannot be verified either.

        Raises ServiceUnavailable if it left PROVIDERS and one of its variables is malformed.
        """
        found = self._configured.get(account) or self._draining.get(account)
        if found is not None:
            return found
        if not can_verify(account, self._env):
            raise KeyError(account)
        try:
            opened = open_account(account, self._env, self._outside(account))
        except ConfigurationError as error:
            raise ServiceUnavailable(str(error)) from error
        with self._lock:
            return self._draining.setdefault(account, opened)

    def __iter__(self) -> Iterator[str]:
        return iter(self._configured)

    def __len__(self) -> int:
        return len(self._configured)

    def draining(self) -> tuple[str, ...]:
        """The ids of the accounts that left PROVIDERS while their webhooks can still be verified."""
        return draining(self, self._env)
