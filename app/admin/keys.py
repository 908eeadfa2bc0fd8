"""`keys`: the API keys."""

import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from app.admin.environment import fail, load
from app.domain.project import DEFAULT, check_project
from app.store.api_keys import SCOPES, SHOWN, ApiKey, ApiKeys, UnreadableKey

app = typer.Typer(no_args_is_help=True, help="API keys: create, list, revoke, replace.")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for; shown in lists.")],
    scope: Annotated[list[str], typer.Option(help=f"May be repeated: {', '.join(SCOPES)}.")],
    domain: Annotated[list[str] | None, typer.Option(help="Allowed From domain; may be repeated. None: any.")] = None,
    project: Annotated[str, typer.Option(help="Whose emails it sends, sees and cancels: a-z, 0-9 and -.")] = DEFAULT,
) -> None:
    """Create a key and print it. It cannot be shown again: only its SHA-256 is stored."""
    for unknown in set(scope) - set(SCOPES):
        fail(f"--scope: {unknown!r} is not one of {', '.join(SCOPES)}")
    try:
        check_project(project)
    except ValueError as problem:
        fail(f"--project: {project!r} {problem}")
    try:
        typer.echo(_keys().create(name, scope, domain or [], project=project))
    except ValueError as problem:
        fail(f"--domain: {problem}")


@app.command("list")
def show() -> None:
    """List the keys, without their secrets."""
    keys, unreadable = _keys().read()
    for key in keys:
        typer.echo(_line(key))
    for damaged in unreadable:
        state = "revoked" if damaged.is_revoked else "not revoked"
        typer.echo(f"{damaged.id[:SHOWN]}  cannot be read by this version, and authenticates nothing  {state}")


@app.command()
def revoke(key: Annotated[str, typer.Argument(help="The id, or a unique beginning of it, or the name.")]) -> None:
    """Revoke a key. It stops working within ten seconds."""
    keys = _keys()
    found = _in_use(keys, key)
    keys.revoke(found.id)
    typer.echo(f"revoked {_name(found)}")


@app.command()
def replace(key: Annotated[str, typer.Argument(help="The id, or a unique beginning of it, or the name.")]) -> None:
    """Print a new random key that may do what this one may, and revoke this one, which works for ten seconds more."""
    keys = _keys()
    found = _in_use(keys, key)
    if isinstance(found, UnreadableKey):
        fail(f"{found.id[:SHOWN]} cannot be read, nor what it may do: create a key, and revoke this one")
    typer.echo(keys.create(found.name, found.scopes, found.domains, project=found.project))
    keys.revoke(found.id)
    typer.echo(f"revoked {_name(found)}", err=True)


def _in_use(keys: ApiKeys, key: str) -> ApiKey | UnreadableKey:
    known, unreadable = keys.read()
    found: list[ApiKey | UnreadableKey] = [
        one for one in known if not one.revoked_at_ms and (one.name == key or one.id.startswith(key))
    ]
    found += [one for one in unreadable if not one.is_revoked and one.id.startswith(key)]
    return found[0] if len(found) == 1 else fail(f"{key!r} names {len(found)} keys that are in use; see `keys list`")


def _keys() -> ApiKeys:
    load()
    return ApiKeys(time.time)


def _name(key: ApiKey | UnreadableKey) -> str:
    return f"{key.id[:SHOWN]} {key.name}" if isinstance(key, ApiKey) else key.id[:SHOWN]


def _line(key: ApiKey) -> str:
    state = f"revoked {_day(key.revoked_at_ms)}" if key.revoked_at_ms else "in use"
    domains = ",".join(key.domains) or "any From"
    scopes = ",".join(sorted(key.scopes))
    return f"{key.id[:SHOWN]}  {key.name}  {key.project}  {scopes}  {domains}  {_day(key.created_at_ms)}  {state}"


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat()
