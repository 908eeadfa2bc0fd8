"""Decides which process owns the children: the one that holds an flock on a file in DATA_DIR.

A status file beside the lock names the owner. It counts for as long as the owner lives, who holds a second file that no
child inherits: a process id says less, because it may be another process's by now, or that of one that was killed and
whose parent has not asked for its status yet.
"""

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from app.local.paths import Paths
from app.local.ports import Ports


def acquire(path: Path) -> int | None:
    """Take the lock. Returns the descriptor of the locked file, or None if another process holds the lock.

    Children inherit the descriptor. The lock is free when the last process that has the descriptor open has ended.
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
class OwnerStatus:
    """What the status file says of the lock's owner: its process id, its ports, and whether all children answer.

    `is_keeper`: it serves nothing itself, and SIGHUP lets it start the worker again.
    """

    pid: int
    ports: Ports
    ready: bool
    is_keeper: bool = False

    def write(self, paths: Paths) -> None:
        """Replace the status file in one step, so that a reader never sees half of it."""
        draft = paths.status.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(asdict(self)))
        draft.replace(paths.status)


def live(paths: Paths) -> int:
    """Let the status that this process has written count until the descriptor that is returned is closed."""
    descriptor = os.open(paths.owner, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)  # waits for whoever looks just now whether it is held
    return descriptor


def status(paths: Paths) -> OwnerStatus | None:
    """The content of the status file. Returns None if there is no file, or if the process that wrote it has ended."""
    try:
        written = json.loads(paths.status.read_text())
    except FileNotFoundError:
        return None
    if not _is_held(paths.owner):
        return None
    return OwnerStatus(
        pid=written["pid"],
        ports=Ports(**written["ports"]),
        ready=written["ready"],
        is_keeper=written.get("is_keeper", False),
    )


def _is_held(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
