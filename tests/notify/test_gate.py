"""A receiver that does not answer is not called for a while, then by one probe; the others go on beside it."""

import ssl
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from threading import Event, Thread
from typing import Any

import pytest

from app.domain.endpoint import PROBE_LASTS_MS, PROBED_AFTER_MS, probed, worked
from app.errors import ServiceUnavailable
from app.notify import gate as gates
from app.notify.gate import CLOSED_AFTER, CLOSED_FOR_S, MOST_AT_ONCE, Gate, GateState, receiver_of
from app.notify.notification import Notification
from app.notify.receiver_queues import THREADS, ReceiverQueues
from app.outgoing.post import Poster
from tests.support.clock import Clock
from tests.support.crash import Before
from tests.support.deliveries import Deliveries
from tests.support.webhook_receivers import HANG, HOLD, receiver

A, B = ("shop", "ep_a", ""), ("shop", "ep_b", "")
OPEN, FAILING = GateState.OPEN, GateState.FAILING


@pytest.fixture
def clock() -> Clock:
    return Clock()


def closed(clock: Clock) -> Gate:
    gate = Gate(clock)
    for _ in range(CLOSED_AFTER):
        assert gate.admit(A) is OPEN
        gate.failed(A, clock())
    return gate


def test_it_closes_after_failures_in_a_row_for_that_receiver_alone(clock: Clock) -> None:
    gate = closed(clock)
    assert (gate.admit(A), gate.admit(B)) == (FAILING, OPEN)
    clock.advance(CLOSED_FOR_S - 0.1)
    assert gate.admit(A) is FAILING


def test_a_success_between_them_counts_anew(clock: Clock) -> None:
    gate = Gate(clock)
    for _ in range(CLOSED_AFTER - 1):
        gate.failed(A, clock())
    gate.taken(A, clock())
    for _ in range(CLOSED_AFTER - 1):
        gate.failed(A, clock())
    assert gate.admit(A) is OPEN


@pytest.mark.parametrize("is_taken", [True, False])
def test_then_one_probe_decides(clock: Clock, is_taken: bool) -> None:
    gate = closed(clock)
    assert gate.most_at_once(A) == MOST_AT_ONCE, "what is held back takes no time"
    clock.advance(CLOSED_FOR_S)
    assert (gate.most_at_once(A), gate.most_at_once(B)) == (1, MOST_AT_ONCE)
    assert (gate.admit(A), gate.admit(A)) == (OPEN, FAILING)
    if is_taken:
        gate.taken(A, clock())
        assert (gate.admit(A), gate.admit(A), gate.most_at_once(A)) == (OPEN, OPEN, MOST_AT_ONCE)
    else:
        gate.failed(A, clock())
        assert gate.admit(A) is FAILING
        clock.advance(CLOSED_FOR_S)
        assert gate.admit(A) is OPEN


