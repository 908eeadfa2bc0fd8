"""The variables of a provider, declared once: reading them, what is missing, and their documentation follow from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from app.domain.account import prefix_of
from app.errors import ConfigurationError

# An URL may lead over plain HTTP only to this machine.
_SAFE_URLS: Final = ("https://", "http://127.0.0.1:", "http://localhost:")


class Need(StrEnum):
    """What a variable is needed for."""

    SENDING = "sending"
    WEBHOOKS = "webhooks"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of a provider. `name` comes behind the account's prefix: `API_KEY` is read as ACME_API_KEY.

    `about` is the sentence in `.env.example` and in the documentation. `fallbacks` are variables of the process that
    count if this one is not set, in that order, before `default`. Without those that verify (`verifies`), no webhook is
    believed.
    """

    name: str
    about: str
    needed_for: Need = Need.NOTHING
    is_secret: bool = False
    default: str = ""
    fallbacks: tuple[str, ...] = ()
    verifies: bool = False


@dataclass(frozen=True, slots=True)
class Declaration:
    """What the configuration of a provider consists of. `title` is the name that the provider gives itself."""

    title: str
    variables: tuple[Variable, ...]


@dataclass(frozen=True, slots=True)
class Values:
    """The values of one account's variables. Nothing is inherited from another account of the same provider."""

    account: str
    declaration: Declaration
    env: Mapping[str, str] = field(repr=False)

    def variable(self, name: str) -> str:
        """The whole name of a variable, such as ACME_EU_API_KEY."""
        return prefix_of(self.account) + name

    def text(self, name: str) -> str:
        """The value of a variable, of a fallback, or its default. An empty value counts as none."""
        declared = next(variable for variable in self.declaration.variables if variable.name == name)
        names = (self.variable(name), *declared.fallbacks)
        return next((value for one in names if (value := self.env.get(one, ""))), declared.default)

    def texts(self, name: str) -> tuple[str, ...]:
        """The values of a variable that takes several, separated by commas."""
        return tuple(part.strip() for part in self.text(name).split(",") if part.strip())

    def url(self, name: str, default: str = "") -> str:
        """The value of a variable that is a URL, without a slash at its end. `default` counts if it has no value.

        Raises ConfigurationError naming the variable, unless it is HTTPS or leads to this machine.
        """
        url = (self.text(name) or default).rstrip("/")
        if not url.startswith(_SAFE_URLS):
            raise ConfigurationError(
                f"{self.variable(name)}: must start with https:// (http only for this machine), is {url!r}"
            )
        return url

    def missing(self, need: Need) -> tuple[str, ...]:
        """The variables that are needed for `need` and have no value, by their whole names."""
        return tuple(
            self.variable(one.name)
            for one in self.declaration.variables
            if one.needed_for is need and not self.text(one.name)
        )

    def are_any_set(self) -> bool:
        """Whether at least one variable of this account is set."""
        return any(self.env.get(self.variable(one.name)) for one in self.declaration.variables)

    def can_verify(self) -> bool:
        """Whether webhooks of this account can be verified."""
        needed = [one.name for one in self.declaration.variables if one.verifies]
        return bool(needed) and all(map(self.text, needed))
