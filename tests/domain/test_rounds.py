"""Rounds: waits between them, the deadlines, and who is asked again."""

from dataclasses import replace

import pytest

from app.domain.attempts import Attempt
from app.domain.dispatch import DispatchContext
from app.domain.email import OnUncertain, Role
from app.domain.head import Evidence, Recipient, Status
from app.domain.kinds import Cause, Kind
from app.domain.retry_context import RetryContext
from app.domain.rounds import JITTER, ROUND_WAITS_MS, settle_recipient
from app.domain.waiting import Waiting

MINUTE_MS = 60_000
DAY_MS = 86_400_000
TERMS = RetryContext("eml_1", OnUncertain.WAIT, DAY_MS, 14_400_000, DispatchContext.all_available(("a", "b")), 0)
QUEUED = Recipient("ann@example.net", Role.TO, attempt=2, detail="no healthy upstream", cause=Cause.OUTAGE)
ALL_DOWN = replace(QUEUED, tried={"a": True, "b": True})


@pytest.mark.parametrize(("number", "minutes"), [(0, 1), (1, 2), (2, 5), (3, 10), (4, 30), (5, 30), (50, 30)], ids=str)
def test_rounds_come_further_and_further_apart(number: int, minutes: int) -> None:
    waiting = settle_recipient(replace(ALL_DOWN, round=number), TERMS)
    assert (waiting.status, waiting.round) == (Status.QUEUED, number)
    assert waiting.wait_until_ms is not None
    assert minutes * MINUTE_MS * (1 - JITTER) <= waiting.wait_until_ms <= minutes * MINUTE_MS


def test_waits_are_spread_between_three_quarters_and_the_whole_so_that_nobody_stampedes() -> None:
    waits = {settle_recipient(ALL_DOWN, replace(TERMS, email_id=f"eml_{n}")).wait_until_ms for n in range(2_000)}
    found = sorted(wait for wait in waits if wait is not None)
    assert (found[0], found[-1]) == (45_000, 60_000)
    assert len(found) == 256


def test_recipients_of_one_email_wait_for_the_same_moment_so_that_one_call_can_carry_them() -> None:
    waits = {settle_recipient(replace(ALL_DOWN, address=f"{n}@example.net"), TERMS).wait_until_ms for n in range(20)}
    assert len(waits) == 1


def test_the_same_wait_comes_out_when_the_write_has_to_be_made_again() -> None:
    assert settle_recipient(ALL_DOWN, TERMS) == settle_recipient(ALL_DOWN, TERMS)


def test_the_waits_are_those_of_the_plan() -> None:
    assert [wait // MINUTE_MS for wait in ROUND_WAITS_MS] == [1, 2, 5, 10, 30]


def test_until_a_wait_is_over_nothing_changes() -> None:
    waiting = replace(ALL_DOWN, wait_until_ms=50_000)
    assert settle_recipient(waiting, replace(TERMS, now_ms=49_999)) == waiting


def test_only_those_that_failed_for_a_passing_reason_are_asked_again() -> None:
    waiting = replace(QUEUED, tried={"a": False, "b": True}, wait_until_ms=50_000, round=3, round_ends_at_ms=50_000)
    again = settle_recipient(waiting, replace(TERMS, now_ms=50_000))
    assert (again.status, again.wait_until_ms, again.round, again.round_ends_at_ms) == (Status.QUEUED, None, 4, None)
    assert again.tried == {"a": False}


def test_a_wait_that_ends_before_the_round_clears_nothing() -> None:
    waiting = replace(QUEUED, tried={"a": True, "b": True}, wait_until_ms=1_000, round=3, round_ends_at_ms=50_000)
    checked = settle_recipient(waiting, replace(TERMS, now_ms=1_000))
    assert checked == replace(waiting, wait_until_ms=50_000, waits_for=Waiting.ROUND)


def test_a_round_that_ended_while_another_provider_was_called_is_over_all_the_same() -> None:
    queued = replace(QUEUED, tried={"a": True, "b": True}, round=1, round_ends_at_ms=50_000)
    again = settle_recipient(queued, replace(TERMS, now_ms=50_001))
    assert (again.wait_until_ms, again.round, again.tried) == (None, 2, {})


def test_while_a_provider_is_left_there_is_no_wait() -> None:
    one_left = replace(QUEUED, tried={"a": True})
    assert settle_recipient(one_left, TERMS) == one_left
    assert (
        settle_recipient(one_left, replace(TERMS, now_ms=TERMS.retry_until_ms + 1)) == one_left
    )  # whatever the deadline


def test_when_none_failed_for_a_passing_reason_the_recipient_has_failed() -> None:
    failed = settle_recipient(replace(QUEUED, tried={"a": False, "b": False}), TERMS)
    assert (failed.status, failed.wait_until_ms, failed.detail) == (Status.FAILED, None, "no healthy upstream")


def test_a_passing_failure_of_a_provider_that_may_not_carry_it_any_more_does_not_count() -> None:
    gone = replace(QUEUED, tried={"a": False, "b": True})
    assert (
        settle_recipient(gone, replace(TERMS, dispatch_context=DispatchContext.all_available(("a",)))).status
        is Status.FAILED
    )


def test_without_any_provider_it_says_so() -> None:
    failed = settle_recipient(QUEUED, replace(TERMS, dispatch_context=DispatchContext.all_available(())))
    assert (failed.status, failed.detail) == (Status.FAILED, "no provider may carry this email")


def test_a_wait_is_cut_to_the_deadline_so_that_the_last_round_is_asked() -> None:
    terms = replace(TERMS, retry_until_ms=20_000)
    waiting = settle_recipient(ALL_DOWN, terms)
    assert waiting.wait_until_ms == 20_000
    last = settle_recipient(waiting, replace(terms, now_ms=20_000))
    assert (last.status, last.wait_until_ms, last.tried) == (Status.QUEUED, None, {})
    asked = replace(last, tried={"a": True, "b": True})
    assert settle_recipient(asked, replace(terms, now_ms=20_000)).status is Status.FAILED


@pytest.mark.parametrize(("now_ms", "status"), [(19_999, Status.QUEUED), (20_000, Status.FAILED)])
def test_the_deadline_is_a_moment(now_ms: int, status: Status) -> None:
    assert settle_recipient(ALL_DOWN, replace(TERMS, retry_until_ms=20_000, now_ms=now_ms)).status is status


def test_retry_for_nothing_is_failed_as_soon_as_none_is_left() -> None:
    assert settle_recipient(ALL_DOWN, replace(TERMS, retry_until_ms=0)).status is Status.FAILED
    assert (
        settle_recipient(replace(QUEUED, tried={"a": True}), replace(TERMS, retry_until_ms=0)).status is Status.QUEUED
    )


def test_a_wait_for_the_next_round_ends_at_expires_at() -> None:
    terms = replace(TERMS, expires_at_ms=20_000)
    waiting = settle_recipient(ALL_DOWN, terms)
    assert waiting.wait_until_ms == 20_000
    assert settle_recipient(waiting, replace(terms, now_ms=20_000)).status is Status.EXPIRED


@pytest.mark.parametrize("tried", [{}, {"a": True}, {"a": False, "b": False}, {"a": True, "b": True}], ids=str)
@pytest.mark.parametrize(("now_ms", "expired"), [(DAY_MS - 1, False), (DAY_MS, True), (2 * DAY_MS, True)])
def test_expiry_comes_before_every_attempt(tried: dict[str, bool], now_ms: int, *, expired: bool) -> None:
    recipient = settle_recipient(replace(QUEUED, tried=tried), replace(TERMS, now_ms=now_ms))
    assert (recipient.status is Status.EXPIRED) is expired


def test_who_expires_is_told_the_last_reason_or_that_there_was_none() -> None:
    late = replace(TERMS, now_ms=DAY_MS)
    assert settle_recipient(QUEUED, late).detail == "no healthy upstream"
    assert settle_recipient(replace(QUEUED, detail=""), late).detail == "not sent before expires_at"


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.QUEUED])
def test_time_alone_ends_nobody_who_is_not_queued(status: Status) -> None:
    somebody = replace(QUEUED, status=status)
    assert settle_recipient(somebody, replace(TERMS, now_ms=10 * DAY_MS)) == somebody


