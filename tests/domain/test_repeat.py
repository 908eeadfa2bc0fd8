"""A call whose outcome nobody knows is repeated under its idempotency key: once, safely, before anything else."""

from dataclasses import replace

import pytest

from app.domain.caps import DAY_MS
from app.domain.dispatch import Dispatch, DispatchContext
from app.domain.due import REPUBLISH_AFTER_MS, due_at_ms, ready
from app.domain.email import OnUncertain, Role
from app.domain.event import ProviderEvent
from app.domain.head import Head, Recipient, Status
from app.domain.kinds import EventKind, Kind
from app.domain.outcome import Outcome
from app.domain.protocol import DeliveryProtocol
from app.domain.repeat import SAFETY_MARGIN_MS
from app.domain.route import Availability, Candidate
from tests.support.outcomes import (
    ACCOUNT,
    ON_PROVIDER_LIST,
    REFUSED,
    THROTTLED,
    UNAVAILABLE,
    UNCERTAIN,
    UNDELIVERABLE,
    accepted,
)
from tests.support.samples import a_head

NOW_MS = 1_800_000_000_000
WAIT_MS = 60_000
LEASE_MS = 30_000
RULES = DeliveryProtocol(("resend", "ses"), WAIT_MS, {"resend": DAY_MS})
FAIR = DispatchContext.all_available(("resend", "ses"))
ANN, BOB = "ann@example.net", "bob@example.net"


def an_email(*people: str, **fields: object) -> Head:
    recipients = {key: Recipient(key, Role.TO) for key in people or (BOB,)}
    return a_head(NOW_MS, **{"recipients": recipients, "expires_at_ms": NOW_MS + 2 * DAY_MS, **fields})


def claimed(head: Head, now_ms: int = NOW_MS, around: DispatchContext = FAIR) -> Head:
    dispatch = RULES.next_dispatch(RULES.settle(head, now_ms, around), now_ms, around)
    assert dispatch is not None
    return RULES.claim(RULES.settle(head, now_ms, around), dispatch, now_ms + LEASE_MS, now_ms)


def told(head: Head, number: int, outcome: Outcome, now_ms: int = NOW_MS) -> Head:
    return RULES.record_outcome(head, number, outcome, 10, now_ms)


def unsure(*people: str, **fields: object) -> Head:
    """Resend was called, and nobody knows what came of it."""
    return told(claimed(an_email(*people, **fields)), 1, UNCERTAIN)


def event(head: Head, kind: EventKind, who: str = BOB) -> ProviderEvent:
    return ProviderEvent("resend", kind, head.email_id, 1, who, NOW_MS)


def bob(head: Head) -> Recipient:
    return head.recipients[BOB]


@pytest.mark.parametrize("policy", OnUncertain)
def test_it_comes_at_once_whatever_on_uncertain_says(policy: OnUncertain) -> None:
    head = unsure(on_uncertain=policy)
    assert ready(head, NOW_MS)
    assert due_at_ms(head, NOW_MS) == NOW_MS + REPUBLISH_AFTER_MS  # if the message is lost
    assert RULES.next_dispatch(head, NOW_MS, FAIR) == Dispatch("resend", (BOB,), repeats=1)
    again = claimed(head)
    assert [(a.number, a.provider, a.repeats, a.original_number) for a in again.attempts] == [
        (1, "resend", 0, 1),
        (2, "resend", 1, 1),
    ]
    assert (again.lease_attempt, again.next_attempt, again.to_repeat) == (2, 3, 0)
    assert (bob(again).status, bob(again).attempt, bob(again).wait_until_ms) == (Status.SENDING, 1, None)


def test_accepted_it_is_sent_by_the_first_call() -> None:
    head = told(claimed(unsure()), 2, accepted())
    assert (bob(head).status, bob(head).attempt) == (Status.SENT, 1)
    assert [attempt.outcome for attempt in head.attempts] == [Kind.UNCERTAIN, Kind.ACCEPTED]
    delivered = RULES.record_event(head, event(head, Kind.DELIVERED), NOW_MS)
    assert (bob(delivered).status, bob(delivered).attempt) == (Status.DELIVERED, 1)


