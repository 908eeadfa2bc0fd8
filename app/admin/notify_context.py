"""What commands about endpoints and events need of the installation on which they work."""

import os
import time
from typing import Annotated

import botocore.session
import typer

from app import settings
from app.admin.environment import fail, load, with_all_secrets
from app.api import times
from app.domain.freshness import Clock
from app.domain.project import DEFAULT, check_project, of_test_keys
from app.notify.feed import Seen
from app.notify.notification import DEFAULT_ENDPOINT
from app.settings import Settings
from app.store.partitions import Partitions
from app.wiring.notify import Notify, build_notify, publishing

EndpointId = Annotated[
    str, typer.Argument(help="The id of an endpoint, such as ep_c5xq7mz2wk4tn6yb3vj2h5pa7e, or default.")
]
Project = Annotated[
    str | None,
    typer.Option(help="Whose: a-z, 0-9 and -. Without it: of all; the endpoint `default`: of the project default."),
]
clock: Clock = time.time
OfTests = Annotated[bool, typer.Option("--test", help="Of the project's test keys.")]


def connected(*, with_secret: bool = False) -> Notify:
    """The use cases, over the tables of the installation.

    `with_secret` reads the secrets of a deployed one, of which secrets of endpoints are made. Ends the program with a
    message and status 1 if that is not possible.
    """
    is_local = settings.is_local(os.environ)  # asked first: the environment is then made that of a deployed process
    found = load()
    if with_secret:
        found = Settings.from_env(with_all_secrets(found))
        if not found.webhook_secret:
            fail(
                "WEBHOOK_SECRET is not set, and the secrets of endpoints follow from it; take that of the installation"
            )
    publish = publishing(botocore.session.get_session(), found)
    if is_local:
        from app.local.wiring import HandOver

        publish = HandOver(os.environ).publish_notifications
    return build_notify(found, clock, Partitions(clock), publish, is_local=is_local)


def kept_project(name: str | None, *, of_tests: bool) -> str:
    """The name under which a project is kept. Ends the program if it is none."""
    project = checked(name) or DEFAULT
    return of_test_keys(project) if of_tests else project


def where(endpoint_id: str, project: str | None, *, of_tests: bool) -> Seen:
    """The projects in which an endpoint is looked for. `default` is of one."""
    if endpoint_id == DEFAULT_ENDPOINT or of_tests:
        return Seen(kept_project(project, of_tests=of_tests))
    return Seen(checked(project), with_tests=True)


def checked(project: str | None) -> str | None:
    """The project as it was named. Ends the program if that is no name."""
    try:
        return None if project is None else check_project(project)
    except ValueError as problem:
        fail(f"--project: {project!r} {problem}")


def time_of(option: str, text: str) -> int | None:
    """Epoch milliseconds of an RFC 3339 time; None for none. Ends the program if it is no time."""
    return read_time(option, text) if text else None


def read_time(option: str, text: str) -> int:
    """Epoch milliseconds of an RFC 3339 time. Ends the program if it is no time."""
    try:
        return times.read(text)
    except ValueError as problem:
        fail(f"{option}: {text!r} {problem}")
