"""Notifications that wait come when they are due, the longest first, until they are removed."""

from dataclasses import replace
from itertools import count
from uuid import uuid4

import pytest

from app.domain.shards import shard_of
from app.notify.notification import Notification
from app.store.waiting_notifications import KEPT_AFTER_S, WaitingItem, WaitingNotifications
from tests.support import damage

pytestmark = pytest.mark.usefixtures("store")

AT_MS = 1_800_000_000_000
SHARDS = 1_000_000  # so that each test has some of its own
_numbers = count()


def waiting() -> WaitingNotifications[Notification]:
    return WaitingNotifications(SHARDS, Notification.from_json)


def a_notification(email_id: str, **fields: object) -> Notification:
    one = Notification(f"evt_{next(_numbers):05d}", "email.sent", "shop", "ep_1", '{"a": "ü"}', AT_MS, "", email_id, 3)
    return replace(one, **fields)  # type: ignore[arg-type] # because the fields are those of Notification


def an_email() -> tuple[str, int]:
    email_id = f"eml_{uuid4().hex}"
    return email_id, shard_of(email_id, SHARDS)


def test_it_comes_back_whole_when_it_is_due_and_not_before() -> None:
    email_id, shard = an_email()
    one = a_notification(email_id, url="https://example.com/")
    waiting().put_all([(one, AT_MS)])
    assert waiting().due(shard, AT_MS - 1, 10) == []
    [(key, found)] = waiting().due(shard, AT_MS, 10)
    assert found == one
    waiting().remove(shard, [key])
    assert waiting().due(shard, AT_MS, 10) == []


def test_the_longest_due_come_first_and_no_more_than_asked_for() -> None:
    email_id, shard = an_email()
    several = [a_notification(email_id) for _ in range(30)]
    for key_of, one in enumerate(several):
        waiting().put_all([(one, AT_MS - key_of)])
    assert [one for _, one in waiting().due(shard, AT_MS, 7)] == several[::-1][:7]
    keys = [key for key, _ in waiting().due(shard, AT_MS, 100)]
    assert len(keys) == 30
    waiting().remove(shard, keys[:28])  # more than one batch has
    assert [one for _, one in waiting().due(shard, AT_MS, 7)] == several[:2][::-1]


def test_endpoints_wait_for_one_event_each_for_itself_and_putting_again_adds_nothing() -> None:
    email_id, shard = an_email()
    one = a_notification(email_id)
    waiting().put_all([(one, AT_MS)])
    waiting().put_all([(other, AT_MS) for other in (one, one, replace(one, endpoint_id="ep_2"))])
    assert [found.endpoint_id for _, found in waiting().due(shard, AT_MS, 10)] == ["ep_1", "ep_2"]


def test_one_without_an_email_has_a_shard_too() -> None:
    one = a_notification("", event_id=f"evt_{uuid4().hex}")
    waiting().put_all([(one, AT_MS)])
    assert [found for _, found in waiting().due(shard_of(one.event_id, SHARDS), AT_MS, 10)] == [one]


def test_it_is_kept_for_longer_than_the_sweep_may_stand_still() -> None:
    email_id, shard = an_email()
    waiting().put_all([(a_notification(email_id), AT_MS)])
    (item,) = WaitingItem.query(f"waiting#{shard}")
    assert item.ttl.timestamp() == AT_MS / 1000 + KEPT_AFTER_S


@pytest.mark.parametrize("text", ["", "[]", "{", '{"event_id": "evt_1"}', '{"unknown": 1}', "[" * 50_000])
def test_those_that_cannot_be_read_are_passed_over_however_many_they_are(
    caplog: pytest.LogCaptureFixture, text: str
) -> None:
    email_id, shard = an_email()
    for number in range(12):
        key = {"partition": {"S": f"waiting#{shard}"}, "part": {"S": f"{AT_MS - number:013d}#evt_0#ep_0"}}
        damage.put(WaitingItem, {**key, "notification": {"S": text}})
    one = a_notification(email_id)
    waiting().put_all([(one, AT_MS)])
    assert [found for _, found in waiting().due(shard, AT_MS, 5)] == [one]
    assert len(damage.passed_over(caplog)) == 12
