"""Tells what is in the stream of emails, as Lambda's mapping makes the function do it on AWS.

It reads when somebody says that an email was written, and now and then. What fails comes again after a pause, in ever
smaller parts, until the record at fault is alone; that one is given up after some tries, and noted as a dead letter.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, Final

from app.errors import ServiceUnavailable
from app.faults import log_fault
from app.local.email_stream import EmailStream, Record, StreamState, number_of
from app.local.invocation import Context, LambdaEvent
from app.local.passing import Passing

BATCH: Final = 100  # as on AWS
MOST_READ: Final = 500
GATHER_S: Final = 0.1  # records that come together are told together
LOOK_EVERY_S: Final = 5.0
PASS_EVERY_S: Final = 1.0
GIVES_WAY_TIMES: Final = 3  # so many times as long as a batch took
LONGEST_WAY_S: Final = 2.0
FAR_BEHIND: Final = 10_000  # records, half of what the emulator keeps
TIMEOUT_S: Final = 60.0
TRIES: Final = 10  # of a record that is alone, over three minutes
LONGEST_PAUSE_S: Final = 30.0

# Before what the stream could not record is found out: so long, and a little, the feed holds back what was told.
VISIBLE_AFTER_S: Final = 15.0
WRITTEN_WITHIN_MS: Final = 10_000  # a write may reach the stream so much later than its time says
HEAL_EVERY_S: Final = 60.0
MOST_HEALINGS: Final = 10

Handler = Callable[[LambdaEvent, Context], Any]

Heal = Callable[[int, int, int], bool]
"""Tells what was written from a time on and before another, in epoch ms, when the stream could not record it, because
nobody had read it for too long. Emails that were written at the third time or later are left to the stream. Returns
whether there were none."""

_log = logging.getLogger(__name__)


class ChangeReader:
    """Runs in a thread of its own."""

    def __init__(
        self,
        stream: EmailStream,
        handler: Handler,
        *,
        bury: Callable[[str, Record], None],
        is_kept: Callable[[], bool],
        heal: Heal,
        is_busy: Callable[[], bool],
    ) -> None:
        """`handler` takes an event of the stream, and names in `batchItemFailures` from which record on it failed.

        `bury` notes a record that was given up as a dead letter, in the stream of that name. While `is_kept` says that
        nothing can be kept at the moment, none is given up. `heal` tells what the stream does not know.
        While `is_busy`, emails are being sent, and telling takes a quarter of the time, unless it falls far behind.
        """
        self._stream, self._handler, self._bury, self._is_kept, self._heal = stream, handler, bury, is_kept, heal
        self._is_busy = is_busy
        self._written = threading.Event()
        self.passing = Passing()
        self._done, self._passed, self._passed_at_s = 0, 0, 0.0
        self._state: StreamState | None = None
        self._healings, self._heals_at_s = 0, 0.0

    def wake(self) -> None:
        """Something was written."""
        self._written.set()

    def run(self, stop: threading.Event) -> None:
        """Read and tell until `stop` is set, and the reader is woken. What fails is logged, and comes again."""
        failures = 0
        while not stop.is_set():
            try:
                self._publish_all(stop)
                failures = 0
            except Exception as error:  # noqa: BLE001 because the thread would end, and nothing more would be told
                failures += 1
                log_fault(_log, "the stream of emails was not told", error, logging.WARNING)
            if failures:
                self._stream.go_back(self._done)
                stop.wait(_pause_s(failures))
            else:
                is_all = self.passing.until() == self._passed
                self._written.wait(LOOK_EVERY_S if is_all else PASS_EVERY_S)
                stop.wait(GATHER_S)
        self._end()

    def _publish_all(self, stop: threading.Event) -> None:
        """Tell everything that there is."""
        self._written.clear()
        while not stop.is_set():
            began_ms = int(time.time() * 1000)
            records = self._stream.read(MOST_READ)
            for first in range(0, len(records), BATCH):
                began_s = monotonic()
                self._publish(records[first : first + BATCH], stop)
                self._give_way(monotonic() - began_s, stop)
            self._say_passed()
            if not records:
                self._heal_gap(began_ms, stop)
                return

    def _give_way(self, took_s: float, stop: threading.Event) -> None:
        if self._is_busy() and (self._state is None or self._state.left < FAR_BEHIND):
            stop.wait(min(GIVES_WAY_TIMES * took_s, LONGEST_WAY_S))

    def _publish(self, records: Sequence[Record], stop: threading.Event) -> None:
        """Tell these records, again and again until all are told, or given up."""
        left, size, tries = list(records), len(records), 0
        while left and not stop.is_set():
            some = left[:size]
            count = self._count_done(some)
            tries = 0 if count else tries + 1
            left = left[count:]
            if count == len(some):
                size = BATCH
                continue
            if size == 1 and tries >= TRIES and self._is_kept():
                self._give_up(left.pop(0))
                size, tries = BATCH, 0
                continue
            size = max(1, min(size, len(left)) // 2)
            stop.wait(_pause_s(tries + 1))

    def _count_done(self, some: Sequence[Record]) -> int:
        """Let the handler tell these. Returns how many of them are told, from the first."""
        numbers = [number_of(record) for record in some]
        self.passing.begin()
        try:
            answer = self._handler({"Records": list(some)}, Context("changes", TIMEOUT_S)) or {}
            failed = {int(one["itemIdentifier"]) for one in answer.get("batchItemFailures", [])}
            count = next((index for index, number in enumerate(numbers) if number in failed), len(some))
        except Exception as error:  # noqa: BLE001 because Lambda makes a failure of it, too
            log_fault(_log, "what changed was not told", error)
            count = 0
        if count:
            self._done = numbers[count - 1]
        self.passing.end(self._done)
        return count

    def _give_up(self, record: Record) -> None:
        fields = {"email_id": record["dynamodb"]["Keys"]["email_id"]["S"], "sequence_number": number_of(record)}
        _log.error("what became of an email is not told: it failed too often", extra=fields)
        self._bury(self._stream.arn, record)
        self._done = number_of(record)
        self.passing.begin()
        self.passing.end(self._done)

    def _say_passed(self) -> None:
        """Let the emulator forget what is done with, and record again once there is room."""
        until = self.passing.until()
        is_due = until > self._passed and monotonic() - self._passed_at_s >= PASS_EVERY_S
        if is_due or self._state is None:
            self._state, self._passed, self._passed_at_s = self._stream.passed(until), until, monotonic()
        if self._state.is_full and not self._state.left:
            _log.warning("the stream of emails was full, and records again")
            self._state = self._stream.passed(until, resume=True)

    def _heal_gap(self, done_until_ms: int, stop: threading.Event) -> None:
        """Find out what the stream could not record, when all that was written before `done_until_ms` is told.

        Nothing is told meanwhile, so that the changes of an email stay in their order.
        """
        gap = self._state
        if gap is None or gap.heal_from_ms is None or gap.heal_until_ms is None or monotonic() < self._heals_at_s:
            return
        if stop.wait(VISIBLE_AFTER_S):
            return
        is_whole = self._heal(gap.heal_from_ms, gap.heal_until_ms, done_until_ms - WRITTEN_WITHIN_MS)
        self._healings, self._heals_at_s = self._healings + 1, monotonic() + HEAL_EVERY_S
        if is_whole or self._healings >= MOST_HEALINGS:
            self._state = self._stream.passed(self.passing.until(), is_healed=True)
            self._healings, self._heals_at_s = 0, 0.0

    def _end(self) -> None:
        try:
            self._stream.passed(self.passing.until())
        except ServiceUnavailable:
            _log.info("what was told last will be told again")


def _pause_s(failures: int) -> float:
    return float(min(2.0 ** (failures - 1), LONGEST_PAUSE_S))
