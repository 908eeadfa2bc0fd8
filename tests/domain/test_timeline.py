"""What a story tells of time: the order of its events, and what a recipient waits for."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.attempts import Attempt
from app.domain.caps import Limit
from app.domain.email import Role
from app.domain.event import ProviderEvent
from app.domain.head import OPEN, Recipient, Status
from app.domain.kinds import Kind
from app.domain.timeline import in_order, waiting_because
from app.domain.waiting import OF_LIMIT, Waiting

NOW_MS = 1_800_000_000_000

TIMES = st.integers(min_value=NOW_MS, max_value=NOW_MS + 5_000)
SECONDS = TIMES.map(lambda at_ms: at_ms // 1000 * 1000)


@given(
    started=st.lists(TIMES, max_size=5),
    reports=st.lists(st.tuples(st.integers(min_value=0, max_value=7), SECONDS | TIMES), max_size=8),
)
def test_no_event_stands_before_the_attempt_that_caused_it(started: list[int], reports: list[tuple[int, int]]) -> None:
    attempts = [Attempt(number, "ses", ("a",), at_ms) for number, at_ms in enumerate(started, 1)]
    events = [
        ProviderEvent("ses", Kind.DELIVERED, "eml_1", attempt, "a", at_ms, event_id=str(number))
        for number, (attempt, at_ms) in enumerate(reports)
    ]
    placed = in_order(attempts, events)
    assert sorted(one.event.event_id for one in placed) == sorted(event.event_id for event in events)
    assert [one.sort_ms for one in placed] == sorted(one.sort_ms for one in placed)
    # Put into one list by time, attempts before events of the same moment, as a client does it:
    merged = sorted(
        [(attempt.started_at_ms, 0, attempt.number) for attempt in attempts]
        + [(one.sort_ms, 1, one.event.attempt) for one in placed]
    )
    seen: set[int] = set()
    for _, is_event, number in merged:
        if not is_event:
            seen.add(number)
        assert number in seen or not 0 < number <= len(attempts)
    for one in placed:
        if not 0 < one.event.attempt <= len(attempts):  # nothing is known of its attempt
            assert one.sort_ms == one.event.at_ms


def test_every_limit_has_its_word() -> None:
    assert set(OF_LIMIT) == set(Limit)


@pytest.mark.parametrize(
    ("status", "wait_ms", "waits_for"), list(product(Status, [None, NOW_MS + 1000], [None, *Waiting]))
)
def test_it_is_told_for_every_state(status: Status, wait_ms: int | None, waits_for: Waiting | None) -> None:
    recipient = Recipient("a@example.com", Role.TO, status, wait_until_ms=wait_ms, waits_for=waits_for)
    told = {Status.SCHEDULED: Waiting.SCHEDULE, Status.QUEUED: waits_for or Waiting.ROUND}
    waits = status in OPEN and wait_ms is not None
    assert waiting_because(recipient) is (told.get(status, Waiting.EVIDENCE) if waits else None)


def test_whatever_ends_a_wait_ends_what_was_waited_for() -> None:
    assert Recipient("a@example.com", Role.TO, waits_for=Waiting.CAP).waits_for is None
