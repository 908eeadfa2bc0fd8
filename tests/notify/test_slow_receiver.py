"""A receiver that takes webhooks, but late: it gets all of them in the end, and a third of a process's time at most."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import count
from random import Random
from threading import Barrier, local
from typing import Any

import pytest

from app.domain.endpoint import RETRY_AFTER_S, Endpoint
from app.notify import gate as gates
from app.notify.deliver import HELD_FOR_MS
from app.notify.gate import (
    LATEST_TURN_S,
    LEFT_ALONE_TIMES,
    MAY_OWE_S,
    MOST_AT_ONCE,
    SLOW_S,
    Gate,
    GateState,
    Receiver,
)
from app.notify.notification import Notification
from app.notify.ports import CALL_S
from app.outgoing.post import Answer
from tests.support.aws import Aws
from tests.support.clock import Clock
from tests.support.deliveries import Deliveries

A, B = ("shop", "ep_a", "https://a.example/"), ("shop", "ep_b", "https://b.example/")
TAKES_S = 9.0
MOST_TIMES = LEFT_ALONE_TIMES + 1  # as long as it is called, it may be left alone
PROCESSES, BATCH = 10, 10  # of the function; the mapping of its queue says so (`infra.mappings`)
BESIDE_S = 0.05  # what a run takes beside its calls
HOUR_S = 3600


class RunClock(Clock):
    """A monotonic clock that is ahead for the threads that have waited for a receiver since it was moved."""

    def __init__(self) -> None:
        super().__init__()
        self._waited = local()

    def __call__(self) -> float:
        since_s, ahead_s = getattr(self._waited, "ahead", (0.0, 0.0))
        return self.now_s + ahead_s if since_s == self.now_s else self.now_s

    def wait(self, seconds: float) -> None:
        """Let a thread wait that has not waited yet."""
        self._waited.ahead = self.now_s, seconds


@dataclass
class Processes:
    """Processes that share a queue, each with a time of its own, and a receiver whose calls take as long as it says.

    The calls of one run that are made at once begin and end together. The wall clock stands still.
    """

    parts: Deliveries
    clock: RunClock
    slow: Endpoint
    takes_s: float = TAKES_S
    number: int = PROCESSES
    came_s: dict[str, float] = field(default_factory=dict)  # when it was called, by event id
    held_s: list[float] = field(default_factory=list)  # how long each process was
    runs: int = 0
    _queue: list[tuple[float, int, Notification]] = field(default_factory=list)
    _places: Iterator[int] = field(default_factory=count)
    _waited_s: float = 0.0
    _barrier: Barrier = field(default_factory=lambda: Barrier(1))

    def __post_init__(self) -> None:
        self.workers = [self.parts.worker(post=self._post) for _ in range(self.number)]
        self.free_s = [self.parts.clock.now_s] * self.number
        self.held_s = [0.0] * self.number
        self._chance = Random(68)  # noqa: S311 because nothing is secret about it

    def put(self, one: Notification, at_s: float) -> None:
        """Let a notification come at that time."""
        heappush(self._queue, (at_s, next(self._places), one))

    def run(self, until_s: float) -> None:
        """Let the processes work on what comes until then."""
        while self._queue and self._queue[0][0] <= until_s:
            due_s = max(self._queue[0][0], min(self.free_s))
            process = self._chance.choice([n for n, free_s in enumerate(self.free_s) if free_s <= due_s])
            batch: list[Notification] = []
            most = self._chance.randint(1, BATCH)  # SQS hands over what it finds
            while self._queue and self._queue[0][0] <= due_s and len(batch) < most:
                batch.append(heappop(self._queue)[2])
            self._work(process, due_s, batch)

    def _work(self, process: int, at_s: float, batch: Sequence[Notification]) -> None:
        self.clock.now_s, self._waited_s, self.runs = at_s, 0.0, self.runs + 1
        slow = [one for one in batch if one.endpoint_id == self.slow.id]
        self._barrier = Barrier(max(1, min(MOST_AT_ONCE, len(slow))), timeout=30)
        # Both would be posted side by side. The clock does not say of the others' calls that they waited, too.
        for some in ([one for one in batch if one not in slow], slow):
            assert all(self.workers[process](some, 60))
        ended_s = at_s + self._waited_s
        self.held_s[process] += ended_s - at_s
        self.free_s[process] = ended_s + BESIDE_S
        for one, delay_s in self.parts.later:
            self.put(one, ended_s + delay_s)
        self.parts.later.clear()
        assert self.parts.all_waiting() == [], "all of it is on the queue"

    def _post(self, url: str, headers: Mapping[str, str], _: bytes) -> Answer:
        self.came_s[headers["webhook-id"]] = self.clock.now_s
        if url == self.slow.url and self.takes_s > SLOW_S:
            self._barrier.wait()
            self.clock.wait(self.takes_s)
            self._waited_s = self.takes_s
        return Answer(200)

    def close(self) -> None:
        for worker in self.workers:
            worker.close()


@pytest.fixture
def processes(store: Aws) -> Iterator[Processes]:
    assert store
    clock = RunClock()
    parts = Deliveries(steady=clock)
    parts.clock.now_s = clock.now_s
    processes = Processes(parts, clock, parts.endpoint("http://127.0.0.1:9/slow"))
    yield processes
    processes.close()
    parts.deliver.close()


# --- A run of the worker, and ten processes -----------------------------------------------------------------------


@pytest.mark.parametrize(("number", "tries"), [(100, 6), (1000, 0)])
def test_all_of_a_burst_come_within_an_hour_and_lose_no_try(processes: Processes, number: int, tries: int) -> None:
    deliveries = processes.parts
    began_s = deliveries.clock.now_s
    published_ms = deliveries.clock.now_ms - sum(RETRY_AFTER_S[:tries]) * 1000
    some = [deliveries.notification(processes.slow, tries=tries, published_ms=published_ms) for _ in range(number)]
    for one in some:
        processes.put(one, began_s)
    processes.run(began_s + HOUR_S)
    assert set(processes.came_s) == {one.event_id for one in some}
    assert {tried.number for tried in deliveries.tries(processes.slow.id)} == {tries + 1}
    assert processes.runs < 2 * number, "few of them come again and again"


def test_it_takes_a_third_of_each_process_and_the_others_come_at_once(processes: Processes) -> None:
    deliveries = processes.parts
    began_s, minutes = deliveries.clock.now_s, 5
    for _ in range(500):
        processes.put(deliveries.notification(processes.slow), began_s)
    well = deliveries.endpoint("http://127.0.0.1:9/well")
    at_s = {deliveries.notification(well): began_s + number for number in range(minutes * 60)}
    for one, due_s in at_s.items():
        processes.put(one, due_s)
    processes.run(began_s + minutes * 60)
    assert max(processes.held_s) <= minutes * 60 / 3 + TAKES_S + MAY_OWE_S
    late_s = sorted(processes.came_s[one.event_id] - due_s for one, due_s in at_s.items() if due_s > began_s + TAKES_S)
    assert late_s[len(late_s) * 19 // 20] < 1
    assert late_s[-1] < TAKES_S, "by chance, all of them may call it at once, once more"


def test_once_it_is_quick_all_that_waits_comes_and_what_is_new_at_once(processes: Processes) -> None:
    deliveries = processes.parts
    began_s = deliveries.clock.now_s
    some = [deliveries.notification(processes.slow) for _ in range(800)]
    for one in some:
        processes.put(one, began_s)
    processes.run(began_s + 120)
    assert len(processes.came_s) < len(some) / 2
    processes.takes_s = 0.1
    open_s = processes.clock.now_s + (1 + MOST_TIMES) * TAKES_S
    new = [deliveries.notification(processes.slow) for _ in range(PROCESSES * 10)]
    for number, one in enumerate(new):
        processes.put(one, open_s + number / 10)
    processes.run(open_s + LATEST_TURN_S)
    assert all(one.event_id in processes.came_s for one in some)
    for number, one in enumerate(new):
        assert processes.came_s[one.event_id] - (open_s + number / 10) < BESIDE_S


def slow_down(deliveries: Deliveries, endpoint: Endpoint, answers: int = 200) -> None:
    """Let a worker learn that the receiver is slow."""

    def post(*_: Any) -> Answer:
        deliveries.steady.advance(TAKES_S)
        return Answer(answers)

    deliveries.restart(post=post)
    assert deliveries.post(endpoint)


def test_what_is_held_back_for_twelve_hours_loses_a_try(deliveries: Deliveries) -> None:
    endpoint = deliveries.endpoint("http://127.0.0.1:9/slow")
    slow_down(deliveries, endpoint)
    now_ms = deliveries.clock.now_ms
    since_ms = (0, now_ms - HELD_FOR_MS + 1, now_ms - HELD_FOR_MS)
    new, nearly, long = (deliveries.notification(endpoint, tries=2, held_since_ms=at_ms) for at_ms in since_ms)
    assert deliveries.deliver([new, nearly, long], 60) == [True] * 3
    held, wait_s = zip(*deliveries.later, strict=True)
    assert held == (replace(new, held_since_ms=now_ms), nearly, replace(long, tries=3, held_since_ms=0))
    assert LEFT_ALONE_TIMES * TAKES_S - MAY_OWE_S <= wait_s[0] <= 2 * MOST_TIMES * TAKES_S
    assert wait_s[2] == RETRY_AFTER_S[2]
    faults = [tried.fault for tried in deliveries.tries(endpoint.id)]
    assert sorted(faults) == ["", *["held back: the receiver is slow"] * 3]


def test_what_was_held_back_says_so_once_it_comes(deliveries: Deliveries, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    endpoint = deliveries.endpoint("http://127.0.0.1:9/slow")
    slow_down(deliveries, endpoint)
    assert deliveries.deliver([deliveries.notification(endpoint)], 60) == [True]
    ((held, wait_s),) = deliveries.later
    deliveries.steady.advance(wait_s)
    assert deliveries.deliver([held], 60) == [True]
    lines = [vars(record) for record in caplog.records if record.getMessage() == "notification"]
    told = [(line["outcome"], line["was_held_back"], line["number"]) for line in lines]
    assert told == [("taken", False, 1), ("held_back", False, 1), ("taken", True, 1)]


def test_a_clock_that_is_set_back_makes_that_no_longer(deliveries: Deliveries) -> None:
    endpoint = deliveries.endpoint("http://127.0.0.1:9/slow")
    slow_down(deliveries, endpoint)
    one = deliveries.notification(endpoint, held_since_ms=deliveries.clock.now_ms + 86_400_000)
    assert deliveries.deliver([one], 60) == [True]
    assert deliveries.later[0][0].held_since_ms == deliveries.clock.now_ms


def test_what_it_refuses_late_counts_as_well_and_is_a_try(deliveries: Deliveries) -> None:
    endpoint = deliveries.endpoint("http://127.0.0.1:9/slow")
    slow_down(deliveries, endpoint, answers=500)
    assert [one.tries for one, _ in deliveries.later] == [1]
    deliveries.later.clear()
    one = deliveries.notification(endpoint)
    assert deliveries.deliver([one], 60) == [True]
    assert [held.tries for held, _ in deliveries.later] == [0]


def test_the_url_of_an_email_is_left_alone_by_its_origin(deliveries: Deliveries) -> None:
    def post(*_: Any) -> Answer:
        deliveries.steady.advance(TAKES_S)
        return Answer(200)

    deliveries.restart(post=post)
    first, other = "https://a.example/hook", "https://b.example/hook"
    assert deliveries.post(None, url=first)
    assert deliveries.post(None, url=first + "s")
    assert [held.url for held, _ in deliveries.later] == [first + "s"]
    assert deliveries.post(None, url=other)
    assert len(deliveries.later) == 1


# --- The gate -----------------------------------------------------------------------------------------------------


@pytest.fixture
def clock() -> Clock:
    return Clock()


def answers(gate: Gate, clock: Clock, takes_s: float, at_once: int = 1, receiver: Receiver = A) -> None:
    """Let calls that are made at once end."""
    began_s = clock()
    assert [gate.admit(receiver) for _ in range(at_once)] == [GateState.OPEN] * at_once
    clock.advance(takes_s)
    for _ in range(at_once):
        gate.taken(receiver, began_s)


@pytest.mark.parametrize("takes_s", [SLOW_S + 0.1, 4.0, TAKES_S])
def test_it_is_open_for_a_third_of_the_time(clock: Clock, takes_s: float) -> None:
    gate, began_s, called_s = Gate(clock), clock(), 0.0
    while clock() < began_s + HOUR_S:
        if gate.look(A) is GateState.OPEN:
            answers(gate, clock, takes_s, MOST_AT_ONCE)
            called_s += takes_s
        else:
            clock.advance(0.1)
        assert gate.look(B) is GateState.OPEN
    assert called_s <= HOUR_S / 3 + MAY_OWE_S + takes_s
    assert called_s > HOUR_S / 4, "and not much less"


def test_many_of_them_leave_a_third_of_the_time_to_the_others_and_each_comes(clock: Clock) -> None:
    gate, began_s, called_s = Gate(clock), clock(), 0.0
    several = [("shop", f"ep_{number}", "") for number in range(6)]
    calls = dict.fromkeys(several, 0)
    while clock() < began_s + HOUR_S:
        clock.advance(0.1)
        several = [*several[1:], several[0]]
        if gate.look(several[0]) is GateState.OPEN:
            answers(gate, clock, TAKES_S, receiver=several[0])
            called_s, calls[several[0]] = called_s + TAKES_S, calls[several[0]] + 1
        assert gate.look(B) is GateState.OPEN
    assert HOUR_S / 2 < called_s < HOUR_S * 0.7
    assert min(calls.values()) > HOUR_S / 2 / TAKES_S / len(several) / 2


def test_one_that_is_quick_again_waits_for_none_that_are_slow(clock: Clock) -> None:
    gate = Gate(clock)
    gate.taken(B, clock() - TAKES_S)
    clock.advance(MOST_TIMES * TAKES_S)
    answers(gate, clock, 0.1, receiver=B)
    for number in range(10):
        gate.taken(("shop", f"ep_{number}", ""), clock())
        clock.advance(TAKES_S)
        gate.taken(("shop", f"ep_{number}", ""), clock() - TAKES_S)
    assert gate.look(("shop", "ep_0", "")) is GateState.SLOW, "all have held it for too long"
    answers(gate, clock, 0.1, receiver=B)


@pytest.mark.parametrize("takes_s", [0.1, SLOW_S])
def test_one_that_is_quick_may_be_called_all_the_time(clock: Clock, takes_s: float) -> None:
    gate = Gate(clock)
    for _ in range(1000):
        answers(gate, clock, takes_s, MOST_AT_ONCE)


def test_a_clock_that_is_set_forward_during_a_call_leaves_nobody_alone_for_an_hour(clock: Clock) -> None:
    gate = Gate(clock)
    answers(gate, clock, HOUR_S)
    clock.advance(MOST_TIMES * CALL_S)
    assert gate.look(A) is GateState.OPEN


def test_one_that_is_slow_now_and_then_is_not_left_alone(clock: Clock) -> None:
    gate = Gate(clock)
    for _ in range(100):
        answers(gate, clock, MAY_OWE_S / MOST_TIMES, MOST_AT_ONCE)
        clock.advance(MAY_OWE_S)


def test_after_a_quick_call_it_is_called_again_at_once(clock: Clock) -> None:
    gate = Gate(clock)
    answers(gate, clock, TAKES_S)
    assert gate.look(A) is GateState.SLOW
    clock.advance(gate.turn_in_s(A))
    for _ in range(10):
        answers(gate, clock, 0.1)


def test_those_that_are_held_back_come_a_few_at_a_time(clock: Clock) -> None:
    gate = Gate(clock)
    answers(gate, clock, TAKES_S)
    assert gate.turn_in_s(B) == 0
    apart_s = (1 + LEFT_ALONE_TIMES) * TAKES_S
    first_s = gate.turn_in_s(A)
    assert LEFT_ALONE_TIMES * TAKES_S - MAY_OWE_S <= first_s <= MOST_TIMES * TAKES_S - MAY_OWE_S + apart_s
    turns_s = [first_s, *(gate.turn_in_s(A) for _ in range(3 * MOST_AT_ONCE - 1))]
    assert turns_s == pytest.approx([first_s + turn * apart_s for turn in range(3) for _ in range(MOST_AT_ONCE)])
    clock.advance(first_s)
    answers(gate, clock, TAKES_S)
    last_s = first_s + 3 * apart_s
    assert gate.turn_in_s(A) == pytest.approx(last_s - first_s - TAKES_S), "behind those that come before"
    for _ in range(1000):
        assert gate.turn_in_s(A) <= LATEST_TURN_S
    clock.advance(2 * LATEST_TURN_S)
    answers(gate, clock, TAKES_S)
    assert gate.turn_in_s(A) <= MOST_TIMES * TAKES_S - MAY_OWE_S + apart_s, "when nobody comes before"


def test_it_forgets_those_that_are_slow_rather_than_grow_for_ever(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gates, "MOST_KNOWN", 3)
    gate = Gate(clock)
    answers(gate, clock, TAKES_S)
    for number in range(2):
        gate.taken(("shop", f"ep_{number}", ""), clock() - TAKES_S)
    assert gate.look(A) is GateState.SLOW
    gate.taken(("shop", "ep_2", ""), clock() - TAKES_S)
    assert gate.look(A) is GateState.OPEN
