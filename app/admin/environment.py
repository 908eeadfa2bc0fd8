"""Finds the installation on which a command works: local mode's, or the one that the environment names."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import botocore.session
import typer

from app import settings, vault
from app.admin.mistakes import DEPLOYED
from app.errors import ConfigurationError, ServiceUnavailable
from app.settings import Process, Settings
from app.store import tables
from app.wiring import aws


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
    # As `events rebuild` needs it.
    tables.connect(found.table_prefix, found.aws_region, found.aws_endpoint_url, retries=tables.FEED_RETRIES)
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


def with_secrets(found: Settings) -> dict[str, str]:
    """The variables of the installation: those of the environment, then those of the secret SECRET_NAME if it has one.

    Ends the program with a message and status 1 if the secret cannot be read.
    """
    secrets: dict[str, str] = {}
    try:
        if found.secret_name:
            client = aws.client(botocore.session.get_session(), found, "secretsmanager")
            secrets = vault.read(client, found.secret_name)
    except (ConfigurationError, ServiceUnavailable) as error:
        fail(str(error))
    return {**secrets, **{name: value for name, value in os.environ.items() if value or name not in secrets}}


def with_all_secrets(found: Settings) -> dict[str, str]:
    """As `with_secrets`, with the variables of API and worker: SECRET_NAME names the secret of one of them.

    The other one's has the same name but for its last part. What calls webhooks has nothing that the API has not.
    """
    environment, _, own = found.secret_name.rpartition("/")
    both = (Process.API, Process.WORKER)
    others = [f"{environment}/{process}" for process in both if own in both and process != own]
    variables = with_secrets(found)
    for name in others:
        variables = {**with_secrets(replace(found, secret_name=name)), **variables}
    return variables


def address_secret(found: Settings, variables: Mapping[str, str] | None = None) -> str:
    """The secret under which the installation's suppression list is keyed: of the environment, or of SECRET_NAME.

    `variables` are those of `with_secrets`, if the caller has read them already.
    Ends the program with a message and status 1 if there is none, or if the secret cannot be read.
    """
    try:
        secret = found.address_secret or Settings.from_env(variables or with_secrets(found)).address_secret
    except ConfigurationError as error:
        fail(str(error))
    return secret or fail("ADDRESS_SECRET is not set: it must be the one of the installation")


def fail(message: str) -> NoReturn:
    """Print `message` to stderr and end the program with status 1."""
    typer.echo(message, err=True)
    raise typer.Exit(1)


def _adopt_local() -> None:
    from app.local import environment, mode, paths

    paths.keep_private()  # it may make the keys of simulated accounts
    try:
        environment.adopt(os.environ)
        os.environ.update(environment.simulator_base_urls(os.environ))
    except mode.LocalError as error:
        fail(f"{error}; for a deployed installation, put {DEPLOYED} before the command")
