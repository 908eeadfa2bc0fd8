"""Checks the parts that only local mode has. The application itself checks AWS."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from app.local import emulator, environment, ports
from app.local.aws_emulator.journal import why_not
from app.local.mode import LocalError
from app.local.paths import Paths

BEAT_S = 1.0
MISSED_S = 5.0
"""A worker whose last heartbeat is older than this counts as dead."""


def checks(env: Mapping[str, str]) -> dict[str, Callable[[], str | None]]:
    """The checks of the worker, of the simulator and of what is on disk, by name.

    A check says what is wrong, or returns None. It raises OSError, after about a second at most, if its part does not
    answer.
    """
    return {"worker": lambda: _worker(env), "simulator": lambda: _simulator(env), "storage": lambda: _storage(env)}


def beat(heartbeat: Path) -> None:
    """Record that the worker is alive, unless nothing can be written."""
    with suppress(OSError):
        heartbeat.touch()


def is_beating(heartbeat: Path) -> bool:
    """Whether the last heartbeat of the worker is less than MISSED_S old."""
    try:
        return time.time() - heartbeat.stat().st_mtime < MISSED_S
    except OSError:
        return False


def _worker(env: Mapping[str, str]) -> None:
    paths = Paths.of(env)
    if is_beating(paths.heartbeat):
        return
    # Where nothing can be written, no worker can give a sign; what is wrong there is said by the check of the storage.
    if not paths.data.exists() or not why_not(paths.data):
        raise ConnectionError(f"no sign of life for {MISSED_S:g} s")


def _simulator(env: Mapping[str, str]) -> None:
    try:
        environment.simulator_base_urls(env)
    except LocalError as error:
        raise ConnectionError(str(error)) from error


def _storage(env: Mapping[str, str]) -> str | None:
    data = Paths.of(env).data
    try:
        trouble = emulator.storage_trouble(ports.read(env).aws_url)
    except ConnectionError:
        trouble = why_not(data)  # an emulator that has ended may have ended for want of room
        if trouble is None:
            raise
    return trouble and f"nothing can be kept in {data}: {trouble}"
