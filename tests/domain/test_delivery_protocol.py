"""What moves a head: claims, outcomes, events, ended leases, cancellation."""

from dataclasses import replace

import pytest

from app.domain.attempts import Attempt
from app.domain.dispatch import Dispatch, DispatchContext
from app.domain.due import ready
from app.domain.email import OnUncertain, Role
from app.domain.event import ProviderEvent
from app.domain.head import Evidence, Head, Recipient, Status
from app.domain.kinds import Cause, Kind
from app.domain.outcome import Outcome
from app.domain.protocol import LEASE_EXPIRED, DeliveryProtocol, is_about
from tests.support.outcomes import ON_PROVIDER_LIST, REFUSED, UNAVAILABLE, UNCERTAIN, UNDELIVERABLE, accepted
from tests.support.samples import a_head

ANN, BOB = "ann@example.net", "bob@example.net"
LEASE_MS, EVIDENCE_MS, DAY_MS = 30_000, 60_000, 86_400_000
RULES = DeliveryProtocol(("a", "b"), EVIDENCE_MS)


def an_email(*keys: str, on_uncertain: OnUncertain = OnUncertain.WAIT, retry_until_ms: int = 14_400_000) -> Head:
    people = {key: Recipient(key.capitalize(), Role.TO) for key in keys or (ANN,)}
    return a_head(0, recipients=people, on_uncertain=on_uncertain, retry_until_ms=retry_until_ms)


def claimed(head: Head, provider: str, *keys: str, now_ms: int = 0) -> Head:
    return RULES.claim(head, Dispatch(provider, keys or (ANN,)), now_ms + LEASE_MS, now_ms)


def told(head: Head, number: int, outcome: Outcome, now_ms: int = 0) -> Head:
    return RULES.record_outcome(head, number, outcome, 120, now_ms)


def event(head: Head, kind: Kind, number: int = 1, key: str = ANN) -> ProviderEvent:
    provider = head.attempts[number - 1].provider
    return ProviderEvent(provider, kind, head.email_id, number, key, 0, cause=Cause.POLICY, detail="554 no")  # type: ignore[arg-type] # because these are kinds of event


def reported(head: Head, kind: Kind, number: int = 1, key: str = ANN, now_ms: int = 0) -> Head:
    return RULES.record_event(head, event(head, kind, number, key), now_ms)


def statuses(head: Head) -> list[Status]:
    return [recipient.status for recipient in head.recipients.values()]


# --- Claim and outcome -------------------------------------------------------------------------------------------


def test_a_claim_uses_the_number_up_and_takes_the_lease() -> None:
    head = claimed(an_email(ANN, BOB), "a", ANN, now_ms=7)
    assert (head.next_attempt, head.lease_attempt, head.lease_until_ms) == (2, 1, 30_007)
    assert head.attempts == (Attempt(1, "a", (ANN,), 7),)
    ann, bob = head.recipients.values()
    assert (ann.status, ann.attempt, ann.tried) == (Status.SENDING, 1, {"a": False})
    assert bob == an_email(ANN, BOB).recipients[BOB]


def test_the_outcome_is_written_into_its_attempt_and_ends_the_lease() -> None:
    head = told(claimed(an_email(), "a"), 1, accepted("m-7"))
    (attempt,) = head.attempts
    assert (attempt.outcome, attempt.message_id, attempt.status_code, attempt.duration_ms) == (
        Kind.ACCEPTED,
        "m-7",
        202,
        120,
    )
    assert (head.lease_attempt, head.lease_until_ms, statuses(head)) == (0, None, [Status.SENT])


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (UNAVAILABLE, Status.QUEUED),
        (REFUSED, Status.QUEUED),
        (UNCERTAIN, Status.SENDING),
        (UNDELIVERABLE, Status.BOUNCED),
        (ON_PROVIDER_LIST, Status.SUPPRESSED),
    ],
    ids=lambda value: value.kind.value if isinstance(value, Outcome) else value.value,
)
def test_what_an_outcome_leads_to(outcome: Outcome, status: Status) -> None:
    head = told(claimed(an_email(), "a"), 1, outcome)
    (recipient,) = head.recipients.values()
    assert (recipient.status, recipient.cause, recipient.detail) == (status, outcome.cause, outcome.reply)
    assert ready(head, 0) is (status is Status.QUEUED)


def test_a_shared_call_that_blames_a_recipient_blames_nobody_by_name() -> None:
    head = told(claimed(an_email(ANN, "bob@example.net"), "a", ANN, "bob@example.net"), 1, UNDELIVERABLE)
    assert statuses(head) == [Status.QUEUED, Status.QUEUED]