@pytest.mark.parametrize(
    "outcome",
    [UNAVAILABLE, ACCOUNT, THROTTLED, REFUSED, UNDELIVERABLE, ON_PROVIDER_LIST, UNCERTAIN],
    ids=lambda o: o.kind.value,
)
@pytest.mark.parametrize(
    ("policy", "status", "waits"),
    [
        (OnUncertain.WAIT, Status.SENDING, True),
        (OnUncertain.FAIL, Status.SENDING, True),
        (OnUncertain.FAILOVER, Status.QUEUED, False),
    ],
)
def test_anything_else_says_nothing_about_the_first_call_and_it_is_not_repeated_twice(
    outcome: Outcome, policy: OnUncertain, status: Status, *, waits: bool
) -> None:
    later_ms = NOW_MS + 5000
    head = told(claimed(unsure(on_uncertain=policy)), 2, outcome, later_ms)
    assert head.to_repeat == 0
    assert (bob(head).status, bob(head).wait_until_ms) == (status, later_ms + WAIT_MS if waits else None)
    dispatch = RULES.next_dispatch(RULES.settle(head, later_ms + WAIT_MS, FAIR), later_ms + WAIT_MS, FAIR)
    assert dispatch == (None if policy is OnUncertain.FAIL else Dispatch("ses", (BOB,)))


def test_a_provider_that_documents_no_key_is_not_asked_again() -> None:
    head = told(claimed(an_email(providers=("ses",)), around=DispatchContext.all_available(("ses",))), 1, UNCERTAIN)
    assert head.to_repeat == 0
    assert not ready(head, NOW_MS)


def test_a_worker_that_died_is_followed_by_a_repetition_and_one_that_died_in_it_by_the_wait() -> None:
    later_ms = NOW_MS + LEASE_MS
    again = claimed(claimed(an_email()), later_ms)
    assert (again.attempts[0].outcome, again.attempts[1].repeats) == (Kind.UNCERTAIN, 1)
    ended_ms = later_ms + LEASE_MS
    head = RULES.settle(again, ended_ms, FAIR)
    assert (bob(head).status, bob(head).wait_until_ms) == (Status.SENDING, ended_ms + WAIT_MS)
    assert RULES.next_dispatch(head, ended_ms, FAIR) is None


@pytest.mark.parametrize("outcome", [UNAVAILABLE, REFUSED, UNCERTAIN, UNDELIVERABLE])
@pytest.mark.parametrize("repeated", [False, True])
def test_what_a_slow_worker_says_once_its_call_is_repeated_counts_only_if_it_was_accepted(
    outcome: Outcome, *, repeated: bool
) -> None:
    later_ms = NOW_MS + LEASE_MS
    under_way = claimed(claimed(an_email()), later_ms)
    head = told(under_way, 2, UNCERTAIN, later_ms) if repeated else under_way
    late = told(head, 1, outcome, later_ms)
    assert bob(late) == bob(head)
    assert late.attempts[0].outcome is outcome.kind
    good = told(late, 1, accepted(), later_ms)
    assert (bob(good).status, bob(good).attempt) == (Status.SENT, 1)


@pytest.mark.parametrize(
    "kind", [Kind.ACCEPTED, Kind.DELIVERED, Kind.UNKNOWN, Kind.HARD_BOUNCE, Kind.MAILBOX_CONDITION, Kind.BLOCKED]
)
def test_news_of_the_call_makes_it_pointless(kind: EventKind) -> None:
    head = unsure()
    head = RULES.record_event(head, event(head, kind), NOW_MS)
    assert head.to_repeat == 0
    dispatch = RULES.next_dispatch(head, NOW_MS, FAIR)
    assert dispatch == (Dispatch("ses", (BOB,)) if kind is Kind.BLOCKED else None)


