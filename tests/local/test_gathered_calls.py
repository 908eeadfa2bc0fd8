"""Several threads store at once: few calls, each item once, and whoever waits learns of a failure."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.errors import ServiceUnavailable
from app.local import gathered_calls
from app.local.gathered_calls import FeedCalls
from app.notify.notification import Notification
from app.store.batches import put_all
from app.store.change_items import ChangeItem
from app.store.ttl import as_ttl
from app.store.waiting_notifications import WaitingItem, WaitingNotifications
from tests.support.aws import Aws


@pytest.fixture
def calls(store: Aws) -> Iterator[FeedCalls]:
    assert store
    it = FeedCalls()
    yield it
    it.close()


def item(number: int, day: int = 1) -> ChangeItem:
    return ChangeItem(f"default#{day}#0", f"{number:03d}", ttl=as_ttl(4_000_000_000), changes=[{"id": str(number)}])


def test_what_comes_while_something_is_stored_is_stored_together(
    calls: FeedCalls, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    begun, go = threading.Event(), threading.Event()

    def slow(items: list[ChangeItem], may_begin: Callable[[], bool]) -> None:
        sizes.append(len(items))
        begun.set()
        assert go.wait(100)
        put_all(items, may_begin)

    monkeypatch.setattr(gathered_calls, "put_all", slow)
    with ThreadPoolExecutor(20) as pool:
        first = pool.submit(calls.put_all, [item(0)])
        assert begun.wait(60)
        others = [pool.submit(calls.put_all, [item(number)]) for number in (*range(1, 15), 3)]
        while len(calls._puts._gathered) < len(others):
            threading.Event().wait(0.01)
        assert not any(one.done() for one in (first, *others))
        go.set()
        for one in (first, *others):
            one.result(60)
    assert sizes == [1, 14]  # the one that came twice is in it once
    stored = [found.part for found in ChangeItem.query("default#1#0", consistent_read=True)]
    assert stored == [f"{number:03d}" for number in range(15)]


def test_notifications_that_wait_are_stored_together(store: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store
    sizes: list[int] = []
    begun, go = threading.Event(), threading.Event()

    def slow(items: list[WaitingItem], may_begin: Callable[[], bool]) -> None:
        sizes.append(len(items))
        begun.set()
        assert go.wait(100)
        put_all(items, may_begin)

    monkeypatch.setattr(gathered_calls, "put_all", slow)
    calls = FeedCalls()
    waiting = WaitingNotifications(1, Notification.from_json, calls.put_all)
    some = [Notification(f"evt_{n}", "email.sent", "default", "ep_1", "{}", published_ms=1) for n in range(9)]
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(waiting.put_all, [(some[0], 1000)])
        assert begun.wait(60)
        others = [pool.submit(waiting.put_all, [(one, 1000)]) for one in some[1:]]
        while len(calls._puts._gathered) < len(others):
            threading.Event().wait(0.01)
        go.set()
        for one in (first, *others):
            one.result(60)
    calls.close()
    assert sizes == [1, 8]
    assert [found for _, found in waiting.due(0, 1000, 100)] == some


def test_a_failure_is_everybodys_whose_items_it_concerns(calls: FeedCalls, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ServiceUnavailable("the table does not answer")

    monkeypatch.setattr(gathered_calls, "put_all", fail)
    with pytest.raises(ServiceUnavailable):
        calls.put_all([item(1, day=2)])
    monkeypatch.setattr(gathered_calls, "put_all", put_all)
    calls.put_all([item(2, day=2)])
    assert [found.part for found in ChangeItem.query("default#2#0", consistent_read=True)] == ["002"]


def test_nothing_is_stored_where_readers_of_the_feed_have_passed(calls: FeedCalls) -> None:
    with pytest.raises(ServiceUnavailable, match="too slow"):
        calls.put_all([item(1, day=4)], lambda: False)
    assert list(ChangeItem.query("default#4#0", consistent_read=True)) == []


def test_what_is_read_together_goes_to_whoever_asked_for_it(calls: FeedCalls) -> None:
    calls.put_all([item(number, day=3) for number in range(10)])

    def find(number: int) -> list[str]:
        keys = [{"partition": "default#3#0", "part": f"{one:03d}"} for one in (number, number + 100)]
        return [raw["part"]["S"] for raw in calls.get_all(ChangeItem, keys, is_consistent=True)]

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(find, range(10))) == [[f"{number:03d}"] for number in range(10)]
