"""The journal's file, and the order in which changes are written and taken back."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from app.local.aws_emulator import commits as commits_module
from app.local.aws_emulator.commits import Commits
from app.local.aws_emulator.journal import Change, Describe, Drop, Journal, NotKept, Put, Remove


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


def content(path: Path) -> dict[str, dict[str, Any]]:
    """What another process reads of the file."""
    journal = Journal(path)
    try:
        return {place: dict(journal.entries(place)) for place, _ in journal.places()}
    finally:
        journal.close()


def test_what_was_written_is_there_again(path: Path) -> None:
    journal = Journal(path)
    journal.write([Describe("a", {"is": "a table"}), Put("a", "1", {"N": "1"}), Put("a", "2", "\ud83d")], sync=False)
    journal.write([Put("a", "1", {"N": "2"}), Remove("a", "2"), Put("a", "3", [None, True])], sync=True)
    journal.write([Describe("b", None), Put("b", "1", 1), Drop("b"), Describe("b", 2)], sync=False)
    journal.close()
    assert content(path) == {"a": {"1": {"N": "2"}, "3": [None, True]}, "b": {}}
    assert dict(Journal(path).places()) == {"a": {"is": "a table"}, "b": 2}


def test_entries_are_in_the_order_in_which_they_first_came(path: Path) -> None:
    journal = Journal(path)
    journal.write([Describe("a", None), *(Put("a", name, 1) for name in ("z", "m", "a"))], sync=False)
    journal.write([Put("a", "z", 2)], sync=False)
    assert [name for name, _ in journal.entries("a")] == ["z", "m", "a"]


def test_a_write_that_fails_leaves_nothing(path: Path) -> None:
    journal = Journal(path)
    journal.write([Describe("a", None)], sync=False)
    with pytest.raises(NotKept, match="NOT NULL constraint failed"):
        journal.write([Put("a", "1", 1), Put("a", None, 2)], sync=False)  # type: ignore[arg-type] # because it must fail
    journal.write([Put("a", "2", 2)], sync=False)
    journal.close()
    assert content(path) == {"a": {"2": 2}}


def test_only_a_synced_write_waits_for_the_disk(path: Path) -> None:
    journal = Journal(path)
    said: list[str] = []
    journal._connection.set_trace_callback(said.append)
    for sync in (False, True):
        journal.write([Describe("a", sync)], sync=sync)
    journal.write([], sync=True)
    modes = [line for line in said if "synchronous" in line or line in ("BEGIN IMMEDIATE", "COMMIT")]
    one = ["BEGIN IMMEDIATE", "COMMIT"]
    normal, full = ["PRAGMA synchronous = NORMAL"], ["PRAGMA synchronous = FULL"]
    assert modes == normal + one + full + one + full + one


def test_a_sync_of_nothing_writes_something_or_else_it_would_sync_nothing(path: Path) -> None:
    journal = Journal(path)
    log = path.with_name(path.name + "-wal")
    sizes = []
    for _ in range(3):
        journal.write([], sync=True)
        sizes.append(log.stat().st_size)
    assert sizes == sorted(set(sizes))


def test_the_log_beside_the_file_does_not_grow_for_ever(path: Path) -> None:
    journal = Journal(path)
    journal.write([Describe("a", None)], sync=False)
    log = path.with_name(path.name + "-wal")
    for number in range(2_000):
        journal.write([Put("a", "1", f"{number}" * 2_000)], sync=False)
    assert log.stat().st_size > 10_000_000
    journal.write([Put("a", "1", "y")], sync=True)
    journal.write([Put("a", "1", "z")], sync=True)
    assert log.stat().st_size < 1_000_000
    assert path.stat().st_size < 1_000_000
    journal.close()
    assert content(path) == {"a": {"1": "z"}}


def test_only_one_process_has_it_open(path: Path) -> None:
    journal = Journal(path)
    journal.write([Describe("a", None)], sync=False)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        sqlite3.connect(path, timeout=0).execute("SELECT * FROM places")
    journal.close()


class Slow:
    """A journal whose next writes wait until they are let go, or fail."""

    def __init__(self) -> None:
        self.written: list[tuple[list[Change], bool]] = []
        self.go, self.fails = Event(), False

    def write(self, changes: Sequence[Change], *, sync: bool) -> None:
        if sync:
            assert self.go.wait(60)
        if self.fails:
            raise NotKept("no room")
        self.written.append((list(changes), sync))

    def require_room(self) -> None:
        if self.fails:
            raise NotKept("no room")


@pytest.fixture
def slow() -> Slow:
    return Slow()


def commits_of(slow: Slow) -> Commits:
    journal: Any = slow
    return Commits(journal)


ONE, TWO, THREE = (Put("a", name, name) for name in ("1", "2", "3"))


def nothing() -> None:
    pass


def test_what_needs_no_disk_is_written_at_once(slow: Slow) -> None:
    async def run() -> None:
        commits = commits_of(slow)
        commits.add([ONE], nothing)
        assert slow.written == [([ONE], False)]
        await asyncio.wait_for(commits.settled(), 30)

    asyncio.run(run())


def test_nobody_is_answered_before_what_was_seen_is_kept(slow: Slow) -> None:
    async def run() -> None:
        commits = commits_of(slow)
        commits.add([ONE], nothing, sync=True)
        reader = asyncio.create_task(commits.settled())
        await asyncio.sleep(0.05)
        commits.add([TWO], nothing)  # gathers while the disk is waited for
        commits.add([THREE], nothing)
        assert not reader.done()
        assert slow.written == []
        slow.go.set()
        await reader
        await commits.settled()
        assert slow.written == [([ONE], True), ([TWO, THREE], False)]

    asyncio.run(run())


def test_what_was_built_on_what_is_not_kept_is_taken_back_as_well(slow: Slow) -> None:
    async def run() -> None:
        commits, undone = commits_of(slow), list[str]()
        commits.add([ONE], lambda: undone.append("one"), sync=True)
        first = asyncio.create_task(commits.settled())
        await asyncio.sleep(0.05)
        commits.add([TWO], lambda: undone.append("two"))
        commits.add([THREE], lambda: undone.append("three"))
        second = asyncio.create_task(commits.settled())
        await asyncio.sleep(0)
        slow.fails = True
        slow.go.set()
        for waiting in (first, second):
            with pytest.raises(NotKept, match="no room"):
                await waiting
        assert undone == ["three", "two", "one"]
        assert (commits.trouble, commits.refused) == ("no room", 3)

    asyncio.run(run())


def test_a_refusal_at_once_is_taken_back_at_once(slow: Slow) -> None:
    async def run() -> None:
        commits, undone = commits_of(slow), list[str]()
        slow.fails = True
        with pytest.raises(NotKept):
            commits.add([ONE], lambda: undone.append("one"))
        assert undone == ["one"]
        await commits.settled()

    asyncio.run(run())


def watching(slow: Slow, wanted: Callable[[Commits], bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits_module, "WATCH_S", 0.02)

    async def run() -> None:
        commits = commits_of(slow)
        with_watch = asyncio.create_task(commits.watch())
        try:
            commits.add([ONE], nothing)
        except NotKept:
            slow.fails = False
        async with asyncio.timeout(60):
            while not wanted(commits):
                await asyncio.sleep(0.01)
        with_watch.cancel()
        await commits.close()

    asyncio.run(run())


def test_everything_is_on_disk_soon(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    slow.go.set()
    watching(slow, lambda _: slow.written == [([ONE], False), ([], True)], monkeypatch)


def test_trouble_ends_by_itself(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    slow.fails = True
    slow.go.set()
    watching(slow, lambda commits: commits.trouble is None and commits.refused == 0, monkeypatch)


def test_an_end_waits_for_what_is_written(slow: Slow) -> None:
    async def run() -> None:
        commits = commits_of(slow)
        commits.add([ONE], nothing, sync=True)
        asyncio.get_running_loop().call_later(0.05, slow.go.set)
        await commits.close()
        assert slow.written == [([ONE], True)]

    asyncio.run(run())
