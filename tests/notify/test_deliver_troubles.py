"""What happens to notifications when something on our side fails, or a process dies: they may come twice, never not."""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from app.domain.endpoint import RETRY_AFTER_S, Disabled, Endpoint, failed, worked
from app.errors import ServiceUnavailable
from app.notify.gate import CLOSED_AFTER, CLOSED_FOR_S
from app.notify.notification import Notification
from app.store.endpoints import EndpointItem
from tests.support import damage
from tests.support.crash import Before, Crash, crash
from tests.support.deliveries import Deliveries
from tests.support.webhook_receivers import receiver

LONG = RETRY_AFTER_S.index(1800)  # the try whose next one is not kept by the queue


def unavailable(*_: Any, **__: Any) -> Any:
    raise ServiceUnavailable("does not answer")


def messages(caplog: pytest.LogCaptureFixture, level: int = logging.WARNING) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= level]


def taking_none(delayed: Sequence[tuple[Notification, int]]) -> list[tuple[int, str]]:
    """A queue that takes nothing."""
    return [(place, "it is not taken: Throttled") for place in range(len(delayed))]


class Replaced:
    """A part one of whose methods does something else."""

    def __init__(self, part: Any, name: str, call: Callable[..., Any]) -> None:
        self._part, self._name, self._call = part, name, call

    def __getattr__(self, name: str) -> Any:
        return self._call if name == self._name else getattr(self._part, name)


# --- The state of an endpoint -------------------------------------------------------------------------------------


def test_a_write_that_others_come_before_is_made_again(deliveries: Deliveries) -> None:
    with receiver(500) as hook:
        endpoint = deliveries.endpoint(hook.url)
        renamed = replace(endpoint, description="renamed")
        first = Before(deliveries.endpoints, "put", lambda: deliveries.endpoints.put(renamed))
        deliveries.restart(endpoints=first)
        assert deliveries.post(endpoint)
    stored = deliveries.again(endpoint)
    assert (stored.description, stored.failing_since_ms) == ("renamed", deliveries.clock.now_ms)


def test_an_endpoint_that_works_again_meanwhile_is_not_disabled_for_its_past(deliveries: Deliveries) -> None:
    with receiver(otherwise=500) as hook:
        endpoint = deliveries.endpoint(hook.url, failing_since_ms=deliveries.clock.now_ms - 6 * 86_400_000)
        first = Before(deliveries.endpoints, "put", lambda: deliveries.endpoints.put(worked(endpoint)))
        deliveries.restart(endpoints=first)
        assert deliveries.post(endpoint)
    stored = deliveries.again(endpoint)
    assert (stored.disabled, stored.failing_since_ms) == (None, deliveries.clock.now_ms)
    assert len(deliveries.later) == 1


def test_one_that_is_deleted_meanwhile_is_not_stored_again_and_not_called_again(deliveries: Deliveries) -> None:
    with receiver(500) as hook:
        endpoint = deliveries.endpoint(hook.url)
        owner = (deliveries.project, endpoint.id)
        deliveries.restart(endpoints=Before(deliveries.endpoints, "put", lambda: deliveries.endpoints.delete(*owner)))
        assert deliveries.post(endpoint)
    assert deliveries.endpoints.get(*owner) is None
    assert (deliveries.later, deliveries.all_waiting()) == ([], [])


@pytest.mark.parametrize("answer", [204, 500])
@pytest.mark.parametrize("trouble", ["it is always written by others", "the table does not answer"])
def test_a_state_that_cannot_be_kept_fails_no_delivery(
    deliveries: Deliveries, caplog: pytest.LogCaptureFixture, answer: int, trouble: str
) -> None:
    put = unavailable if "answer" in trouble else lambda _: None
    with receiver(answer) as hook:
        failing = deliveries.clock.now_ms - 1 if answer == 204 else None
        endpoint = deliveries.endpoint(hook.url, failing_since_ms=failing)
        deliveries.restart(endpoints=Replaced(deliveries.endpoints, "put", put))
        assert deliveries.post(endpoint)
        assert len(hook.received) == 1
    assert len(deliveries.later) == (answer == 500)
    assert any("endpoint's state" in message for message in messages(caplog))


