"""The history of an email's calls: bounded, so that an outage of days does not make the head too large to be written.

Calls that surely sent nothing are counted together once they are old. Every call that still decides something is kept.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from app.domain.attempts import Attempt, EarlierCalls
from app.domain.head import Head
from app.domain.kinds import SURELY_NOT_SENT, OutcomeKind

KEPT = 60  # of the newest attempts, whatever they came to: half a day of rounds with four accounts


def fold(head: Head, kept: int = KEPT) -> Head:
    """The head whose old attempts of no further consequence are counted and not listed any more.

    A report on one of them that comes later is one on an unknown attempt. Providers report within hours.
    """
    if len(head.attempts) <= kept:
        return head
    decisive = _decisive(head)
    old = [one for one in head.attempts[: len(head.attempts) - kept] if one.number not in decisive]
    if not old:
        return head
    gone = {one.number for one in old}
    attempts = tuple(one for one in head.attempts if one.number not in gone)
    return replace(head, attempts=attempts, earlier=_counted(head.earlier, old))


def _decisive(head: Head) -> set[int]:
    """The numbers of the attempts that must stay.

    These are the first one; those of which something is known, or may become known; those that a repetition or a
    recipient refers to; and the last call of each recipient at each provider, which says whether it is called again.
    """
    numbers = {head.attempts[0].number, head.to_repeat, head.lease_attempt}
    last_calls: dict[tuple[str, str], int] = {}
    for one in head.attempts:
        outcomes = {one.outcome, *one.differing.values()}
        if not outcomes <= SURELY_NOT_SENT or one.repeats:
            numbers |= {one.number, one.repeats}
        last_calls |= {(one.provider, key): one.number for key in one.recipients}
    for recipient in head.recipients.values():
        numbers |= {recipient.attempt, *recipient.evidence}
    return numbers | set(last_calls.values())


def _counted(before: Mapping[str, EarlierCalls], old: Iterable[Attempt]) -> dict[str, EarlierCalls]:
    counted = dict(before)
    for one in old:
        known = counted.get(one.provider)
        outcome: OutcomeKind | None = one.outcome
        if known is None:
            counted[one.provider] = EarlierCalls(1, one.started_at_ms, one.started_at_ms, outcome)
        else:
            counted[one.provider] = EarlierCalls(known.count + 1, known.first_at_ms, one.started_at_ms, outcome)
    return counted
