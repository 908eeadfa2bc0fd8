"""Emails on their way to being accepted, and in which order those of one batch are taken."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from app.domain.email import Email
from app.domain.head import Head
from app.domain.lane import Lane
from app.errors import Conflict, Invalid


@dataclass(frozen=True, slots=True)
class Accepted:
    """The email as stored; `replayed`: an earlier request with the same idempotency key had stored it."""

    head: Head
    replayed: bool


@dataclass(frozen=True, slots=True)
class Requested:
    """One email that somebody asks for, the idempotency key under which it is accepted once, and its default lane."""

    email: Email
    key: str | None = None
    lane: Lane = Lane.NORMAL


Answer = Accepted | Exception  # an exception says why the email was not accepted


@dataclass(slots=True)
class Draft:
    """An email that is being accepted. It is open until it has an answer."""

    request: Requested
    head: Head
    answer: Answer | None = None
    may_be_stored: bool = False  # its head was written, or nobody knows


def open_ones(drafts: Iterable[Draft]) -> list[Draft]:
    """Those without an answer."""
    return [draft for draft in drafts if draft.answer is None]


def first_of_each_key(drafts: Iterable[Draft]) -> list[Draft]:
    """Those that do not stand behind another one with the same idempotency key, which is taken before them."""
    found: list[Draft] = []
    keys: set[str] = set()
    for draft in drafts:
        if draft.request.key is None or draft.request.key not in keys:
            found.append(draft)
        if draft.request.key is not None:
            keys.add(draft.request.key)
    return found


def by_scope(drafts: Sequence[Draft]) -> list[list[Draft]]:
    """The drafts in groups, each of one collapse scope, in their order. One without a scope is a group of its own."""
    groups: dict[str, list[Draft]] = {}
    for draft in drafts:
        groups.setdefault(draft.head.collapse_scope or draft.head.accepted_by, []).append(draft)
    return list(groups.values())


def answer_faults(step: Callable[[Draft], None], draft: Draft) -> None:
    """Take a step of one draft. What it raises is the answer to this one, and stops no other."""
    try:
        step(draft)
    except Exception as error:  # noqa: BLE001 because it is raised again for this one, or told
        draft.answer = error


def answer_together(drafts: Sequence[Draft], step: Callable[[], Sequence[Answer | None]]) -> None:
    """Take a step of several drafts together, which returns the answer to each (None: it goes on)."""
    try:
        answers = step()
    except Exception as error:  # noqa: BLE001 because it is the answer to all of them
        answers = [error] * len(drafts)
    for draft, answer in zip(drafts, answers, strict=True):
        draft.answer = answer


def answer_repetitions(first: Sequence[Draft], behind: Sequence[Draft]) -> None:
    """Answer those whose key an email of the same batch has taken meanwhile. If that was refused, they are next."""
    taken = {draft.request.key: draft.answer for draft in first}
    for draft in behind:
        earlier = taken[draft.request.key]
        if isinstance(earlier, Accepted):
            draft.answer = replay(earlier.head, draft.head)
        elif not isinstance(earlier, Invalid | Conflict):
            draft.answer = earlier  # the store failed, and would again


def replay(earlier: Head, head: Head) -> Answer:
    """The answer to a request whose key has named an email already."""
    if earlier.fingerprint != head.fingerprint:
        return Conflict("this Idempotency-Key was used for another request; use a new key for a new email")
    return Accepted(earlier, replayed=True)
