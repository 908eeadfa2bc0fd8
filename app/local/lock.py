"""Who owns the children: an flock on a file in DATA_DIR, and a note of who holds it."""

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from app.local.paths import Paths
from app.local.ports import Ports


def acquire(path: Path) -> int | None:
    """The descriptor of the locked file, or None if another process holds the lock.

    Children inherit the descriptor. The lock is free when the last process that has it open has ended.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


@dataclass(frozen=True, slots=True)
class Status:
    """What the owner of the lock tells the others: its process id, its ports, whether everything answers."""

    pid: int
    ports: Ports
    ready: bool

    def write(self, paths: Paths) -> None:
        """Replace the status file in one step."""
        draft = paths.status.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(asdict(self)))
        draft.replace(paths.status)


def status(paths: Paths) -> Status | None:
    """What the owner wrote; None if there is none, or it has ended without a word."""
    try:
        written = json.loads(paths.status.read_text())
        os.kill(written["pid"], 0)  # signal 0 only asks whether it lives
    except (FileNotFoundError, ProcessLookupError):
        return None
    return Status(pid=written["pid"], ports=Ports(**written["ports"]), ready=written["ready"])
