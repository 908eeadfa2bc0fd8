"""`suppressions`: addresses to which nothing is sent."""

import time
from typing import Annotated

import typer

from app.admin.environment import address_secret, fail, load
from app.api import addresses, times
from app.domain.suppression import LASTS_MS, Entry, Reason, Suppression
from app.store.suppressions import Suppressions

app = typer.Typer(no_args_is_help=True, help="Suppressed addresses: list, add, lift.")

Address = Annotated[str, typer.Argument(help="An address such as ann@example.com; case does not matter.")]


@app.command("list")
def show() -> None:
    """List every suppressed address, in no particular order."""
    suppressions = _suppressions()
    now_ms = _now_ms()
    for _, entry in suppressions.all(None, now_ms):
        typer.echo(_lines(entry, now_ms))


@app.command()
def add(
    address: Address,
    note: Annotated[str, typer.Option(help="The evidence: who said so, and where.")],
    reason: Annotated[Reason, typer.Option(help="Why; it decides how long the suppression lasts.")] = Reason.MANUAL,
) -> None:
    """Send nothing more to an address. One for the same reason that lasts longer is kept; other reasons stay."""
    key, now_ms = _key(address), _now_ms()
    words = " ".join(note.split())
    if not words:
        fail("--note: say who wants it, and where that can be looked up")
    suppression = Suppression(key, reason, words[:500], now_ms, now_ms + LASTS_MS[reason])
    typer.echo(_lines(_suppressions().put(suppression), now_ms))


@app.command()
def lift(address: Address) -> None:
    """Send to an address again. What providers reported about it before no longer counts, nor do its hard bounces."""
    key, now_ms = _key(address), _now_ms()
    if not _suppressions().lift(key, now_ms):
        fail(f"{key} is not suppressed")
    typer.echo(f"lifted {key}")


def _suppressions() -> Suppressions:
    return Suppressions(address_secret(load()))


def _key(address: str) -> str:
    try:
        return addresses.read(address).key
    except ValueError as problem:
        fail(f"{address!r} {problem}")


def _now_ms() -> int:
    return int(time.time() * 1000)


def _lines(entry: Entry, now_ms: int) -> str:
    """The address, its strongest reason and when it is free again; and each reason in a line, if there are several."""
    shown = entry.in_force(now_ms)
    if shown is None:
        return f"{entry.address}  not suppressed: it was lifted after this began"
    each = [f"  {_line(one)}" for one in entry.strongest_first] if len(entry.suppressions) > 1 else []
    return "\n".join([f"{entry.address}  {_line(shown)}", *each])


def _line(one: Suppression) -> str:
    return f"{one.reason.value}  until {times.write(one.until_ms)}  {one.evidence}"
