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
LONGEST_S = 3600.0  # by the clock, for a child that only waits
POLL_S = 0.004


@dataclass(frozen=True, slots=True)
class Job:
    """What a child does in a place of its own (its number), and how many of the processor's seconds it may take."""

    work: Callable[[int], Any]
    cpu_s: int
    answered: Callable[[Any], None]  # with what `work` returned; None: it took too long, or too much


@dataclass(frozen=True, slots=True)
class _Running:
    job: Job
    slot: int
    answer: IO[bytes]
    until: float


def run(jobs: Iterable[Job], slots: int, log: Path) -> None:
    """Do all of the jobs, `slots` at a time. What the children print goes to `log`.

    Raises RuntimeError if `work` raises in one of them: that says nothing about a mutant.
    """
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
                running[pid] = _Running(job, slot, answer, time.monotonic() + LONGEST_S)
            for pid in list(running):
                status = _ended(pid, running[pid].until)
                if status is not None:
                    child = running.pop(pid)
                    free.append(child.slot)
                    if status > 0:
                        raise RuntimeError(f"a child broke off: see {log}")
                    child.job.answered(_answer(child.answer) if status == 0 else None)
            time.sleep(POLL_S)
    finally:
        for pid, child in running.items():
            child.answer.close()
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
        for limit, value in ((resource.RLIMIT_AS, MEMORY_BYTES), (resource.RLIMIT_CPU, job.cpu_s)):
            resource.setrlimit(limit, (value, resource.getrlimit(limit)[1]))
        printed = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(printed, 1)
        os.dup2(printed, 2)
        answer.write(json.dumps(job.work(slot)).encode())
        answer.flush()
        status = 0
    except MemoryError:
        os.kill(os.getpid(), signal.SIGKILL)
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


def _ended(pid: int, until: float) -> int | None:
    """The status with which the child ended, and with it whatever it had started; None: it has not ended yet."""
    gone, status = os.waitpid(pid, os.WNOHANG)
    late = not gone and time.monotonic() > until
    if not gone and not late:
        return None
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    if late:
        _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def _answer(found: IO[bytes]) -> Any:
    with found:
        found.seek(0)
        return json.load(found)
