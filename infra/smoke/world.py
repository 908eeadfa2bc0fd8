"""What the steps work with: the account, the deployed environment, and what was made there so far."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore.session
import httpx

from app.domain.lane import Lane
from infra import variables
from infra.commands import session_of
from infra.smoke.run import SmokeError
from infra.stack import Stack
from infra.stages import PROJECT, ROOT, Stage, settings, worker_timeout_s


@dataclass
class World:
    """One environment. `notes` are what the steps must remember, in a file, so that others can go on later.

    `api_url` is where the API is reached, with `{id}` in the place of API Gateway's id of it; "" for AWS's own address.
    `wait` lets a number of seconds pass; `transport` carries the requests, httpx's own if it is None.
    """

    environment: str
    session: botocore.session.Session
    api_url: str = ""
    wait: Callable[[float], None] = time.sleep
    transport: httpx.BaseTransport | None = None
    folder: Path = ROOT / "build"
    notes: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, environment: str, api_url: str = "") -> "World":
        """The world of an environment, with what was noted of it. Raises ConfigurationError if there is none."""
        world = cls(environment, session_of(environment), api_url)
        if world._file.exists():
            world.notes = json.loads(world._file.read_text())
        return world

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the API's stage."""
        return settings(self.environment)

    @property
    def stack(self) -> Stack:
        """The stack of the environment."""
        return Stack(self.session, self.environment)

    @property
    def name(self) -> str:
        """What every name in the account begins with."""
        return f"{PROJECT}-{self.environment}"

    def client(self, service: str) -> Any:
        """A client of an AWS service."""
        return self.session.create_client(service)

    def note(self, **more: Any) -> None:
        """Remember something for later steps, and for another run that goes on."""
        self.notes |= more
        self._file.parent.mkdir(exist_ok=True)
        self._file.touch(mode=0o600)  # a key of the API is in it
        self._file.write_text(json.dumps(self.notes))

    def forget(self) -> None:
        """Remember nothing: there is nothing more of this environment."""
        self.notes = {}
        self._file.unlink(missing_ok=True)

    def make(self, target: str, *variables: str) -> None:
        """Run a target of the Makefile for this environment. Raises SmokeError if it fails."""
        command = ["make", "--no-print-directory", target, f"STAGE={self.environment}", *variables]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:  # noqa: S603 because the command is our own
            raise SmokeError(f"{' '.join(command[2:])} failed; its reason is above")

    def admin(self, *arguments: str) -> str:
        """Run a command of app.admin against this environment; what it printed. Raises SmokeError if it fails."""
        command = [sys.executable, "-m", "app.admin", *arguments]
        env = {**os.environ, "AWS_REGION": self.settings["aws_region"], **self._variables()}
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)  # noqa: S603 because the command is our own
        if done.returncode:
            raise SmokeError(f"app.admin {' '.join(arguments)} failed: {done.stdout}{done.stderr}")
        return done.stdout

    def api(self) -> httpx.Client:
        """The API, with a key of the scope `admin`, which is made if there is none yet."""
        if "api_key" not in self.notes:
            printed = self.admin("keys", "create", "smoke", "--scope", "admin")
            self.note(api_key=printed.strip().splitlines()[-1])
        return httpx.Client(
            base_url=self._url(),
            headers={"Authorization": f"Bearer {self.notes['api_key']}"},
            timeout=60,
            transport=self.transport,
        )

    def _url(self) -> str:
        apis = self.client("apigateway").get_rest_apis(limit=500)["items"]
        api_id = next((api["id"] for api in apis if api["name"] == self.name), None)
        if api_id is None:
            raise SmokeError(f"there is no API named {self.name}")
        region = self.settings["aws_region"]
        url = self.api_url or f"https://{{id}}.execute-api.{region}.amazonaws.com/{self.environment}"
        return url.format(id=api_id)

    def _variables(self) -> dict[str, str]:
        if self.stack.find() is None:
            return {}
        worker = Stage(self.environment, f"attempts_{Lane.NORMAL}")
        made = variables.variables(worker, self.stack.outputs(), worker_timeout_s(self.environment))
        return dict(line.rstrip("\n").split("=", 1) for line in variables.lines(self.settings, made))

    @property
    def _file(self) -> Path:
        return self.folder / f"smoke-{self.environment}.json"
