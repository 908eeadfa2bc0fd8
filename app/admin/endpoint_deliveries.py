"""`endpoints test`, `deliveries` and `replay`: what an endpoint was told, and telling it again."""

from typing import Annotated

import typer

from app.admin.environment import fail
from app.admin.notify_context import EndpointId, OfTests, Project, connected, time_of, where
from app.admin.output import Json, show, show_table
from app.api.v1 import endpoint_views as views
from app.domain.change_types import ChangeType
from app.notify.feed import Filter


def send_test(endpoint_id: EndpointId, *, as_json: Json = False) -> None:
    """Send a webhook of the type webhook.test. What came of it: `endpoints deliveries`, some seconds later."""
    notify = connected()
    event_id = notify.send_test(notify.endpoints.get(where(endpoint_id, None, of_tests=False), endpoint_id))
    show(f"{event_id} is on its way", {"event_id": event_id}, as_json=as_json)


def deliveries(
    endpoint_id: EndpointId,
    *,
    failed: Annotated[bool, typer.Option("--failed", help="Only those that the endpoint did not take.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
    project: Project = None,
    of_tests: OfTests = False,
    as_json: Json = False,
) -> None:
    """List the tries to tell an endpoint, newest first, of the last seven days."""
    notify = connected()
    endpoint = notify.endpoints.get(where(endpoint_id, project, of_tests=of_tests), endpoint_id)
    found, before = notify.deliveries(endpoint, None, limit, only_failed=failed)
    while before is not None and len(found) < limit:
        more, before = notify.deliveries(endpoint, before, limit - len(found), only_failed=failed)
        found += more
    records = [views.write_delivery(one).model_dump(mode="json") for one in found]
    rows = [
        (
            one["at"],
            one["event_id"],
            one["type"],
            one["try_number"],
            one["status_code"] or one["fault"],
            f"{one['duration_ms']} ms",
            one["next_try_at"],
            one["reply"],
        )
        for one in records
    ]
    heads = ["AT", "EVENT", "TYPE", "TRY", "ANSWER", "TOOK", "NEXT TRY", "REPLY"]
    show_table(heads, rows, records, as_json=as_json)


def replay(
    endpoint_id: EndpointId,
    *,
    first: Annotated[str, typer.Option("--from", help="What was recorded then or later, in RFC 3339.")] = "",
    before: Annotated[str, typer.Option("--to", help="What was recorded before that; without it, until now.")] = "",
    event: Annotated[str, typer.Option(help="Only this event; without --from, it is looked for in 30 days.")] = "",
    email: Annotated[str, typer.Option(help="Only of this email.")] = "",
    types: Annotated[
        list[ChangeType] | None, typer.Option("--type", help="Only events of this type; may be repeated.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Send events to an endpoint again, under the same ids: those of a range of time, or one."""
    if not first and not event:
        fail("say which: --from, or --event")
    from_ms, until_ms = time_of("--from", first), time_of("--to", before)
    notify = connected()
    endpoint = notify.endpoints.get(where(endpoint_id, None, of_tests=False), endpoint_id)
    wanted, count, after = Filter(types or (), email_id=email, event_id=event), 0, None
    while True:
        done = notify.replay(endpoint, wanted, from_ms, until_ms, after)
        count, after = count + done.count, done.after
        if after is None:
            break
        typer.echo(f"{count} so far", err=True)
    if event and not count:
        fail(
            f"--event: {event} was not replayed: it is not in the feed of the endpoint's project, the endpoint does not"
            " want its type, or it was recorded less than ten seconds ago"
        )
    show(f"{count} {'event' if count == 1 else 'events'} replayed", {"replayed": count}, as_json=as_json)
