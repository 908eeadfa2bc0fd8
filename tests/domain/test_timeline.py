"""What a story tells of time: the order of its events, and what a recipient waits for."""

from collections.abc import Mapping
from itertools import product
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.attempts import Attempt
from app.domain.caps import Limit
from app.domain.email import Role
from app.domain.event import ProviderEvent
from app.domain.head import OPEN, Recipient, Status
from app.domain.kinds import Kind
from app.domain.timeline import in_order, next_attempt_ms, waiting_because
from app.domain.waiting import OF_LIMIT, Waiting
from tests.support.samples import a_head

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
    ("status", "wait_ms", "waits_for", "send_at_ms"),
    list(product(Status, [None, NOW_MS + 1000], [None, *Waiting], [None, NOW_MS + 1000])),
)
def test_it_is_told_for_every_state(
    status: Status, wait_ms: int | None, waits_for: Waiting | None, send_at_ms: int | None
) -> None:
    recipient = Recipient("a@example.com", Role.TO, status, wait_until_ms=wait_ms, waits_for=waits_for)
    head = a_head(NOW_MS, send_at_ms=send_at_ms)
    found = waiting_because(recipient, head)
    waits = (status in OPEN and wait_ms is not None) or (status is Status.QUEUED and send_at_ms is not None)
    assert (found is not None) is waits
    if waits:
        assert next_attempt_ms(recipient, head) == NOW_MS + 1000
    if waits and status is not Status.QUEUED:
        assert found is Waiting.EVIDENCE
    if status is Status.QUEUED and wait_ms is not None and send_at_ms is None:
        assert found is (waits_for or Waiting.ROUND)


SCHEDULED: Mapping[tuple[int, int | None], Waiting | None] = MappingProxyType(
    {
        (0, None): Waiting.SCHEDULE,
        (0, NOW_MS + 1000): Waiting.SCHEDULE,
        (0, NOW_MS + 2000): Waiting.CAP,  # its time has come, and something else keeps it
        (1, None): None,
        (1, NOW_MS + 2000): Waiting.CAP,
    }
)


@pytest.mark.parametrize(("attempt", "wait_ms"), list(SCHEDULED))
def test_a_schedule_ends_with_its_time(attempt: int, wait_ms: int | None) -> None:
    recipient = Recipient("a@example.com", Role.TO, attempt=attempt, wait_until_ms=wait_ms, waits_for=Waiting.CAP)
    head = a_head(NOW_MS, send_at_ms=NOW_MS + 1000)
    assert waiting_because(recipient, head) is SCHEDULED[attempt, wait_ms]


def test_whatever_ends_a_wait_ends_what_was_waited_for() -> None:
    assert Recipient("a@example.com", Role.TO, waits_for=Waiting.CAP).waits_for is None
