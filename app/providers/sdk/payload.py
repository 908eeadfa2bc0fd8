"""Reads JSON of providers, in which anything may be missing, of another type, or absurd."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from app.domain.email import Message

EMAIL_ID: Final = "em_email_id"  # under these names our ids travel with an email and come back
ATTEMPT: Final = "em_attempt"

_LATEST_S: Final = 253_402_300_800  # the year 10000
_LAST_MS: Final = _LATEST_S * 1000 - 1
_LATER: Final = re.compile(r"\+?[0-9]{5,}-[0-9]{2}-[0-9]{2}", re.ASCII)
_NO_TIME: Final = 10**19  # in whatever unit
_SECONDS: Final = re.compile(r"[0-9]{1,19}(\.[0-9]{1,9})?", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,6}")
_ID_LIMIT: Final = 128


def decode(body: bytes) -> object:
    """The JSON in `body`. Raises ValueError for anything else, also for JSON that is nested too deeply."""
    try:
        value: object = json.loads(body)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def object_in(body: bytes) -> Mapping[str, object]:
    """The JSON object in `body`; an empty one for anything else."""
    try:
        return fields(decode(body))
    except ValueError:
        return {}


def fields(value: object) -> Mapping[str, object]:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def text(value: object) -> str:
    """`value` if it is text, else "". Half a surrogate pair, which JSON can hold, becomes a question mark."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def code(value: object) -> str:
    """`value` as text, if it is a whole number or text, else ""."""
    return str(value) if isinstance(value, int) and abs(value) < _LATEST_S else text(value)


def at_ms(value: object) -> int | None:
    """Epoch seconds, a number or its text, as milliseconds; None if it is no time since 1970.

    A time beyond the year 9999, which no story can write, counts as the last moment of that year: it may be in
    milliseconds, or in nanoseconds at most.
    """
    if isinstance(value, str) and _SECONDS.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _NO_TIME:
        return None
    return _LAST_MS if value >= _LATEST_S else min(round(value * 1000), _LAST_MS)


def iso_ms(text: str) -> int | None:
    """ISO 8601 as epoch milliseconds, read as UTC if it names no zone; None if it is no time since 1970.

    A time beyond the year 9999 in UTC, as the last hours of it are in some zones, counts as the last moment of it.
    """
    if _LATER.match(text):
        return _LAST_MS
    try:
        at = datetime.fromisoformat(text)
        at_ms = int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
    return min(at_ms, _LAST_MS) if at_ms >= 0 else None


def mail_date(text: str) -> datetime | None:
    """A time as emails and HTTP headers write it (RFC 5322 §3.3), in UTC if it names no zone; None if it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def own_tags(message: Message, fits: Callable[[str, str], bool]) -> dict[str, str]:
    """Our ids, then the client's metadata and tags, as far as they fit: for a provider that has pairs as tags.

    The first of a name counts, so that no metadata can replace our ids.
    """
    tags = {EMAIL_ID: message.email_id, ATTEMPT: str(message.attempt)}
    for name, value in (*message.content.metadata.items(), *((tag, "1") for tag in message.content.tags)):
        if fits(name, value):
            tags.setdefault(name, value)
    return tags


def ours(metadata: Mapping[str, object]) -> tuple[str, int]:
    """Our email id and attempt as the provider sent them back, or "" and 0 if it did not."""
    email_id, attempt = text(metadata.get(EMAIL_ID)), code(metadata.get(ATTEMPT))
    return (
        email_id if len(email_id) <= _ID_LIMIT else "",
        int(attempt) if _NUMBER.fullmatch(attempt) else 0,
    )
