"""The three ports of an installation in local mode, and whether they are free."""

import os
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
    """The ports of the API, of the simulator's control API and of the AWS emulator."""

    api: int
    simulator: int
    aws: int

    @property
    def api_url(self) -> str:
        """The URL of the API, for programs on this machine."""
        return f"http://{HOST}:{self.api}"

    @property
    def simulator_url(self) -> str:
        """The URL of the simulator's control API."""
        return f"http://{HOST}:{self.simulator}"

    @property
    def aws_url(self) -> str:
        """The URL of the AWS emulator."""
        return f"http://{HOST}:{self.aws}"


def read(env: Mapping[str, str], argv: Sequence[str] | None = None) -> Ports:
    """The ports that `env` and the flags of uvicorn in `argv` name.

    Raises LocalError if one is not a port, two are the same, or PORT contradicts the port on which uvicorn listens.
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
    """Check that nothing listens on `port`. Raises LocalError saying what to do with `variable` otherwise."""
    # Both checks are needed: on macOS, 127.0.0.1 can be bound although another program listens on all addresses.
    if _answers(port) or not _bindable(port):
        raise LocalError(f"Port {port} is in use: stop what uses it, or {_way_out(port + 1, variable)}")


def _way_out(port: int, variable: str) -> str:
    """How whoever started this process names another port: `make`, which tells its children its level, or uvicorn."""
    if os.environ.get("MAKELEVEL"):
        return f"start it by make run {variable}={port}"
    if variable == "PORT" and _is_uvicorn(sys.argv):
        return f"start uvicorn with --port {port}"
    return f"set {variable}={port}"


def _api(env: Mapping[str, str], argv: Sequence[str]) -> int:
    # Uvicorn ignores PORT. Webhooks must go to the port on which it listens, so its own flag decides.
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
    with socket.socket() as connection:
        connection.settimeout(1)
        return connection.connect_ex((HOST, port)) == 0


def _bindable(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            return False
    return True
