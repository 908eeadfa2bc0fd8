"""An AWS account of our own: the emulator with IAM in force, and what a deploying team does in it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import botocore.session
import httpx

from app.local.aws_emulator import start
from infra.interpreters import OVERRIDE
from infra.stages import ENTRY_POINTS, Stage
from infra.versions import ALIAS
from tests.conftest import EMULATOR_PYTHON

ROOT = Path(__file__).parents[2]
REGION = "us-east-1"
ENVIRONMENT = "production"
# What stands behind the environment's name in the name of each function; nothing in that of the API.
DOORS = tuple(
    Stage(ENVIRONMENT, door).function.removeprefix(f"emailsminder-{ENVIRONMENT}").removeprefix("-")
    for door in ENTRY_POINTS
)
# The emulator runs every function in its own interpreter, whatever the runtime: packages are built for that one.
FOR_EMULATOR = {**os.environ, OVERRIDE: str(EMULATOR_PYTHON)}
EMAIL = {
    "from": "App <no-reply@example.com>",
    "to": ["alice@example.net"],
    "subject": "Hello",
    "text": "It works.",
}


def until(what: str, happened: Callable[[], Any], within_s: float) -> Any:
    """The first true answer of `happened`; fails after `within_s`."""
    deadline_s = monotonic() + within_s
    while not (answer := happened()):
        assert monotonic() < deadline_s, f"not {what} within {within_s} s"
        Event().wait(0.3)
    return answer


class Cloud:
    """The emulator, in a process, a temporary folder and an environment of its own."""

    def __init__(self, python: Path, folder: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / "emulator.log"
        self._folder = folder / "tmp"
        self._folder.mkdir()
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),
            "TMPDIR": str(self._folder),
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "AUTH": "true",  # every call needs credentials, and a function's are those of its role
            "LOG_LEVEL": "WARNING",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "DOCKER_HOST": "tcp://127.0.0.1:9",
        }
        with self.log.open("wb") as log:
            # -I: it runs the functions in its own interpreter, which must not see our packages.
            self._process = subprocess.Popen(
                [str(python), "-I", start.__file__, start.BARE], env=env, stdout=log, stderr=log, cwd=self._folder
            )
        until("answering", self._answers, within_s=60)

    @property
    def env(self) -> dict[str, str]:
        """The environment of a program that works in this account."""
        own = {name: value for name, value in FOR_EMULATOR.items() if not name.startswith("AWS_")}
        return {
            **own,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "ALARMS": "off",  # the emulator's alarms stay as they are, so that nobody would see the sweep run
        }

    def client(self, service: str, credentials: Mapping[str, str] | None = None) -> Any:
        """A botocore client; with the `Credentials` of an assumed role, theirs."""
        keys = credentials or {"AccessKeyId": "test", "SecretAccessKey": "test"}
        return botocore.session.get_session().create_client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys.get("SessionToken"),
        )

    def stop(self) -> None:
        """End it, with the functions that it runs."""
        self._process.terminate()
        self._process.wait(timeout=30)
        shutil.rmtree(self._folder, ignore_errors=True)  # functions still ending may hold files

    def _answers(self) -> bool:
        assert self._process.poll() is None, f"the emulator ended: {self.log.read_text()[-2000:]}"
        try:
            httpx.get(f"{self.url}/_ministack/health", timeout=1)
        except httpx.TransportError:
            return False
        return True


@dataclass(frozen=True)
class Team:
    """What a team has after `make deploy`: its API's address and a key for it."""

    cloud: Cloud
    control: httpx.Client  # of the provider simulator

    def make(self, *arguments: str) -> str:
        """Run `make` in this account; its output."""
        return self.run("make", "--no-print-directory", *arguments)

    def run(self, *command: str, fails: bool = False, env: Mapping[str, str] | None = None) -> str:
        """Run a program in this account; what it printed. It must succeed, or fail if that is said."""
        done = subprocess.run(
            command, cwd=ROOT, env={**self.cloud.env, **(env or {})}, capture_output=True, text=True, check=False
        )
        output = done.stdout + done.stderr
        assert (done.returncode != 0) is fails, f"{' '.join(command)}: status {done.returncode}\n{output[-4000:]}"
        return output

    def variables(self) -> dict[str, str]:
        """The environment variables of a deployed process, as a team asks for them."""
        lines = self.run(".deploy/bin/python", "-m", "infra.stack", "outputs", ENVIRONMENT).splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def api(self) -> httpx.Client:
        """The API through API Gateway, without a key."""
        apis = self.cloud.client("apigateway").get_rest_apis()["items"]
        api_id = next(api["id"] for api in apis if api["name"] == f"emailsminder-{ENVIRONMENT}")
        return httpx.Client(base_url=f"{self.cloud.url}/_aws/execute-api/{api_id}/{ENVIRONMENT}", timeout=60)

    def new_key(self) -> dict[str, str]:
        """The headers of a new API key, made by the command line."""
        printed = self.run(
            sys.executable, "-m", "app.admin", "keys", "create", "web", "--scope", "admin", env=self.variables()
        )
        return {"Authorization": f"Bearer {printed.strip().splitlines()[-1]}"}

    def fault(self, provider: str, fault: str = "none") -> None:
        """Make a simulated provider behave."""
        self.control.put(f"/control/providers/{provider}", json={"fault": fault}).raise_for_status()

    def inbox(self, email_id: str) -> list[str]:
        """The providers that took this email, in order."""
        messages = self.control.get("/control/messages").json()
        return [message["provider"] for message in messages if message["metadata"].get("em_email_id") == email_id]

    def function(self, door: str = "") -> dict[str, Any]:
        """The configuration of what is live of a function: the API's, that of `attempts-LANE` or of `sweep`."""
        name = f"emailsminder-{ENVIRONMENT}" + (f"-{door}" if door else "")
        return dict(self.cloud.client("lambda").get_function_configuration(FunctionName=name, Qualifier=ALIAS))


def sns_event(email_id: str, attempt: int, lane: str) -> bytes:
    """The event with which SNS calls the attempts function."""
    message = json.dumps({"email_id": email_id, "attempt": attempt, "lane": lane})
    return json.dumps({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": message}}]}).encode()
