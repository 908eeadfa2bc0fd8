"""One notification, one receiver: what the receiver gets, and what follows from its answer."""

import logging
import socket
from dataclasses import replace
from typing import Any

import pytest

from app.domain.change_types import ChangeType
from app.domain.endpoint import (
    GIVEN_UP_AFTER_MS,
    HOUR_MS,
    OVERLAP_MS,
    PROBED_EVERY_MS,
    RETRY_AFTER_S,
    Disabled,
    disable,
    rotated,
)
from app.notify.notification import TEST_TYPE, Notification
from tests.support.deliveries import Deliveries
from tests.support.webhook_receivers import HANG, VANISH, receiver


def lines(caplog: pytest.LogCaptureFixture, message: str) -> list[dict[str, Any]]:
    return [vars(record) for record in caplog.records if record.getMessage() == message]


@pytest.mark.parametrize("status_code", [200, 202, 204])
def test_what_is_taken_is_done_with(deliveries: Deliveries, caplog: pytest.LogCaptureFixture, status_code: int) -> None:
    caplog.set_level(logging.INFO)
    with receiver(otherwise=status_code) as hook:
        endpoint = deliveries.endpoint(hook.url)
        one = deliveries.notification(endpoint, published_ms=deliveries.clock.now_ms - 1500)
        assert deliveries.deliver([one], 60) == [True]
    (got,) = hook.received
    assert (got.body, got.id) == (one.body.encode(), one.event_id)
    assert got.is_signed_with(deliveries.secret(endpoint))
    assert not got.is_signed_with(deliveries.secret(endpoint, 2))
    assert not got.is_signed_with(deliveries.secret(None))
    assert (deliveries.later, deliveries.all_waiting()) == ([], [])
    assert deliveries.again(endpoint) == endpoint, "an endpoint that works is not written"
    (tried,) = deliveries.tries(endpoint.id)
    assert (tried.event_id, tried.type, tried.email_id, tried.number) == (one.event_id, one.type, one.email_id, 1)
    assert (tried.status_code, tried.fault, tried.reply, tried.next_try_ms) == (status_code, "", "", None)
    (line,) = lines(caplog, "notification")
    assert (line["outcome"], line["endpoint_id"], line["email_id"]) == ("taken", endpoint.id, one.email_id)
    assert (line["number"], line["is_called"], line["test"]) == (1, True, False)
    assert 1500 - line["ms"] <= line["age_ms"] <= 1500


@pytest.mark.parametrize("said", [302, 400, 404, 500, 503, HANG, VANISH])
def test_what_is_not_taken_comes_again_and_the_endpoint_is_known_to_fail(
    deliveries: Deliveries, said: int | str
) -> None:
    with receiver(said) as hook:
        endpoint = deliveries.endpoint(hook.url)
        one = deliveries.notification(endpoint)
        assert deliveries.deliver([one], 60) == [True]
        assert deliveries.later == [(replace(one, tries=1), 5)]
        assert deliveries.again(endpoint).failing_since_ms == deliveries.clock.now_ms
        (tried,) = deliveries.tries(endpoint.id)
        assert tried.next_try_ms == deliveries.clock.now_ms + 5000
        assert tried.status_code == (said if isinstance(said, int) else None)
        assert tried.fault == {HANG: "timeout", VANISH: "no answer of HTTP"}.get(str(said), "")
        assert tried.reply == ("what happened" if isinstance(said, int) else "")
        deliveries.steady.advance(31)
        deliveries.clock.advance(5)
        assert deliveries.deliver([deliveries.later[0][0]], 60) == [True]
    assert hook.ids == [one.event_id, one.event_id]
    assert deliveries.again(endpoint).failing_since_ms is None
    assert [tried.number for tried in deliveries.tries(endpoint.id)] == [2, 1]


def test_a_receiver_that_is_not_there_is_a_failure(deliveries: Deliveries) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        endpoint = deliveries.endpoint(f"http://127.0.0.1:{probe.getsockname()[1]}/")
        assert deliveries.post(endpoint)
    assert deliveries.tries(endpoint.id)[0].fault == "connection refused"
    assert len(deliveries.later) == 1


def test_a_host_that_may_not_be_called_is_not(deliveries: Deliveries) -> None:
    endpoint = deliveries.endpoint("https://169.254.169.254/latest/meta-data/")
    assert deliveries.post(endpoint)
    assert deliveries.tries(endpoint.id)[0].fault.startswith("not called: ")


