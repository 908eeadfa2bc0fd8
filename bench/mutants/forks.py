"""Children of a warm process: each does one thing, answers in one line, and leaves nothing behind."""

import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

MEMORY_BYTES = 6 * 2**30  # a mutant may well grow a list for ever
POLL_S = 0.004


@dataclass(frozen=True, slots=True)
class Job:
    """What a child does in a place of its own (its number), and for how long at most."""

    work: Callable[[int], Any]
    timeout_s: float
    answered: Callable[[Any], None]  # with what `work` returned; None: it ended otherwise, or not at all


@dataclass(frozen=True, slots=True)
class _Running:
    job: Job
    slot: int
    answer: IO[bytes]
    until: float


def run(jobs: Iterable[Job], slots: int, log: Path) -> None:
    """Do all of the jobs, `slots` at a time. What the children print goes to `log`."""
    waiting, free, running = iter(jobs), list(range(slots)), dict[int, _Running]()
    done = False
    try:
        while running or not done:
            while free and not done:
                job = next(waiting, None)
                if job is None:
                    done = True
                    break
                slot = free.pop()
                pid, answer = _fork(job, slot, log)
                running[pid] = _Running(job, slot, answer, time.monotonic() + job.timeout_s)
            for pid in list(running):
                if _has_ended(pid, running[pid].until):
                    child = running.pop(pid)
                    free.append(child.slot)
                    child.job.answered(_answer(child.answer))
            time.sleep(POLL_S)
    finally:
        for pid in running:
            os.killpg(pid, signal.SIGKILL)


def _fork(job: Job, slot: int, log: Path) -> tuple[int, IO[bytes]]:
    answer = tempfile.TemporaryFile()  # noqa: SIM115 because it is closed when it has been read
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        _lead(pid)  # here, too: whichever comes first
        return pid, answer
    status = 1
    try:
        _lead(0)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
        printed = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(printed, 1)
        os.dup2(printed, 2)
        answer.write(json.dumps(job.work(slot)).encode())
        answer.flush()
        status = 0
    except BaseException:  # noqa: BLE001 because a child must never return into its parent's code
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _lead(pid: int) -> None:
    try:
        os.setpgid(pid, 0)
    except PermissionError:  # it has already become something else
        return


def _has_ended(pid: int, until: float) -> bool:
    """True once the child is gone, and with it whatever it had started."""
    gone, _ = os.waitpid(pid, os.WNOHANG)
    late = not gone and time.monotonic() > until
    if gone or late:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    if late:
        os.waitpid(pid, 0)
    return bool(gone or late)


def _answer(found: IO[bytes]) -> Any:
    with found:
        found.seek(0)
        text = found.read()
    try:
        return json.loads(text)
    except ValueError:  # nothing, or not to the end
        return None
