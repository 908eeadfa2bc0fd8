"""Keeps the stream of a table until its reader has passed it: what was written is told, whatever ends meanwhile.

ministack has the records of a stream in memory, and drops them after a day. Here each record is written to the journal
together with the item that it tells of, in one transaction. It stays until the reader says that it has passed it, by
a call of our own: so the oldest record that is left is where the reader goes on, whoever was killed.

Only the records that the reader wants are kept, and `most` of them. If the reader stays so far behind, nothing more is
recorded, so that what is recorded stays without a gap. Once the reader has passed all, it lets recording begin again,
and finds out by other means what was written meanwhile ("heal").
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any, Final

from .commits import Commits
from .journal import Describe, Drop, Journal, Put, Remove
from .notes import Notes, noting

STREAM_PATH: Final = "/_emailsminder/stream"
"""The reader of a stream says by `?table=…&until=…` up to which record it has passed it, and is told how it stands.

`&resume=1` lets recording go on after a stream was full; `&healed=1` says that what was missing was found out.
"""

NUMBER_LENGTH: Final = 21
"""Digits of a record's number. botocore takes none that is shorter."""

_PLACE: Final = "stream "
_VIEW: Final = "NEW_AND_OLD_IMAGES"
_FOR_EVER_S: Final = float("inf")

Key = tuple[str, str, str]  # account, region, table


@dataclass(frozen=True, slots=True)
class Wanted:
    """Of a table's stream, what is kept: `most` records, of items whose `attribute` begins in one of these ways.

    `kinds` has for each beginning the names of the changes, such as INSERT.
    """

    table: str
    most: int
    attribute: str
    kinds: tuple[tuple[str, frozenset[str]], ...]

    @classmethod
    def of(cls, text: str) -> "Wanted":
        """Parse `text`, an argument of the command line: TABLE:MOST:ATTRIBUTE:BEGINNING=NAME+NAME:…"""
        table, most, attribute, *kinds = text.split(":")
        pairs = (kind.split("=") for kind in kinds)
        return cls(table, int(most), attribute, tuple((begin, frozenset(names.split("+"))) for begin, names in pairs))

    def has(self, name: str, item: Mapping[str, Any]) -> bool:
        """Whether the change `name` of the item is wanted."""
        value = item.get(self.attribute, {}).get("S", "")
        return any(value.startswith(begin) and name in names for begin, names in self.kinds)


@dataclass(slots=True)
class State:
    """What is known of a stream beside its records, times in epoch ms.

    `trimmed` is how many records were passed, and so the number of the last one. `full_since_ms`: since then nothing is
    recorded. `heal_from_ms`, `heal_until_ms`: what was written in this time may be missing, and nobody has said yet
    that it was found out.
    """

    arn: str
    trimmed: int = 0
    full_since_ms: int | None = None
    heal_from_ms: int | None = None
    heal_until_ms: int | None = None


