"""Checks whether the worker and the simulator answer. The application itself checks AWS."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from app.local import environment
from app.local.mode import LocalError
from app.local.paths import Paths

BEAT_S = 1.0
MISSED_S = 5.0
"""A worker whose last heartbeat is older than this counts as dead."""


def checks(env: Mapping[str, str]) -> dict[str, Callable[[], None]]:
    """The checks of the worker and the simulator, by name.

    A check raises OSError, after about a second at most, if its part does not answer.
    """
    return {"worker": lambda: _worker(env), "simulator": lambda: _simulator(env)}


def beat(heartbeat: Path) -> None:
    """Record that the worker is alive."""
    heartbeat.touch()


def is_beating(heartbeat: Path) -> bool:
    """Whether the last heartbeat of the worker is less than MISSED_S old."""
    try:
        return time.time() - heartbeat.stat().st_mtime < MISSED_S
    except FileNotFoundError:
        return False


def _worker(env: Mapping[str, str]) -> None:
    if not is_beating(Paths.of(env).heartbeat):
        raise ConnectionError(f"no sign of life for {MISSED_S:g} s")


def _simulator(env: Mapping[str, str]) -> None:
    try:
        environment.simulator_base_urls(env)
    except LocalError as error:
        raise ConnectionError(str(error)) from error
