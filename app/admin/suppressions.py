"""`suppressions`: addresses to which nothing is sent."""

import time
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from app.admin import import_file, own_lists, suppression_file
from app.admin.environment import address_secret, fail, load, with_secrets
from app.admin.output import Json, progress, show, show_table
from app.api import addresses, times
from app.domain.project import check_project
from app.domain.suppression import LASTS_MS, Entry, Reason, Suppression
from app.store.partitions import Partitions
from app.store.suppressions import Suppressions

app = typer.Typer(no_args_is_help=True, help="Suppressed addresses: list, add, lift, import, export.")

Project = Annotated[str | None, typer.Option(help="Whose mail; without it, that of every project.")]
Address = Annotated[str, typer.Argument(help="An address such as ann@example.com; case does not matter.")]


@app.command("list")
def list_all(*, as_json: Json = False) -> None:
    """List every suppressed address, in no particular order, with each of its reasons."""
    now_ms = _now_ms()
    found = progress(_suppressions().all(None, now_ms), "reading suppressions")
    _show([entry for _, entry in found], now_ms, as_json=as_json)


@app.command()
def add(
    address: Address,
    note: Annotated[str, typer.Option(help="The evidence: who said so, and where.")],
    reason: Annotated[Reason, typer.Option(help="Why; it decides how long the suppression lasts.")] = Reason.MANUAL,
    project: Project = None,
    *,
    as_json: Json = False,
) -> None:
    """Send nothing more to an address. One for the same reason that lasts longer is kept; other reasons stay."""
    key, now_ms = _key(address), _now_ms()
    words = " ".join(note.split())
    if not words:
        fail("--note: say who wants it, and where that can be looked up")
    suppression = Suppression(key, reason, words[:500], now_ms, now_ms + LASTS_MS[reason], _checked(project))
    _show([_suppressions().put(suppression)], now_ms, as_json=as_json)


@app.command()
def lift(
    address: Address,
    *,
    at_providers: Annotated[
        bool, typer.Option("--at-providers", help="Clear it from the providers' own suppression lists, too.")
    ] = False,
    also: Annotated[
        list[own_lists.Said] | None,
        typer.Option(help="With --at-providers: clear what they have for this reason, although nothing here says so."),
    ] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Send to an address again. What providers reported about it before no longer counts, nor do its hard bounces.

    With --at-providers, each account of PROVIDERS has a line of its own. What a person said to a provider (a complaint,
    an unsubscribe, an entry by hand) is cleared only if it was lifted here for that reason, or if --also names it.
    Exits with 1 if an account failed.
    """
    if also and not at_providers:
        fail("--also: says what is cleared at the providers, so that it needs --at-providers")
    key, now_ms = _key(address), _now_ms()
    settings = load()
    accounts = own_lists.accounts(settings) if at_providers else ()
    variables = with_secrets(settings) if at_providers else None
    suppressions = Suppressions(address_secret(settings, variables))
    before = suppressions.lift(key, now_ms, _checked(project))
    if before is None and not at_providers:
        fail(f"{key} is not suppressed{_elsewhere(suppressions, key, now_ms)}")
    done: list[own_lists.Done] = []
    if variables is not None:
        lifted = [one.reason for one in before.strongest_first if now_ms < one.until_ms] if before else []
        done = own_lists.clear(key, accounts, variables, lifted, [Reason(one) for one in also or ()])
    words = [
        f"lifted {key}" if before else f"{key} is not suppressed here",
        *(f"{one.name}: {one.words}" for one in done),
    ]
    at = {one.name: one.words for one in done}
    show("\n".join(words), {"address": key, "lifted": before is not None, "at_providers": at}, as_json=as_json)
    if not all(one.is_done for one in done):
        raise typer.Exit(1)


@app.command()
def export(
    file: Annotated[
        typer.FileTextWrite, typer.Argument(help="Where to write it; - is standard output.", encoding="utf-8")
    ],
    *,
    as_json: Json = False,
) -> None:
    """Write every suppression that holds as CSV, a line for each reason: email, reason, created, until, project, note.

    `import` reads it again. A spreadsheet takes no cell of it for a formula.
    """
    now_ms = _now_ms()
    found = progress((entry for _, entry in _suppressions().all(None, now_ms)), "writing suppressions")
    count = suppression_file.write(file, found, now_ms)
    if file.name != "<stdout>":
        show(f"{count} lines", {"lines": count}, as_json=as_json)


@app.command("import")
def take_over(
    file: Annotated[
        typer.FileText | None,
        typer.Argument(help="A CSV with a column email, of `export` or of a provider; - is standard input."),
    ] = None,
    *,
    account: Annotated[
        str, typer.Option("--from", help="Instead of a file: an account whose variables are set, as in PROVIDERS.")
    ] = "",
    reason: Annotated[
        Reason | None, typer.Option(help="What the file is a list of, for its lines without a reason of ours.")
    ] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Take a CSV, or the own suppression list of an account, over into ours. To do it again changes nothing.

    Every reason that is here already stays, and who was lifted here later than the entry began stays free. Exits with 1
    if a line is bad (each is named, and the others are taken), or if the list could not be read to its end.
    """
    if (file is None) == (not account):
        fail("name either a file, or an account by --from")
    if file is not None:
        taking = import_file.Import(_suppressions(), reason, _checked(project), _now_ms())
        taking(file, as_json=as_json)
        return
    if reason is not None or project is not None:
        fail("--reason and --project are for files: an account's list says both")
    settings = load()
    variables = with_secrets(settings)
    own_lists.take_over(
        account, variables, Suppressions(address_secret(settings, variables)), _now_ms(), as_json=as_json
    )


def _suppressions() -> Suppressions:
    return Suppressions(address_secret(load()))


def _key(address: str) -> str:
    try:
        return addresses.read(address).key
    except ValueError as problem:
        fail(f"{address!r} {problem}")


def _checked(project: str | None) -> str:
    try:
        return check_project(project) if project is not None else ""
    except ValueError as problem:
        fail(f"--project: {project!r} {problem}")


def _elsewhere(suppressions: Suppressions, key: str, now_ms: int) -> str:
    """For which projects, or for all, an address is suppressed that was not found where it was looked for."""
    entries = suppressions.of(key, Partitions(time.time).read().real)
    found = [entry.project or "all projects" for entry in entries if entry.in_force(now_ms)]
    return f" there, but for {', '.join(found)}" if found else ""


def _now_ms() -> int:
    return int(time.time() * 1000)


def _show(entries: Iterable[Entry], now_ms: int, *, as_json: bool) -> None:
    """Each address with its reasons, a row each, the strongest first."""
    records = [_record(entry, now_ms) for entry in entries]
    rows = [
        (one["address"], one["project"] or "all", each["reason"], each["until"], each["note"])
        for one in records
        for each in one["reasons"]
    ]
    show_table(["ADDRESS", "PROJECT", "REASON", "UNTIL", "NOTE"], rows, records, as_json=as_json)


def _record(entry: Entry, now_ms: int) -> dict[str, Any]:
    return {
        "address": entry.address,
        "project": entry.project or None,
        "suppressed": entry.in_force(now_ms) is not None,  # False: it was lifted after this began
        "reasons": [
            {
                "reason": one.reason.value,
                "since": times.write(one.since_ms),
                "until": times.write(one.until_ms),
                "note": one.evidence,
            }
            for one in entry.strongest_first
        ],
    }