def test_after_an_outcome_nothing_is_left_undecided() -> None:
    refused = told(claimed(told(claimed(an_email(), "a"), 1, REFUSED), "b"), 2, REFUSED)
    assert statuses(refused) == [Status.FAILED]
    down = told(claimed(told(claimed(an_email(), "a"), 1, UNAVAILABLE), "b"), 2, REFUSED)
    (waiting,) = down.recipients.values()
    assert waiting.wait_until_ms is not None
    assert waiting.tried == {"a": True, "b": False}
    assert statuses(told(claimed(an_email(), "a"), 1, UNAVAILABLE, now_ms=DAY_MS)) == [Status.EXPIRED]


@pytest.mark.parametrize(
    ("policy", "status", "wait_ms"),
    [
        (OnUncertain.WAIT, Status.SENDING, EVIDENCE_MS + 5_000),
        (OnUncertain.FAIL, Status.SENDING, EVIDENCE_MS + 5_000),
        (OnUncertain.FAILOVER, Status.QUEUED, None),
    ],
)
def test_evidence_is_waited_for_from_the_moment_uncertain_is_written(
    policy: OnUncertain, status: Status, wait_ms: int | None
) -> None:
    head = told(claimed(an_email(on_uncertain=policy), "a"), 1, UNCERTAIN, now_ms=5_000)
    (recipient,) = head.recipients.values()
    assert (recipient.status, recipient.wait_until_ms) == (status, wait_ms)
    late_ms = 5_000 + EVIDENCE_MS
    assert RULES.settle(head, late_ms) == head  # only an attempt knows the context in which a wait ends
    decided = RULES.settle(head, late_ms, DispatchContext.all_available(("a", "b")))
    assert statuses(decided) == [Status.FAILED if policy is OnUncertain.FAIL else Status.QUEUED]


# --- The lease ---------------------------------------------------------------------------------------------------


def test_a_lease_holds_until_its_last_millisecond() -> None:
    head = claimed(an_email(), "a")
    assert RULES.settle(head, LEASE_MS - 1) == head


@pytest.mark.parametrize(
    ("policy", "status"),
    [(OnUncertain.WAIT, Status.SENDING), (OnUncertain.FAIL, Status.SENDING), (OnUncertain.FAILOVER, Status.QUEUED)],
)
def test_an_ended_lease_is_an_uncertain_outcome(policy: OnUncertain, status: Status) -> None:
    head = RULES.settle(claimed(an_email(on_uncertain=policy), "a"), LEASE_MS)
    (attempt,), (recipient,) = head.attempts, head.recipients.values()
    assert (attempt.outcome, attempt.cause, attempt.reply) == (Kind.UNCERTAIN, Cause.UNKNOWN, LEASE_EXPIRED)
    assert (head.lease_attempt, head.lease_until_ms, head.next_attempt) == (0, None, 2)
    assert (recipient.status, recipient.detail) == (status, LEASE_EXPIRED)
    assert recipient.wait_until_ms == (None if status is Status.QUEUED else LEASE_MS + EVIDENCE_MS)
    assert RULES.settle(head, LEASE_MS) == head


def test_an_ended_lease_does_not_touch_who_has_news_already() -> None:
    head = claimed(an_email(ANN, BOB), "a", ANN, BOB)
    head = RULES.settle(reported(head, Kind.DELIVERED), LEASE_MS)
    assert statuses(head) == [Status.DELIVERED, Status.SENDING]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [(accepted(), Status.SENT), (UNAVAILABLE, Status.QUEUED), (UNDELIVERABLE, Status.BOUNCED)],
    ids=["accepted", "unavailable", "undeliverable"],
)
def test_a_late_outcome_is_evidence_that_ends_the_wait(outcome: Outcome, status: Status) -> None:
    late = told(RULES.settle(claimed(an_email(), "a"), LEASE_MS), 1, outcome, now_ms=LEASE_MS + 1)
    (recipient,) = late.recipients.values()
    assert (recipient.status, recipient.wait_until_ms) == (status, None)
    assert late.attempts[0].outcome is outcome.kind


@pytest.mark.parametrize("outcome", [accepted(), UNAVAILABLE, REFUSED, UNDELIVERABLE], ids=lambda o: o.kind.value)
def test_a_late_outcome_disturbs_neither_the_next_attempt_nor_its_lease(outcome: Outcome) -> None:
    lapsed = RULES.settle(claimed(an_email(on_uncertain=OnUncertain.FAILOVER), "a"), LEASE_MS)
    live = claimed(lapsed, "b", now_ms=LEASE_MS)
    late = told(live, 1, outcome, now_ms=LEASE_MS + 1)
    (recipient,) = late.recipients.values()
    assert (late.lease_attempt, late.lease_until_ms) == (2, 2 * LEASE_MS)
    assert (recipient.status, recipient.attempt) == (Status.SENDING, 2)
    assert recipient.has_evidence(1, Evidence.ACCEPTED) is (outcome.kind is Kind.ACCEPTED)
    assert recipient.has_evidence(1, Evidence.HARD_BOUNCE) is (outcome.kind is Kind.UNDELIVERABLE)