def test_failures_at_once_write_the_state_once(deliveries: Deliveries) -> None:
    with receiver(otherwise=500) as hook:
        endpoint = deliveries.endpoint(hook.url)
        deliveries.deliver([deliveries.notification(endpoint) for _ in range(4)], 60)
    assert deliveries.again(endpoint) == replace(failed(endpoint, 500, deliveries.clock.now_ms), version=2)


# --- Lost answers of the store --------------------------------------------------------------------------------------


@pytest.mark.parametrize("what_is_lost", ["the answer", "the answer, and it is asked again", "the process"])
def test_whoever_is_disabled_is_told_though_an_answer_of_the_store_is_lost(
    deliveries: Deliveries, caplog: pytest.LogCaptureFixture, what_is_lost: str
) -> None:
    def put(endpoint: Endpoint) -> Endpoint | None:
        assert deliveries.endpoints.put(endpoint)
        if what_is_lost == "the process":
            raise Crash
        if what_is_lost == "the answer":
            raise ServiceUnavailable("does not answer")
        return deliveries.endpoints.put(endpoint)  # as botocore does; the condition does not hold any more

    with receiver(otherwise=410) as hook:
        endpoint = deliveries.endpoint(hook.url)
        deliveries.restart(endpoints=Replaced(deliveries.endpoints, "put", put))
        queue = [deliveries.notification(endpoint)]
        with suppress(Crash):
            assert deliveries.deliver(queue, 60) == [True]
            queue = []
        deliveries.restart()
        assert all(deliveries.deliver([*queue, *deliveries.take()], 60))
        assert len(hook.received) == 1
    assert deliveries.again(endpoint).disabled is Disabled.GONE
    assert (deliveries.later, deliveries.all_waiting()) == ([], [])
    assert messages(caplog, logging.ERROR).count("endpoint disabled") == 1


def test_one_that_has_gone_is_asked_again_if_that_cannot_be_stored(deliveries: Deliveries) -> None:
    with receiver(otherwise=410) as hook:
        endpoint = deliveries.endpoint(hook.url)
        deliveries.restart(endpoints=Before(deliveries.endpoints, "put", lambda: unavailable()))
        assert deliveries.post(endpoint)
        assert deliveries.again(endpoint).disabled is None
        assert deliveries.deliver(deliveries.take(), 60) == [True]
        assert len(hook.received) == 2
    assert deliveries.again(endpoint).disabled is Disabled.GONE
    assert deliveries.later == []


# --- What keeps it until it is due --------------------------------------------------------------------------------


def test_what_the_queue_does_not_take_waits_in_the_table(deliveries: Deliveries) -> None:
    deliveries.restart(publish_later=taking_none)
    with receiver(500) as hook:
        one = deliveries.notification(deliveries.endpoint(hook.url))
        assert deliveries.deliver([one], 60) == [True]
    assert deliveries.all_waiting() == [(replace(one, tries=1), deliveries.clock.now_ms + 5000)]


@pytest.mark.parametrize("tries", [0, LONG])
def test_what_nobody_keeps_comes_again_from_the_queue(
    deliveries: Deliveries, caplog: pytest.LogCaptureFixture, tries: int
) -> None:
    deliveries.restart(publish_later=taking_none, waiting=Replaced(deliveries.waiting, "put_all", unavailable))
    with receiver(500) as hook, receiver() as well:
        endpoint, other = deliveries.endpoint(hook.url), deliveries.endpoint(well.url)
        batch = [deliveries.notification(endpoint, tries=tries), deliveries.notification(other)]
        assert deliveries.deliver(batch, 60) == [False, True]
    assert messages(caplog, logging.ERROR) == ["next try not kept"]


# --- The other parts ----------------------------------------------------------------------------------------------


