"""`suppressions`: addresses to which nothing is sent."""

import time
from typing import Annotated

import typer

from app.admin.environment import fail, load
from app.api import addresses, times
from app.domain.suppression import LASTS_MS, Reason, Suppression
from app.store.suppressions import Suppressions

app = typer.Typer(no_args_is_help=True, help="Suppressed addresses: list, add, lift.")

Address = Annotated[str, typer.Argument(help="An address such as ann@example.com; case does not matter.")]


@app.command("list")
def show() -> None:
    """List every suppressed address, in no particular order."""
    suppressions = _suppressions()
    for suppression in suppressions.all(None, _now_ms()):
        typer.echo(_line(suppression))


@app.command()
def add(
    address: Address,
    note: Annotated[str, typer.Option(help="The evidence: who said so, and where.")],
    reason: Annotated[Reason, typer.Option(help="Why; it decides how long the suppression lasts.")] = Reason.MANUAL,
) -> None:
    """Send nothing more to an address. A suppression of it that lasts longer is kept and shown."""
    key, now_ms = _key(address), _now_ms()
    words = " ".join(note.split())
    if not words:
        fail("--note: say who wants it, and where that can be looked up")
    suppression = Suppression(key, reason, words[:500], now_ms, now_ms + LASTS_MS[reason])
    typer.echo(_line(_suppressions().put(suppression).in_force(now_ms) or suppression))


@app.command()
def lift(address: Address) -> None:
    """Send to an address again. What providers reported about it before no longer counts, nor do its hard bounces."""
    key, now_ms = _key(address), _now_ms()
    if not _suppressions().lift(key, now_ms):
        fail(f"{key} is not suppressed")
    typer.echo(f"lifted {key}")


def _suppressions() -> Suppressions:
    load()
    return Suppressions()


def _key(address: str) -> str:
    try:
        return addresses.read(address).key
    except ValueError as problem:
        fail(f"{address!r} {problem}")


def _now_ms() -> int:
    return int(time.time() * 1000)


def _line(suppression: Suppression) -> str:
    until = times.write(suppression.until_ms)
    return f"{suppression.address}  {suppression.reason.value}  until {until}  {suppression.evidence}"
