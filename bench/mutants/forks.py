"""Forks children of a warm process. Each does one job, returns its answer as JSON, and leaves nothing behind."""

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
    """One job of a child. `work` gets the number of a slot, which no other running child has.

    `cpu_s` is the processor time that the child may use, in seconds. `answered` is called with what `work` returned, or
    with None if the child was killed because it used too much time or memory.
    """

    work: Callable[[int], Any]
    cpu_s: int
    answered: Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class _Running:
    job: Job
    slot: int
    answer: IO[bytes]
    until: float


def run(jobs: Iterable[Job], slots: int, log: Path) -> None:
    """Do all the jobs, `slots` of them at a time. What the children print goes to the file `log`.

    Raises RuntimeError if the `work` of a job raises: then the tool itself has failed, which says nothing about a
    mutant.
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
                    with child.answer:
                        if status > 0:
                            raise RuntimeError(f"a child broke off: see {log}")
                        child.job.answered(_answer(child.answer) if status == 0 else None)
            time.sleep(POLL_S)
    finally:
        for pid, child in running.items():
            child.answer.close()
            os.killpg(pid, signal.SIGKILL)


def _fork(job: Job, slot: int, log: Path) -> tuple[int, IO[bytes]]:
    answer = tempfile.TemporaryFile()  # noqa: SIM115 because it is closed when its child has ended
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        _lead(pid)  # the child does so as well: whichever of the two comes first
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
    except PermissionError:  # the child runs another program already
        return


def _ended(pid: int, until: float) -> int | None:
    """The status with which the child ended, or None if it still runs. A child that still runs at `until` is killed.

    When a child has ended, whatever it had started is killed, too.
    """
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
    found.seek(0)
    return json.load(found)
