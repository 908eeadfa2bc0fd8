"""How messages reach the worker of this machine, put in the place of SNS and SQS. The delivery code does not know.

The API hands each message to the worker over a socket. If no worker takes it, it is published to SNS as on AWS, which
puts it on the worker's queue. What the worker publishes itself stays in its memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.delivery.queue_ports import Asked
from app.domain.lane import Lane
from app.local.backlog import Backlog, Task
from app.local.dues import Dues, Note, NotingCollapses, NotingHeads
from app.local.hand_over import Line, Sender
from app.local.paths import Paths
from app.local.queue_poller import LocalQueue
from app.local.runner import Handed
from app.wiring.stores import Queue, Stores

ATTEMPT, DUE = "attempt", "due"  # the two kinds of line


def socket_path(env: Mapping[str, str]) -> Path:
    """Where the worker listens."""
    return Paths.of(env).data / "worker.socket"


class HandOver:
    """The rewiring of a process that is not the worker."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._sender = Sender(socket_path(env))

    def rewire(self, stores: Stores, queue: Queue) -> tuple[Stores, Queue]:
        """For `app.wiring.process.connect`."""

        def publish(email_id: str, attempt: int, lane: Lane) -> None:
            if not self._sender.send([ATTEMPT, email_id, attempt, lane]):
                queue.publish(email_id, attempt, lane)

        def publish_many(attempts: Sequence[Asked]) -> Sequence[tuple[str, str]]:
            if self._sender.send(*([ATTEMPT, *one] for one in attempts)):
                return ()
            return queue.publish_many(attempts)

        return _noting(stores, self._note), replace(queue, publish=publish, publish_many=publish_many)

    def close(self) -> None:
        """Close the connection to the worker."""
        self._sender.close()

    def _note(self, email_id: str, version: int, at_ms: int | None) -> None:
        self._sender.send([DUE, email_id, version, at_ms])


@dataclass(frozen=True)
class Intake:
    """What comes to the worker, from other processes and from itself."""

    backlog: Backlog
    dues: Dues
    queue: LocalQueue

    def rewire(self, stores: Stores, _: Queue) -> tuple[Stores, Queue]:
        """For `app.wiring.process.connect`, in the worker itself."""
        return _noting(stores, self.dues.note), Queue(self.publish, self.publish_many, self.publish_later)

    def take(self, line: Line) -> None:
        """Take a line that was handed over. Raises TypeError or ValueError if it is none."""
        kind, *values = line
        if kind == ATTEMPT:
            self.publish(*values)
        elif kind == DUE:
            self.dues.note(*values)

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

    def leave(self, tasks: list[Task], within_s: float) -> None:
        """Leave what nobody has begun in the queue, to the next worker."""
        self.queue.leave([(*task.key, task.lane) for task in tasks if task.key is not None], within_s)
        for task in tasks:
            if task.key is None:
                task.settle(is_done=False)  # it is in the queue already


def _noting(stores: Stores, note: Note) -> Stores:
    return replace(stores, heads=NotingHeads(note), collapses=NotingCollapses(note))
