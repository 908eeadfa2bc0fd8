"""Old calls that decide nothing any more are counted; every other call stays listed."""

from dataclasses import replace

import pytest

from app.domain.attempts import Attempt, EarlierCalls
from app.domain.email import Role
from app.domain.head import Evidence, Head, Recipient, Status
from app.domain.history import KEPT, fold
from app.domain.kinds import Kind, OutcomeKind
from tests.support.samples import a_head

ANN, BOB = "ann@example.net", "bob@example.net"
LAST = 100


def after_calls(**outcomes: OutcomeKind) -> Head:
    """A head after 100 calls for both recipients, through two providers in turn; `n5=…`: how the fifth one ended."""
    recipients = {key: Recipient(key, Role.TO) for key in (ANN, BOB)}
    attempts = tuple(
        Attempt(n, ("ses", "mailgun")[n % 2], (ANN, BOB), n * 1000, outcomes.get(f"n{n}", Kind.UNAVAILABLE))
        for n in range(1, LAST + 1)
    )
    return a_head(0, recipients=recipients, attempts=attempts, next_attempt=LAST + 1)


def listed(head: Head) -> list[int]:
    return [attempt.number for attempt in head.attempts]


NEWEST = list(range(LAST - KEPT + 1, LAST + 1))


def test_the_first_and_the_newest_sixty_stay() -> None:
    assert KEPT == 60
    folded = fold(after_calls())
    assert listed(folded) == [1, *NEWEST]
    assert folded.earlier == {
        "ses": EarlierCalls(20, 2_000, 40_000, Kind.UNAVAILABLE),
        "mailgun": EarlierCalls(19, 3_000, 39_000, Kind.UNAVAILABLE),
    }
    assert fold(folded) == folded


def test_counts_add_up() -> None:
    once = fold(after_calls())
    more = tuple(Attempt(n, "ses", (ANN, BOB), n * 1000, Kind.THROTTLED) for n in range(LAST + 1, LAST + 11))
    twice = fold(replace(once, attempts=(*once.attempts, *more)))
    assert listed(twice) == [1, *range(LAST - KEPT + 11, LAST + 11)]
    assert twice.earlier["ses"] == EarlierCalls(25, 2_000, 50_000, Kind.UNAVAILABLE)


@pytest.mark.parametrize("outcome", [Kind.UNCERTAIN, Kind.ACCEPTED])
def test_a_call_that_may_have_sent_stays(outcome: OutcomeKind) -> None:
    assert listed(fold(after_calls(n7=outcome))) == [1, 7, *NEWEST]


def with_attempt(head: Head, number: int, **changes: object) -> Head:
    attempts = (replace(one, **changes) if one.number == number else one for one in head.attempts)  # type: ignore[arg-type] # because the fields are those of Attempt
    return replace(head, attempts=tuple(attempts))


def test_a_call_that_differed_for_one_recipient_stays() -> None:
    head = with_attempt(after_calls(), 9, differing={BOB: Kind.ACCEPTED})
    assert listed(fold(head)) == [1, 9, *NEWEST]


def test_a_call_that_is_not_over_stays() -> None:
    assert listed(fold(with_attempt(after_calls(), 9, outcome=None))) == [1, 9, *NEWEST]


def test_what_a_repetition_repeats_stays_and_so_does_the_repetition() -> None:
    head = with_attempt(after_calls(n9=Kind.UNAVAILABLE), 12, repeats=9)
    assert listed(fold(head)) == [1, 9, 12, *NEWEST]
    assert listed(fold(replace(after_calls(), to_repeat=14))) == [1, 14, *NEWEST]
    assert listed(fold(replace(after_calls(), lease_attempt=15))) == [1, 15, *NEWEST]


def test_what_a_recipient_refers_to_stays() -> None:
    recipients = {
        ANN: Recipient(ANN, Role.TO, Status.SENT, attempt=5),
        BOB: Recipient(BOB, Role.TO, evidence={6: frozenset({Evidence.FAILED})}),
    }
    assert listed(fold(replace(after_calls(), recipients=recipients))) == [1, 5, 6, *NEWEST]


def test_the_last_call_of_each_recipient_at_each_provider_stays() -> None:
    """It says whether the next round calls that provider again."""
    head = with_attempt(with_attempt(after_calls(), 20, provider="resend"), 21, provider="resend", recipients=(BOB,))
    assert listed(fold(head)) == [1, 20, 21, *NEWEST]


def test_an_attempt_is_found_by_its_number_in_a_list_with_gaps() -> None:
    head = fold(after_calls())
    assert [head.made(n).number for n in (1, LAST - KEPT + 1, LAST)] == [1, LAST - KEPT + 1, LAST]
    assert [head.attempt(n) for n in (0, 2, LAST - KEPT, LAST + 1)] == [None] * 4
    with pytest.raises(KeyError, match="no attempt 2"):
        head.made(2)
