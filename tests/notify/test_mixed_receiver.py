"""A receiver that takes some webhooks and refuses others: what it would take is not lost behind what it refuses."""

import pytest

from app.domain.endpoint import RETRY_AFTER_S
from app.notify.notification import Notification
from app.outgoing.post import Answer
from tests.support.deliveries import Deliveries

REFUSED = '{"refused":true}'
LAG_S = 0.05  # of the queue
MINUTE_S, DAY_S = 60, 86_400


def _run(deliveries: Deliveries, notifications: dict[Notification, float], for_s: float) -> dict[str, list[float]]:
    """Let notifications come at their times, and again when they are due. Returns when each was called, by event id."""
    called: dict[str, list[float]] = {one.event_id: [] for one in notifications}
    began_s = deliveries.clock.now_s

    def post(_: str, headers: dict[str, str], body: bytes) -> Answer:
        called[headers["webhook-id"]].append(deliveries.clock.now_s - began_s)
        return Answer(500 if body.decode() == REFUSED else 204)

    deliveries.restart(post=post)
    pending = {one: began_s + at_s for one, at_s in notifications.items()}
    while pending:
        one = min(pending, key=lambda key: pending[key])
        due_s = pending.pop(one)
        if due_s - began_s > for_s:
            break
        for clock in (deliveries.steady, deliveries.clock):
            clock.advance(max(0, due_s + LAG_S - deliveries.clock.now_s))
        assert deliveries.deliver([one], 60) == [True]
        pending |= {late: due_ms / 1000 for late, due_ms in deliveries.all_waiting()}
        pending |= {soon: deliveries.clock.now_s + wait_s for soon, wait_s in deliveries.later}
        deliveries.take()
    return called


@pytest.mark.parametrize("at_s", [0.2, 4, 7, 12, 19, 21, 28, 33, 36, 58, 67, 80, 93])
def test_one_that_comes_behind_one_that_is_refused_is_called_within_minutes(
    deliveries: Deliveries, at_s: float
) -> None:
    endpoint = deliveries.endpoint("http://127.0.0.1:9/hook")
    refused = deliveries.notification(endpoint, body=REFUSED)
    well = deliveries.notification(endpoint)
    called = _run(deliveries, {refused: 0, well: at_s}, 10 * MINUTE_S)
    assert len(called[well.event_id]) == 1
    assert called[well.event_id][0] - at_s < 3 * MINUTE_S


def test_several_behind_several_that_are_refused_are_all_called(deliveries: Deliveries) -> None:
    endpoint = deliveries.endpoint("http://127.0.0.1:9/hook")
    refused = [deliveries.notification(endpoint, body=REFUSED) for _ in range(4)]
    well = [deliveries.notification(endpoint) for _ in range(10)]
    at_s = {one: 0.1 * place for place, one in enumerate(refused)}
    at_s |= {one: 6 + 2.5 * place for place, one in enumerate(well)}
    called = _run(deliveries, at_s, 4 * DAY_S)
    assert [len(called[one.event_id]) for one in well] == [1] * 10
    assert max(called[one.event_id][0] for one in well) < 10 * MINUTE_S
    assert all(1 < len(called[one.event_id]) <= len(RETRY_AFTER_S) + 1 for one in refused)


def test_behind_one_url_of_emails_that_refuses_they_are_called_as_well(deliveries: Deliveries) -> None:
    url = "http://127.0.0.1:9/hook"
    refused = [deliveries.notification(None, url=url, body=REFUSED) for _ in range(5)]
    well = deliveries.notification(None, url=url)
    called = _run(deliveries, dict.fromkeys(refused, 0.0) | {well: 6.0}, 4 * DAY_S)
    assert len(called[well.event_id]) == 1
    assert called[well.event_id][0] < 10 * MINUTE_S
