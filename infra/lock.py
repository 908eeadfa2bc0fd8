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

from infra.cloudformation import StackError
from infra.commands import in_one_line, session_of
from infra.stages import PROJECT

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
USAGE: Final = "usage: python -m infra.lock hold ENVIRONMENT COMMAND… | release ENVIRONMENT"


class Locked(StackError):
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
            f"is being changed by {_value(client, name) or 'somebody else'}: wait until that is done. If"
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


def whoever() -> str:
    """Who holds a lock from now on."""
    user, now = os.environ.get("USER", "somebody"), datetime.now(UTC)
    return f"{user} on {socket.gethostname()} since {now:%Y-%m-%d %H:%M:%S} UTC"


def _run(client: Any, environment: str, command: Sequence[str]) -> int:
    for number in SIGNALS:
        signal.signal(number, _end)  # so that the lock is released
    with held(client, environment, whoever()):
        return _until_all_of_it_ends(command)


def _until_all_of_it_ends(command: Sequence[str]) -> int:
    """Run a command, and wait for all that it started. A signal ends the command, but not what is under way in it.

    Otherwise Zappa would go on with its stage while somebody else has the lock.
    """
    got: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        got.append(number)
        process.terminate()
        sys.stderr.write("Waiting for the end of what is under way, and no more is begun\n")
        sys.stderr.flush()

    reader, writer = os.pipe()
    process = subprocess.Popen(command, pass_fds=[writer])  # noqa: S603 because deploy.mk gives the command
    for number in SIGNALS:
        signal.signal(number, end)
    os.close(writer)
    status = process.wait()
    os.read(reader, 1)  # its end, once every process has ended that has inherited the other side
    os.close(reader)
    if got:
        return 128 + got[0]
    return status if status >= 0 else 128 - status


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
        sys.exit(_run(client, environment, command))


if __name__ == "__main__":
    main()
