"""`events tail`: it prints what becomes of emails, a line for each event, until it is interrupted."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Annotated, Final

import typer

from app.admin import notify_context
from app.admin.environment import fail
from app.admin.notify_context import checked, connected, read_time
from app.admin.output import plain
from app.api.v1 import queries
from app.domain.change_types import ChangeType
from app.notify.feed import Entry, FeedPage, Filter, Seen

BEGINS_AGO_S: Final = 600
ASKS_EVERY_S: Final = 2.0
PAGE: Final = 100

wait: Callable[[float], None] = time.sleep


def tail(
    *,
    after: Annotated[str, typer.Option(help="Where to go on: what an earlier run printed at its end.")] = "",
    first: Annotated[str, typer.Option("--from", help="Where to begin, in RFC 3339; default: ten minutes ago.")] = "",
    follow: Annotated[
        bool, typer.Option("--follow/--once", help="Wait for more, or end when there is no more.")
    ] = True,
    types: Annotated[
        list[ChangeType] | None, typer.Option("--type", help="Only events of this type; may be repeated.")
    ] = None,
    project: Annotated[str | None, typer.Option(help="Only of this project; without it, of all.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print each event as a line of JSON.")] = False,
) -> None:
    """Print what becomes of emails, a line for each event, in the order recorded. Ctrl-C ends it.

    An event is there ten seconds after it was recorded.
    """
    seen, wanted = Seen(checked(project), with_tests=True), Filter(types or ())
    from_ms = read_time("--from", first) if first else int((notify_context.clock() - BEGINS_AGO_S) * 1000)
    position = queries.decode(after) if after else None
    if after and position is None:
        fail(f"--after: {after!r} is not what an earlier run has printed")
    feed = connected().feed
    try:
        for page in _pages(lambda at: feed(seen, wanted, at, PAGE, from_ms), position, follow=follow):
            for entry in page.entries:
                typer.echo(json.dumps(entry, ensure_ascii=False) if as_json else line(entry))
            position = page.after
    except KeyboardInterrupt:
        pass  # which is how one ends it
    except ValueError as problem:
        fail(f"--after: {problem}")
    if position is not None:
        typer.echo(f"go on with --after {queries.encode(position)}", err=True)


def line(entry: Entry) -> str:
    """An event in one line: when, what, to whom, of which email, through which account, and why."""
    data = entry["data"]
    why = ": ".join(filter(None, (data["cause"], data["detail"])))
    through = f"through {data['provider']}" if data["provider"] else ""
    if left := data.get("previous_provider"):  # whose failure the cause is
        through = f"from {left} to {data['provider']}"
    cells = (entry["timestamp"], entry["type"], data["recipient"], data["email_id"], through, why)
    return "  ".join(plain(cell) for cell in cells if cell)


def _pages(read: Callable[[str | None], FeedPage], position: str | None, *, follow: bool) -> Iterator[FeedPage]:
    while True:
        page = read(position)
        yield page
        position = page.after
        if page.is_last:
            if not follow:
                return
            wait(ASKS_EVERY_S)
