"""What commands print: tables with headers for people, JSON for programs, and how far long work is."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

NONE: Final = "none"
ANY_WIDTH: Final = 100_000  # in a pipe a row is one line, however long

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Record = Mapping[str, Any]

T = TypeVar("T")


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], records: object, *, as_json: bool) -> None:
    """Print `records` as JSON, or `rows` as a table below `columns`: "none" if there are none."""
    if as_json:
        show_json(records)
        return
    typer.echo(table(columns, [*rows]))


def show(words: str, record: object, *, as_json: bool) -> None:
    """Print what a command did: in words, or as JSON."""
    if as_json:
        show_json(record)
    else:
        typer.echo(words)


def show_json(value: object) -> None:
    """Print `value` as JSON with an indent."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """The rows below their headers; "none" if there are none. In a terminal, cells wrap to its width."""
    if not rows:
        return NONE
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(Text(column), overflow="fold")
    for row in rows:
        made.add_row(*(Text(plain(cell)) for cell in row))
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else ANY_WIDTH, highlight=False)
    with console.capture() as captured:
        console.print(made)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def plain(cell: object) -> str:
    """The cell in one line that cannot steer a terminal: what a provider said is among the texts. "" is a dash."""
    text = "" if cell is None else str(cell)
    return "".join(character if character.isprintable() else " " for character in text) or "–"


def progress(items: Iterable[T], doing: str, total: int | None = None) -> Iterable[T]:
    """`items`, with a bar on standard error that says how many of them were taken, if that is a terminal."""
    console = Console(file=sys.stderr)
    if not console.is_terminal:
        yield from items
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        yield from bar.track(items, total=total, description=doing)
