"""The user changes an endpoint while it is called: what was answered belongs to the endpoint as it was."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from app.domain.change_types import ChangeType
from app.domain.endpoint import Disabled, disable, moved, worked
from tests.support.crash import Before
from tests.support.deliveries import Deliveries
from tests.support.webhook_receivers import receiver


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def while_called(parts: Deliveries, change: Callable[[], object]) -> None:
    """Let a change be made once, after the receiver was called and before its answer is known."""
    left = [change]

    def post(*arguments: Any) -> Any:
        answer = parts.poster.post(*arguments)
        if left:
            left.pop()()
        return answer

    parts.restart(post=post)


@pytest.mark.parametrize(("answer", "is_new_failing"), [(410, True), (500, True), (500, False), (204, True)])
def test_what_a_former_url_answers_changes_nothing_at_the_new_one(
    deliveries: Deliveries, caplog: pytest.LogCaptureFixture, answer: int, is_new_failing: bool
) -> None:
    began_ms = deliveries.clock.now_ms - 6 * 86_400_000
    with receiver(otherwise=answer) as former, receiver() as hook:
        endpoint = deliveries.endpoint(former.url, failing_since_ms=None if answer == 410 else began_ms)
        # Another process may have seen that the new one fails, too.
        failing_ms = deliveries.clock.now_ms - 10 if is_new_failing else None
        new = replace(moved(endpoint, hook.url), failing_since_ms=failing_ms)
        while_called(deliveries, lambda: deliveries.endpoints.put(replace(new, version=deliveries.again(new).version)))
        assert deliveries.post(endpoint)
        stored = deliveries.again(endpoint)
        assert (stored.url, stored.disabled, stored.failing_since_ms) == (hook.url, None, failing_ms)
        assert errors(caplog) == []
        deliveries.clock.advance(1)
        assert deliveries.deliver(deliveries.take(), 60) in ([True], [])
        assert len(hook.received) == (answer != 204), "what the former URL has not taken is told to the new one"


@pytest.mark.parametrize("answer", [410, 500, 204])
def test_one_that_the_user_disables_while_it_is_called_stays_so_and_is_not_told(
    deliveries: Deliveries, caplog: pytest.LogCaptureFixture, answer: int
) -> None:
    with receiver(otherwise=answer) as hook:
        endpoint = deliveries.endpoint(hook.url, failing_since_ms=deliveries.clock.now_ms if answer == 204 else None)
        disabled = disable(endpoint, Disabled.BY_USER, deliveries.clock.now_ms)
        while_called(deliveries, lambda: deliveries.endpoints.put(disabled))
        assert deliveries.post(endpoint)
    stored = deliveries.again(endpoint)
    assert (stored.disabled, stored.disabled_at_ms) == (Disabled.BY_USER, disabled.disabled_at_ms)
    assert deliveries.take() == []
    assert errors(caplog) == []


def test_failures_of_a_former_url_hold_nothing_back_from_the_new_one(deliveries: Deliveries) -> None:
    with receiver(otherwise=500) as former, receiver() as hook:
        endpoint = deliveries.endpoint(former.url)
        assert deliveries.deliver([deliveries.notification(endpoint) for _ in range(30)], 60) == [True] * 30
        assert len(former.received) < 30, "it is not called any more"
        assert deliveries.endpoints.put(moved(deliveries.again(endpoint), hook.url))
        assert deliveries.post(endpoint)
        assert len(hook.received) == 1


@pytest.mark.parametrize("change", ["disabled", "wants no such type"])
def test_what_is_not_wanted_any_more_once_a_probe_is_noted_is_not_posted(deliveries: Deliveries, change: str) -> None:
    with receiver() as hook:
        endpoint = deliveries.endpoint(hook.url, failing_since_ms=1)
        changed = (
            disable(endpoint, Disabled.BY_USER, deliveries.clock.now_ms)
            if change == "disabled"
            else replace(worked(endpoint), types=(ChangeType.BOUNCED,))
        )
        first = Before(deliveries.endpoints, "put", lambda: deliveries.endpoints.put(changed))
        deliveries.restart(endpoints=first)
        assert deliveries.post(endpoint)
        assert hook.received == []
    assert deliveries.tries(endpoint.id)[0].fault.endswith(change)
