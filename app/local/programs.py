"""The child processes that run our own code: the provider simulator and the worker."""

import os
import sys
from collections.abc import Mapping
from typing import Final

from app.local import environment, health, ports
from app.local.children import Program
from app.local.mode import LocalError
from app.local.paths import REPOSITORY, Paths
from app.local.simulator.inbox import LIMIT

MOST_KEPT: Final = 100_000


def simulator(env: Mapping[str, str]) -> Program:
    """The provider simulator. Raises LocalError if its port is in use, or INBOX_LIMIT is no number of messages."""
    at, paths = ports.read(env), Paths.of(env)
    ports.require_free(at.simulator, "SIMULATOR_PORT")
    paths.simulator_ready.unlink(missing_ok=True)
    played = environment.accounts(env)
    real = sorted(set(played) - set(environment.simulated(env)))
    return Program(
        name="provider simulator",
        command=(
            *(sys.executable, "-m", "app.local.simulator", "--exit-with-parent"),
            *("--accounts", ",".join(played)),
            *("--control-port", str(at.simulator)),
            *("--webhooks-url", f"{at.api_url}/v1/webhooks"),
            *("--api-url", at.api_url),
            *("--real", ",".join(real)),
            *("--keys", str(paths.simulator)),
            *("--inbox", str(paths.inbox)),
            *("--inbox-limit", str(_inbox_limit(env))),
            *("--outbox", str(paths.data / "webhooks")),
            *("--ready-file", str(paths.simulator_ready)),
        ),
        env=_importable(env),
        is_ready=paths.simulator_ready.exists,
        log=paths.data / "simulator.log",
    )


def worker(env: Mapping[str, str]) -> Program:
    """The worker. It calls the running simulator in place of each account that is simulated.

    Raises LocalError if the simulator does not answer.
    """
    paths = Paths.of(env)
    paths.heartbeat.unlink(missing_ok=True)
    return Program(
        name="worker",
        command=(sys.executable, "-m", "app.local.worker", "--exit-with-parent"),
        env=_importable({**env, **environment.simulator_base_urls(env)}),
        is_ready=lambda: health.is_beating(paths.heartbeat),
    )


def _inbox_limit(env: Mapping[str, str]) -> int:
    text = env.get("INBOX_LIMIT") or str(LIMIT)
    if not (text.isascii() and text.isdigit() and len(text) < 8 and 0 < int(text) <= MOST_KEPT):
        raise LocalError(f"INBOX_LIMIT must be a whole number from 1 to {MOST_KEPT}, is {text!r}")
    return int(text)


def _importable(env: Mapping[str, str]) -> dict[str, str]:
    path = os.pathsep.join(filter(None, (str(REPOSITORY), env.get("PYTHONPATH"))))
    return {**env, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
