"""`matrix`: what each provider carries, as a Markdown page, as committed in docs/providers/matrix.md."""

import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any, Final, get_type_hints

import typer

from app.providers import registry
from app.providers.sdk.limits import ANY_TEXT, ASCII_TEXT, Limit, Limits

HEAD = """# What each provider carries

<!-- Written by `python -m app.admin matrix > docs/providers/matrix.md` from app/providers/NAME/limits.py. -->

A provider is never given an email that it does not take: `explain` names the field or the file and says why, and an
email that no provider can carry is answered 422. Tags, metadata and content types that a provider does not take are
left out instead. A dash means that no limit is documented. Where each value comes from, and when that was read, is
[below](#sources).
"""
LONGEST_LIST: Final = 14  # entries that a cell of the table shows


def show() -> None:
    """Print what each provider of this version carries, as Markdown."""
    typer.echo(page(), nl=False)


def page() -> str:
    """The page, as committed."""
    tables = {registry.declaration(name).title: registry.limits(name) for name in registry.PROVIDERS}
    return f"{HEAD}\n{_table(_rows(tables))}\n## Long lists\n\n{_table(_long_lists(tables))}\n## Sources\n" + "".join(
        f"\n### {title}\n\n{_table(_sources(limits))}" for title, limits in tables.items()
    )


def about(name: str) -> str:
    """What the row `name` of the tables means."""
    (words,) = get_type_hints(Limits, include_extras=True)[name].__metadata__
    return str(words)


def row_names() -> list[str]:
    """The names of all rows, in order."""
    return [field.name for field in fields(Limits)]


def _rows(tables: dict[str, Limits]) -> Iterator[list[str]]:
    yield ["row", "", *tables]
    for name in row_names():
        cells = [_shown(_limit(limits, name).value) for limits in tables.values()]
        yield [
            f"`{name}`",
            about(name),
            *(f"{len(_entries(cell))}, below" if _is_long(cell) else cell for cell in cells),
        ]


def _long_lists(tables: dict[str, Limits]) -> Iterator[list[str]]:
    yield ["provider", "row", ""]
    for title, limits in tables.items():
        for name in row_names():
            if _is_long(cell := _shown(_limit(limits, name).value)):
                yield [title, f"`{name}`", cell]


def _sources(limits: Limits) -> Iterator[list[str]]:
    yield ["row", "source", "read"]
    for name in row_names():
        limit = _limit(limits, name)
        yield [f"`{name}`", _escaped(limit.source), limit.read]


def _limit(limits: Limits, name: str) -> Limit[Any]:
    limit: Limit[Any] = getattr(limits, name)
    return limit


def _shown(value: object) -> str:
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case re.Pattern():
            names = {ANY_TEXT: "any text", ASCII_TEXT: "printable ASCII"}
            return names.get(value, f"`{_escaped(value.pattern)}`")
        case frozenset() | tuple():
            entries = sorted(value) if isinstance(value, frozenset) else value
            return (
                ", ".join(f"`{_escaped(entry)}`" if entry.islower() else _escaped(entry) for entry in entries) or "none"
            )
        case _:
            return _escaped(str(value)) or "none"


def _entries(cell: str) -> list[str]:
    return cell.split("`, `")


def _is_long(cell: str) -> bool:
    return len(_entries(cell)) > LONGEST_LIST


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")


def _table(rows: Iterator[list[str]]) -> str:
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
