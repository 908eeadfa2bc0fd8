"""SendGrid's suppressions: bounces, invalid addresses, spam reports and global unsubscribes.

The source is the Suppressions API (github.com/twilio/sendgrid-oai, tsg_suppressions_v3, 2026-01-22). It documents 204
for a removal, and not what is answered if the address is not there: a 404 with `errors` is taken for that.

Blocks are no part of it: "Twilio SendGrid will not suppress future messages to blocked addresses by default"
(twilio.com/docs/sendgrid, "Blocks API", read 2026-11-29). Unsubscribes from groups are not either, because no email
from here names a group.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final
from urllib.parse import quote

import httpx

from app.domain.own_entries import OwnEntry
from app.domain.suppression import Reason
from app.providers.sdk import own_list, payload
from app.providers.sdk.own_list import NoEntries, Page
from app.providers.sendgrid.provider import SendGrid

PAGE_SIZE: Final = 250  # of 500 that `limit` allows: the words of a host may be long
GLOBAL: Final = "unsubscribes"
_REASONS: Final[Mapping[str, Reason]] = {
    "invalid_emails": Reason.HARD_BOUNCE,  # malformed, or known not to exist at the recipient's host
    "spam_reports": Reason.COMPLAINED,
    GLOBAL: Reason.UNSUBSCRIBED,
}


@dataclass(frozen=True, slots=True)
class SendGridList:
    """The list of one account. Global unsubscribes are looked up and removed below /v3/asm."""

    account: SendGrid

    parts: ClassVar[tuple[str, ...]] = ("bounces", *_REASONS)

    def look_up(self, part: str, address: str) -> httpx.Request:
        """GET /v3/suppression/PART/ADDRESS, or /v3/asm/suppressions/global/ADDRESS."""
        return self.account.request("GET", _path(part, address))

    def found(self, part: str, answer: httpx.Response) -> tuple[OwnEntry, ...]:
        """An array of entries; of the global ones an object with the address, which is empty if it is not there."""
        if _is_absent(answer):
            return ()
        body = own_list.body(answer)
        if part != GLOBAL:
            return tuple(_entry(part, one) for one in own_list.objects(body))
        if body == {}:
            return ()
        email = payload.fields(body).get("recipient_email")
        if not email:
            raise NoEntries
        return (_entry(part, {"email": email}),)

    def clear(self, part: str, address: str) -> httpx.Request:
        """DELETE on the same path."""
        return self.account.request("DELETE", _path(part, address))

    def is_cleared(self, answer: httpx.Response) -> bool:
        """204, or 404 if somebody else was faster."""
        return answer.is_success or _is_absent(answer)

    def page(self, part: str, cursor: str) -> httpx.Request:
        """GET /v3/suppression/PART; the cursor is how many entries come before the page."""
        return self.account.request("GET", f"/v3/suppression/{part}?limit={PAGE_SIZE}&offset={cursor or 0}")

    def read_page(self, part: str, cursor: str, answer: httpx.Response) -> Page:
        """An array of entries. One that is not full is the last."""
        entries = tuple(_entry(part, one) for one in own_list.objects(own_list.body(answer)))
        return Page(entries, str(int(cursor or 0) + PAGE_SIZE) if len(entries) >= PAGE_SIZE else "")


OWN_LIST: Final = SendGridList


def _is_absent(answer: httpx.Response) -> bool:
    """Whether it is a 404 of the API, and not of another server that BASE_URL leads to."""
    return answer.status_code == 404 and bool(payload.object_in(answer.content).get("errors"))


def _path(part: str, address: str) -> str:
    where = "/v3/asm/suppressions/global" if part == GLOBAL else f"/v3/suppression/{part}"
    return f"{where}/{quote(address, safe='')}"


def _entry(part: str, entry: Mapping[str, object]) -> OwnEntry:
    status, words = payload.text(entry.get("status")), payload.text(entry.get("reason"))
    return OwnEntry(
        own_list.key(entry.get("email")),
        part,
        _REASONS.get(part) or own_list.bounced(status, words),
        payload.at_ms(entry.get("created")),
        words,
    )
