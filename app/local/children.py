"""A child process that ends when its parent does."""

import logging
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from app.local.mode import LocalError
from app.local.paths import PRIVATE

LOG_BYTES = 5_000_000
"""A longer log of a child goes on anew, and the one before it is kept beside it."""

LATE_S = 2.0
"""A child that takes longer than this to end is mentioned."""

_log = logging.getLogger(__name__)


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Program:
    """A program to run as a child process, and how to know that it answers.

    The program must end when its standard input closes.
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    is_ready: Callable[[], bool]
    on_ready: Callable[[], None] = _nothing  # runs after each start, before the next program is started
    log: Path | None = None  # the file for its output; None: the terminal
    progress: Callable[[], str] = str  # says how far a slow start is; while that changes, it is waited for


class Child:
    """A running program. It ends when its standard input closes; `stdin_pipe` is the writing end of that pipe."""

    def __init__(self, program: Program, inherit: Sequence[int]) -> None:
        """Start `program`. `inherit` are file descriptors that the child keeps open for as long as it lives."""
        self.program = program
        self.started_at_s = monotonic()
        self._log_began = 0  # where in the log the output of this child begins
        self.trim_log()
        output = None if program.log is None else program.log.open("ab")
        self._log_began = 0 if output is None else output.tell()
        stdin, self.stdin_pipe = os.pipe()
        try:
            # The child gets a session of its own, so that Ctrl-C reaches only the server, which stops its children in
            # order.
            self._process = subprocess.Popen(  # noqa: S603 because the commands are our own
                program.command,
                env=dict(program.env),
                stdin=stdin,
                stdout=output,
                stderr=output,
                pass_fds=inherit,
                start_new_session=True,
                umask=PRIVATE,
            )
        finally:
            os.close(stdin)
            if output is not None:
                output.close()

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """The child's exit status; -N if signal N killed it, None while it runs."""
        return self._process.poll()

    def wait_until_ready(self, timeout_s: float, stopping: threading.Event) -> None:
        """Return once the child answers.

        Raises LocalError if the child ends, if it neither answers nor gets any further for `timeout_s`, or if
        `stopping` is set.
        """
        deadline_s, progress = monotonic() + timeout_s, self.program.progress()
        while not self.program.is_ready():
            code = self.exit_code()
            if code is not None:
                raise LocalError(f"The {self.program.name} ended with status {code} while starting{self._why()}")
            if self.program.progress() != progress:
                deadline_s, progress = monotonic() + timeout_s, self.program.progress()
                _log.warning("Local mode: the %s starts, %s", self.program.name, progress)
            if monotonic() > deadline_s:
                raise LocalError(f"The {self.program.name} did not answer within {timeout_s:g} s{self._see_log()}")
            if stopping.wait(0.05):
                raise LocalError(f"Stopped while the {self.program.name} was starting")

    def stop(self, grace_s: float) -> None:
        """Close the child's standard input, and wait until the child has ended. Says so if that takes long.

        After `grace_s` seconds, kill the child and all processes of its session's group.
        """
        os.close(self.stdin_pipe)
        for wait_s, saying in (
            (min(LATE_S, grace_s), "Local mode: waiting for the %s, which is still at work"),
            (grace_s - LATE_S, "Local mode: the %s did not end and is killed"),
        ):
            try:
                self._process.wait(max(0.0, wait_s))
            except subprocess.TimeoutExpired:
                _log.warning(saying, self.program.name)
            else:
                return
        os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def trim_log(self) -> None:
        """If the log is longer than LOG_BYTES, go on with an empty one. The child writes to the end, wherever it is."""
        log = self.program.log
        with suppress(OSError):  # there is no log yet
            if log is not None and log.stat().st_size > LOG_BYTES:
                with suppress(OSError):  # there is no room for a second one
                    shutil.copyfile(log, log.with_name(f"{log.name}.1"))
                os.truncate(log, 0)
                self._log_began = 0

    def _why(self) -> str:
        """The last line that the child has written, and where the others are."""
        if self.program.log is None:
            return self._see_log()
        with self.program.log.open("rb") as log:
            log.seek(self._log_began)
            lines = log.read().decode(errors="replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        return f": {said[-1]} (see {self.program.log})" if said else self._see_log()

    def _see_log(self) -> str:
        return f": see {self.program.log}" if self.program.log else ": see its messages above"