def test_it_forgets_rather_than_grow_for_ever(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "MOST_KNOWN", 3)
    gate = closed(clock)
    for number in range(2):
        gate.failed(("shop", f"ep_{number}", ""), clock())
    assert gate.admit(A) is FAILING
    gate.failed(("shop", "ep_2", ""), clock())
    assert gate.admit(A) is OPEN


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"endpoint_id": "ep_1"}, ("shop", "ep_1", "")),
        ({"endpoint_id": "default", "url": "https://a.example/x?y"}, ("shop", "default", "https://a.example")),
        ({"endpoint_id": "default", "url": "https://a.example:8443"}, ("shop", "default", "https://a.example:8443")),
        ({"endpoint_id": "default", "url": "https://[x"}, ("shop", "default", "https://[x")),
    ],
)
def test_a_receiver_is_an_endpoint_or_the_origin_of_an_emails_url(
    fields: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    assert receiver_of(Notification("evt_1", "email.sent", "shop", body="{}", published_ms=0, **fields)) == expected


# --- The queues ---------------------------------------------------------------------------------------------------


@pytest.fixture
def queues() -> Iterator[ReceiverQueues[int]]:
    queues: ReceiverQueues[int] = ReceiverQueues(lambda receiver: MOST_AT_ONCE if receiver == A else 1)
    yield queues
    queues.close()


def test_no_receiver_takes_more_than_its_share_and_no_thread_waits_for_it(queues: ReceiverQueues[int]) -> None:
    go, begun = Event(), []

    def slow(number: int) -> int:
        begun.append(number)
        go.wait(30)
        return number

    held = [queues.submit(A, partial(slow, number)) for number in range(3 * THREADS)]
    assert queues.submit(B, lambda: 7).result(timeout=30) == 7
    assert len(begun) == MOST_AT_ONCE
    go.set()
    assert [one.result(timeout=30) for one in held] == list(range(3 * THREADS))
    assert begun == list(range(3 * THREADS)), "in their order"


def test_work_that_fails_is_told_and_stops_no_other(queues: ReceiverQueues[int]) -> None:
    failing = [queues.submit(B, lambda: 1 // 0) for _ in range(3)]
    fine = queues.submit(B, lambda: 3)
    for one in failing:
        assert isinstance(one.exception(timeout=30), ZeroDivisionError)
    assert fine.result(timeout=30) == 3


def test_what_is_submitted_to_closed_queues_fails(queues: ReceiverQueues[int]) -> None:
    queues.close()
    assert isinstance(queues.submit(B, lambda: 3).exception(timeout=30), RuntimeError)


# --- With receivers -----------------------------------------------------------------------------------------------


def test_a_batch_calls_a_receiver_four_times_at_once_and_the_others_beside_it(deliveries: Deliveries) -> None:
    patient = Poster(is_local=True, ssl_context=ssl.create_default_context())
    with receiver(otherwise=HOLD) as slow, receiver() as well:
        one, other = deliveries.endpoint(slow.url), deliveries.endpoint(well.url)
        deliveries.restart(post=patient.post)
        batch = [deliveries.notification(one) for _ in range(9)] + [deliveries.notification(other)]
        run = Thread(target=lambda: done.extend(deliveries.deliver(batch, 60)))
        done: list[bool] = []
        run.start()
        _until(lambda: bool(well.received) and slow.at_once == MOST_AT_ONCE)
        assert not done
        slow.release.set()
        run.join(30)
    assert done == [True] * 10
    assert (len(slow.received), slow.most_at_once) == (9, MOST_AT_ONCE)
    assert deliveries.later == []


def _until(condition: Any) -> None:
    for _ in range(3000):
        if condition():
            return
        Event().wait(0.01)
    pytest.fail("nothing happened within 30 s")


def test_what_is_held_back_is_a_failed_try_without_a_call(deliveries: Deliveries) -> None:
    with receiver(otherwise=HANG) as slow, receiver() as well:
        one, other = deliveries.endpoint(slow.url), deliveries.endpoint(well.url)
        batch = [deliveries.notification(one) for _ in range(20)] + [deliveries.notification(other)]
        assert deliveries.deliver(batch, 60) == [True] * 21
        called = len(slow.received)
        assert CLOSED_AFTER <= called < CLOSED_AFTER + MOST_AT_ONCE
        assert len(deliveries.later) == 20, "each comes again"
        assert sorted(wait_s for _, wait_s in deliveries.later) == [5] * called + [5 + 30] * (20 - called)
        faults = [tried.fault for tried in deliveries.tries(one.id)]
        assert faults.count("timeout") == called
        assert faults.count("held back: the receiver does not take others") == 20 - called
        assert deliveries.again(one).version == 2, "the first failure is written, and nothing else"
        assert well.ids == [batch[-1].event_id]


def test_a_receiver_that_recovers_gets_all_of_a_batch_behind_its_probe(deliveries: Deliveries) -> None:
    with receiver(*[500] * 5) as hook:
        endpoint = deliveries.endpoint(hook.url)
        deliveries.deliver([deliveries.notification(endpoint) for _ in range(5)], 60)
        deliveries.steady.advance(CLOSED_FOR_S)
        deliveries.later.clear()
        assert deliveries.deliver([deliveries.notification(endpoint) for _ in range(10)], 60) == [True] * 10
        assert len(hook.received) == 15
    assert deliveries.later == []
    assert deliveries.again(endpoint).failing_since_ms is None


# --- What all processes know --------------------------------------------------------------------------------------


def test_of_all_processes_one_probes_what_has_failed_for_a_while(deliveries: Deliveries) -> None:
    others = [deliveries.worker() for _ in range(3)]
    with receiver(500, HOLD) as hook:
        endpoint = deliveries.endpoint(hook.url)
        assert deliveries.post(endpoint)
        deliveries.clock.advance(PROBED_AFTER_MS / 1000)
        deliveries.later.clear()
        patient = Poster(is_local=True, ssl_context=ssl.create_default_context())
        deliveries.restart(post=patient.post)
        probe, done = deliveries.notification(endpoint, tries=3), list[bool]()
        run = Thread(target=lambda: done.extend(deliveries.deliver([probe], 60)))
        run.start()
        _until(lambda: hook.at_once == 1)
        for other in others:
            one = deliveries.notification(endpoint, tries=9)
            assert other([one, one], 60) == [True, True]
            assert deliveries.later == [(one, 15)] * 2, "what meets a probe loses no try, and comes when that has ended"
            deliveries.later.clear()
        deliveries.clock.advance(PROBE_LASTS_MS / 1000)
        for other in others:
            one = deliveries.notification(endpoint, tries=1)
            assert other([one], 60) == [True]
            assert deliveries.later == [(replace(one, tries=2), 60 + 30)], "behind a probe without a success it does"
            deliveries.later.clear()
        hook.release.set()
        run.join(30)
        assert done == [True]
        assert [other([deliveries.notification(endpoint)], 60) for other in others] == [[True]] * 3
        assert len(hook.received) == 2 + 3
    for other in others:
        other.close()
    assert deliveries.later == []
    faults = [tried.fault for tried in deliveries.tries(endpoint.id)]
    assert faults.count("held back: the receiver does not take others") == 9


def test_one_failure_now_and_then_holds_nothing_back(deliveries: Deliveries) -> None:
    with receiver(500, 204, 500, 204) as hook:
        endpoint = deliveries.endpoint(hook.url)
        for _ in range(4):
            assert deliveries.post(endpoint)
            deliveries.clock.advance(3600)
        assert len(hook.received) == 4
    assert len(deliveries.later) == 2


def test_a_probe_that_cannot_be_noted_is_made(deliveries: Deliveries, caplog: pytest.LogCaptureFixture) -> None:
    with receiver() as hook:
        endpoint = deliveries.endpoint(hook.url, failing_since_ms=1)

        def fail() -> None:
            raise ServiceUnavailable("does not answer")

        deliveries.restart(endpoints=Before(deliveries.endpoints, "put", fail))
        assert deliveries.post(endpoint)
        assert len(hook.received) == 1
    assert "endpoint's probe not noted" in caplog.text
    assert deliveries.again(endpoint).failing_since_ms is None


@pytest.mark.parametrize("others_do", ["probe", "rename", "delete", "succeed"])
def test_what_others_do_while_a_probe_is_noted(deliveries: Deliveries, others_do: str) -> None:
    with receiver() as hook:
        endpoint = deliveries.endpoint(hook.url, failing_since_ms=deliveries.clock.now_ms - 60_000)
        changed = {
            "probe": probed(endpoint, deliveries.clock.now_ms),
            "rename": replace(endpoint, description="renamed"),
            "succeed": worked(endpoint),
        }

        def first() -> None:
            if others_do == "delete":
                deliveries.endpoints.delete(deliveries.project, endpoint.id)
            else:
                deliveries.endpoints.put(changed[others_do])

        deliveries.restart(endpoints=Before(deliveries.endpoints, "put", first))
        assert deliveries.post(endpoint)
        assert len(hook.received) == (others_do in ("rename", "succeed"))