def test_one_that_has_gone_is_disabled_at_once_and_told(
    deliveries: Deliveries, caplog: pytest.LogCaptureFixture
) -> None:
    with receiver(410) as hook:
        endpoint = deliveries.endpoint(hook.url)
        assert deliveries.post(endpoint)
        gone_ms = deliveries.clock.now_ms
        assert deliveries.post(endpoint), "what comes later is dropped"
        assert len(hook.received) == 1
    stored = deliveries.again(endpoint)
    assert (stored.disabled, stored.disabled_at_ms) == (Disabled.GONE, gone_ms)
    assert (deliveries.later, deliveries.all_waiting()) == ([], [])
    (line,) = lines(caplog, "endpoint disabled")
    assert (line["levelno"], line["endpoint_id"], line["why"]) == (logging.ERROR, endpoint.id, "gone")
    assert [tried.fault for tried in deliveries.tries(endpoint.id)] == ["dropped: the endpoint is disabled", ""]


def test_one_that_fails_for_five_days_is_disabled_and_told(
    deliveries: Deliveries, caplog: pytest.LogCaptureFixture
) -> None:
    with receiver(otherwise=500) as hook:
        endpoint = deliveries.endpoint(hook.url)
        deliveries.post(endpoint)
        began_ms = deliveries.clock.now_ms
        half_days = GIVEN_UP_AFTER_MS // (12 * HOUR_MS)
        for left in reversed(range(half_days)):
            deliveries.clock.advance(12 * 3600 - (0 if left else 20))
            deliveries.post(endpoint)
        assert deliveries.again(endpoint).disabled is None
        assert len(deliveries.later) == 1 + half_days
        deliveries.clock.advance(PROBED_EVERY_MS / 1000)
        assert deliveries.post(endpoint)
    stored = deliveries.again(endpoint)
    assert (stored.disabled, stored.failing_since_ms) == (Disabled.FAILING, began_ms)
    assert len(deliveries.later) == 1 + half_days, "it is not called any more, so nothing is tried again"
    (line,) = lines(caplog, "endpoint disabled")
    assert (line["why"], line["failing_since_ms"]) == ("failing", began_ms)


def test_the_retries_are_those_of_the_table_and_then_it_is_given_up(
    deliveries: Deliveries, caplog: pytest.LogCaptureFixture
) -> None:
    waits_s, waiting = [], 0
    with receiver(otherwise=500) as hook:
        endpoint = deliveries.endpoint(hook.url)
        one: Notification | None = deliveries.notification(endpoint)
        while one:
            deliveries.steady.advance(31)
            deliveries.later.clear()
            assert deliveries.deliver([one], 60) == [True]
            following = [(found, due_ms) for found, due_ms in deliveries.all_waiting() if found.tries == one.tries + 1]
            waiting += len(following)
            following += [(found, deliveries.clock.now_ms + wait_s * 1000) for found, wait_s in deliveries.later]
            assert len(following) < 2
            one = None
            for found, due_ms in following:
                waits_s.append((due_ms - deliveries.clock.now_ms) / 1000)
                deliveries.clock.advance(waits_s[-1])
                one = found
    assert waits_s == list(RETRY_AFTER_S)
    assert waiting == len([wait_s for wait_s in RETRY_AFTER_S if wait_s > 900])
    assert set(hook.ids) == {hook.ids[0]}
    assert len(hook.ids) == len(RETRY_AFTER_S) + 1
    (line,) = [line for line in lines(caplog, "notification") if line["outcome"] == "given_up"]
    assert (line["levelno"], line["number"]) == (logging.WARNING, 13)
    assert deliveries.tries(endpoint.id)[0].next_try_ms is None


@pytest.mark.parametrize(
    ("status_code", "asked", "wait_s"),
    [
        (429, "120", 120),
        (503, "120", 120),
        (503, "1", 5),
        (429, "soon", 5),
        (429, "99999999", 12 * 3600),
        (500, "120", 5),
    ],
)
def test_a_receiver_may_ask_for_time(deliveries: Deliveries, status_code: int, asked: str, wait_s: int) -> None:
    with receiver(status_code, more_headers=f"Retry-After: {asked}\r\n") as hook:
        endpoint = deliveries.endpoint(hook.url)
        assert deliveries.post(endpoint)
    (tried,) = deliveries.tries(endpoint.id)
    assert tried.next_try_ms == deliveries.clock.now_ms + wait_s * 1000
    assert [wait_s for _, wait_s in deliveries.later] == ([wait_s] if wait_s <= 900 else [])
    assert [one.tries for one, _ in deliveries.all_waiting()] == ([] if wait_s <= 900 else [1])


