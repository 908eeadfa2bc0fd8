"""Rounds with providers that are closed for a while, paused or out: waits, last resort, and that nothing is stuck."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.dispatch import DispatchContext
from app.domain.due import due_at_ms
from app.domain.email import OnUncertain, Role
from app.domain.head import Head, Recipient, Status
from app.domain.outcome import Outcome
from app.domain.protocol import DeliveryProtocol
from app.domain.rounds import SHORTEST_WAIT_MS
from app.domain.route import PAUSE_CHECK_MS, Availability, Candidate
from tests.support.outcomes import ACCOUNT, REFUSED, THROTTLED, UNAVAILABLE, UNCERTAIN, accepted
from tests.support.samples import a_head
from tests.support.size import examples

NOW_MS = 1_800_000_000_000
NAMES = ("sendgrid", "mailgun", "ses")
RULES = DeliveryProtocol(NAMES, 60_000)
BOB = "bob@example.net"
OPEN = (Status.QUEUED, Status.SENDING)


def a_queued(**fields: object) -> Head:
    return a_head(NOW_MS, **{"recipients": {BOB: Recipient(BOB, Role.TO)}, **fields})


def around(**states: tuple[Availability, int | None]) -> DispatchContext:
    """`sendgrid=(Availability.UNAVAILABLE_FOR_NOW, until_ms)`; who is not named is in."""
    named = {name: states.get(name, (Availability.AVAILABLE, None)) for name in NAMES}
    return DispatchContext(tuple(Candidate(name, state, "", until_ms) for name, (state, until_ms) in named.items()))


def all_of(state: Availability, until_ms: int | None = None) -> DispatchContext:
    return around(**dict.fromkeys(NAMES, (state, until_ms)))


def bob(head: Head) -> Recipient:
    return head.recipients[BOB]


def settled(head: Head, context: DispatchContext, now_ms: int = NOW_MS) -> Recipient:
    return bob(RULES.settle(head, now_ms, context))


def test_a_closed_provider_is_passed_over() -> None:
    dispatch = RULES.next_dispatch(a_queued(), NOW_MS, around(sendgrid=(Availability.UNAVAILABLE_FOR_NOW, NOW_MS + 1)))
    assert dispatch is not None
    assert dispatch.provider == "mailgun"


def test_with_all_closed_it_waits_until_the_first_opens() -> None:
    closed = around(
        sendgrid=(Availability.UNAVAILABLE_FOR_NOW, NOW_MS + 90_000),
        mailgun=(Availability.UNAVAILABLE_FOR_NOW, NOW_MS + 30_000),
        ses=(Availability.EXCLUDED, None),
    )
    recipient = settled(a_queued(), closed)
    assert (recipient.status, recipient.wait_until_ms) == (Status.QUEUED, NOW_MS + 30_000)


def test_a_wait_for_a_closed_provider_is_no_round_so_that_the_next_outage_begins_with_short_waits() -> None:
    closed = all_of(Availability.UNAVAILABLE_FOR_NOW, NOW_MS + 30_000)
    head = RULES.settle(a_queued(), NOW_MS, closed)
    opened = settled(head, around(), NOW_MS + 30_000)
    assert (opened.wait_until_ms, opened.round) == (None, 0)


@pytest.mark.parametrize("until_ms", [None, 0, NOW_MS, NOW_MS + 1])
def test_a_wait_is_never_shorter_than_a_second(until_ms: int | None) -> None:
    assert (
        settled(a_queued(), all_of(Availability.UNAVAILABLE_FOR_NOW, until_ms)).wait_until_ms
        == NOW_MS + SHORTEST_WAIT_MS
    )


def test_at_the_retry_deadline_a_closed_provider_is_the_last_resort_behind_those_that_are_in() -> None:
    head = a_queued()
    late_ms = head.retry_until_ms
    context = around(
        sendgrid=(Availability.UNAVAILABLE_FOR_NOW, late_ms + 90_000), ses=(Availability.PAUSED, late_ms + 90_000)
    )
    assert (
        settled(head, all_of(Availability.UNAVAILABLE_FOR_NOW, late_ms + 90_000), late_ms - 1).wait_until_ms == late_ms
    )
    order = []
    while dispatch := RULES.next_dispatch(head, late_ms, context):
        order.append(dispatch.provider)
        claimed = RULES.claim(head, dispatch, late_ms + 1, late_ms)
        head = RULES.record_outcome(claimed, claimed.lease_attempt, REFUSED, 1, late_ms)
        head = RULES.settle(head, late_ms, context)
    assert order == ["mailgun", "sendgrid"]
    assert (bob(head).status, bob(head).wait_until_ms) == (Status.QUEUED, late_ms + 90_000)


def test_without_rounds_a_broken_provider_is_tried_all_the_same_and_a_paused_one_is_not() -> None:
    head = a_queued(retry_until_ms=NOW_MS)
    closed, paused = (
        all_of(Availability.UNAVAILABLE_FOR_NOW, NOW_MS + 30_000),
        all_of(Availability.PAUSED, NOW_MS + PAUSE_CHECK_MS),
    )
    assert settled(head, closed).wait_until_ms is None
    assert RULES.next_dispatch(head, NOW_MS, closed) is not None
    assert settled(head, paused).wait_until_ms == NOW_MS + PAUSE_CHECK_MS
    assert RULES.next_dispatch(head, NOW_MS, paused) is None


def test_a_paused_provider_is_waited_for_until_the_email_expires() -> None:
    head = a_queued()
    paused = all_of(Availability.PAUSED, NOW_MS + PAUSE_CHECK_MS)
    assert settled(head, paused).wait_until_ms == NOW_MS + PAUSE_CHECK_MS
    assert settled(head, all_of(Availability.PAUSED, 10**15), NOW_MS).wait_until_ms == head.expires_at_ms
    late = settled(head, paused, head.retry_until_ms)
    assert (late.status, late.wait_until_ms) == (Status.QUEUED, head.retry_until_ms + 1000)
    assert settled(head, paused, head.expires_at_ms).status is Status.EXPIRED


def test_with_all_out_it_has_failed_at_once() -> None:
    recipient = settled(a_queued(), all_of(Availability.EXCLUDED))
    assert (recipient.status, recipient.detail) == (Status.FAILED, "no provider may carry this email")


def test_it_expires_while_it_waits_for_a_closed_provider() -> None:
    head = a_queued(expires_at_ms=NOW_MS + 10_000)
    closed = all_of(Availability.UNAVAILABLE_FOR_NOW, NOW_MS + 90_000)
    waiting = RULES.settle(head, NOW_MS, closed)
    assert bob(waiting).wait_until_ms == NOW_MS + 10_000
    assert settled(waiting, closed, NOW_MS + 10_000).status is Status.EXPIRED


def test_one_that_is_in_is_asked_first_then_the_closed_one_is_waited_for() -> None:
    context = around(mailgun=(Availability.UNAVAILABLE_FOR_NOW, NOW_MS + 20_000), ses=(Availability.EXCLUDED, None))
    dispatch = RULES.next_dispatch(a_queued(), NOW_MS, context)
    assert dispatch is not None
    claimed = RULES.claim(a_queued(), dispatch, NOW_MS + 1, NOW_MS)
    told = RULES.record_outcome(claimed, 1, REFUSED, 1, NOW_MS)
    assert settled(told, context).wait_until_ms == NOW_MS + 20_000


def test_the_superseded_and_the_suppressed_are_ended_while_they_wait_and_not_while_they_are_sent() -> None:
    closed = all_of(Availability.UNAVAILABLE_FOR_NOW, NOW_MS + 90_000)
    waiting = RULES.settle(a_queued(), NOW_MS, closed)
    assert settled(waiting, replace(closed, superseded=True)).status is Status.CANCELED
    assert settled(waiting, replace(closed, suppressed=frozenset({BOB}))).status is Status.SUPPRESSED
    dispatch = RULES.next_dispatch(a_queued(), NOW_MS)
    assert dispatch is not None
    sending = RULES.claim(a_queued(), dispatch, NOW_MS + 30_000, NOW_MS)
    for against in (replace(closed, superseded=True), replace(closed, suppressed=frozenset({BOB}))):
        assert settled(sending, against).status is Status.SENDING
        assert settled(RULES.record_outcome(sending, 1, accepted(), 1, NOW_MS), against).status is Status.SENT


STANDINGS = st.builds(
    lambda states, waits, superseded, suppressed, silent: DispatchContext(
        tuple(
            Candidate(name, state, "", None if state in {Availability.AVAILABLE, Availability.EXCLUDED} else wait)
            for name, state, wait in zip(NAMES, states, waits, strict=True)
        ),
        frozenset({BOB}) if suppressed else frozenset(),
        superseded,
        frozenset(silent),
    ),
    st.tuples(*[st.sampled_from(Availability)] * 3),
    st.tuples(*[st.integers(NOW_MS - 10**5, NOW_MS + 10**8)] * 3),
    st.integers(0, 30).map(lambda n: n == 0),
    st.integers(0, 30).map(lambda n: n == 0),
    st.sets(st.sampled_from(NAMES)),
)
OUTCOMES = st.sampled_from([accepted(), UNAVAILABLE, THROTTLED, ACCOUNT, REFUSED, UNCERTAIN])


@settings(max_examples=examples(300), deadline=None)
@given(
    st.lists(st.tuples(STANDINGS, OUTCOMES, st.integers(0, 200_000)), min_size=1, max_size=25),
    st.sampled_from(OnUncertain),
    st.booleans(),
    st.integers(0, 4 * 3600_000),
    st.integers(1, 24 * 3600_000),
)
def test_whatever_the_providers_health_nobody_is_ever_stuck(
    steps: list[tuple[DispatchContext, Outcome, int]],
    policy: OnUncertain,
    critical: bool,
    retry_ms: int,
    expires_ms: int,
) -> None:
    people = {BOB: Recipient(BOB, Role.TO), "ann@example.net": Recipient("ann@example.net", Role.BCC)}
    head = a_queued(
        recipients=people,
        on_uncertain=policy,
        critical=critical,
        retry_until_ms=NOW_MS + retry_ms,
        expires_at_ms=NOW_MS + expires_ms,
    )
    now_ms = NOW_MS
    for context, outcome, wait_ms in steps:
        head = RULES.settle(head, now_ms, context)
        dispatch = RULES.next_dispatch(head, now_ms, context)
        for recipient in head.recipients.values():
            if recipient.wait_until_ms is not None:
                assert recipient.wait_until_ms > now_ms
            elif recipient.status is Status.QUEUED:
                assert dispatch is not None
        is_open = any(recipient.status in OPEN for recipient in head.recipients.values())
        assert not is_open or due_at_ms(head, now_ms) is not None
        if dispatch:
            assert context.candidate(dispatch.provider).availability in {
                Availability.AVAILABLE,
                Availability.UNAVAILABLE_FOR_NOW,
            }
            assert now_ms < head.expires_at_ms
            claimed = RULES.claim(head, dispatch, now_ms + 30_000, now_ms)
            head = RULES.record_outcome(claimed, claimed.lease_attempt, outcome, 10, now_ms)
        due_ms = due_at_ms(head, now_ms)
        now_ms = max(now_ms + wait_ms, due_ms or 0)


@settings(max_examples=examples(100), deadline=None)
@given(STANDINGS, OUTCOMES, st.integers(0, 4 * 3600_000))
def test_with_providers_that_stay_as_they_are_it_comes_to_rest_without_a_busy_loop(
    context: DispatchContext, outcome: Outcome, retry_ms: int
) -> None:
    head, now_ms, steps = a_queued(retry_until_ms=NOW_MS + retry_ms), NOW_MS, 0
    while True:
        head = RULES.settle(head, now_ms, context)
        dispatch = RULES.next_dispatch(head, now_ms, context)
        if dispatch:
            claimed = RULES.claim(head, dispatch, now_ms + 30_000, now_ms)
            head = RULES.record_outcome(claimed, claimed.lease_attempt, outcome, 10, now_ms)
            steps += 1
        elif (due_ms := due_at_ms(head, now_ms)) is not None:
            # A provider that is closed until a time that has passed is looked at every second: it should have opened.
            now_ms = max(due_ms, now_ms + 60_000)
            steps += 1
        else:
            break
        assert steps < 3000
    assert bob(head).status not in OPEN