def test_news_of_one_of_several_ends_it_for_all() -> None:
    """The provider has the call, then; the others wait for their own evidence."""
    head = unsure(ANN, BOB)
    head = RULES.record_event(head, event(head, Kind.DELIVERED, ANN), NOW_MS)
    assert (head.to_repeat, bob(head).status, bob(head).wait_until_ms) == (0, Status.SENDING, NOW_MS + WAIT_MS)


@pytest.mark.parametrize(
    "around",
    [
        replace(FAIR, superseded=True),
        replace(FAIR, suppressed=frozenset({BOB})),
        DispatchContext((Candidate("resend", Availability.PAUSED, ""), Candidate("ses", Availability.AVAILABLE, ""))),
        DispatchContext(
            (Candidate("resend", Availability.UNAVAILABLE_FOR_NOW, ""), Candidate("ses", Availability.AVAILABLE, ""))
        ),
        DispatchContext.all_available(("ses",)),
    ],
    ids=["superseded", "suppressed", "paused", "broken", "out"],
)
@pytest.mark.parametrize("policy", OnUncertain)
def test_what_must_not_be_sent_or_cannot_be_is_not_repeated(around: DispatchContext, policy: OnUncertain) -> None:
    head = RULES.settle(unsure(on_uncertain=policy), NOW_MS, around)
    assert head.to_repeat == 0
    assert (bob(head).status is Status.SENDING) is (policy is not OnUncertain.FAILOVER)
    if bob(head).status is Status.SENDING:
        assert bob(head).wait_until_ms == NOW_MS + WAIT_MS


def test_too_late_it_is_not_repeated() -> None:
    head = unsure(expires_at_ms=NOW_MS + 10_000)
    assert RULES.settle(head, NOW_MS + 9_999, FAIR).to_repeat == 1
    assert RULES.settle(head, NOW_MS + 10_000, FAIR).to_repeat == 0


@pytest.mark.parametrize(
    ("after_ms", "is_repeated"), [(DAY_MS - SAFETY_MARGIN_MS - 1, True), (DAY_MS - SAFETY_MARGIN_MS, False)]
)
def test_a_key_that_the_provider_may_have_forgotten_is_not_relied_on(after_ms: int, *, is_repeated: bool) -> None:
    lapsed = RULES.settle(claimed(an_email()), NOW_MS + after_ms, FAIR)
    assert bool(lapsed.to_repeat) is is_repeated


@pytest.mark.parametrize(
    ("policy", "status"),
    [(OnUncertain.WAIT, Status.QUEUED), (OnUncertain.FAILOVER, Status.QUEUED), (OnUncertain.FAIL, Status.FAILED)],
)
def test_a_repetition_whose_messages_were_lost_still_comes_before_on_uncertain(
    policy: OnUncertain, status: Status
) -> None:
    late_ms = NOW_MS + 10 * WAIT_MS
    head = RULES.settle(unsure(on_uncertain=policy), late_ms, FAIR)
    assert bob(head).status is Status.SENDING
    assert RULES.next_dispatch(head, late_ms, FAIR) == Dispatch("resend", (BOB,), repeats=1)
    without = RULES.settle(
        head, late_ms, FAIR.changed(Candidate("resend", Availability.UNAVAILABLE_FOR_NOW, "", late_ms))
    )
    assert (bob(without).status, without.to_repeat) == (status, 0)


def test_a_provider_without_keys_is_not_asked_again_not_even_if_the_clock_was_set_back() -> None:
    head = claimed(an_email(on_uncertain=OnUncertain.FAILOVER), around=DispatchContext.all_available(("ses",)))
    assert head.attempts[-1].provider == "ses"
    found = told(head, 1, UNCERTAIN, NOW_MS - SAFETY_MARGIN_MS)
    assert (found.to_repeat, bob(found).status) == (0, Status.QUEUED)  # for the next provider, at once
