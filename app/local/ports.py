"""The three ports of a local copy, and whether they are free."""

import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.local.mode import LocalError

HOST = "127.0.0.1"
DEFAULTS = {"PORT": 8000, "SIMULATOR_PORT": 8025, "AWS_PORT": 4566}


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the API, the simulator's control and the AWS emulator listen."""

    api: int
    simulator: int
    aws: int

    @property
    def api_url(self) -> str:
        """The API, as a program on this machine reaches it."""
        return f"http://{HOST}:{self.api}"

    @property
    def simulator_url(self) -> str:
        """The simulator's control."""
        return f"http://{HOST}:{self.simulator}"

    @property
    def aws_url(self) -> str:
        """The AWS emulator."""
        return f"http://{HOST}:{self.aws}"


def read(env: Mapping[str, str], argv: Sequence[str] | None = None) -> Ports:
    """The ports that `env` and uvicorn's own flags name.

    Raises LocalError if one is not a port, two are the same, or PORT contradicts the port uvicorn listens on.
    """
    ports = Ports(
        api=_api(env, sys.argv if argv is None else argv),
        simulator=_number(env, "SIMULATOR_PORT"),
        aws=_number(env, "AWS_PORT"),
    )
    if len({ports.api, ports.simulator, ports.aws}) < len(DEFAULTS):
        raise LocalError(
            f"PORT, SIMULATOR_PORT and AWS_PORT must differ, are {ports.api}, {ports.simulator}, {ports.aws}"
        )
    return ports


def require_free(port: int, variable: str) -> None:
    """Raise LocalError, naming the way out, if something listens on `port`."""
    # Both questions: a listener on all addresses does not keep macOS from binding 127.0.0.1 beside it.
    if _answers(port) or not _bindable(port):
        remedy = f"--port {port + 1}" if variable == "PORT" and _is_uvicorn(sys.argv) else f"{variable}={port + 1}"
        raise LocalError(f"Port {port} is in use: stop what uses it or run with {remedy}")


def _api(env: Mapping[str, str], argv: Sequence[str]) -> int:
    # uvicorn does not look at PORT. Webhooks must go where it listens, so its own flag is the truth.
    if not _is_uvicorn(argv):
        return _number(env, "PORT")
    flag = _flag(argv) or env.get("UVICORN_PORT")
    if flag:
        return _number({"PORT": flag}, "PORT")
    default = DEFAULTS["PORT"]
    if _number(env, "PORT") != default:
        raise LocalError(f"PORT is {env['PORT']}, but uvicorn listens on {default}: add --port {env['PORT']}")
    return default


def _is_uvicorn(argv: Sequence[str]) -> bool:
    program = Path(argv[0]) if argv else Path()
    return program.stem == "uvicorn" or (program.name == "__main__.py" and program.parent.name == "uvicorn")


def _flag(argv: Sequence[str]) -> str | None:
    for index, argument in enumerate(argv):
        if argument == "--port":
            return argv[index + 1] if index + 1 < len(argv) else None
        if argument.startswith("--port="):
            return argument.removeprefix("--port=")
    return None


def _number(env: Mapping[str, str], name: str) -> int:
    text = env.get(name) or str(DEFAULTS[name])
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65_535):
        raise LocalError(f"{name} must be a port from 1 to 65534, is {text!r}")
    return int(text)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def _bindable(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
