"""The child processes of local mode. There is one set of them, however many server processes there are.

Every server process runs a Stack. The process that gets the lock in DATA_DIR owns the children, starts them in order
(emulator, simulator, worker) and starts them again when they die. The other processes wait until the owner reports
that everything answers, and keep trying to get the lock, so that one of them takes over when the owner ends. Children
end when their owner does, and hold the lock until they have ended, so that a new owner never starts an emulator while
the old one still has the journal open.
"""

import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from time import monotonic

from botocore.exceptions import BotoCoreError, ClientError

from app.local import disk, emulator, exit_with_parent, lock, ports, programs
from app.local.children import Child, Program
from app.local.environment import deployed
from app.local.mode import LocalError
from app.local.paths import Paths
from app.local.ports import Ports
from app.local.provision import provision

CHILD_READY_S = 20.0
STACK_READY_S = 45.0  # a previous owner's children may take exit_with_parent.GRACE_S to end
FIRST_DELAY_S, LONGEST_DELAY_S = 0.5, 30.0
WATCH_EVERY_S = 0.5
STEADY_S = 30.0  # after a child that lived this long, the delay before the next start is FIRST_DELAY_S again

_log = logging.getLogger(__name__)


class Stack:
    """Starts and watches the children, or waits for the process that does. Each server process has one Stack."""

    def __init__(
        self,
        env: Mapping[str, str],
        prepare: Callable[[], None] = lambda: None,
        start_programs: Sequence[Callable[[], Program]] | None = None,
        *,
        serves: bool = True,
    ) -> None:
        """`env` is the environment of this machine, or what `deployed` made of it.

        `prepare` creates the tables and the API key. It is called each time the emulator has started. Without
        `serves`, this process is a keeper, and another one is the server.
        """
        self._env = deployed(env)
        self._ports = ports.read(self._env)
        self._paths = Paths.of(self._env)
        self._prepare = prepare
        self._programs = start_programs or (
            lambda: emulator.program(self._env, self._on_emulator_ready),
            lambda: programs.simulator(self._env),
            lambda: programs.worker(self._env),
        )
        self._children: list[Child] = []
        self._lock: int | None = None
        self._live: int | None = None
        self._delay_s = FIRST_DELAY_S
        self._serves = serves
        self._renewing = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="local-stack", daemon=True)

    @property
    def is_owner(self) -> bool:
        """Whether this process started the children."""
        return self._lock is not None

    def start(self) -> None:
        """Start the children, unless another process owns them. Returns once all of them answer.

        Raises LocalError, whose message says what to do, if they cannot be started or do not answer in time.
        """
        exit_with_parent.follow_parent()
        if self._serves and exit_with_parent.is_alone():
            ports.require_free(self._ports.api, "PORT")
        deadline_s, progress = monotonic() + STACK_READY_S, emulator.progress(self._paths)
        while not (self._try_to_own() or ready_elsewhere(self._paths, self._ports)):
            if emulator.progress(self._paths) != progress:
                deadline_s, progress = monotonic() + STACK_READY_S, emulator.progress(self._paths)
            if monotonic() > deadline_s:
                raise LocalError(
                    f"{self._paths.data} is held by another copy that does not answer: stop it, or set DATA_DIR"
                )
            self._stopping.wait(0.1)
        self._thread.start()

    def renew_last(self) -> None:
        """Start the last child again soon, because its code has changed. Returns at once."""
        self._renewing.set()

    def stop(self) -> None:
        """Stop the children, the last started first, and release the lock.

        Raises LocalError if the emulator says that it could not keep its last changes.
        """
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()
        if emulator.REFUSED in self._release():
            raise LocalError(disk.refused(self._paths.data))

    def _try_to_own(self) -> bool:
        self._lock = lock.acquire(self._paths.lock)
        if self._lock is None:
            return False
        started = False
        try:
            self._write_status(ready=False)  # before it counts, because a killed owner may have left one
            self._live = lock.live(self._paths)
            self._start_remaining()
            started = True
        finally:
            if not started:
                self._release()
        return True

    def _watch(self) -> None:
        while not self._stopping.wait(WATCH_EVERY_S):
            try:
                if self._lock is None:
                    self._try_to_own()
                else:
                    self._restart_ended()
                    for child in self._children:
                        child.trim_log()
            except (LocalError, OSError, BotoCoreError, ClientError) as error:
                if not self._stopping.is_set():
                    _log.error("Local mode: %s; next try in %g s", error, self._delay_s)
                    self._pause()

    def _restart_ended(self) -> None:
        """Start again the first child that has ended, and those after it, because they depend on it."""
        for index, child in enumerate(self._children):
            code = child.exit_code()
            if code is not None:
                _log.warning("Local mode: the %s ended with status %s and is started again", child.program.name, code)
                self._write_status(ready=False)
                self._stop_from(index)
                if monotonic() - child.started_at_s > STEADY_S:
                    self._delay_s = FIRST_DELAY_S
                self._pause()
                break
        if self._renewing.is_set():
            self._renewing.clear()
            self._stop_from(max(0, len(self._programs) - 1))
        if len(self._children) < len(self._programs):
            self._start_remaining()

    def _pause(self) -> None:
        """Wait, longer each time, so that a child that ends again and again does not keep the machine busy."""
        self._stopping.wait(self._delay_s)
        self._delay_s = min(self._delay_s * 2, LONGEST_DELAY_S)

    def _start_remaining(self) -> None:
        """Start the children that do not run, in order, each when the one before it answers."""
        self._write_status(ready=False)
        for start_program in self._programs[len(self._children) :]:
            program = start_program()
            # A child inherits the pipes of those before it, so that they outlive it even if the owner is killed.
            child = Child(
                program, inherit=[*filter(None, [self._lock]), *(other.stdin_pipe for other in self._children)]
            )
            try:
                child.wait_until_ready(CHILD_READY_S, self._stopping)
                program.on_ready()
            except BaseException:
                child.stop(exit_with_parent.GRACE_S)
                raise
            self._children.append(child)
        self._write_status(ready=True)

    def _stop_from(self, index: int) -> list[int | None]:
        """Stop the children from that one on, the last first. Returns their exit statuses."""
        stopped, self._children = self._children[index:], self._children[:index]
        for child in reversed(stopped):
            child.stop(exit_with_parent.GRACE_S)
        return [child.exit_code() for child in stopped]

    def _release(self) -> list[int | None]:
        """Stop all children and release the lock. Returns the children's exit statuses."""
        statuses = self._stop_from(0)
        if self._lock is not None:
            with suppress(OSError):  # a read-only disk; without its owner's lock the file says nothing
                self._paths.status.unlink(missing_ok=True)
            for held in filter(None, (self._live, self._lock)):
                os.close(held)
            self._live = self._lock = None
        return statuses

    def _write_status(self, *, ready: bool) -> None:
        status = lock.OwnerStatus(os.getpid(), self._ports, ready, is_keeper=not self._serves)
        status.write(self._paths)

    def _on_emulator_ready(self) -> None:
        provision(self._env)
        self._prepare()


def ready_elsewhere(paths: Paths, own: Ports) -> bool:
    """Whether another process owns the children, and all of them answer.

    Raises LocalError if they have other ports than `own`.
    """
    status = lock.status(paths)
    if status is not None and status.ports != own:
        raise LocalError(
            f"{paths.data} is used by a running copy with other ports "
            f"(PORT={status.ports.api} SIMULATOR_PORT={status.ports.simulator} AWS_PORT={status.ports.aws}): "
            "stop it, or set DATA_DIR"
        )
    return status is not None and status.ready