def test_a_log_that_cannot_be_written_fails_nothing_and_is_told(
    deliveries: Deliveries, caplog: pytest.LogCaptureFixture
) -> None:
    deliveries.restart(deliveries=Replaced(deliveries.log, "add", unavailable))
    with receiver(204, 500) as hook:
        endpoint = deliveries.endpoint(hook.url)
        assert deliveries.post(endpoint)
        assert deliveries.post(endpoint)
    assert len(deliveries.later) == 1
    assert messages(caplog, logging.ERROR) == ["deliveries not logged"] * 2
    assert not any(record.exc_info for record in caplog.records)


def test_an_endpoint_that_cannot_be_read_fails_its_own_notifications_alone(
    deliveries: Deliveries, caplog: pytest.LogCaptureFixture
) -> None:
    with receiver() as hook:
        well, ill = deliveries.endpoint(hook.url), deliveries.endpoint(hook.url)
        stored = damage.stored(EndpointItem, project=deliveries.project, endpoint_id=ill.id)
        assert stored is not None
        damage.put(EndpointItem, damage.damaged(stored, {"began": None}))
        batch = [deliveries.notification(endpoint) for endpoint in (ill, well, ill)]
        assert deliveries.deliver(batch, 60) == [False, True, False]
        assert hook.ids == [batch[1].event_id]
    assert "endpoint not read" in messages(caplog, logging.ERROR)


def broken(parts: Deliveries) -> list[Exception]:
    """Let the calls of another worker break on our side, each with one of these, as long as there is one."""
    left: list[Exception] = []

    def post(*arguments: Any) -> Any:
        if left:
            raise left.pop()
        return parts.poster.post(*arguments)

    parts.restart(post=post)
    return left


def test_a_probe_that_breaks_on_our_side_is_not_under_way_for_ever(deliveries: Deliveries) -> None:
    with receiver(*[500] * 5) as hook:
        endpoint = deliveries.endpoint(hook.url)
        left = broken(deliveries)
        deliveries.deliver([deliveries.notification(endpoint) for _ in range(5)], 60)
        deliveries.steady.advance(CLOSED_FOR_S)
        left.append(MemoryError())
        assert not deliveries.post(endpoint)
        assert deliveries.post(endpoint)
        assert deliveries.tries(endpoint.id)[0].status_code == 204


def test_what_breaks_on_our_side_takes_no_try_from_those_behind_it(deliveries: Deliveries) -> None:
    with receiver() as hook:
        endpoint = deliveries.endpoint(hook.url)
        broken(deliveries).extend(MemoryError() for _ in range(2 * CLOSED_AFTER))
        for _ in range(2 * CLOSED_AFTER):
            assert not deliveries.post(endpoint)
        assert deliveries.post(endpoint)
        assert len(hook.received) == 1
    assert deliveries.later == []


@pytest.mark.parametrize("why", ["fails", "is slow"])
def test_a_process_that_was_frozen_leaves_no_receiver_alone_for_longer(deliveries: Deliveries, why: str) -> None:
    """The monotonic clock may stand still meanwhile. The URL of an email has the gate only, and no probes of others."""
    with receiver(otherwise=204) as hook:

        def post(*arguments: Any) -> Any:
            deliveries.steady.advance(9 if why == "is slow" else 0)
            return deliveries.poster.post(*arguments)

        deliveries.restart(post=post)
        hook.answers = [500] * CLOSED_AFTER if why == "fails" else []
        some = [deliveries.notification(None, url=hook.url) for _ in range(CLOSED_AFTER)]
        assert deliveries.deliver(some, 60) == [True] * CLOSED_AFTER
        called = len(hook.received)
        assert deliveries.post(None, url=hook.url)
        assert len(hook.received) == called, "it is left alone"
        deliveries.clock.advance(3600)
        assert deliveries.post(None, url=hook.url)
        assert len(hook.received) == called + 1


