"""Writes changes to the journal, and says when they are kept.

A change is first made in memory, where everybody sees it. So no answer, not even that of a read, goes out before what
it may tell of is kept; and if it is not, memory goes back to where it was.

What is kept survives the end of the process. That takes a tenth of a millisecond, and is done at once. The disk itself
is waited for, in a thread, only where the world outside could know more than the journal after a power failure;
everything else is on it within a second. While it is waited for, changes gather and are written together afterwards.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from .journal import Change, Journal, NotKept

WATCH_S: Final = 1.0
"""How long a power failure may reach back, and how often it is tried whether there is room again on a full disk."""

_log = logging.getLogger("emulator.commits")

Undo = Callable[[], None]


@dataclass(slots=True)
class Group:
    """Changes that are written together. `undo` are the ways back in memory, in the order of the changes."""

    changes: list[Change] = field(default_factory=list)
    undo: list[Undo] = field(default_factory=list)
    sync: bool = False  # whether a power failure must not lose them
    kept: "asyncio.Future[NotKept | None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Commits:
    """The one writer of the journal. All methods are called on the event loop."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._gathering: Group | None = None
        self._written: Group | None = None
        self._writer: asyncio.Task[None] | None = None
        self._trouble: str | None = None
        self._refused = 0
        self._is_synced = True

    @property
    def trouble(self) -> str | None:
        """Why nothing can be kept at the moment, or None."""
        return self._trouble

    @property
    def refused(self) -> int:
        """How many changes were refused since there has been trouble."""
        return self._refused

    def add(self, changes: Sequence[Change], undo: Undo, *, sync: bool = False) -> None:
        """Write these changes, which have been made in memory: all, or none.

        With `sync` they are kept only when they survive the end of the machine; others do so within WATCH_S.
        Raises NotKept after `undo` has taken them back, unless they are written later: then `settled` does.
        """
        if self._writer is None and not sync:
            try:
                self._journal.write(changes, sync=False)
            except NotKept as why:
                undo()
                self._refused += len(changes)
                self.note_trouble(why)
                raise
            self._is_synced = False
            return
        group = self._gather()
        group.changes.extend(changes)
        group.undo.append(undo)
        group.sync |= sync

    async def settled(self) -> None:
        """Return once everything that was added before is kept. Raises NotKept if it was taken back."""
        group = self._gathering or self._written
        if group is not None and (why := await asyncio.shield(group.kept)):
            raise why

    async def watch(self) -> None:
        """Each second, sync what was written; or find out whether it can be written again. Never returns."""
        while True:
            await asyncio.sleep(WATCH_S)
            if self._trouble is not None and self._writer is None:
                self._look_for_room()
            elif not self._is_synced:
                self._gather().sync = True

    async def close(self) -> None:
        """Wait until everything is written."""
        if not self._is_synced:
            self._gather().sync = True
        if self._writer is not None:
            await self._writer
        self._thread.shutdown()

    def note_trouble(self, why: NotKept) -> None:
        """Something could not be written. Until there is room again, `trouble` says why.

        What still fits meanwhile is kept, but is no sign of room.
        """
        if self._trouble is None:
            _log.error("nothing can be kept: %s", why)
        self._trouble = str(why)

    def _look_for_room(self) -> None:
        try:
            self._journal.require_room()
        except NotKept as why:
            self.note_trouble(why)
        else:
            _log.warning("everything is kept again; %d changes were refused", self._refused)
            self._trouble, self._refused, self._is_synced = None, 0, True

    def _gather(self) -> Group:
        """The group that is written next. Starts the writer."""
        if self._gathering is None:
            self._gathering = Group()
        if self._writer is None:
            self._writer = asyncio.get_running_loop().create_task(self._write_groups())
        return self._gathering

    async def _write_groups(self) -> None:
        run = asyncio.get_running_loop().run_in_executor
        try:
            while self._gathering is not None:
                group = self._gathering
                self._written, self._gathering = group, None
                try:
                    await run(self._thread, partial(self._journal.write, group.changes, sync=group.sync))
                except NotKept as why:
                    self._take_back(why)
                else:
                    self._written = None
                    self._is_synced = group.sync
                    group.kept.set_result(None)
        finally:
            # After an exception that nobody expected, memory must not be ahead of the journal, either.
            self._take_back(NotKept("the journal has failed"))
            self._writer = None

    def _take_back(self, why: NotKept) -> None:
        """Undo the group that was not written, and what was done since, because it may build on that."""
        groups = [group for group in (self._written, self._gathering) if group is not None]
        self._written = self._gathering = None
        for group in reversed(groups):
            for undo in reversed(group.undo):
                undo()
            self._refused += len(group.changes)
            group.kept.set_result(why)
        if groups:
            self.note_trouble(why)
