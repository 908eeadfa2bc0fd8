"""What waits on a laptop is posted when it is due, stays stored until it is posted, and is read once."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from app.errors import ServiceUnavailable
from app.local import notification_backlog, waiting_sender
from app.local.notifications import StoredNotifications
from app.local.waiting_sender import WaitingSender
from app.notify.notification import Notification
from tests.local.posting import SHARDS, Counted, Parts, one, sender_of, sending
from tests.support.clock import Clock

Eventually = Callable[..., None]


def with_own(parts: Parts, clock: Clock) -> tuple[Counted, WaitingSender, StoredNotifications]:
    """A sender, the store that it reads, and the store of its own process."""
    counted = Counted()
    sender = WaitingSender(counted, parts.it.post_stored, range(SHARDS), clock)
    return counted, sender, StoredNotifications(SHARDS, sender.keep)


def test_what_waits_is_posted_when_it_is_due_and_is_gone_then(parts: Parts, eventually: Eventually) -> None:
    clock = Clock()
    sender = sender_of(parts, clock)
    parts.stored.put_all([(one("a"), clock.now_ms)])
    parts.stored.put_all([(one("b"), clock.now_ms + 60_000)])
    with sending(parts, sender):
        eventually(lambda: parts.posted.names == ["a"])
        eventually(lambda: parts.waiting() == ["b"])
        clock.advance(59)
        parts.stored.put_all([(one("c"), clock.now_ms)])  # by another process, which says so
        sender.note(clock.now_ms)
        eventually(lambda: parts.posted.names == ["a", "c"])
        clock.advance(1)
        eventually(lambda: parts.posted.names == ["a", "c", "b"])
        eventually(lambda: parts.waiting() == [])


def test_what_waits_does_not_wait_longer_after_the_clock_was_set_back(parts: Parts, eventually: Eventually) -> None:
    clock = Clock()
    sender = sender_of(parts, clock)
    with sending(parts, sender):
        parts.stored.put_all([(one("first"), clock.now_ms)])
        sender.note(clock.now_ms)
        eventually(lambda: parts.posted.names == ["first"])
        parts.stored.put_all([(one("a"), clock.now_ms + 5000)])
        parts.stored.put_all([(one("b"), clock.now_ms + 5_000_000)])
        clock.advance(-3600)
        eventually(lambda: any(due_ms == clock.now_ms + 5000 for due_ms in parts.due))
        assert parts.posted.names == ["first"]
        clock.advance(5)
        eventually(lambda: parts.posted.names == ["first", "a"])
        eventually(lambda: parts.waiting() == ["b"])


def test_what_fails_while_it_waits_is_tried_again(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    monkeypatch.setattr(waiting_sender, "AGAIN_AFTER_S", 0.05)
    clock = Clock()
    parts.posted.failing = {"a"}
    parts.stored.put_all([(one("a"), clock.now_ms)])
    with sending(parts, sender_of(parts, clock)):
        eventually(lambda: len(parts.posted.sizes) >= 1)
        parts.posted.failing = set()

        def is_posted_later() -> bool:
            clock.advance(1)  # each time: the failure may not have been dealt with the first time
            return parts.posted.names == ["a"]

        eventually(is_posted_later)
        eventually(lambda: parts.waiting() == [])


def test_what_waits_for_a_receiver_that_hangs_keeps_no_other_waiting(parts: Parts, eventually: Eventually) -> None:
    clock = Clock()
    sender = sender_of(parts, clock)
    for number in range(30):
        parts.stored.put_all([(one(f"s{number:02d}", "slow"), clock.now_ms)])
    with sending(parts, sender):
        assert parts.posted.waits.acquire(timeout=60)
        parts.stored.put_all([(one("w", "well"), clock.now_ms)])
        sender.note(clock.now_ms)
        eventually(lambda: parts.posted.names == ["w"])
        eventually(lambda: len(parts.waiting()) == 30)  # they are stored until they are taken
        parts.posted.go.set()
        eventually(lambda: parts.waiting() == [])
    assert sorted(parts.posted.names) == [*(f"s{number:02d}" for number in range(30)), "w"], "each once"


def test_what_is_in_hand_is_not_read_again_and_again(parts: Parts, eventually: Eventually) -> None:
    clock, counted = Clock(), Counted()
    sender = WaitingSender(counted, parts.it.post_stored, range(SHARDS), clock)
    for number in range(30):
        parts.stored.put_all([(one(f"s{number:02d}", "slow"), clock.now_ms - 100_000)])
    with sending(parts, sender):
        assert parts.posted.waits.acquire(timeout=60)
        eventually(lambda: len(counted.asked) == SHARDS)
        counted.asked.clear()
        parts.stored.put_all([(one("w", "well"), clock.now_ms)])
        sender.note(clock.now_ms)
        eventually(lambda: parts.posted.names == ["w"])
        assert min(begin for _, begin in counted.asked) > f"{clock.now_ms - 100_000:013d}~"


def test_more_than_is_read_at_once_is_posted_once(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    monkeypatch.setattr(waiting_sender, "CHUNK", 3)
    clock = Clock()
    names = [f"{number:02d}" for number in range(20)]
    for name in names:
        parts.stored.put_all([(one(name), clock.now_ms)])
    with sending(parts, sender_of(parts, clock)):
        eventually(lambda: parts.waiting() == [])
    assert sorted(parts.posted.names) == names


def test_what_is_more_than_fits_into_memory_is_read_when_there_is_room(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    monkeypatch.setattr(waiting_sender, "MOST_IN_MEMORY", 6)
    monkeypatch.setattr(waiting_sender, "CHUNK", 2)
    clock = Clock()
    counted, sender, own = with_own(parts, clock)
    before, after = ([f"{name}{number:02d}" for number in range(20)] for name in "ba")
    for name in before:
        parts.stored.put_all([(one(name), clock.now_ms + 3000)])
    with sending(parts, sender):
        eventually(lambda: len(counted.asked) >= SHARDS)
        for name in after:
            own.put_all([(one(name), clock.now_ms + 2000)])
        asked = len(counted.asked)
        assert asked < len(before) // waiting_sender.CHUNK, "not all of them was read"
        clock.advance(3)
        eventually(lambda: parts.waiting() == [])
        assert len(counted.asked) > asked + len(before + after) // waiting_sender.CHUNK
    assert sorted(parts.posted.names) == after + before, "each once"


def test_what_was_posted_and_cannot_be_removed_is_not_posted_again(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    clock, refused = Clock(), [ServiceUnavailable("the table does not answer")] * 2
    remove = parts.stored.remove

    def refusing(shard: int, keys: Sequence[str]) -> None:
        if refused:
            raise refused.pop()
        remove(shard, keys)

    monkeypatch.setattr(parts.stored, "remove", refusing)
    parts.stored.put_all([(one("a"), clock.now_ms)])
    with sending(parts, sender_of(parts, clock)):
        eventually(lambda: parts.waiting() == [])
    assert parts.posted.names == ["a"]
    assert not refused


def test_what_is_done_with_is_removed_together(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    monkeypatch.setattr(notification_backlog, "BATCH", 10)
    clock, sizes = Clock(), list[int]()
    remove = parts.stored.remove

    def counting(shard: int, keys: Sequence[str]) -> None:
        sizes.append(len(keys))
        remove(shard, keys)

    monkeypatch.setattr(parts.stored, "remove", counting)
    for number in range(20):
        parts.stored.put_all([(one(f"s{number:02d}", "slow"), clock.now_ms)])
    sender = sender_of(parts, clock)
    with sending(parts, sender):
        for _ in range(2):
            assert parts.posted.waits.acquire(timeout=60)
    parts.it.close()  # now all is settled
    sender.remove_done()
    assert parts.waiting() == []
    assert (sum(sizes), len(sizes)) in {(20, count) for count in range(1, 2 * SHARDS + 1)}


def test_while_nothing_waits_the_store_is_not_asked(parts: Parts, eventually: Eventually) -> None:
    clock, counted = Clock(), Counted()
    sender = WaitingSender(counted, parts.it.post_stored, range(SHARDS), clock)
    with sending(parts, sender):
        eventually(lambda: len(counted.asked) == SHARDS)
        clock.advance(3)  # it has looked around a few times by then
        parts.stored.put_all([(one("a"), clock.now_ms)])
        assert len(counted.asked) == SHARDS
        sender.note(clock.now_ms)
        eventually(lambda: parts.posted.names == ["a"])


def test_what_this_process_stores_is_posted_in_time_and_not_read(parts: Parts, eventually: Eventually) -> None:
    clock = Clock()
    counted, sender, own = with_own(parts, clock)
    with sending(parts, sender):
        eventually(lambda: len(counted.asked) == SHARDS)
        own.put_all([(one("b"), clock.now_ms + 60_000)])
        own.put_all([(one("a"), clock.now_ms + 5000)])
        assert parts.waiting() == ["a", "b"], "it is stored all the time"
        clock.advance(5)
        eventually(lambda: parts.posted.names == ["a"])
        clock.advance(55)
        eventually(lambda: parts.waiting() == [])
    assert parts.posted.names == ["a", "b"]
    assert len(counted.asked) == SHARDS


def test_what_is_due_much_later_is_read_in_time_and_once(parts: Parts, eventually: Eventually) -> None:
    clock = Clock()
    counted, sender, own = with_own(parts, clock)
    with sending(parts, sender):
        eventually(lambda: len(counted.asked) == SHARDS)
        first_ms = clock.now_ms
        own.put_all([(one("a"), first_ms + 12 * 3_600_000)])
        clock.advance(12 * 3600 - 1)  # as if the machine had slept meanwhile
        eventually(lambda: len(counted.asked) == 3 * SHARDS)
        clock.advance(1)
        eventually(lambda: parts.waiting() == [])
    assert parts.posted.names == ["a"]
    assert sorted(begin for _, begin in counted.asked[SHARDS:]) == SHARDS * [
        f"{first_ms - waiting_sender.WRITTEN_WITHIN_MS:013d}"
    ] + SHARDS * [f"{first_ms + waiting_sender.AHEAD_MS:013d}"]


def test_what_another_process_stores_without_saying_so_is_found(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    monkeypatch.setattr(waiting_sender, "LOOK_EVERY_S", 0.05)
    clock, counted = Clock(), Counted()
    sender = WaitingSender(counted, parts.it.post_stored, range(SHARDS), clock)
    with sending(parts, sender):
        eventually(lambda: len(counted.asked) >= SHARDS)
        counted.put_all([(one("a"), clock.now_ms)])
        eventually(lambda: parts.posted.names == ["a"])


def test_what_cannot_be_read_now_is_read_later(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    clock, refused = Clock(), list[Exception]()
    due = parts.stored.due

    def refusing(*args: Any) -> list[tuple[str, Notification]]:
        if refused:
            raise refused.pop()
        return due(*args)

    monkeypatch.setattr(parts.stored, "due", refusing)
    parts.stored.put_all([(one("a"), clock.now_ms)])
    sender = sender_of(parts, clock)
    refused += [ServiceUnavailable("the table does not answer"), KeyError("?")]
    with sending(parts, sender):
        eventually(lambda: parts.posted.names == ["a"])
        refused += [ServiceUnavailable("the table does not answer"), KeyError("?")]
        parts.stored.put_all([(one("b"), clock.now_ms)])
        sender.note(clock.now_ms)
        eventually(lambda: parts.posted.names == ["a", "b"])
    assert not refused
