"""Cuts the history of a head until its item can be written, whatever has come together."""

from app.domain.head import Head
from app.domain.history import KEPT, fold
from app.store.compact_json import compact
from app.store.history_codec import BYTES_EACH, History, write_history

MOST_BYTES = 80_000  # of the history; the rest of a head takes far less than 20 KB
SMALL = 20  # this many recipients and attempts together always fit


def fitting(head: Head) -> tuple[Head, History]:
    """The head and its history, cut until they fit MOST_BYTES: first the texts, then more of the old attempts.

    Whatever has come together, the item can be written, and the email ends.
    """
    for kept, most_bytes in ((KEPT, None), (KEPT, BYTES_EACH), (KEPT, 40), (10, 40), (0, 0)):
        head = fold(head, kept)
        history = write_history(head, most_bytes, with_ids=most_bytes != 0)
        if len(head.recipients) + len(head.attempts) <= SMALL or size_of(history) <= MOST_BYTES:
            break
    return head, history


def size_of(history: History) -> int:
    """About how many bytes the history takes in the item."""
    parts = (history.recipients, history.attempts, history.earlier, history.words, history.texts)
    return sum(len(compact(part).encode()) for part in parts)
