"""The emails that the simulated providers accepted, in order of arrival: the newest ones, kept in a folder."""

import json
import logging
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from app.local.simulator import message_files
from app.local.simulator.mail import Mail

LIMIT: Final = 1_000  # how many of the newest are kept, unless another limit is set
# The app gives these to every provider, which returns them with its events.
EMAIL_ID: Final = "em_email_id"
ATTEMPT: Final = "em_attempt"
SEARCHED_TEXT: Final = 2_000  # of the text of an email, as many characters are searched

_TEXTS: Final = ("provider", "id", "email_id", "attempt", "sender", "subject", "received_at", "words")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """One accepted call. `provider` is the account, `id` the message id that it answered."""

    provider: str
    id: str
    mail: Mail
    received_at: datetime

    def as_json(self) -> dict[str, object]:
        """The entry as `GET /control/messages` shows it, but for its number. These names are stable."""
        return {"provider": self.provider, "id": self.id, **self.mail.as_json(), "received_at": iso(self.received_at)}


@dataclass(frozen=True, slots=True)
class Summary:
    """What is known of an entry without reading its file. `number` counts the accepted calls from 1.

    `email_id` and `attempt` are the app's own ("" for an email of somebody else's); `words` is what a search looks at.
    """

    number: int
    provider: str
    id: str
    email_id: str
    attempt: str
    sender: str
    to: tuple[str, ...]
    subject: str
    files: int
    tags: tuple[str, ...]
    received_at: str
    words: str


class Inbox:
    """The newest accepted calls of all accounts. Each has a file, so that they outlive the process.

    An entry whose file cannot be written is kept in memory, and one whose file cannot be read is passed over.
    """

    def __init__(self, folder: Path, limit: int = LIMIT) -> None:
        """Read what an earlier process has kept in `folder`. Keeps the newest `limit` entries."""
        self._folder = folder
        self._limit = limit
        self._summaries: dict[int, Summary] = {}
        self._unwritten: dict[int, str] = {}
        message_files.prepare(folder)
        found = message_files.numbers(folder)
        self._next = max(*found, message_files.cleared(folder), 0) + 1
        for number in found:
            summary = _summary(number, message_files.head(folder, number))
            if summary is not None:
                self._summaries[number] = summary
            else:
                logger.warning("a message of the inbox cannot be read", extra={"number": number})
        self._drop_oldest()
        # A file that cannot be read stays as long as it would if it could.
        message_files.delete(folder, [number for number in found if number < self._next - limit])

    def add(self, entry: Entry) -> None:
        """Keep an accepted call, and forget the oldest one if there are too many."""
        number, self._next = self._next, self._next + 1
        summary = _summarize(number, entry)
        text = json.dumps({"number": number, **entry.as_json()})
        try:
            message_files.write(self._folder, number, json.dumps(asdict(summary)), text)
        except OSError as error:
            logger.warning("a message of the inbox is in memory only", extra={"number": number, "error": str(error)})
            self._unwritten[number] = text
        self._summaries[number] = summary
        self._drop_oldest()

    def summaries(self) -> tuple[Summary, ...]:
        """What is kept, newest first."""
        return tuple(reversed(self._summaries.values()))

    def texts(self, after: int = 0, limit: int | None = None) -> list[str]:
        """The entries with a greater number than `after` as JSON, in order of arrival, `limit` at most."""
        numbers = [number for number in self._summaries if number > after]
        found = map(self._text, numbers if limit is None else numbers[:limit])
        return [text for text in found if text is not None]

    def read(self, number: int) -> dict[str, Any] | None:
        """The entry of that number, as `GET /control/messages` shows it. Returns None if it is not kept."""
        text = self._text(number) if number in self._summaries else None
        return None if text is None else dict(json.loads(text))

    def clear(self) -> None:
        """Forget everything but how far the numbers have come: who asks for what is newer than one still gets it."""
        self._summaries.clear()
        self._unwritten.clear()
        message_files.clear(self._folder, self._next - 1)

    def _text(self, number: int) -> str | None:
        return self._unwritten.get(number) or message_files.body(self._folder, number)

    def _drop_oldest(self) -> None:
        dropped = list(self._summaries)[: max(0, len(self._summaries) - self._limit)]
        for number in dropped:
            del self._summaries[number]
            self._unwritten.pop(number, None)
        message_files.delete(self._folder, dropped)


def _summarize(number: int, entry: Entry) -> Summary:
    mail = entry.mail
    to = tuple(map(str, mail.recipients))
    words = (entry.provider, entry.id, *mail.metadata.values(), str(mail.sender), *to, mail.subject, *mail.tags)
    return Summary(
        number=number,
        provider=entry.provider,
        id=entry.id,
        email_id=mail.metadata.get(EMAIL_ID, ""),
        attempt=mail.metadata.get(ATTEMPT, ""),
        sender=str(mail.sender),
        to=to,
        subject=mail.subject,
        files=len(mail.attachments),
        tags=mail.tags,
        received_at=iso(entry.received_at),
        words="\n".join((*words, mail.text[:SEARCHED_TEXT])).casefold(),
    )


def _summary(number: int, text: str | None) -> Summary | None:
    """The summary that was written as `text`. Returns None if this is none."""
    try:
        written = json.loads(text or "")
        lists = {name: tuple(map(str, written[name])) for name in ("to", "tags")}
        summary = Summary(**{**written, **lists, "number": number, "files": int(written["files"])})
        return summary if all(isinstance(getattr(summary, name), str) for name in _TEXTS) else None
    except (ValueError, TypeError, KeyError):
        return None


def iso(at: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, as AWS writes it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
