"""The variables of a provider, declared once: reading them, what is missing, and their documentation follow from it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from app.domain.account import prefix_of
from app.domain.address import ascii_domain, is_domain
from app.domain.urls import is_safe_url, what_is_wrong_with
from app.errors import ConfigurationError
from app.settings import Process

# What nobody means at either end of a value: blanks, a byte order mark, and characters of no width.
_EDGES: Final = re.compile("^[\\s\ufeff\u200b-\u200f\u2060]+|[\\s\ufeff\u200b-\u200f\u2060]+\\Z")

ODD: Final = "control or non-ASCII character, such as a line break or …"


API: Final = frozenset({Process.API})
WORKER: Final = frozenset({Process.WORKER})
BOTH: Final = API | WORKER


class Need(StrEnum):
    """What a variable is needed for."""

    SENDING = "sending"
    WEBHOOKS = "webhooks"
    NOTHING = "nothing"


class Form(NamedTuple):
    """What each value of a variable must be: in words, and by a function that raises ValueError for anything else."""

    what: str
    read: Callable[[str], object]

    def fits(self, text: str) -> bool:
        """Whether `text` is such a value."""
        try:
            self.read(text)
        except ValueError:
            return False
        return True


DOMAIN: Final = Form("a domain such as example.com", ascii_domain)


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of a provider. `name` comes behind the account's prefix: `API_KEY` is read as ACME_API_KEY.

    `about` is the sentence in `.env.example` and in the documentation. `fallbacks` are variables of the process that
    count if this one is not set, in that order, before `default`. `needed_with` is a variable without which this one
    is not needed for sending: one half of a pair, for example. Without those that verify (`verifies`), no webhook is
    believed. If it has a `form`, each of its values must have it. `read_by` are the processes that are given it: the
    worker sends, the API believes webhooks and says what an account carries.
    """

    name: str
    about: str
    needed_for: Need = Need.NOTHING
    is_secret: bool = False
    default: str = ""
    fallbacks: tuple[str, ...] = ()
    needed_with: str = ""
    verifies: bool = False
    form: Form | None = None
    read_by: frozenset[Process] = field(kw_only=True)


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
        """The value of a variable, of a fallback, or its default, stripped. An empty value counts as none."""
        declared = next(variable for variable in self.declaration.variables if variable.name == name)
        names = (self.variable(name), *declared.fallbacks)
        return next((value for one in names if (value := stripped(self.env.get(one, "")))), declared.default)

    def texts(self, name: str) -> tuple[str, ...]:
        """The values of a variable that takes several, separated by commas."""
        return tuple(part for part in map(stripped, self.text(name).split(",")) if part)

    def domain(self, name: str) -> str:
        """The value of a variable that is a domain, in ASCII. What is none is returned as it is: `faults` names it."""
        text = self.text(name)
        return ascii_domain(text) if is_domain(text) else text

    def url(self, name: str, default: str = "") -> str:
        """The value of a variable that is a URL, without a slash at its end. `default` counts if it has no value.

        Raises ConfigurationError naming the variable if its value is none that `is_safe_url` takes.
        """
        url = self.text(name).rstrip("/")
        if url and not is_safe_url(url):
            raise ConfigurationError(f"{self.variable(name)}: {what_is_wrong_with(url)}")
        return url or default

    def missing(self, need: Need, process: Process | None = None) -> tuple[str, ...]:
        """The variables that are needed for `need` and have no value, by their whole names.

        With a `process`, only those that it reads.
        """
        return tuple(
            self.variable(one.name)
            for one in self.declaration.variables
            if self._needs(one, need) and not self.text(one.name) and (process is None or process in one.read_by)
        )

    def _needs(self, one: Variable, need: Need) -> bool:
        return one.needed_for is need or (need is Need.SENDING and bool(one.needed_with and self.text(one.needed_with)))

    def are_any_set(self) -> bool:
        """Whether at least one variable of this account is set."""
        return any(stripped(self.env.get(self.variable(one.name), "")) for one in self.declaration.variables)

    def can_verify(self) -> bool:
        """Whether webhooks of this account can be verified."""
        needed = [one.name for one in self.declaration.variables if one.verifies]
        return bool(needed) and all(map(self.text, needed))

    def faults(self) -> tuple[str, ...]:
        """A sentence for each variable whose value has characters that none can have, or is not what it must be."""
        return tuple(filter(None, map(self._fault, self.declaration.variables)))

    def _fault(self, declared: Variable) -> str:
        variable, texts = self.variable(declared.name), self.texts(declared.name)
        if not texts and self.text(declared.name):
            return f"{variable}: holds nothing but commas"
        if declared.form is None:
            return "" if all(map(is_plain, texts)) else _fault(variable)
        wrong = [str(number) for number, text in enumerate(texts, 1) if not declared.form.fits(text)]
        if not wrong:
            return ""
        which = "it" if len(texts) == 1 else f"text {' and '.join(wrong)} of the {len(texts)} in it"
        return f"{variable}: {which} is not {declared.form.what}"


def credential(account: str, name: str, value: str) -> str:
    """`value`, a credential of `account` that is about to be sent or signed with.

    Raises ConfigurationError naming the variable if it cannot be a header: the HTTP library would raise, too, and
    would repeat the credential in its message.
    """
    if not is_plain(value):
        raise ConfigurationError(_fault(prefix_of(account) + name))
    return value


def stripped(value: str) -> str:
    """The value without what nobody means at either end of it."""
    return _EDGES.sub("", value)


def is_plain(value: str) -> bool:
    """Whether the value has only characters that a credential, a name or an address may have."""
    return value.isascii() and value.isprintable()


def _fault(variable: str) -> str:
    return f"{variable}: has a {ODD}; copy the whole value again"