def test_a_run_of_the_worker_logs_an_item_for_each_endpoint(deliveries: Deliveries) -> None:
    added: list[tuple[str, int]] = []

    def add(project: str, endpoint_id: str, tries: Any) -> None:
        added.append((endpoint_id, len(tries)))
        deliveries.log.add(project, endpoint_id, tries)

    deliveries.restart(deliveries=Replaced(deliveries.log, "add", add))
    with receiver() as hook:
        one, other = deliveries.endpoint(hook.url), deliveries.endpoint(hook.url)
        deliveries.deliver([deliveries.notification(endpoint) for endpoint in (one, other, one, one)], 60)
        assert sorted(added) == sorted([(one.id, 3), (other.id, 1)])
        added.clear()
        assert deliveries.deliver([], 60) == []
    assert added == []


def test_what_cannot_be_begun_in_time_comes_again(deliveries: Deliveries, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with receiver() as hook:
        endpoint = deliveries.endpoint(hook.url)
        assert not deliveries.post(endpoint, within_s=14.9)
        assert hook.received == []
        assert deliveries.tries(endpoint.id) == []
        assert deliveries.post(endpoint, within_s=15)
        assert len(hook.received) == 1
    outcomes = [vars(record)["outcome"] for record in caplog.records if record.getMessage() == "notification"]
    assert outcomes == ["too_late", "taken"]


def test_no_line_of_the_log_names_an_address_a_host_or_a_body(
    deliveries: Deliveries, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with receiver(500, 410) as hook:
        endpoint = deliveries.endpoint(hook.url)
        deliveries.post(endpoint)
        deliveries.post(endpoint)
        deliveries.post(None, url="https://10.1.2.3/")
    told = " ".join(str(vars(record)) for record in caplog.records)
    assert "notification" in told
    for private in (hook.url, "127.0.0.1", "10.1.2.3", "Grüße", "what happened", deliveries.secret(endpoint)):
        assert private not in told


# --- A process that dies ------------------------------------------------------------------------------------------


def dies(parts: Deliveries, where: str) -> dict[str, Any]:
    """The parts of a worker that dies at that point."""

    def after(call: Callable[..., Any], *arguments: Any) -> Any:
        call(*arguments)
        raise Crash

    part, _, name = where.removeprefix("after ").partition(".")
    known: dict[str, Any] = {"endpoints": parts.endpoints, "waiting": parts.waiting, "deliveries": parts.log}
    calls: dict[str, Callable[..., Any]] = {
        "post": parts.poster.post,
        "publish_later": parts.publish_later,
    }
    method = getattr(known[part], name) if name else calls[part]
    step = partial(after, method) if where.startswith("after ") else crash
    return {part: Replaced(known[part], name, step) if name else step}


STEPS = [
    f"{when}{step}"
    for when in ("", "after ")
    for step in ("endpoints.get", "post", "endpoints.put", "publish_later", "waiting.put_all", "deliveries.add")
]


@pytest.mark.parametrize("answer", [204, 500])
@pytest.mark.parametrize("where", STEPS)
def test_nothing_is_lost_wherever_the_process_dies(deliveries: Deliveries, where: str, answer: int) -> None:
    tries = LONG if "waiting" in where else 0
    with receiver(answer) as hook:
        failing = deliveries.clock.now_ms - 1 if answer == 204 else None
        endpoint: Endpoint = deliveries.endpoint(hook.url, failing_since_ms=failing)
        one = deliveries.notification(endpoint, tries=tries)
        queue = [one]
        deliveries.restart(**dies(deliveries, where))
        with suppress(Crash):
            if all(deliveries.deliver(queue, 60)):
                queue = []
        never_there = answer == 204 and where.removeprefix("after ") in ("publish_later", "waiting.put_all")
        assert bool(queue) is not never_there
        deliveries.restart()
        while queue := [*queue, *deliveries.take()]:
            deliveries.steady.advance(31)
            assert all(deliveries.deliver(queue, 60))
            queue = []
    assert set(hook.ids) == {one.event_id}
    assert 204 in [tried.status_code for tried in deliveries.tries(endpoint.id)]
    assert deliveries.again(endpoint).failing_since_ms is None
