"""Finds the installation on which a command works: local mode's, or the one that the environment names."""

import os
from pathlib import Path
from typing import NoReturn

import typer

from app import settings
from app.errors import ConfigurationError
from app.settings import Settings
from app.store import tables


def load() -> Settings:
    """Return the settings of the installation on which the command works, and connect its tables.

    Ends the program with a message and status 1 if that is not possible.
    """
    try:
        if settings.is_local(os.environ):
            _adopt_local()
        found = Settings.from_env(os.environ)
    except ConfigurationError as error:
        fail(str(error))
    tables.connect(found.table_prefix, found.aws_region, found.aws_endpoint_url)
    return found


def local_variables() -> dict[str, str]:
    """The variables of the `make run` on this machine. Ends the program as `load` does if a deployed one is named."""
    if not settings.is_local(os.environ):
        fail("this works on a make run on this machine only, and the environment names a deployed installation")
    from app.local import envfile, mode

    try:
        return {**envfile.read(Path(".env")), **os.environ}
    except mode.LocalError as error:
        fail(str(error))


def fail(message: str) -> NoReturn:
    """Print `message` to stderr and end the program with status 1."""
    typer.echo(message, err=True)
    raise typer.Exit(1)


def _adopt_local() -> None:
    from app.local import environment, mode

    try:
        environment.adopt(os.environ)
        os.environ.update(environment.simulator_base_urls(os.environ))
    except mode.LocalError as error:
        fail(str(error))
