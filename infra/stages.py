"""Environments, their three doors, and what zappa_settings.json says of them. A Zappa stage is one door."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SETTINGS = ROOT / "zappa_settings.json"
PROJECT = "emailsminder"
DOORS = ("attempts", "sweep", "api")  # in the order of deployment: what the API writes, the others must understand


@dataclass(frozen=True, slots=True)
class Stage:
    """One door of one environment: `production` is the API, `production_attempts` and `production_sweep` the others."""

    environment: str
    door: str

    @classmethod
    def of(cls, name: str) -> "Stage":
        """The stage that Zappa calls `name`. Raises ValueError if there is no such door."""
        environment, _, door = name.partition("_")
        if door not in ("", "attempts", "sweep"):
            raise ValueError(f"{name}: a stage is ENVIRONMENT, ENVIRONMENT_attempts or ENVIRONMENT_sweep")
        return cls(environment, door or "api")

    @property
    def name(self) -> str:
        """What Zappa calls it."""
        return self.environment if self.door == "api" else f"{self.environment}_{self.door}"

    @property
    def function(self) -> str:
        """The Lambda function, which is also the name of the API. Zappa makes it of project and stage."""
        return f"{PROJECT}-{self.name}".replace("_", "-")


def settings(name: str, path: Path = SETTINGS) -> dict[str, Any]:
    """The settings of one Zappa stage, with what it extends. Raises KeyError if there is no such stage."""
    stages = json.loads(path.read_text())
    own: dict[str, Any] = stages[name]
    base = settings(own["extends"], path) if "extends" in own else {}
    return {**base, **own}