def test_after_a_rotation_both_secrets_verify_for_a_day(deliveries: Deliveries) -> None:
    with receiver() as hook:
        now_ms = deliveries.clock.now_ms
        endpoint = deliveries.endpoint(hook.url, began_ms=(now_ms - 2 * OVERLAP_MS,))
        assert deliveries.endpoints.put(rotated(endpoint, now_ms - OVERLAP_MS + 2000))
        deliveries.post(endpoint)  # a second before the day is over
        deliveries.post(endpoint)
    within, after = hook.received
    old, new = deliveries.secret(endpoint), deliveries.secret(endpoint, 2)
    assert (within.is_signed_with(old), within.is_signed_with(new)) == (True, True)
    assert (after.is_signed_with(old), after.is_signed_with(new)) == (False, True)


@pytest.mark.parametrize("why", ["deleted", "disabled", "wants no such type"])
def test_what_nobody_wants_any_more_is_dropped(
    deliveries: Deliveries, caplog: pytest.LogCaptureFixture, why: str
) -> None:
    caplog.set_level(logging.INFO)
    with receiver() as hook:
        endpoint = deliveries.endpoint(hook.url, ChangeType.BOUNCED)
        wanted = deliveries.notification(endpoint, type="email.bounced")
        one = deliveries.notification(endpoint, type="email.sent" if "type" in why else "email.bounced")
        if why == "deleted":
            assert deliveries.endpoints.delete(deliveries.project, endpoint.id)
        if why == "disabled":
            assert deliveries.endpoints.put(disable(endpoint, Disabled.BY_USER, deliveries.clock.now_ms))
        assert deliveries.deliver([one], 60) == [True]
        assert hook.received == []
        assert deliveries.deliver([wanted], 60) == [True]
        assert len(hook.received) == (why == "wants no such type")
    (line, *_) = lines(caplog, "notification")
    assert (line["outcome"], line["is_called"], line["fault"]) == ("dropped", False, "dropped")
    kept = [tried.fault for tried in deliveries.tries(endpoint.id) if tried.event_id == one.event_id]
    assert kept == ([] if why == "deleted" else [f"dropped: the endpoint {'is ' * (why == 'disabled')}{why}"])


@pytest.mark.parametrize(("status_code", "outcome"), [(204, "taken"), (500, "given_up"), (410, "given_up")])
@pytest.mark.parametrize("is_disabled", [True, False])
def test_a_test_is_made_once_whatever_is_known_and_changes_nothing(
    deliveries: Deliveries, caplog: pytest.LogCaptureFixture, status_code: int, outcome: str, is_disabled: bool
) -> None:
    caplog.set_level(logging.INFO)
    with receiver(otherwise=500) as hook:
        endpoint = deliveries.endpoint(hook.url)
        for _ in range(2):
            deliveries.post(endpoint)  # the gate is closed now
        deliveries.later.clear()
        before = deliveries.again(endpoint)
        if is_disabled:
            stored = deliveries.endpoints.put(disable(before, Disabled.BY_USER, deliveries.clock.now_ms))
            assert stored
            before = stored
        hook.otherwise = status_code
        hook.received.clear()
        caplog.clear()
        assert deliveries.post(endpoint, type=TEST_TYPE, email_id="")
        assert len(hook.received) == 1
        assert hook.received[0].is_signed_with(deliveries.secret(endpoint))
    assert deliveries.again(endpoint) == before
    assert (deliveries.later, deliveries.all_waiting()) == ([], [])
    (line,) = lines(caplog, "notification")
    assert (line["outcome"], line["test"], line["levelno"]) == (outcome, True, logging.INFO)
    assert deliveries.tries(endpoint.id)[0].type == TEST_TYPE


def test_the_url_of_an_email_is_called_with_the_projects_own_secret(deliveries: Deliveries) -> None:
    with receiver(204, 204, 500, 410) as hook:
        assert deliveries.post(None, url=hook.url)
        assert hook.received[0].is_signed_with(deliveries.secret(None))
        began_ms = (0, deliveries.clock.now_ms - 1)
        default = replace(deliveries.endpoint("", began_ms=began_ms), id="default", version=0)
        assert deliveries.endpoints.put(default)
        assert deliveries.post(None, url=hook.url)
        assert hook.received[1].is_signed_with(deliveries.secret(None))
        assert hook.received[1].is_signed_with(deliveries.secret(None, 2))
        assert deliveries.post(None, url=hook.url)
        assert [wait_s for _, wait_s in deliveries.later] == [5]
        assert deliveries.later[0][0].url == hook.url
        assert deliveries.post(None, url=hook.url), "410: nothing more of this one"
        assert len(deliveries.later) == 1
    stored = deliveries.endpoints.get(deliveries.project, "default")
    assert stored == replace(default, version=1), "it has no state"
    assert [tried.status_code for tried in deliveries.tries("default")] == [410, 500, 204, 204]
