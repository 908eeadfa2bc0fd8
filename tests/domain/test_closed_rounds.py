"""Rounds with providers that are closed for a while, paused or out: waits, last resort, and that nothing is stuck."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.email import OnUncertain, Role
from app.domain.head import Head, Recipient, Status, due_at_ms
from app.domain.outcome import Outcome
from app.domain.progress import Rules
from app.domain.rounds import SHORTEST_LOOK_MS
from app.domain.standing import PAUSE_LOOK_MS, Circumstances, Standing, State
from tests.support.outcomes import ACCOUNT, REFUSED, THROTTLED, UNAVAILABLE, UNCERTAIN, accepted
from tests.support.samples import a_head

NOW_MS = 1_800_000_000_000
NAMES = ("sendgrid", "mailgun", "ses")
RULES = Rules(NAMES, 60_000)
BOB = "bob@example.net"
OPEN = (Status.QUEUED, Status.SENDING)


def a_queued(**fields: object) -> Head:
    return a_head(NOW_MS, **{"recipients": {BOB: Recipient(BOB, Role.TO)}, **fields})


def around(**states: tuple[State, int | None]) -> Circumstances:
    """`sendgrid=(State.CLOSED, until_ms)`; who is not named is in."""
    named = {name: states.get(name, (State.IN, None)) for name in NAMES}
    return Circumstances(tuple(Standing(name, state, "", until_ms) for name, (state, until_ms) in named.items()))


def all_of(state: State, until_ms: int | None = None) -> Circumstances:
    return around(**dict.fromkeys(NAMES, (state, until_ms)))


def bob(head: Head) -> Recipient:
    return head.recipients[BOB]


def settled(head: Head, circumstances: Circumstances, now_ms: int = NOW_MS) -> Recipient:
    return bob(RULES.settled(head, now_ms, circumstances))


def test_a_closed_provider_is_passed_over() -> None:
    leg = RULES.next_leg(a_queued(), NOW_MS, around(sendgrid=(State.CLOSED, NOW_MS + 1)))
    assert leg is not None
    assert leg.provider == "mailgun"


def test_with_all_closed_it_waits_until_the_first_opens() -> None:
    closed = around(
        sendgrid=(State.CLOSED, NOW_MS + 90_000), mailgun=(State.CLOSED, NOW_MS + 30_000), ses=(State.OUT, None)
    )
    recipient = settled(a_queued(), closed)
    assert (recipient.status, recipient.wait_until_ms) == (Status.QUEUED, NOW_MS + 30_000)


def test_a_wait_for_a_closed_provider_is_no_round_so_that_the_next_outage_begins_with_short_waits() -> None:
    closed = all_of(State.CLOSED, NOW_MS + 30_000)
    head = RULES.settled(a_queued(), NOW_MS, closed)
    opened = settled(head, around(), NOW_MS + 30_000)
    assert (opened.wait_until_ms, opened.round) == (None, 0)


@pytest.mark.parametrize("until_ms", [None, 0, NOW_MS, NOW_MS + 1])
def test_a_wait_is_never_shorter_than_a_second(until_ms: int | None) -> None:
    assert settled(a_queued(), all_of(State.CLOSED, until_ms)).wait_until_ms == NOW_MS + SHORTEST_LOOK_MS


def test_at_the_retry_deadline_a_closed_provider_is_the_last_resort_behind_those_that_are_in() -> None:
    head = a_queued()
    late_ms = head.retry_until_ms
    circumstances = around(sendgrid=(State.CLOSED, late_ms + 90_000), ses=(State.PAUSED, late_ms + 90_000))
    assert settled(head, all_of(State.CLOSED, late_ms + 90_000), late_ms - 1).wait_until_ms == late_ms
    order = []
    while leg := RULES.next_leg(head, late_ms, circumstances):
        order.append(leg.provider)
        claimed = RULES.claimed(head, leg, late_ms + 1, late_ms)
        head = RULES.with_outcome(claimed, claimed.lease_attempt, REFUSED, 1, late_ms)
        head = RULES.settled(head, late_ms, circumstances)
    assert order == ["mailgun", "sendgrid"]
    assert bob(head).status is Status.FAILED


def test_without_rounds_a_broken_provider_is_tried_all_the_same_and_a_paused_one_is_not() -> None:
    head = a_queued(retry_until_ms=NOW_MS)
    closed, paused = all_of(State.CLOSED, NOW_MS + 30_000), all_of(State.PAUSED, NOW_MS + PAUSE_LOOK_MS)
    assert settled(head, closed).wait_until_ms is None
    assert RULES.next_leg(head, NOW_MS, closed) is not None
    assert settled(head, paused).status is Status.FAILED
    assert RULES.next_leg(head, NOW_MS, paused) is None


def test_a_paused_provider_is_waited_for_until_the_retry_deadline_and_no_longer() -> None:
    head = a_queued()
    paused = all_of(State.PAUSED, NOW_MS + PAUSE_LOOK_MS)
    assert settled(head, paused).wait_until_ms == NOW_MS + PAUSE_LOOK_MS
    assert settled(head, all_of(State.PAUSED, 10**15), NOW_MS).wait_until_ms == head.retry_until_ms
    assert settled(head, paused, head.retry_until_ms).status is Status.FAILED


def test_with_all_out_it_has_failed_at_once() -> None:
    recipient = settled(a_queued(), all_of(State.OUT))
    assert (recipient.status, recipient.detail) == (Status.FAILED, "no provider may carry this email")


def test_it_expires_while_it_waits_for_a_closed_provider() -> None:
    head = a_queued(expires_at_ms=NOW_MS + 10_000)
    closed = all_of(State.CLOSED, NOW_MS + 90_000)
    waiting = RULES.settled(head, NOW_MS, closed)
    assert bob(waiting).wait_until_ms == NOW_MS + 10_000
    assert settled(waiting, closed, NOW_MS + 10_000).status is Status.EXPIRED


def test_one_that_is_in_is_asked_first_then_the_closed_one_is_waited_for() -> None:
    circumstances = around(mailgun=(State.CLOSED, NOW_MS + 20_000), ses=(State.OUT, None))
    leg = RULES.next_leg(a_queued(), NOW_MS, circumstances)
    assert leg is not None
    claimed = RULES.claimed(a_queued(), leg, NOW_MS + 1, NOW_MS)
    told = RULES.with_outcome(claimed, 1, REFUSED, 1, NOW_MS)
    assert settled(told, circumstances).wait_until_ms == NOW_MS + 20_000


def test_the_superseded_and_the_suppressed_are_ended_while_they_wait_and_not_while_they_are_sent() -> None:
    closed = all_of(State.CLOSED, NOW_MS + 90_000)
    waiting = RULES.settled(a_queued(), NOW_MS, closed)
    assert settled(waiting, replace(closed, superseded=True)).status is Status.CANCELED
    assert settled(waiting, replace(closed, suppressed=frozenset({BOB}))).status is Status.SUPPRESSED
    leg = RULES.next_leg(a_queued(), NOW_MS)
    assert leg is not None
    sending = RULES.claimed(a_queued(), leg, NOW_MS + 30_000, NOW_MS)
    for against in (replace(closed, superseded=True), replace(closed, suppressed=frozenset({BOB}))):
        assert settled(sending, against).status is Status.SENDING
        assert settled(RULES.with_outcome(sending, 1, accepted(), 1, NOW_MS), against).status is Status.SENT


STANDINGS = st.builds(
    lambda states, waits, superseded, suppressed, silent: Circumstances(
        tuple(
            Standing(name, state, "", None if state in {State.IN, State.OUT} else wait)
            for name, state, wait in zip(NAMES, states, waits, strict=True)
        ),
        frozenset({BOB}) if suppressed else frozenset(),
        superseded,
        frozenset(silent),
    ),
    st.tuples(*[st.sampled_from(State)] * 3),
    st.tuples(*[st.integers(NOW_MS - 10**5, NOW_MS + 10**8)] * 3),
    st.integers(0, 30).map(lambda n: n == 0),
    st.integers(0, 30).map(lambda n: n == 0),
    st.sets(st.sampled_from(NAMES)),
)
OUTCOMES = st.sampled_from([accepted(), UNAVAILABLE, THROTTLED, ACCOUNT, REFUSED, UNCERTAIN])


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(STANDINGS, OUTCOMES, st.integers(0, 200_000)), min_size=1, max_size=25),
    st.sampled_from(OnUncertain),
    st.booleans(),
    st.integers(0, 4 * 3600_000),
    st.integers(1, 24 * 3600_000),
)
def test_whatever_the_providers_health_nobody_is_ever_stuck(
    steps: list[tuple[Circumstances, Outcome, int]],
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
    for circumstances, outcome, wait_ms in steps:
        head = RULES.settled(head, now_ms, circumstances)
        leg = RULES.next_leg(head, now_ms, circumstances)
        for recipient in head.recipients.values():
            if recipient.wait_until_ms is not None:
                assert recipient.wait_until_ms > now_ms
            elif recipient.status is Status.QUEUED:
                assert leg is not None
        is_open = any(recipient.status in OPEN for recipient in head.recipients.values())
        assert not is_open or due_at_ms(head, now_ms) is not None
        if leg:
            assert circumstances.standing(leg.provider).state in {State.IN, State.CLOSED}
            assert now_ms < head.expires_at_ms
            claimed = RULES.claimed(head, leg, now_ms + 30_000, now_ms)
            head = RULES.with_outcome(claimed, claimed.lease_attempt, outcome, 10, now_ms)
        due_ms = due_at_ms(head, now_ms)
        now_ms = max(now_ms + wait_ms, due_ms or 0)


@settings(max_examples=100, deadline=None)
@given(STANDINGS, OUTCOMES, st.integers(0, 4 * 3600_000))
def test_with_providers_that_stay_as_they_are_it_comes_to_rest_without_a_busy_loop(
    circumstances: Circumstances, outcome: Outcome, retry_ms: int
) -> None:
    head, now_ms, steps = a_queued(retry_until_ms=NOW_MS + retry_ms), NOW_MS, 0
    while True:
        head = RULES.settled(head, now_ms, circumstances)
        leg = RULES.next_leg(head, now_ms, circumstances)
        if leg:
            claimed = RULES.claimed(head, leg, now_ms + 30_000, now_ms)
            head = RULES.with_outcome(claimed, claimed.lease_attempt, outcome, 10, now_ms)
            steps += 1
        elif (due_ms := due_at_ms(head, now_ms)) is not None:
            # A provider that is closed until a time that has passed is looked at every second: it should have opened.
            now_ms = max(due_ms, now_ms + 60_000)
            steps += 1
        else:
            break
        assert steps < 1500
    assert bob(head).status not in OPEN
