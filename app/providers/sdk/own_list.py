"""The part of a provider that knows the account's own suppression list, in a module `own_list` beside its other ones.

Only the operators' command line loads it. A provider whose API has no such list has no such module.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

from app.domain.own_entries import OwnEntry
from app.domain.suppression import Reason
from app.providers.sdk import answers, payload
from app.providers.sdk.addresses import address
from app.providers.sdk.bounces import Proven, Report, read
from app.providers.sdk.contract import Answer, Call


class NoEntries(Exception):
    """The answer has no entries. What it means instead, the account's `read` says."""


class NoSuchApi(Exception):
    """The account cannot reach its list by API; `limits.own_list` says where it is cleared by hand."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries of a part, and from where the next ones are ("": there are none)."""

    entries: tuple[OwnEntry, ...]
    next: str = ""


class OwnList(Protocol[Call, Answer]):
    """An account's own suppression list. It translates, and does no I/O.

    A list has `parts` with entries of their own, such as bounces and complaints. The class is made of the account, and
    the module names it as OWN_LIST. Addresses are in the form in which they are compared.
    """

    @property
    def parts(self) -> Sequence[str]:
        """The parts that stop emails, in the provider's words."""

    def look_up(self, part: str, address: str) -> Call:
        """The call that asks what is known of one address."""

    def found(self, part: str, answer: Answer, /) -> tuple[OwnEntry, ...]:
        """What that call found; nothing if the address is not there. Raises NoEntries and NoSuchApi."""

    def clear(self, part: str, address: str) -> Call:
        """The call that removes an address."""

    def is_cleared(self, answer: Answer, /) -> bool:
        """Whether the address is not there any more, by the answer to that call. Its removal may be refused."""

    def page(self, part: str, cursor: str) -> Call:
        """The call that asks for a page of entries: `cursor` is "" for the first one, then what that said."""

    def read_page(self, part: str, cursor: str, answer: Answer, /) -> Page:
        """The entries in the answer to that call. Raises NoEntries and NoSuchApi."""


AnyOwnList = OwnList[Any, Any]


def body(answer: httpx.Response) -> object:
    """The JSON of a success. Raises NoEntries for any other answer."""
    if not answer.is_success or answers.is_cut(answer):
        raise NoEntries
    try:
        return payload.decode(answer.content)
    except ValueError:
        raise NoEntries from None


def objects(value: object) -> list[dict[str, object]]:
    """The objects in an array. Raises NoEntries if it is none: an empty list would mean that nobody is there."""
    if not isinstance(value, list):
        raise NoEntries
    return [dict(payload.fields(one)) for one in value]


def key(value: object) -> str:
    """The address of an entry, in the form in which addresses are compared; "" if it is none."""
    found = address(value)
    return found if "@" in found else ""


def bounced(status: str, words: str) -> Reason | None:
    """Why an entry among the bounces stops emails. None if its own words are of something else than a dead mailbox.

    Without words, or in words that prove nothing, the provider's judgement counts.
    """
    proven = read(Report(status=status, text=words)).proven
    return None if proven in (Proven.BLOCKED, Proven.MAILBOX_CONDITION) else Reason.HARD_BOUNCE
