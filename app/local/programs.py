"""The child processes that run our own code: the provider simulator and the worker."""

import os
import sys
from collections.abc import Mapping
from typing import Final

from app.local import environment, health, ports, retention, variables
from app.local.children import Program
from app.local.paths import REPOSITORY, Paths
from app.local.simulator.inbox import LIMIT

MOST_KEPT: Final = 100_000


def simulator(env: Mapping[str, str]) -> Program:
    """The provider simulator. Raises LocalError if its port is in use, or INBOX_LIMIT is no number of messages."""
    at, paths = ports.read(env), Paths.of(env)
    ports.require_free(at.simulator, "SIMULATOR_PORT")
    paths.simulator_ready.unlink(missing_ok=True)
    inbox_limit = variables.whole(env, "INBOX_LIMIT", LIMIT, MOST_KEPT)
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
            *("--inbox-limit", str(inbox_limit)),
            *("--outbox", str(paths.data / "webhooks")),
            *("--ready-file", str(paths.simulator_ready)),
        ),
        env=_importable(env),
        is_ready=paths.simulator_ready.exists,
        log=paths.data / "simulator.log",
    )


def worker(env: Mapping[str, str]) -> Program:
    """The worker. It calls the running simulator in place of each account that is simulated.

    Raises LocalError if the simulator does not answer, or KEEP_EMAILS is no number of emails.
    """
    paths = Paths.of(env)
    retention.limit(env)  # read here, where somebody sees that it is wrong
    paths.heartbeat.unlink(missing_ok=True)
    return Program(
        name="worker",
        command=(sys.executable, "-m", "app.local.worker", "--exit-with-parent"),
        env=_importable({**env, **environment.simulator_base_urls(env)}),
        is_ready=lambda: health.is_beating(paths.heartbeat),
    )


def _importable(env: Mapping[str, str]) -> dict[str, str]:
    path = os.pathsep.join(filter(None, (str(REPOSITORY), env.get("PYTHONPATH"))))
    return {**env, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
