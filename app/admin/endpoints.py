"""`endpoints`: the URLs that are told what becomes of a project's emails."""

import time
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from app.admin import endpoint_deliveries
from app.admin.notify_context import EndpointId, OfTests, Project, checked, connected, kept_project, where
from app.admin.output import Json, show, show_json, show_table
from app.api.v1 import endpoint_views as views
from app.domain.change_types import ChangeType
from app.domain.endpoint import Endpoint
from app.notify.endpoints import Edit
from app.notify.feed import Seen

app = typer.Typer(no_args_is_help=True, help="Endpoints of webhooks: add, list, change, test and replay to them.")

Types = Annotated[list[ChangeType] | None, typer.Option("--type", help="Only events of this type; may be repeated.")]


@app.command("list")
def list_all(*, project: Project = None, as_json: Json = False) -> None:
    """List the endpoints, without their secrets, and without `default`, which stands for emails' own webhook_url."""
    records = _records(connected().endpoints.all(Seen(checked(project), with_tests=True)))
    rows = [
        (
            one["id"],
            f"{one['project']} (test)" if one["test"] else one["project"],
            one["url"],
            ",".join(one["types"]) or "all",
            _state(one),
            one["description"],
        )
        for one in records
    ]
    show_table(["ID", "PROJECT", "URL", "TYPES", "STATE", "DESCRIPTION"], rows, records, as_json=as_json)


@app.command()
def add(
    url: Annotated[str, typer.Argument(help="Where webhooks are posted: https, a public host.")],
    *,
    types: Types = None,
    description: Annotated[str, typer.Option(help="What it is for; shown in lists.")] = "",
    project: Annotated[
        str | None, typer.Option(help="Of whose emails it is told: a-z, 0-9 and -. Without it: of default's.")
    ] = None,
    of_tests: OfTests = False,
    as_json: Json = False,
) -> None:
    """Add an endpoint, and print its id and its secret, which cannot be shown again."""
    kept = kept_project(project, of_tests=of_tests)
    endpoint, secret = connected(with_secret=True).endpoints.create(kept, url, types or (), description)
    show(f"{endpoint.id} {secret}", {**_record(endpoint), "secret": secret}, as_json=as_json)


@app.command("show")
def show_one(
    endpoint_id: EndpointId, *, project: Project = None, of_tests: OfTests = False, as_json: Json = False
) -> None:
    """Show one endpoint."""
    record = _record(connected().endpoints.get(where(endpoint_id, project, of_tests=of_tests), endpoint_id))
    if as_json:
        show_json(record)
        return
    show_table(["WHAT", "IS"], [(name, _text(value)) for name, value in record.items()], record, as_json=False)


@app.command()
def enable(endpoint_id: EndpointId, *, as_json: Json = False) -> None:
    """Call an endpoint again, and forget its failures. What was given up meanwhile: `endpoints replay`."""
    _change(endpoint_id, Edit(disabled=False), "enabled", as_json=as_json)


@app.command()
def disable(endpoint_id: EndpointId, *, as_json: Json = False) -> None:
    """Do not call an endpoint any more. What waits to be told to it is dropped."""
    _change(endpoint_id, Edit(disabled=True), "disabled", as_json=as_json)


@app.command()
def rotate(
    endpoint_id: EndpointId, *, project: Project = None, of_tests: OfTests = False, as_json: Json = False
) -> None:
    """Print a new secret of an endpoint. The one before signs beside it for 24 hours more."""
    endpoints = connected(with_secret=True).endpoints
    endpoint, secret = endpoints.rotate(where(endpoint_id, project, of_tests=of_tests), endpoint_id)
    record = {**_record(endpoint), "secret": secret}
    show(secret, record, as_json=as_json)
    typer.echo(f"the one before signs as well until {record['old_secret_until']}", err=True)


@app.command()
def remove(endpoint_id: EndpointId, *, as_json: Json = False) -> None:
    """Delete an endpoint. What waits to be told to it is not told any more."""
    connected().endpoints.delete(Seen(None, with_tests=True), endpoint_id)
    show(f"removed {endpoint_id}", {"removed": endpoint_id}, as_json=as_json)


app.command("test")(endpoint_deliveries.send_test)
app.command()(endpoint_deliveries.deliveries)
app.command()(endpoint_deliveries.replay)


def _change(endpoint_id: str, edit: Edit, done: str, *, as_json: bool) -> None:
    changed = connected().endpoints.change(Seen(None, with_tests=True), endpoint_id, edit)
    show(f"{done} {endpoint_id}", _record(changed), as_json=as_json)


def _records(endpoints: Iterable[Endpoint]) -> list[dict[str, Any]]:
    return [_record(one) for one in endpoints]


def _record(endpoint: Endpoint) -> dict[str, Any]:
    fields = views.fields(endpoint, int(time.time() * 1000))
    return views.WebhookEndpoint(**fields).model_dump(mode="json")


def _state(record: dict[str, Any]) -> str:
    if record["disabled"]:
        return f"disabled ({record['disabled_because']}) since {record['disabled_at']}"
    return f"failing since {record['failing_since']}" if record["failing_since"] else "in use"


def _text(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list) else value
