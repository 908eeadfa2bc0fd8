"""The child processes that run our own code: the provider simulator and the worker."""

import os
import sys
from collections.abc import Mapping

from app.local import environment, health, ports
from app.local.children import Program
from app.local.paths import REPOSITORY, Paths


def simulator(env: Mapping[str, str]) -> Program:
    """The provider simulator. Raises LocalError if its port is in use."""
    at, paths = ports.read(env), Paths.of(env)
    ports.require_free(at.simulator, "SIMULATOR_PORT")
    paths.simulator_ready.unlink(missing_ok=True)
    return Program(
        name="provider simulator",
        command=(
            *(sys.executable, "-m", "app.local.simulator", "--exit-with-parent"),
            *("--accounts", ",".join(environment.accounts(env))),
            *("--control-port", str(at.simulator)),
            *("--webhooks-url", f"{at.api_url}/v1/webhooks"),
            *("--keys", str(paths.simulator)),
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


def _importable(env: Mapping[str, str]) -> dict[str, str]:
    path = os.pathsep.join(filter(None, (str(REPOSITORY), env.get("PYTHONPATH"))))
    return {**env, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
