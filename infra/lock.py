"""Lets one command at a time change an environment: `python -m infra.lock hold ENVIRONMENT COMMAND…` runs it.

Two deployments at once would mix their code and settings. The lock is a parameter of Systems Manager, because that can
be made before anything else is, and AWS makes it once only. A command whose machine was switched off leaves it behind;
`python -m infra.lock release ENVIRONMENT` takes it away.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from types import FrameType
from typing import Any, Final
from uuid import uuid4

from infra.commands import in_one_line, session_of
from infra.stages import PROJECT

USAGE: Final = "usage: python -m infra.lock hold ENVIRONMENT COMMAND… | release ENVIRONMENT"


class Locked(Exception):
    """Somebody else changes the environment. The message says who, since when, and what to do if that is over."""


def parameter(environment: str) -> str:
    """The name of the parameter that is the lock."""
    return f"/{PROJECT}/{environment}/being-changed"


@contextmanager
def held(client: Any, environment: str, holder: str) -> Iterator[None]:
    """Hold the lock of the environment. `client` is one of Systems Manager. Raises Locked if somebody else does."""
    name, value = parameter(environment), f"{holder} [{uuid4().hex[:8]}]"
    try:
        client.put_parameter(Name=name, Value=value, Type="String", Overwrite=False)
    except (client.exceptions.ParameterAlreadyExists, client.exceptions.TooManyUpdates) as error:
        raise Locked(
            f"{environment} is being changed by {_value(client, name) or 'somebody else'}: wait until that is done. If"
            f" it broke off: .deploy/bin/python -m infra.lock release {environment}"
        ) from error
    try:
        yield
    finally:
        if _value(client, name) == value:  # else it was released, and may be somebody else's by now
            release(client, environment)


def release(client: Any, environment: str) -> None:
    """Take the lock away, whoever holds it."""
    with suppress(client.exceptions.ParameterNotFound):
        client.delete_parameter(Name=parameter(environment))


def _value(client: Any, name: str) -> str:
    try:
        return str(client.get_parameter(Name=name)["Parameter"]["Value"])
    except client.exceptions.ParameterNotFound:
        return ""


def _end(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


def _run(client: Any, environment: str, command: Sequence[str]) -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)  # so that the lock is released
    user, now = os.environ.get("USER", "somebody"), datetime.now(UTC)
    holder = f"{user} on {socket.gethostname()} since {now:%Y-%m-%d %H:%M:%S} UTC"
    with held(client, environment, holder):
        return subprocess.run(command, check=False).returncode  # noqa: S603 because deploy.mk gives the command


def main() -> None:
    """Run the command, or release the lock. Ends with the command's own status."""
    match sys.argv[1:]:
        case ["hold", environment, *command] if command:
            pass
        case ["release", environment]:
            command = []
        case _:
            sys.exit(USAGE)
    with in_one_line(environment):
        client = session_of(environment).create_client("ssm")
        if not command:
            release(client, environment)
            return
        try:
            sys.exit(_run(client, environment, command))
        except Locked as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
