"""Resend's suppressions of the team, whose API is in private beta (resend.com/docs, "Remove Suppression", 2026-11-29).

The sources are that page and its siblings, and Resend's own API description (github.com/resend/resend-openapi,
2026-08-21). An address that is not there is a 404, *Suppression not found* (resend-ruby 1.16.1, `suppressions.rb`). Any
other 404 is that of a team that is not in the beta, which clears its list in the dashboard.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final
from urllib.parse import quote

import httpx

from app.domain.own_entries import OwnEntry
from app.domain.suppression import Reason
from app.providers.resend.provider import Resend
from app.providers.sdk import own_list, payload
from app.providers.sdk.own_list import NoEntries, NoSuchApi, Page

PAGE_SIZE: Final = 100  # the most that `limit` allows
PATH: Final = "/suppressions"
_ABSENT: Final = "suppression not found"
_REASONS: Final[Mapping[str, Reason]] = {
    "bounce": Reason.HARD_BOUNCE,
    "complaint": Reason.COMPLAINED,
    "manual": Reason.MANUAL,
}


@dataclass(frozen=True, slots=True)
class ResendList:
    """The list of one team."""

    account: Resend

    parts: ClassVar[tuple[str, ...]] = ("suppressions",)

    def look_up(self, part: str, address: str) -> httpx.Request:  # noqa: ARG002 because there is one part
        """GET /suppressions/ADDRESS."""
        return self.account.request("GET", f"{PATH}/{quote(address, safe='')}")

    def found(self, part: str, answer: httpx.Response) -> tuple[OwnEntry, ...]:
        """The entry, or a 404."""
        if _is_absent(answer):
            return ()
        entry = payload.fields(_body(answer))
        if not entry.get("email"):
            raise NoEntries
        return (_entry(part, entry),)

    def clear(self, part: str, address: str) -> httpx.Request:  # noqa: ARG002 because there is one part
        """DELETE /suppressions/ADDRESS."""
        return self.account.request("DELETE", f"{PATH}/{quote(address, safe='')}")

    def is_cleared(self, answer: httpx.Response) -> bool:
        """200 with `deleted`, or a 404 if somebody else was faster."""
        return _is_absent(answer) or (answer.is_success and payload.object_in(answer.content).get("deleted") is True)

    def page(self, part: str, cursor: str) -> httpx.Request:  # noqa: ARG002 because there is one part
        """GET /suppressions; the cursor is the id of the last entry before the page."""
        after = f"&after={quote(cursor, safe='')}" if cursor else ""
        return self.account.request("GET", f"{PATH}?limit={PAGE_SIZE}{after}")

    def read_page(self, part: str, cursor: str, answer: httpx.Response) -> Page:
        """The entries, and whether there are more behind the last one."""
        body = payload.fields(_body(answer))
        found = own_list.objects(body.get("data"))
        entries = tuple(_entry(part, one) for one in found)
        if body.get("has_more") is not True:
            return Page(entries)
        last = payload.text(found[-1].get("id")) if found else ""
        if last in ("", cursor):
            raise NoEntries  # there are more, and nobody knows where
        return Page(entries, last)


OWN_LIST: Final = ResendList


def _body(answer: httpx.Response) -> object:
    if answer.status_code == 404:
        raise NoSuchApi
    return own_list.body(answer)


def _is_absent(answer: httpx.Response) -> bool:
    words = payload.text(payload.object_in(answer.content).get("message")).strip().rstrip(".").lower()
    return answer.status_code == 404 and words == _ABSENT


def _entry(part: str, entry: Mapping[str, object]) -> OwnEntry:
    words = payload.text(entry.get("origin"))
    reason = _REASONS.get(words, Reason.PROVIDER_LIST)
    at_ms = payload.iso_ms(payload.text(entry.get("created_at")))
    return OwnEntry(own_list.key(entry.get("email")), part, reason, at_ms, words)
