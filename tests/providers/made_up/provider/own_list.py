"""Made Up's own list, as its documentation would describe it: `GET` and `DELETE /stops`, a page of 100 each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final
from urllib.parse import quote

import httpx

from app.domain.own_entries import OwnEntry
from app.domain.suppression import Reason
from app.providers.sdk import own_list, payload
from app.providers.sdk.own_list import NoEntries, Page
from tests.providers.made_up.provider.provider import MadeUp

# By the part of the list. What is among the bounces is read from its words.
REASONS: Final[Mapping[str, Reason]] = {"complaints": Reason.COMPLAINED, "opt_outs": Reason.UNSUBSCRIBED}


@dataclass(frozen=True, slots=True)
class MadeUpList:
    """The list of one account."""

    account: MadeUp

    parts: ClassVar[tuple[str, ...]] = ("bounces", *REASONS)

    def look_up(self, part: str, address: str) -> httpx.Request:
        """GET /stops/PART/ADDRESS."""
        return self.account.request("GET", f"/stops/{part}/{quote(address, safe='')}")

    def found(self, part: str, answer: httpx.Response) -> tuple[OwnEntry, ...]:
        """The entry, or a 404."""
        if _is_absent(answer):
            return ()
        body = payload.fields(own_list.body(answer))
        if not body.get("to"):
            raise NoEntries
        return (_entry(part, body),)

    def clear(self, part: str, address: str) -> httpx.Request:
        """DELETE on the same path."""
        return self.account.request("DELETE", f"/stops/{part}/{quote(address, safe='')}")

    def is_cleared(self, answer: httpx.Response) -> bool:
        """204, or 404 if somebody else was faster."""
        return answer.is_success or _is_absent(answer)

    def page(self, part: str, cursor: str) -> httpx.Request:
        """GET /stops/PART; the cursor is where the page before ended."""
        return self.account.request("GET", f"/stops/{part}?after={quote(cursor, safe='')}")

    def read_page(self, part: str, cursor: str, answer: httpx.Response) -> Page:  # noqa: ARG002 because `next` says it
        """The entries, and where the next ones are."""
        body = payload.fields(own_list.body(answer))
        entries = tuple(_entry(part, one) for one in own_list.objects(body.get("stops")))
        return Page(entries, payload.text(body.get("next")))


OWN_LIST: Final = MadeUpList


def _is_absent(answer: httpx.Response) -> bool:
    return answer.status_code == 404 and "stopped" in payload.text(payload.object_in(answer.content).get("error"))


def _entry(part: str, entry: Mapping[str, object]) -> OwnEntry:
    words = payload.text(entry.get("why"))
    reason = REASONS.get(part) or own_list.bounced("", words)
    return OwnEntry(own_list.key(entry.get("to")), part, reason, payload.at_ms(entry.get("at")), words)
