"""Environments and their Zappa stages, as zappa_settings.json sets them.

An environment, such as production, has seven entry points: the API, a worker for each lane, the sweep, and the two that
tell applications what became of their emails. Each is a Zappa stage.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.domain.lane import Lane
from app.errors import ConfigurationError
from app.settings import Process

ROOT = Path(__file__).parents[1]
SETTINGS = ROOT / "zappa_settings.json"
PROJECT = "emailsminder"
# In the order of deployment: the API comes last, because the others must understand what it writes.
WORKERS = {f"attempts_{lane}": lane for lane in Lane}
# What tells applications: `changes` reads the stream of the emails, `deliveries` calls the webhooks.
NOTIFIERS = ("deliveries", "changes")
ENTRY_POINTS = (*WORKERS, *NOTIFIERS, "sweep", "api")
_PROCESSES = {"api": Process.API, "deliveries": Process.DELIVERIES}


@dataclass(frozen=True, slots=True)
class Stage:
    """One entry point of one environment.

    `production` is the API of that environment, `production_attempts_bulk` its worker of the lane bulk,
    `production_sweep` its sweep, `production_changes` and `production_deliveries` what tells applications.
    """

    environment: str
    entry_point: str

    @classmethod
    def of(cls, name: str) -> "Stage":
        """The stage with Zappa's `name`. Raises ConfigurationError if the name has another form."""
        environment, _, entry_point = name.partition("_")
        if entry_point not in ("", *WORKERS, *NOTIFIERS, "sweep"):
            raise ConfigurationError(
                f"{name}: a stage is ENVIRONMENT, ENVIRONMENT_attempts_LANE, ENVIRONMENT_deliveries,"
                " ENVIRONMENT_changes or ENVIRONMENT_sweep"
            )
        return cls(environment, entry_point or "api")

    @property
    def name(self) -> str:
        """Zappa's name of the stage."""
        return self.environment if self.entry_point == "api" else f"{self.environment}_{self.entry_point}"

    @property
    def lane(self) -> Lane | None:
        """The lane of a worker; None for the others, which have none."""
        return WORKERS.get(self.entry_point)

    @property
    def secret_name(self) -> str:
        """The name of the secret that its function reads; "" for `changes` and the sweep, which read none."""
        process = Process.WORKER if self.lane else _PROCESSES.get(self.entry_point)
        return secret_names(self.environment)[process] if process else ""

    @property
    def function(self) -> str:
        """The name of the Lambda function, and of the API. Zappa makes it of the project's and the stage's name."""
        return f"{PROJECT}-{self.name}".replace("_", "-")


def worker_timeout_s(environment: str, path: Path = SETTINGS) -> int:
    """How long an attempt may take. It is the same in every lane (infra/settings_check.py)."""
    return int(settings(Stage(environment, f"attempts_{Lane.NORMAL}").name, path)["timeout_seconds"])


def secret_names(environment: str) -> dict[Process, str]:
    """The names of the secrets of an environment, by the process that may read each."""
    return {process: f"{PROJECT}/{environment}/{process}" for process in Process}


def read(path: Path = SETTINGS) -> dict[str, dict[str, Any]]:
    """The stages as the file has them. Raises ConfigurationError, with the place of the mistake, if it is not JSON."""
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise ConfigurationError(f"{path.name} is not JSON: {error}") from error
    if not isinstance(found, dict) or not all(isinstance(stage, dict) for stage in found.values()):
        raise ConfigurationError(f"{path.name} must be an object of stages, each of which is an object")
    return found


def settings(name: str, path: Path = SETTINGS) -> dict[str, Any]:
    """The settings of one Zappa stage, including those that it extends.

    Raises ConfigurationError, with the stages that there are, if there is no such stage.
    """
    stages = read(path)
    found: dict[str, Any] = {}
    extended: list[str] = []
    while name:
        if name not in stages:
            raise ConfigurationError(f"{path.name} has no stage {name}, only {', '.join(stages)}")
        if name in extended:
            raise ConfigurationError(f"{path.name}: {name} extends itself")
        extended.append(name)
        found = {**stages[name], **found}
        name = stages[name].get("extends", "")
    return found