# --- The wait for evidence ---------------------------------------------------------------------------------------

AWAITING_EVIDENCE = replace(QUEUED, status=Status.SENDING, wait_until_ms=60_000, tried={"a": False})
CALLED = (Attempt(2, "a", ("ann@example.net",), 0, Kind.UNCERTAIN),)
OVER = replace(TERMS, now_ms=60_000, attempts=CALLED)


def test_until_the_wait_for_evidence_is_over_nothing_changes() -> None:
    assert settle_recipient(AWAITING_EVIDENCE, replace(TERMS, now_ms=59_999)) == AWAITING_EVIDENCE


@pytest.mark.parametrize(
    ("policy", "status"),
    [(OnUncertain.WAIT, Status.QUEUED), (OnUncertain.FAILOVER, Status.QUEUED), (OnUncertain.FAIL, Status.FAILED)],
)
def test_without_evidence_on_uncertain_decides(policy: OnUncertain, status: Status) -> None:
    decided = settle_recipient(AWAITING_EVIDENCE, replace(OVER, on_uncertain=policy))
    assert (decided.status, decided.wait_until_ms, decided.round) == (status, None, 0)
    assert decided.tried == {"a": False}  # it is not asked again in this round: nobody knows what it did


@pytest.mark.parametrize("policy", OnUncertain)
@pytest.mark.parametrize(
    ("evidence", "status"),
    [
        (Evidence.HARD_BOUNCE, Status.BOUNCED),
        (Evidence.MAILBOX_CONDITION, Status.BOUNCED),
        (Evidence.SUPPRESSED, Status.SUPPRESSED),
        (Evidence.ACCEPTED, Status.SENT),
    ],
)
def test_what_is_known_of_another_attempt_decides_first(
    evidence: Evidence, status: Status, policy: OnUncertain
) -> None:
    known = replace(AWAITING_EVIDENCE, evidence={1: frozenset({evidence})})
    assert settle_recipient(known, replace(OVER, on_uncertain=policy)).status is status


def test_a_wait_for_evidence_that_ends_after_expires_at_sends_nothing_again() -> None:
    assert settle_recipient(AWAITING_EVIDENCE, replace(OVER, expires_at_ms=60_000)).status is Status.EXPIRED


def test_when_the_wait_was_for_the_last_provider_the_round_is_over() -> None:
    last = replace(AWAITING_EVIDENCE, tried={"a": True, "b": False})
    assert settle_recipient(last, OVER).wait_until_ms is not None
    refused = replace(OVER, attempts=())
    assert settle_recipient(replace(last, tried={"a": False, "b": False}), refused).status is Status.FAILED
