"""What the page shows of one email that a provider took."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.local.playground import source
from app.local.playground.links import is_web, links
from app.local.simulator.inbox import ATTEMPT, EMAIL_ID, Inbox, Summary

VIEWS: Final = {
    "html": "HTML",
    "text": "Text",
    "code": "HTML source",
    "headers": "Headers",
    "source": "Source",
    "files": "Attachments",
}
SHOWN: Final = 200_000  # characters of a source; the whole of it is a download
PAGE: Final = 50
_QUERY: Final = 200  # characters of a search that are looked for


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the list, newest first. `older` is the number before which the next one begins."""

    messages: tuple[Summary, ...]
    total: int
    older: int | None


def find(inbox: Inbox, query: str, before: int | None) -> Page:
    """The messages that have every word of `query` in their addresses, subject, tags, ids or text."""
    words = query.casefold()[:_QUERY].split()
    found = [each for each in inbox.summaries() if all(word in each.words for word in words)]
    rows = [each for each in found if before is None or each.number < before]
    return Page(tuple(rows[:PAGE]), len(found), rows[PAGE - 1].number if len(rows) > PAGE else None)


def copies(summaries: Iterable[Summary], email_id: str) -> dict[str, int]:
    """The number of the copy that each attempt of this email made, by the attempt's number."""
    return {each.attempt: each.number for each in reversed(tuple(summaries)) if email_id and each.email_id == email_id}


def view(message: Mapping[str, Any], wanted: str) -> dict[str, Any]:
    """What the template shows of the message: the chosen view, and the names of those that there are."""
    there = [
        name
        for name in VIEWS
        if not (name in ("html", "code") and not message["html"])
        and not (name == "text" and not message["text"])
        and not (name == "files" and not message["attachments"])
    ]
    chosen = wanted if wanted in there else there[0]
    text = _text(message, chosen)
    return {
        "chosen": chosen,
        "views": {name: VIEWS[name] for name in there},
        "text": text[:SHOWN],
        "is_cut": len(text) > SHOWN,
        "fields": _fields(message) if chosen == "headers" else [],
        "links": [(each, is_web(each)) for each in links(message["html"])] if chosen == "html" else [],
        "attempt": message["metadata"].get(ATTEMPT, ""),
        "email_id": message["metadata"].get(EMAIL_ID, ""),
    }


def _text(message: Mapping[str, Any], chosen: str) -> str:
    if chosen == "source":
        return source.write(message).decode("utf-8", "replace").replace("\r\n", "\n")
    return str({"text": message["text"], "code": message["html"]}.get(chosen, ""))


def _fields(message: Mapping[str, Any]) -> list[tuple[str, str]]:
    tracking = [name for name, is_on in message["tracking"].items() if is_on]
    blind = [("Bcc (in no header)", ", ".join(message["bcc"]))] if message["bcc"] else []
    metadata = [(f"metadata: {name}", value) for name, value in message["metadata"].items()]
    return [*source.fields(message), *blind, *metadata, ("tracking", ", ".join(tracking) or "off")]
