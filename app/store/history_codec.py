"""Writes the recipients and attempts of a head compactly, and reads them back.

An email to fifty people whose providers are down for days is still one item, of which DynamoDB takes 400 KB. So a word
or text that many share stands once, attempts name recipients by their index, and long texts are cut: what a text may
take grows with the number of those who share it.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.domain.attempts import Attempt, EarlierCalls
from app.domain.email import Role
from app.domain.head import Evidence, Head, Recipient, Status
from app.domain.kinds import Cause, Kind, OutcomeKind
from app.domain.waiting import Waiting
from app.store.codec import Json, lean, word

FEW = 5  # the texts of an email to this many people stay as they are
BYTES_EACH = 120  # of a text, for each recipient or attempt that has it, if there are more


@dataclass(frozen=True, slots=True)
class History:
    """The recipients (by key) and attempts of a head as JSON, and the words and texts to which they refer by index."""

    recipients: Json
    attempts: list[list[Any]]
    earlier: Json
    words: list[str]
    texts: list[str]


class _Table:
    """Words or texts by their index."""

    def __init__(self, shorten: Callable[[str], str] = str) -> None:
        self._shorten = shorten
        self._indexes: dict[str, int] = {}

    def index(self, text: str | None) -> int | None:
        """The index of a text. None: there is none, or it is empty."""
        short = self._shorten(text) if text else ""
        return self._indexes.setdefault(short, len(self._indexes)) if short else None

    def all(self) -> list[str]:
        """Every text, in the order of their indexes."""
        return list(self._indexes)


def write_history(head: Head, most_bytes: int | None = None, *, with_ids: bool = True) -> History:
    """Write these parts of a head. With `most_bytes`, no text takes more than that.

    Without `with_ids`, the providers' ids of the messages are left out: a report that has lost our ids finds nothing.
    """
    words, texts = _Table(), _Table(_shortener(head, most_bytes))
    indexes = {key: index for index, key in enumerate(head.recipients)}
    recipients = {key: _write_recipient(key, one, words, texts) for key, one in head.recipients.items()}
    calls = head.attempts if with_ids else [replace(one, message_id="") for one in head.attempts]
    attempts = [_write_attempt(one, indexes, head.created_at_ms, words, texts) for one in calls]
    earlier = {
        str(words.index(provider)): [one.count, one.first_at_ms, one.last_at_ms, words.index(one.outcome)]
        for provider, one in head.earlier.items()
    }
    return History(recipients, attempts, earlier, words.all(), texts.all())


def read_recipients(written: Mapping[str, Json], words: list[str], texts: list[str]) -> dict[str, Recipient]:
    """Restore the recipients by key."""
    return {key: _read_recipient(key, data, words, texts) for key, data in written.items()}


def read_attempts(
    written: list[list[Any]], keys: list[str], created_at_ms: int, words: list[str], texts: list[str]
) -> tuple[Attempt, ...]:
    """Restore the attempts. `keys` are those of the recipients, in their order."""
    return tuple(_read_attempt(data, keys, created_at_ms, words, texts) for data in written)


def read_earlier(written: Mapping[str, list[Any]], words: list[str]) -> dict[str, EarlierCalls]:
    """Restore the counts of the attempts that are not listed any more, by provider."""
    return {
        words[int(provider)]: EarlierCalls(count, first_ms, last_ms, _outcome(words, outcome))
        for provider, (count, first_ms, last_ms, outcome) in written.items()
    }


def _write_recipient(key: str, recipient: Recipient, words: _Table, texts: _Table) -> Json:
    return lean(
        {
            "address": recipient.address if recipient.address != key else None,
            "role": recipient.role.value if recipient.role is not Role.TO else None,
            "status": recipient.status.value,
            "wait_until": recipient.wait_until_ms,
            "attempt": recipient.attempt or None,
            "round": recipient.round or None,
            "round_ends_at": recipient.round_ends_at_ms,
            "tried": [words.index(name) for name, is_transient in recipient.tried.items() if not is_transient],
            "tried_passing": [words.index(name) for name, is_transient in recipient.tried.items() if is_transient],
            "evidence": {
                str(n): [words.index(each) for each in sorted(known)] for n, known in recipient.evidence.items()
            },
            "cause": recipient.cause and recipient.cause.value,
            "detail": texts.index(recipient.detail),
            "passes_lists": recipient.passes_lists or None,
            "waits_for": words.index(recipient.waits_for),
        }
    )


def _read_recipient(key: str, data: Json, words: list[str], texts: list[str]) -> Recipient:
    tried = {words[index]: False for index in data.get("tried", ())}
    tried |= {words[index]: True for index in data.get("tried_passing", ())}
    return Recipient(
        address=data.get("address", key),
        role=Role(data.get("role", Role.TO)),
        status=Status(data["status"]),
        wait_until_ms=data.get("wait_until"),
        attempt=data.get("attempt", 0),
        round=data.get("round", 0),
        round_ends_at_ms=data.get("round_ends_at"),
        tried=tried,
        evidence={
            int(n): frozenset(Evidence(words[index]) for index in known)
            for n, known in data.get("evidence", {}).items()
        },
        cause=word(Cause, data.get("cause"), None),
        detail=texts[data["detail"]] if "detail" in data else "",
        passes_lists=data.get("passes_lists", False),
        waits_for=word(Waiting, words[data["waits_for"]], None) if "waits_for" in data else None,
    )


def _write_attempt(
    attempt: Attempt, indexes: Mapping[str, int], created_at_ms: int, words: _Table, texts: _Table
) -> list[Any]:
    """An attempt as a row whose empty end is left out. Recipients are None if it was a call for all of them."""
    named = [indexes[key] for key in attempt.recipients]
    row = [
        attempt.number,
        words.index(attempt.provider),
        None if named == list(indexes.values()) else named,
        attempt.started_at_ms - created_at_ms,
        words.index(attempt.outcome),
        words.index(attempt.cause),
        attempt.status_code,
        texts.index(attempt.reply),
        attempt.message_id or None,
        attempt.duration_ms,
        attempt.repeats or None,
        {str(indexes[key]): words.index(kind) for key, kind in attempt.differing.items()} or None,
    ]
    while row[-1] is None:
        row.pop()
    return row


def _read_attempt(row: list[Any], keys: list[str], created_at_ms: int, words: list[str], texts: list[str]) -> Attempt:
    row = [*row, *[None] * (12 - len(row))]
    number, provider, named, started, outcome, cause, status_code, reply, message_id, duration, repeats, differing = row
    return Attempt(
        number=number,
        provider=words[provider],
        recipients=tuple(keys if named is None else [keys[index] for index in named]),
        started_at_ms=created_at_ms + started,
        outcome=_outcome(words, outcome),
        cause=None if cause is None else word(Cause, words[cause], None),
        status_code=status_code,
        reply="" if reply is None else texts[reply],
        message_id=message_id or "",
        duration_ms=duration,
        repeats=repeats or 0,
        differing={keys[int(index)]: _kind(words[kind]) for index, kind in (differing or {}).items()},
    )


def _outcome(words: list[str], index: int | None) -> OutcomeKind | None:
    return None if index is None else _kind(words[index])


def _kind(text: str) -> OutcomeKind:
    kind: Any = Kind(text)
    return kind  # type: ignore[no-any-return] # because only outcome kinds were ever written here


def _shortener(head: Head, most_bytes: int | None) -> Callable[[str], str]:
    """Cuts a text to what it may take, in bytes: by the number of those who share it, and to `most_bytes`."""
    shared = Counter([*(one.detail for one in head.recipients.values()), *(one.reply for one in head.attempts)])

    def shorten(text: str) -> str:
        limits = [most_bytes] if most_bytes is not None else []
        if len(head.recipients) > FEW:
            limits.append(BYTES_EACH * shared[text])
        return cut(text, min(limits)) if limits else text

    return shorten


def cut(text: str, most_bytes: int) -> str:
    """The beginning of `text`, in at most `most_bytes` bytes of UTF-8. An ellipsis says that something was left out."""
    encoded = text.encode(errors="replace")
    if len(encoded) <= most_bytes:
        return text
    ellipsis = "…".encode()
    kept = encoded[: max(0, most_bytes - len(ellipsis))].decode(errors="ignore")
    return f"{kept}…" if most_bytes >= len(ellipsis) else ""
