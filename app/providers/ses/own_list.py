"""SES's suppression list of the account, in its region.

The source is the API model of SES v2 in botocore 1.44.8 (2026-11-20): GetSuppressedDestination,
DeleteSuppressedDestination, ListSuppressedDestinations. They need the permissions of the same names. The lists of
tenants, and contact lists with their topics, are others.
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
from app.providers.ses import errors
from app.providers.ses.provider import Ses

PAGE_SIZE: Final = 1000
PATH: Final = "/v2/email/suppression/addresses"
_REASONS: Final[Mapping[str, Reason]] = {"BOUNCE": Reason.HARD_BOUNCE, "COMPLAINT": Reason.COMPLAINED}


@dataclass(frozen=True, slots=True)
class SesList:
    """The list of one account in one region. An address is on it once, for the reason that came last."""

    account: Ses

    parts: ClassVar[tuple[str, ...]] = ("the account's list",)

    def look_up(self, part: str, address: str) -> httpx.Request:  # noqa: ARG002 because there is one part
        """GetSuppressedDestination."""
        return self.account.request("GET", f"{PATH}/{quote(address, safe='')}")

    def found(self, part: str, answer: httpx.Response) -> tuple[OwnEntry, ...]:
        """The entry, or NotFoundException."""
        if _is_absent(answer):
            return ()
        entry = payload.fields(payload.fields(own_list.body(answer)).get("SuppressedDestination"))
        if not entry:
            raise NoEntries
        return (_entry(part, entry),)

    def clear(self, part: str, address: str) -> httpx.Request:  # noqa: ARG002 because there is one part
        """DeleteSuppressedDestination."""
        return self.account.request("DELETE", f"{PATH}/{quote(address, safe='')}")

    def is_cleared(self, answer: httpx.Response) -> bool:
        """200, or NotFoundException if somebody else was faster."""
        return answer.is_success or _is_absent(answer)

    def page(self, part: str, cursor: str) -> httpx.Request:  # noqa: ARG002 because there is one part
        """ListSuppressedDestinations; the cursor is the token of the page before."""
        token = f"&NextToken={quote(cursor, safe='')}" if cursor else ""
        return self.account.request("GET", f"{PATH}?PageSize={PAGE_SIZE}{token}")

    def read_page(self, part: str, cursor: str, answer: httpx.Response) -> Page:  # noqa: ARG002 because a token says it
        """The entries, and the token of the next page if there is one."""
        body = payload.fields(own_list.body(answer))
        entries = tuple(_entry(part, one) for one in own_list.objects(body.get("SuppressedDestinationSummaries")))
        return Page(entries, payload.text(body.get("NextToken")))


OWN_LIST: Final = SesList


def _is_absent(answer: httpx.Response) -> bool:
    is_missing = answer.status_code == 404
    return is_missing and errors.name(answer, payload.object_in(answer.content)) == "NotFoundException"


def _entry(part: str, entry: Mapping[str, object]) -> OwnEntry:
    words = payload.text(entry.get("Reason"))
    reason = _REASONS.get(words, Reason.PROVIDER_LIST)
    at_ms = payload.at_ms(entry.get("LastUpdateTime"))  # when it came there, or was last put there
    return OwnEntry(own_list.key(entry.get("EmailAddress")), part, reason, at_ms, words)
