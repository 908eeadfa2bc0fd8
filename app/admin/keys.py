"""The commands `keys …`: they create, list, rotate and revoke API keys."""

import time
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from app.admin.environment import fail, load
from app.admin.output import Json, show, show_table
from app.api import times
from app.domain.lane import Lane
from app.domain.project import DEFAULT, check_project, plain
from app.domain.rate import MOST_A_SECOND
from app.store.api_keys import SCOPES, SHOWN, ApiKey, ApiKeys, UnreadableKey
from app.store.key_rotation import rotate

TEST_SCOPES = ["send", "read"]  # of a test key for which none is named

app = typer.Typer(no_args_is_help=True, help="API keys: create, list, revoke, rotate, replace.")


Key = Annotated[str, typer.Argument(help="The id, or a unique beginning of it, or the name.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for; shown in lists.")],
    scope: Annotated[
        list[str] | None, typer.Option(help=f"May be repeated: {', '.join(SCOPES)}. Without it, --test has send, read.")
    ] = None,
    domain: Annotated[list[str] | None, typer.Option(help="Allowed From domain; may be repeated. None: any.")] = None,
    project: Annotated[str, typer.Option(help="Whose emails it sends, sees and cancels: a-z, 0-9 and -.")] = DEFAULT,
    rate_limit: Annotated[
        int | None, typer.Option(min=1, max=MOST_A_SECOND, help="Emails that it may send a second. None: any number.")
    ] = None,
    *,
    test: Annotated[
        bool, typer.Option("--test", help="What it sends goes to the sandbox, and reaches nobody: docs/testing.md.")
    ] = False,
    lane: Annotated[
        Lane | None, typer.Option(help="The lane of all its emails. Without it, each names its own.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Create a key and print it. It cannot be shown again: only its SHA-256 is stored."""
    scopes = scope or (TEST_SCOPES if test else [])
    if not scopes:
        fail(f"--scope: say what the key may do: {', '.join(SCOPES)}; it may be repeated")
    for unknown in set(scopes) - set(SCOPES):
        fail(f"--scope: {unknown!r} is not one of {', '.join(SCOPES)}")
    if test and "admin" in scopes:
        fail("--scope: a test key may not have admin, which is for real providers and real mail; use send and read")
    try:
        check_project(project)
    except ValueError as problem:
        fail(f"--project: {project!r} {problem}")
    try:
        key = _keys().create(
            name, scopes, domain or [], project=project, lane=lane, rate_limit=rate_limit, is_test=test
        )
    except ValueError as problem:
        fail(f"--domain: {problem}")
    record = {"key": key, "name": name, "project": project, "test": test, "lane": lane}
    show(key, record, as_json=as_json)


@app.command("list")
def list_all(*, as_json: Json = False) -> None:
    """List the keys, without their secrets."""
    keys, unreadable = _keys().read()
    records = [*map(_record, keys), *map(_damaged, unreadable)]
    rows = [
        (
            one["id"],
            one["name"],
            f"{one['project']} (test)" if one["test"] else one["project"],
            one["lane"] or "any",
            ",".join(one["scopes"]),
            ",".join(one["domains"]) or "any",
            f"{one['rate_limit']}/s" if one["rate_limit"] else "any",
            one["created"],
            one["last_used"],
            one["state"],
        )
        for one in records
    ]
    heads = ["ID", "NAME", "PROJECT", "LANE", "SCOPES", "FROM", "RATE", "CREATED", "LAST USED", "STATE"]
    show_table(heads, rows, records, as_json=as_json)


@app.command()
def revoke(key: Key, *, as_json: Json = False) -> None:
    """Revoke a key. It stops working within ten seconds."""
    keys = _keys()
    found = _in_use(keys, key)
    keys.revoke(found.id)
    show(f"revoked {_name(found)}", {"revoked": found.id[:SHOWN]}, as_json=as_json)


@app.command("rotate")
def rotate_one(
    key: Key,
    overlap_hours: Annotated[int, typer.Option(min=0, max=720, help="How long the old one still works.")] = 24,
    *,
    as_json: Json = False,
) -> None:
    """Print a new random key that may do what this one may. This one works for a day more, or for --overlap-hours.

    To do it again makes another new key; the old one ends when it was first to end.
    """
    keys = _keys()
    found = _in_use(keys, key)
    if isinstance(found, UnreadableKey):
        fail(f"{found.id[:SHOWN]} cannot be read, nor what it may do: create a key, and revoke this one")
    new, ends_ms = rotate(found.id, overlap_hours * 3_600_000, int(time.time() * 1000))
    record = {"key": new, "name": found.name, "rotated": found.id[:SHOWN], "ends": times.write(ends_ms)}
    show(new, record, as_json=as_json)
    typer.echo(f"{_name(found)} works until {times.write(ends_ms)}", err=True)


@app.command()
def replace(key: Key, *, as_json: Json = False) -> None:
    """Print a new random key that may do what this one may, and revoke this one, which works for ten seconds more."""
    keys = _keys()
    found = _in_use(keys, key)
    if isinstance(found, UnreadableKey):
        fail(f"{found.id[:SHOWN]} cannot be read, nor what it may do: create a key, and revoke this one")
    new = keys.create(
        found.name,
        found.scopes,
        found.domains,
        project=found.project,
        lane=found.lane,
        rate_limit=found.rate_limit,
    )
    show(new, {"key": new, "name": found.name, "revoked": found.id[:SHOWN]}, as_json=as_json)
    keys.revoke(found.id)
    typer.echo(f"revoked {_name(found)}", err=True)


def _in_use(keys: ApiKeys, key: str) -> ApiKey | UnreadableKey:
    known, unreadable = keys.read()
    found: list[ApiKey | UnreadableKey] = [
        one
        for one in known
        if not one.revoked_at_ms and (one.name == key or one.id.startswith(key.removeprefix("key_")))
    ]
    found += [one for one in unreadable if not one.is_revoked and one.id.startswith(key.removeprefix("key_"))]
    if len(found) == 1:
        return found[0]
    remedy = "name one by its id: " + ", ".join(one.id[:SHOWN] for one in found) if found else "see `keys list`"
    return fail(f"{key!r} names {len(found)} keys that are in use; {remedy}")


def _keys() -> ApiKeys:
    load()
    return ApiKeys(time.time)


def _name(key: ApiKey | UnreadableKey) -> str:
    return f"{key.id[:SHOWN]} {key.name}" if isinstance(key, ApiKey) else key.id[:SHOWN]


def _record(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id[:SHOWN],
        "name": key.name,
        "project": plain(key.project),
        "test": key.is_test,
        "lane": key.lane,
        "scopes": sorted(key.scopes),
        "domains": list(key.domains),
        "rate_limit": key.rate_limit,
        "created": _day(key.created_at_ms),
        "last_used": times.write_optional(key.last_used_at_ms),
        "state": _state(key),
    }


def _state(key: ApiKey) -> str:
    if key.revoked_at_ms:
        return f"revoked {_day(key.revoked_at_ms)}"
    if key.expires_at_ms is None:
        return "in use"
    return f"{'works until' if key.works(int(time.time() * 1000)) else 'ended'} {times.write(key.expires_at_ms)}"


def _damaged(key: UnreadableKey) -> dict[str, Any]:
    state = "revoked" if key.is_revoked else "not revoked"
    said = f"cannot be read by this version, and authenticates nothing; {state}"
    empty: dict[str, Any] = {"name": "", "project": "", "test": False, "lane": None, "scopes": [], "domains": []}
    return {"id": key.id[:SHOWN], **empty, "rate_limit": None, "created": "", "last_used": None, "state": said}


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat()