@dataclass(slots=True)
class Streams:
    """The streams of ministack's module `dynamodb`, of those tables that `wanted` names."""

    dynamodb: Any
    reading: Any  # ministack's module `dynamodb_streams`
    commits: Commits
    wanted: Mapping[str, Wanted]
    _states: dict[Key, State] = field(default_factory=dict)

    def hook(self) -> None:
        """Make the records of these streams from now on, and let nobody read what may still be taken back."""
        emit, answer = self.dynamodb._emit_stream_event, self.reading.handle_request

        def emitting(table: str, name: str, old: Any, new: Any, *more: Any, **named: Any) -> None:
            if table in self.wanted:
                self._record(table, name, old, new)
            else:
                emit(table, name, old, new, *more, **named)

        async def answering(*request: Any) -> Any:
            found = await answer(*request)
            await self.commits.settled()
            return found

        self.dynamodb._emit_stream_event, self.reading.handle_request = emitting, answering
        self.dynamodb._STREAM_RETENTION_SECONDS = _FOR_EVER_S

    def load(self, journal: Journal) -> None:
        """Read the records from the journal, once the tables are there."""
        for place, description in list(journal.places()):
            if not place.startswith(_PLACE):
                continue
            account, region, table = place.removeprefix(_PLACE).split("/")
            state = State(**description)
            if self._arn((account, region, table)) != state.arn:
                continue  # the table was made anew by a version that knows no streams; the first record drops it
            self._states[account, region, table] = state
            records = [record for _, record in sorted(journal.entries(place))]
            self.dynamodb._stream_records.set_scoped(account, region, table, records)
            self.dynamodb._stream_trimmed.set_scoped(account, region, table, state.trimmed)

    def drop_gone(self) -> None:
        """Note which streams have ended, with their table or alone."""
        notes = noting()
        for key in [key for key, state in self._states.items() if self._arn(key) != state.arn]:
            notes.changes.append(Drop(_place(key)))
            notes.undo.append(partial(self._set, key, self._states.pop(key)))

    async def passed(self, table: str, until: int, *, resumes: bool, is_healed: bool) -> dict[str, Any] | None:
        """The reader has passed the records up to that number. Returns how the stream stands, None if there is none.

        `resumes` lets recording begin again if nothing is left. `is_healed`: what was missing was found out.
        Raises NotKept.
        """
        key = next((key for key in self._states if key[2] == table), None)
        if key is None:
            return None
        before, state, records = self._states[key], replace(self._states[key]), self._records(key)
        gone = records[: max(0, until - state.trimmed)]
        state.trimmed += len(gone)
        if resumes and state.full_since_ms is not None and len(gone) == len(records):
            state.heal_from_ms = state.heal_from_ms or state.full_since_ms
            state.full_since_ms, state.heal_until_ms = None, _now_ms()
        if is_healed:
            state.heal_from_ms = state.heal_until_ms = None
        if state != before:
            self._pass(key, state, gone)
        await self.commits.settled()
        return {**asdict(state), "left": len(self._records(key))}

    def _pass(self, key: Key, state: State, gone: list[Any]) -> None:
        before, place = self._states[key], _place(key)
        self._set(key, state)
        del self._records(key)[: len(gone)]

        def undo() -> None:
            self._set(key, before)
            self._records(key)[:0] = gone

        removals = [Remove(place, gone[-1]["dynamodb"]["SequenceNumber"], and_before=True)] if gone else []
        self.commits.add([*removals, Describe(place, asdict(state))], undo)

    def _record(self, name: str, kind: str, old: Any, new: Any) -> None:
        """Keep the record of a change, if it is wanted."""
        wanted, table = self.wanted[name], self.dynamodb._tables.get(name)
        if table is None or old == new or not _is_streamed(table) or not wanted.has(kind, new or {}):
            return
        _, _, _, region, account, _ = table["TableArn"].split(":", 5)
        key, notes = (account, region, name), noting()
        state = self._states.get(key)
        if state is None or state.arn != table["LatestStreamArn"]:
            state = self._begin(key, table["LatestStreamArn"], notes)
        if state.full_since_ms is not None:
            return
        records = self._records(key)
        if len(records) >= wanted.most:
            self._describe(key, replace(state, full_since_ms=_now_ms()), notes)
            return
        record = self.dynamodb._build_change_record(table, kind, old, new, _VIEW)
        number = record["dynamodb"]["SequenceNumber"] = f"{state.trimmed + len(records) + 1:0{NUMBER_LENGTH}d}"
        records.append(record)
        notes.changes.append(Put(_place(key), number, record))
        notes.undo.append(records.pop)

    def _begin(self, key: Key, arn: str, notes: Notes) -> State:
        """A stream without records, in the place of one that was there before under the same name."""
        gone = self.dynamodb._stream_records.get_scoped(*key)
        self.dynamodb._stream_records.set_scoped(*key, [])
        notes.undo.append(lambda: self.dynamodb._stream_records.set_scoped(*key, gone))
        notes.changes.append(Drop(_place(key)))
        self._describe(key, State(arn), notes)
        return self._states[key]

    def _describe(self, key: Key, state: State, notes: Notes) -> None:
        before = self._states.get(key)
        self._set(key, state)
        notes.changes.append(Describe(_place(key), asdict(state)))
        notes.undo.append(lambda: self._set(key, before))

    def _set(self, key: Key, state: State | None) -> None:
        if state is None:
            self._states.pop(key, None)
            return
        self._states[key] = state
        self.dynamodb._stream_trimmed.set_scoped(*key, state.trimmed)

    def _records(self, key: Key) -> list[Any]:
        records: list[Any] = self.dynamodb._stream_records.get_scoped(*key)
        return records

    def _arn(self, key: Key) -> str | None:
        table = self.dynamodb._tables.get_scoped(*key)
        return table["LatestStreamArn"] if table is not None and _is_streamed(table) else None


def _is_streamed(table: Mapping[str, Any]) -> bool:
    return bool((table.get("StreamSpecification") or {}).get("StreamEnabled"))


def _place(key: Key) -> str:
    return _PLACE + "/".join(key)


def _now_ms() -> int:
    return int(time.time() * 1000)