# --- Events ------------------------------------------------------------------------------------------------------


def sent(*keys: str) -> Head:
    return told(claimed(an_email(*keys), "a", *keys), 1, accepted())


@pytest.mark.parametrize("kind", [Kind.BLOCKED, Kind.SOFT_BOUNCE, Kind.DROPPED])
def test_a_failure_requeues_its_own_recipient_only(kind: Kind) -> None:
    head = reported(sent(ANN, BOB), kind, key=BOB)
    assert statuses(head) == [Status.SENT, Status.QUEUED]
    assert (head.recipients[BOB].cause, head.recipients[BOB].detail) == (Cause.POLICY, "554 no")
    assert ready(head, 0)
    assert reported(head, kind, key=BOB) is head


@pytest.mark.parametrize("kind", [Kind.BLOCKED, Kind.SOFT_BOUNCE])
def test_bad_news_after_expires_at_ends_the_recipient_and_sends_nothing_again(kind: Kind) -> None:
    head = reported(sent(), kind, now_ms=DAY_MS)
    (recipient,) = head.recipients.values()
    assert (recipient.status, recipient.detail) == (Status.EXPIRED, "554 no")
    assert not ready(head, DAY_MS)


def test_bad_news_after_the_retry_deadline_but_before_expires_at_still_goes_to_the_next_provider() -> None:
    assert statuses(reported(sent(), Kind.BLOCKED, now_ms=DAY_MS - 1)) == [Status.QUEUED]


def test_bad_news_of_the_last_provider_ends_the_recipient() -> None:
    head = told(claimed(told(claimed(an_email(), "a"), 1, REFUSED), "b"), 2, accepted())
    assert statuses(reported(head, Kind.BLOCKED, 2)) == [Status.FAILED]


@pytest.mark.parametrize(
    "wrong", [{"provider": "b"}, {"attempt": 0}, {"attempt": 2}, {"attempt": -1}, {"recipient": BOB}], ids=str
)
def test_an_event_of_nothing_that_this_head_knows_changes_nothing(wrong: dict[str, str]) -> None:
    head = told(claimed(an_email(ANN, BOB), "a"), 1, accepted())
    strange = replace(event(head, Kind.HARD_BOUNCE), **wrong)  # type: ignore[arg-type] # because the fields are those of ProviderEvent
    assert not is_about(head, strange)
    assert RULES.record_event(head, strange, 0) is head


def test_an_open_that_names_nobody_belongs_to_the_email_and_changes_nothing() -> None:
    head = sent()
    opened = event(head, Kind.OPENED, key="")
    assert is_about(head, opened)
    assert RULES.record_event(head, opened, 0) is head


def test_an_event_also_settles_what_time_has_decided() -> None:
    head = claimed(an_email(ANN, BOB, on_uncertain=OnUncertain.FAILOVER), "a", ANN, BOB)
    head = reported(head, Kind.DELIVERED, now_ms=LEASE_MS)
    assert (statuses(head), head.lease_until_ms) == ([Status.DELIVERED, Status.QUEUED], None)


# --- Cancellation ------------------------------------------------------------------------------------------------


def test_who_is_still_queued_is_canceled_whether_waiting_or_not() -> None:
    head = told(claimed(told(claimed(an_email(ANN, BOB), "a"), 1, UNAVAILABLE), "b"), 2, UNAVAILABLE)
    assert head.recipients[ANN].wait_until_ms is not None
    canceled = RULES.cancel(head)
    assert statuses(canceled) == [Status.CANCELED, Status.CANCELED]
    assert canceled.recipients[ANN].wait_until_ms is None
    assert RULES.cancel(canceled) is canceled
    assert statuses(RULES.settle(canceled, DAY_MS)) == [Status.CANCELED, Status.CANCELED]


def test_what_a_provider_may_have_is_not_canceled() -> None:
    head = claimed(an_email(ANN, BOB), "a")
    assert statuses(RULES.cancel(head)) == [Status.SENDING, Status.CANCELED]
    done = sent()
    assert RULES.cancel(done) is done


def test_good_news_of_a_canceled_email_is_told() -> None:
    doubted = told(claimed(an_email(on_uncertain=OnUncertain.FAILOVER), "a"), 1, UNCERTAIN)
    assert statuses(reported(RULES.cancel(doubted), Kind.DELIVERED)) == [Status.DELIVERED]
