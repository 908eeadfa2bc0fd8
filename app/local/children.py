"""A child process that ends when its parent does."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from app.local.mode import LocalError


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


class Child:
    """A running program. It ends when its standard input closes; `stdin_pipe` is the writing end of that pipe."""

    def __init__(self, program: Program, inherit: Sequence[int]) -> None:
        """Start `program`. `inherit` are file descriptors that the child keeps open for as long as it lives."""
        self.program = program
        self.started_at_s = monotonic()
        output = None if program.log is None else program.log.open("ab")
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

        Raises LocalError if the child ends, does not answer within `timeout_s`, or if `stopping` is set.
        """
        deadline_s = monotonic() + timeout_s
        while not self.program.is_ready():
            code = self.exit_code()
            if code is not None:
                raise LocalError(f"The {self.program.name} ended with status {code} while starting{self._see_log()}")
            if monotonic() > deadline_s:
                raise LocalError(f"The {self.program.name} did not answer within {timeout_s:g} s{self._see_log()}")
            if stopping.wait(0.05):
                raise LocalError(f"Stopped while the {self.program.name} was starting")

    def stop(self, grace_s: float) -> None:
        """Close the child's standard input, and wait until the child has ended.

        After `grace_s` seconds, kill the child and all processes of its session's group.
        """
        os.close(self.stdin_pipe)
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()

    def _see_log(self) -> str:
        return f": see {self.program.log}" if self.program.log else ": see its messages above"
