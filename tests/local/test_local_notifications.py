"""Notifications on a laptop: receivers do not wait for each other, and nothing is in memory alone."""

import threading
from collections.abc import Callable
from functools import partial

import pytest

from app.local import notification_backlog
from app.local import notifications as notifications_module
from app.notify.notification import Notification
from tests.local.posting import Parts, one

Eventually = Callable[..., None]


def test_what_is_published_is_posted_and_then_need_not_be_told_again(parts: Parts, eventually: Eventually) -> None:
    names = [f"{number:03d}" for number in range(2 * notification_backlog.BATCH + 5)]
    assert parts.it.publish([one(name) for name in names]) == []
    eventually(lambda: sorted(parts.posted.names) == names)
    eventually(lambda: parts.open == 0)
    assert max(parts.posted.sizes) <= notification_backlog.BATCH
    assert parts.waiting() == []


def test_a_receiver_that_hangs_keeps_no_other_waiting(parts: Parts, eventually: Eventually) -> None:
    parts.it.publish([one(f"s{number}", "slow") for number in range(100)])
    for _ in range(2):
        assert parts.posted.waits.acquire(timeout=60)
    assert not parts.posted.waits.acquire(timeout=0.1)  # no third thread is lost to it
    parts.it.publish([one(f"w{number}", "well") for number in range(50)])
    eventually(lambda: len(parts.posted.names) == 50)
    assert parts.open == 100
    parts.posted.go.set()
    eventually(lambda: parts.open == 0)


@pytest.mark.parametrize("failing", [{"b"}, {"raise"}])
def test_what_fails_on_our_side_is_stored_for_later(parts: Parts, failing: set[str], eventually: Eventually) -> None:
    parts.posted.failing = failing
    parts.it.publish([one("a", "ep_1"), one("b", "ep_2")])
    eventually(lambda: parts.open == 0)
    assert "b" in parts.waiting()
    assert len(parts.due) == len(parts.waiting())
    assert sorted([*parts.waiting(), *parts.posted.names]) == ["a", "b"]


def test_what_fails_for_days_is_a_dead_letter(parts: Parts, eventually: Eventually) -> None:
    parts.posted.failing = {"a"}
    parts.it.publish([one("a", published_ms=1)])
    eventually(lambda: parts.open == 0)
    assert [Notification.from_json(text).event_id for text in parts.buried] == ["a"]
    assert parts.waiting() == []


def test_what_does_not_fit_into_memory_is_stored(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifications_module, "MOST_IN_MEMORY", 5)
    parts.it.publish([one(f"s{number}", "slow") for number in range(30)])
    assert parts.it.publish([one("x", "slow")]) == []
    assert parts.waiting() == ["x"]
    assert parts.open == 30


def test_what_is_stored_is_settled_when_it_is_known_what_became_of_it(parts: Parts, eventually: Eventually) -> None:
    settled: dict[str, bool] = {}
    parts.posted.failing = {"b", "old"}
    for name, published_ms in (("a", 10**15), ("b", 10**15), ("old", 1)):
        assert parts.it.post_stored(one(name, published_ms=published_ms), partial(settled.__setitem__, name))
    eventually(lambda: settled == {"a": True, "b": False, "old": True})
    assert parts.posted.names == ["a"]
    assert [Notification.from_json(text).event_id for text in parts.buried] == ["old"]
    assert parts.open == 0


def test_a_worker_that_ends_has_done_with_nothing_that_it_has_not_posted(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notification_backlog, "BATCH", 10)
    settled: list[bool] = []
    for number in range(40):
        assert parts.it.post_stored(one(f"s{number}", "slow"), settled.append)
    for _ in range(2):
        assert parts.posted.waits.acquire(timeout=60)
    closing = threading.Thread(target=parts.it.close)
    closing.start()
    while parts.it.post_stored(one("late"), settled.append):
        pass
    parts.posted.go.set()
    closing.join(60)
    assert settled == [True] * 20, "two batches were under way"
    [(_, why)] = parts.it.publish([one("late")])
    assert why == "the worker ends"
