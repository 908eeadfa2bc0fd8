"""What became of one try of a notification: for the worker, for the log of deliveries, and in a line for operators."""

import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from app.domain.endpoint import retry_after_s
from app.domain.project import is_of_test_keys
from app.domain.tried import Tried
from app.notify.notification import TEST_TYPE, Notification
from app.notify.ports import Answer

log = logging.getLogger(__name__)

LONGEST_ASKED_S: Final = 12 * 3600  # no receiver puts a webhook off for longer than our own longest wait
ASKS_FOR_TIME: Final = (429, 503)  # the answers whose Retry-After counts
REPLY_CHARACTERS: Final = 200  # of what a receiver answered are kept in the log


class Outcome(StrEnum):
    """What became of one try."""

    TAKEN = "taken"
    LATER = "later"  # it was not taken, and is tried again
    HELD_BACK = "held_back"  # its receiver is not called now; it is tried again
    GIVEN_UP = "given_up"
    DROPPED = "dropped"  # nobody wants it any more
    TOO_LATE = "too_late"  # this run had no time left for it: it comes again


UNCALLED: Final = (Outcome.HELD_BACK, Outcome.DROPPED, Outcome.TOO_LATE)


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Takes the part of a receiver's answer when no call was made: `fault` says why not."""

    fault: str
    status_code: int | None = None
    reply: str = ""
    duration_ms: int = 0
    retry_after_s: int | None = None
    is_taken: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one try, and how the log of deliveries keeps it (None: not at all).

    `following` is the notification as it comes again, and when that is due, in epoch ms. None: it does not.
    """

    outcome: Outcome
    tried: Tried | None
    following: tuple[Notification, int] | None = None


def delay_s_of(number: int, answer: Answer) -> int | None:
    """In how many seconds the try behind the `number`th one is made. None: there is none.

    A receiver that asks for time gets it, up to LONGEST_ASKED_S; one that asks for less than our own wait does not.
    """
    own_s = retry_after_s(number)
    if own_s is None or answer.status_code not in ASKS_FOR_TIME:
        return own_s
    return max(own_s, min(answer.retry_after_s or 0, LONGEST_ASKED_S))


def fields_of(one: Notification) -> dict[str, Any]:
    """What names a notification in a line of the log. A line with `test` has no metrics."""
    return {
        "event_id": one.event_id,
        "endpoint_id": one.endpoint_id,
        "project": one.project,
        "email_id": one.email_id,
        "type": one.type,
        "test": one.type == TEST_TYPE or is_of_test_keys(one.project),
    }


def ended(
    one: Notification,
    outcome: Outcome,
    answer: Answer,
    now_ms: int,
    *,
    is_kept: bool = True,
    following: tuple[Notification, int] | None = None,
) -> Result:
    """Log what became of a try that has ended now. `is_kept`: the log of deliveries has it, too."""
    at_ms, number = now_ms - answer.duration_ms, one.tries + 1
    line = {
        "outcome": outcome,
        "is_called": outcome not in UNCALLED,
        "status_code": answer.status_code,
        "fault": answer.fault.partition(":")[0],  # what follows may name a host
        "ms": answer.duration_ms,
        "number": number,
        "was_held_back": one.held_since_ms > 0,  # because its receiver is slow
        "age_ms": max(0, at_ms - one.published_ms),
    }
    is_bad = outcome is Outcome.GIVEN_UP and one.type != TEST_TYPE
    log.log(logging.WARNING if is_bad else logging.INFO, "notification", extra={**fields_of(one), **line})
    tried = Tried(
        event_id=one.event_id,
        type=one.type,
        email_id=one.email_id,
        at_ms=at_ms,
        number=number,
        status_code=answer.status_code,
        duration_ms=answer.duration_ms,
        fault=answer.fault,
        reply="" if answer.is_taken else answer.reply[:REPLY_CHARACTERS],
        next_try_ms=following[1] if following else None,
    )
    return Result(outcome, tried if is_kept else None, following)
