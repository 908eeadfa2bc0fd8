"""How messages reach the worker of this machine, put in the place of SNS and SQS. The delivery code does not know.

The API hands each message to the worker over a socket. If no worker takes it, it is published to SNS as on AWS, which
puts it on the worker's queue. What the worker publishes itself stays in its memory.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from app.delivery.queue_ports import Asked
from app.domain.lane import Lane
from app.local.backlog import Backlog, Task
from app.local.dues import Dues, Note, NotingCollapses, NotingHeads
from app.local.hand_over import Line, Sender
from app.local.notifications import StoredNotifications
from app.local.paths import Paths
from app.local.queue_poller import LocalQueue
from app.local.runner import Handed
from app.notify.notification import Notification
from app.settings import Settings
from app.store.events import Events
from app.wiring.stores import Queue, Stores

ATTEMPT, DUE = "attempt", "due"  # kinds of line
EVENT, WAITING = "event", "waiting"


def socket_path(env: Mapping[str, str]) -> Path:
    """Where the worker listens."""
    return Paths.of(env).data / "worker.socket"


class HandOver:
    """Makes a process that is not the worker (the API, a command) hand its messages to the worker."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._sender = Sender(socket_path(env))
        self._stored = StoredNotifications(
            Settings.from_env(env).shards, lambda stored: self._sender.send([WAITING, stored.due_ms])
        )

    def rewire(self, stores: Stores, queue: Queue) -> tuple[Stores, Queue]:
        """For `app.wiring.process.connect`."""

        def publish(email_id: str, attempt: int, lane: Lane) -> None:
            if not self._sender.send([ATTEMPT, email_id, attempt, lane]):
                queue.publish(email_id, attempt, lane)

        def publish_many(attempts: Sequence[Asked]) -> Sequence[tuple[str, str]]:
            if self._sender.send(*([ATTEMPT, *one] for one in attempts)):
                return ()
            return queue.publish_many(attempts)

        noting = _noting(stores, self._note, lambda: self._sender.send([EVENT]))
        return noting, replace(queue, publish=publish, publish_many=publish_many)

    def publish_notifications(self, notifications: Sequence[Notification]) -> Sequence[tuple[Notification, str]]:
        """Store notifications, and tell the worker. Returns those that were not stored, each with the reason."""
        return self._stored.publish(notifications)

    def close(self) -> None:
        """Close the connection to the worker."""
        self._sender.close()

    def _note(self, email_id: str, version: int, at_ms: int | None) -> None:
        self._sender.send([DUE, email_id, version, at_ms])


class Noted(Protocol):
    """Whoever is notified of writes (`app.local.notifier.Notifier`)."""

    def note_written(self) -> None:
        """Note that an email or an event was written."""

    def note_waiting(self, at_ms: int) -> None:
        """Note that a notification was stored, which is due at this time, in epoch ms."""


@dataclass
class Intake:
    """What comes to the worker, from other processes and from itself."""

    backlog: Backlog
    dues: Dues
    queue: LocalQueue
    _noted: Noted | None = None

    def report_to(self, noted: Noted) -> None:
        """Notify `noted` of every write from now on."""
        self._noted = noted

    def rewire(self, stores: Stores, _: Queue) -> tuple[Stores, Queue]:
        """For `app.wiring.process.connect`, in the worker itself."""
        return _noting(stores, self._note, self._note_event), Queue(self.publish, self.publish_many, self.publish_later)

    def take(self, line: Line) -> None:
        """Take a line that was handed over. Raises TypeError or ValueError if it is none."""
        kind, *values = line
        if kind == ATTEMPT:
            self.publish(*values)
        elif kind == DUE:
            self._note(*values)
        elif kind == EVENT:
            self._note_event()
        elif kind == WAITING and self._noted is not None:
            self._noted.note_waiting(int(values[0]))

    def publish(self, email_id: str, attempt: int, lane: Lane) -> None:
        """Let an attempt be made behind all that wait in its lane."""
        self.backlog.put(Handed(str(email_id), int(attempt), 0, self.backlog, self.queue, Lane(lane)))

    def publish_many(self, attempts: Sequence[Asked]) -> Sequence[tuple[str, str]]:
        """Let these attempts be made behind all that wait in their lanes. Returns nothing: each of them is taken."""
        for one in attempts:
            self.publish(*one)
        return ()

    def publish_later(self, email_id: str, attempt: int, at_ms: int, lane: Lane) -> None:
        """Let an attempt be made at `at_ms`."""
        self.backlog.put_later(Handed(email_id, attempt, at_ms, self.backlog, self.queue, lane), at_ms)

    def _note(self, email_id: str, version: int, at_ms: int | None) -> None:
        self.dues.note(email_id, version, at_ms)
        self._note_event()

    def _note_event(self) -> None:
        if self._noted is not None:
            self._noted.note_written()

    def leave(self, tasks: list[Task], within_s: float) -> None:
        """Leave what nobody has begun in the queue, to the next worker."""
        self.queue.leave([(*task.key, task.lane) for task in tasks if task.key is not None], within_s)
        for task in tasks:
            if task.key is None:
                task.settle(is_done=False)  # it is in the queue already


class NotingEvents(Events):
    """Stores events of providers, and says so: some of them change no head."""

    def __init__(self, note: Callable[[], object]) -> None:
        self._note = note

    def put(self, *args: Any, **named: Any) -> None:
        """As `Events.put`."""
        super().put(*args, **named)
        self._note()


def _noting(stores: Stores, note: Note, note_event: Callable[[], object]) -> Stores:
    return replace(stores, heads=NotingHeads(note), collapses=NotingCollapses(note), events=NotingEvents(note_event))
