"""`events rebuild`: tell what the stream of the emails table has not told."""

import time
from dataclasses import asdict
from typing import Annotated

import botocore.session
import typer

from app.admin.environment import fail, load
from app.admin.notify_context import read_time
from app.admin.output import Json, show
from app.domain.project import check_kept
from app.notify.ports import PublishNotifications
from app.notify.rebuild import SETTLED_MS, Rebuilt
from app.settings import Settings
from app.wiring.notify import publishing
from app.wiring.rebuild import build_rebuild


def rebuild(
    *,
    first: Annotated[str, typer.Option("--from", help="Emails accepted then or later, in RFC 3339.")],
    before: Annotated[str, typer.Option("--to", help="Emails accepted before that; without it, until now.")] = "",
    project: Annotated[
        str | None, typer.Option(help="Only emails of this project (test:NAME: its test mail); without it, of all.")
    ] = None,
    notify: Annotated[
        bool, typer.Option("--notify", help="Publish what is told to the endpoints, too, and not only in the feed.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compare emails with what the feed says of them, and tell what is missing. Running it again tells nothing.

    What was written in the last quarter of an hour is left alone. Wait until the function `changes` has caught up with
    the stream: what it has not told yet would be told twice, under two ids.
    """
    settings, now_ms = load(), int(time.time() * 1000)
    healing = build_rebuild(settings, time.time, _publisher(settings) if notify else None)
    done = Rebuilt()
    try:
        parts = healing(
            read_time("--from", first),
            read_time("--to", before) if before else now_ms,
            now_ms - SETTLED_MS,
            notify=notify,
            project=_project(project),
        )
        for part in parts:
            done += part
    except ValueError as problem:
        fail(f"--from: {first!r} {problem}")
    words = (
        f"{done.emails} emails compared, {done.left_alone} of them left alone, {done.passed_over} passed over;"
        f" {done.changes} changes told"
    )
    if done.unpublished:
        words += f"; {done.unpublished} notifications were not taken, and nothing is told of their emails: run it again"
    show(words, asdict(done), as_json=as_json)


def _publisher(settings: Settings) -> PublishNotifications:
    if not settings.notifications_topic_arn:
        fail("--notify: NOTIFICATIONS_TOPIC_ARN is not set, so nothing can be published; leave --notify out")
    return publishing(botocore.session.get_session(), settings)


def _project(name: str | None) -> str | None:
    try:
        return None if name is None else check_kept(name)
    except ValueError as problem:
        fail(f"--project: {name!r} {problem}")
