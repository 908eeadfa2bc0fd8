"""The children of a server that uvicorn starts again whenever a file changes: a keeper owns them."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import FrameType

from app.local import exit_with_parent, lock, ports
from app.local.environment import deployed
from app.local.mode import LocalError
from app.local.paths import REPOSITORY, Paths
from app.local.stack import Stack, ready_elsewhere

KEEPER = (sys.executable, "-m", "app.local.keeper")
ON = frozenset({"1", "on", "t", "true", "y", "yes"})  # what uvicorn takes for a flag


def is_reloading(argv: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Whether uvicorn started this process with --reload, and will start another in its place."""
    is_asked = "--reload" in argv or environ.get("UVICORN_RELOAD", "").lower() in ON
    return is_asked and multiprocessing.parent_process() is not None


class KeptStack:
    """The part of a `Stack` that a server uses, while a keeper has the children."""

    def __init__(self, env: Mapping[str, str], keeper: Sequence[str] = KEEPER) -> None:
        """`keeper` is the command that keeps the children. The process id of uvicorn is appended to it."""
        ready = deployed(env)
        self._ports, self._paths = ports.read(ready), Paths.of(ready)
        path = os.pathsep.join(filter(None, (str(REPOSITORY), ready.get("PYTHONPATH"))))
        # The keeper's command line does not say on which port uvicorn listens.
        self._env = {**ready, "PORT": str(self._ports.api), "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
        self._command = keeper
        self._keeper: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._is_interrupted = self._is_terminated = False
        self._thread = threading.Thread(target=self._watch, name="keeper", daemon=True)

    @property
    def is_owner(self) -> bool:
        """Whether this is the first server, for which the children were started."""
        return self._keeper is not None

    def notice_interrupt(self) -> None:
        """Notice when Ctrl-C ends this process, and no change of a file. To be called in the main thread.

        Ctrl-C reaches uvicorn, too, which then ends this process by SIGTERM. To a server that is ending already, SIGINT
        is the second Ctrl-C, at which it ends without waiting for anything. So only the signal that is handled first is
        passed on, although the other one may come before the server has seen the first.
        """
        interrupted, terminated = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

        def terminate(number: int, frame: FrameType | None) -> None:
            if not self._is_interrupted:
                self._is_terminated = True
                if callable(terminated):
                    terminated(number, frame)

        def interrupt(number: int, frame: FrameType | None) -> None:
            is_second, self._is_interrupted = self._is_interrupted, True
            if callable(interrupted) and (is_second or not self._is_terminated):
                interrupted(number, frame)

        signal.signal(signal.SIGTERM, terminate)
        signal.signal(signal.SIGINT, interrupt)

    def start(self) -> None:
        """Start a keeper, or let the one that runs start the worker again. Returns once everything answers.

        Raises LocalError, whose message says what to do, if it cannot be started.
        """
        exit_with_parent.follow_parent()
        if not self._is_free():
            self._signal_keeper(signal.SIGHUP)
        while not ready_elsewhere(self._paths, self._ports):
            if self._keeper is not None and self._keeper.poll():
                raise LocalError("Local mode did not start: see the message above")
            if self._keeper is None and self._is_free():
                self._start_keeper()
            self._stopping.wait(0.1)
        self._thread.start()

    def stop(self) -> None:
        """After Ctrl-C, stop the children and wait for that. Otherwise leave them to the next server."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()
        if self._is_interrupted:
            self._signal_keeper(signal.SIGTERM)
            while not self._is_free():
                threading.Event().wait(0.05)

    def _signal_keeper(self, number: signal.Signals) -> None:
        status = lock.status(self._paths)
        if status is not None and status.is_keeper:
            with suppress(ProcessLookupError):
                os.kill(status.pid, number)

    def _watch(self) -> None:
        """Start another keeper if it was killed. One that has been started may take a while to own the children."""
        while not self._stopping.wait(1.0):
            is_under_way = self._keeper is not None and self._keeper.poll() is None
            if not is_under_way and self._is_free() and not self._stopping.is_set():
                self._start_keeper()

    def _start_keeper(self) -> None:
        # In a session of its own, so that Ctrl-C reaches only the server.
        self._keeper = subprocess.Popen(  # noqa: S603 because the command is our own
            (*self._command, str(os.getppid())), env=self._env, stdin=subprocess.DEVNULL, start_new_session=True
        )

    def _is_free(self) -> bool:
        """Whether nobody owns the children, and all of an earlier owner have ended."""
        held = lock.acquire(self._paths.lock)
        if held is None:
            return False
        os.close(held)
        return True


def stack_for(env: Mapping[str, str], prepare: Callable[[], None]) -> Stack | KeptStack:
    """The children of this server process, as uvicorn was started."""
    return KeptStack(env) if is_reloading(sys.argv, env) else Stack(env, prepare)
