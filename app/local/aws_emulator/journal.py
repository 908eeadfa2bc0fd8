"""The SQLite file in which the emulator keeps its state. It holds the newest state only, so it needs no compaction.

A place is a table of DynamoDB or a queue of SQS; an entry is one item or one message in it.
"""

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FORMAT: Final = 1
"""The format of the file. A file of a newer format is not opened."""

_SCHEMA: Final = """
CREATE TABLE places (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, description TEXT NOT NULL);
CREATE TABLE entries (
    place INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (place, name)
);
CREATE TABLE probes (id INTEGER PRIMARY KEY, content BLOB NOT NULL);
"""
_LOG_BYTES: Final = 4_194_304
_SYNCED: Final = "synced"  # a place without entries: to describe it anew is the smallest write
_PROBE_BYTES: Final = 65_536  # more than one page, so that a disk on which little is left counts as full


class NotKept(Exception):
    """Something cannot be written or read. The text is a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Put:
    """An entry has this value from now on. The value is JSON: a dict with strings as keys."""

    place: str
    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class Remove:
    """There is no such entry from now on, nor `and_before` one whose name is before it in the order of characters."""

    place: str
    name: str
    and_before: bool = False


@dataclass(frozen=True, slots=True)
class Describe:
    """The place exists from now on and is described so, in JSON."""

    place: str
    description: Any


@dataclass(frozen=True, slots=True)
class Drop:
    """The place and all of its entries are gone from now on."""

    place: str


Change = Put | Remove | Describe | Drop


class Journal:
    """One open file. Only one process can have it open. Not for two threads at once."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it. Raises NotKept if it cannot be read or written."""
        self._path = path
        self._ids: dict[str, int] = {}
        self._connection = self._opened()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Take what fails within, because something in the file is not as it was written, for damage: raise NotKept."""
        try:
            yield
        except (sqlite3.Error, ValueError) as error:
            raise self._unreadable(error) from error

    def require_whole(self) -> None:
        """Read all of the file, and change nothing. Raises NotKept if it is damaged."""
        [(found,)] = self._read("PRAGMA quick_check(1)")
        if found != "ok":
            raise self._unreadable(sqlite3.DatabaseError("database disk image is malformed"))

    def places(self) -> Iterator[tuple[str, Any]]:
        """Every place with its description. Raises NotKept if the file is damaged."""
        for name, description in self._read("SELECT name, description FROM places ORDER BY id"):
            yield name, json.loads(description)

    def entries(self, place: str) -> Iterator[tuple[str, Any]]:
        """Every entry of a place, by name, with its value; the one that came first is first.

        Raises NotKept if the file is damaged.
        """
        rows = self._read(
            "SELECT entries.name, value FROM entries JOIN places ON places.id = place WHERE places.name = ?"
            " ORDER BY entries.rowid",
            (place,),
        )
        for name, value in rows:
            yield name, json.loads(value)

    def count(self) -> int:
        """How many entries there are. Raises NotKept if the file is damaged."""
        [(count,)] = self._read("SELECT count(*) FROM entries")
        return int(count)

    def write(self, changes: Sequence[Change], *, sync: bool) -> None:
        """Write all changes, or none. Raises NotKept, and the file is then as it was before.

        When this returns, they survive the end of the process, however it ends; with `sync`, the end of the machine as
        well, as does everything that was written before.
        """
        try:
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if sync else 'NORMAL'}")
            # A transaction that changes nothing writes nothing, and then nothing is synced.
            self._transact(changes or [Describe(_SYNCED, time.time_ns())])
        except sqlite3.Error as error:
            self._give_up()
            raise NotKept(self._reason(error)) from error
        if sync:
            self._tidy()

    def require_room(self) -> None:
        """Write as a test. Raises NotKept if the disk has no room for it."""
        try:
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute("INSERT OR REPLACE INTO probes VALUES (1, zeroblob(?))", (_PROBE_BYTES,))
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._give_up()
            raise NotKept(self._reason(error)) from error

    def close(self) -> None:
        """Close the file. What cannot be tidied up now is tidied up when it is opened again."""
        with suppress(sqlite3.Error):
            self._connection.close()

    def _opened(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(self._path, timeout=5, isolation_level=None, check_same_thread=False)
            # Nobody else opens this file. Without shared memory there is one file less that a full disk could tear.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            written = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if written > FORMAT:
                raise NotKept(f"{self._path} was written by a newer version: start that one, or set DATA_DIR")
            # Each commit appends to a log beside this file. `_tidy` brings it over.
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
            if written < FORMAT:
                connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;")
            self._ids = {name: id_ for id_, name in connection.execute("SELECT id, name FROM places")}
        except sqlite3.Error as error:
            raise self._unreadable(error) from error
        return connection

    def _read(self, query: str, values: tuple[object, ...] = ()) -> Iterator[tuple[Any, ...]]:
        with self.reading():
            yield from self._connection.execute(query, values)

    def _unreadable(self, error: Exception) -> NotKept:
        why = why_not(self._path.parent)
        if why is None:
            is_locked = "locked" in str(error)
            remedy = "close the program that reads it" if is_locked else f"move {self._path.parent} away to begin anew"
            why = f"{error} ({remedy})"
        return NotKept(f"{self._path} cannot be opened: {why}")

    def _transact(self, changes: Sequence[Change]) -> None:
        run = self._connection.execute
        ids = dict(self._ids)
        run("BEGIN IMMEDIATE")
        for change in changes:
            match change:
                case Put(place, name, value):
                    run(
                        "INSERT INTO entries VALUES (?, ?, ?)"
                        " ON CONFLICT (place, name) DO UPDATE SET value = excluded.value",
                        (ids[place], name, _json(value)),
                    )
                case Remove(place, name, and_before):
                    run("DELETE FROM entries WHERE place = ? AND name = ?", (ids[place], name))
                    if and_before:
                        run("DELETE FROM entries WHERE place = ? AND name < ?", (ids[place], name))
                case Describe(place, description):
                    [(ids[place],)] = run(
                        "INSERT INTO places (name, description) VALUES (?, ?)"
                        " ON CONFLICT (name) DO UPDATE SET description = excluded.description RETURNING id",
                        (place, _json(description)),
                    ).fetchall()
                case Drop(place):
                    if (id_ := ids.pop(place, None)) is not None:
                        run("DELETE FROM entries WHERE place = ?", (id_,))
                        run("DELETE FROM places WHERE id = ?", (id_,))
        run("COMMIT")
        self._ids = ids

    def _tidy(self) -> None:
        """Bring the log over to the file if it is long. Without room for that it grows on, and nothing is lost."""
        log = self._path.with_name(self._path.name + "-wal")
        with suppress(OSError, sqlite3.Error):
            if log.stat().st_size >= _LOG_BYTES:
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _give_up(self) -> None:
        """Take back what of a transaction was done. A connection that cannot even do that is opened anew."""
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            self.close()
            with suppress(NotKept):
                self._connection = self._opened()

    def _reason(self, error: sqlite3.Error) -> str:
        """Why a write failed, in the system's words if a plain write fails as well: SQLite's say less."""
        return why_not(self._path.parent) or str(error)


def why_not(folder: Path) -> str | None:
    """Why nothing can be written to `folder`, in the system's words, or None."""
    path = folder / f"probe.{os.getpid()}"
    try:
        with path.open("wb") as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.strerror or str(error)
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)
    return None


def _json(value: Any) -> str:
    # In ASCII, because an item may hold half of a surrogate pair, which SQLite does not take as text.
    return json.dumps(value, separators=(",", ":"))
