"""Mailgun's suppressions of the domain: bounces, complaints and unsubscribes.

The sources are documentation.mailgun.com, "Bounces", "Complaints" and "Unsubscribe" (read 2026-11-29), and for the
words of the answers "Suppressions" in github.com/mailgun/documentation (read 2026-11-29).
They are at the API of the domain's region, which is the account's. An unsubscribe is from everything if its tags are
`*` or none, and else from the emails with one of these tags.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import httpx

from app.domain.own_entries import OwnEntry
from app.domain.suppression import Reason
from app.providers.mailgun.provider import Mailgun
from app.providers.sdk import own_list, payload
from app.providers.sdk.own_list import NoEntries, Page

PAGE_SIZE: Final = 250  # of 1,000 that `limit` allows: the words of a host may be long
EVERYTHING: Final = "*"
_REASONS: Final[Mapping[str, Reason]] = {"complaints": Reason.COMPLAINED, "unsubscribes": Reason.UNSUBSCRIBED}
_NO_DOMAIN: Final = "domain not found"
_NO_TIME: Final = "Jan 0001"
_CURSOR: Final = ("page", "address")  # what tells one page from another in the URL of the next one


@dataclass(frozen=True, slots=True)
class MailgunList:
    """The list of one domain."""

    account: Mailgun

    parts: ClassVar[tuple[str, ...]] = ("bounces", *_REASONS)

    def look_up(self, part: str, address: str) -> httpx.Request:
        """The request that asks for one address: GET /v3/DOMAIN/PART/ADDRESS. It is not sent here."""
        return self.account.request("GET", self._path(part, address))

    def found(self, part: str, answer: httpx.Response) -> tuple[OwnEntry, ...]:
        """The entry, or a 404 about the address; another 404 is about the domain."""
        if _is_absent(answer):
            return ()
        body = payload.fields(own_list.body(answer))
        if not body.get("address"):
            raise NoEntries
        return (_entry(part, body),)

    def clear(self, part: str, address: str) -> httpx.Request:
        """DELETE on the same path. It removes every tag of an unsubscribe."""
        return self.account.request("DELETE", self._path(part, address))

    def is_cleared(self, answer: httpx.Response) -> bool:
        """200 with a message, or 404 if somebody else was faster. A wrong path is answered 200 without JSON."""
        return _is_absent(answer) or (answer.is_success and bool(payload.object_in(answer.content).get("message")))

    def page(self, part: str, cursor: str) -> httpx.Request:
        """GET /v3/DOMAIN/PART; the cursor is the part of the next URL that says where the page begins."""
        query = urlencode([("limit", str(PAGE_SIZE)), *parse_qsl(cursor)])
        return self.account.request("GET", f"{self._path(part)}?{query}")

    def read_page(self, part: str, cursor: str, answer: httpx.Response) -> Page:
        """The entries, and a next URL, which is there on the last page, too: the page behind that is empty.

        Of that URL only the cursor is used, so that the key goes to no other host.
        """
        body = payload.fields(own_list.body(answer))
        entries = tuple(_entry(part, one) for one in own_list.objects(body.get("items")))
        query = urlsplit(payload.text(payload.fields(body.get("paging")).get("next"))).query
        following = urlencode([(name, value) for name, value in parse_qsl(query) if name in _CURSOR])
        if len(entries) >= PAGE_SIZE and following in ("", cursor):
            raise NoEntries  # there are more, and nobody knows where
        return Page(entries, following if entries and following != cursor else "")

    def _path(self, part: str, address: str = "") -> str:
        path = f"/v3/{quote(self.account.domain, safe='')}/{part}"
        return f"{path}/{quote(address, safe='')}" if address else path


OWN_LIST: Final = MailgunList


def _is_absent(answer: httpx.Response) -> bool:
    words = payload.text(payload.object_in(answer.content).get("message")).lower()
    return answer.status_code == 404 and bool(words) and _NO_DOMAIN not in words


def _entry(part: str, entry: Mapping[str, object]) -> OwnEntry:
    words, tags = payload.text(entry.get("error")), entry.get("tags")
    named = [payload.text(tag) for tag in tags] if isinstance(tags, list) and part == "unsubscribes" else []
    return OwnEntry(
        own_list.key(entry.get("address")),
        part,
        _REASONS.get(part) or own_list.bounced(payload.code(entry.get("code")), words),
        _at_ms(payload.text(entry.get("created_at"))),
        words,
        scope="" if EVERYTHING in named else ", ".join(filter(None, named)),
    )


def _at_ms(text: str) -> int | None:
    """RFC 2822, `Fri, 21 Oct 2011 11:02:55 GMT`; None for anything else, and for the year 1, which stands for none."""
    at = None if _NO_TIME in text else payload.mail_date(text)
    return None if at is None else payload.at_ms(at.timestamp())
