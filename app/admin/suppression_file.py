"""Suppressions as CSV (RFC 4180): what `suppressions export` writes, and what `import` reads, of other products too.

A cell that a spreadsheet would take for a formula gets an apostrophe before it, which is taken away again when it is
read (https://owasp.org/www-community/attacks/CSV_Injection, read 2026-11-30).
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any, Final, TextIO

from app.api import addresses, times
from app.domain.outcome import shorten
from app.domain.own_entries import TAKEN_FOR_MS
from app.domain.project import check_project
from app.domain.suppression import DAY_MS, Entry, Reason, Suppression

COLUMNS: Final = ("email", "reason", "created", "until", "project", "note")
MOST_LINES: Final = 1_000_000
MOST_CHARACTERS: Final = 10_000  # of a line
LASTS_AT_MOST_MS: Final = 3653 * DAY_MS
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

# Our name of a column by its name in a file, in lower case and without spaces: those of the exports of
# providers, and ours.
_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("email", "address", "emailaddress", "recipient", "email_address"), "email"),
        **dict.fromkeys(("reason", "type", "origin", "suppressionreason"), "reason"),
        **dict.fromkeys(("created", "created_at", "createdat", "since", "lastupdatetime", "timestamp"), "created"),
        **dict.fromkeys(("until", "expires", "expires_at"), "until"),
        "project": "project",
        **dict.fromkeys(("note", "evidence", "error", "description", "details", "status"), "note"),
    }
)
# Other products' words for our reasons. A list of theirs holds no first bounce: see TAKEN_FOR_MS.
_REASONS: Final[Mapping[str, Reason]] = MappingProxyType(
    {
        **{reason.value: reason for reason in Reason},
        **dict.fromkeys(("bounce", "bounced", "hardbounce", "invalid", "invalid_email"), Reason.HARD_BOUNCE),
        **dict.fromkeys(("complaint", "spam", "spamcomplaint", "spam_report", "spamreport"), Reason.COMPLAINED),
        **dict.fromkeys(("unsubscribe", "group_unsubscribe", "subscriptionchange"), Reason.UNSUBSCRIBED),
        **dict.fromkeys(("manualsuppression", "customer"), Reason.MANUAL),
    }
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line that can be imported. `has_time`: the file says since when it holds."""

    number: int
    suppression: Suppression
    has_time: bool


@dataclass(frozen=True, slots=True)
class BadLine:
    """One line that cannot be imported, and why."""

    number: int
    fault: str


def write(file: TextIO, entries: Iterable[Entry], now_ms: int) -> int:
    """Write what is in force of these entries, a line for each reason. Returns how many lines there are."""
    writer, count = csv.writer(file), 0
    writer.writerow(COLUMNS)
    for entry in entries:
        for one in entry.strongest_first:
            if entry.in_force(now_ms) is not None and now_ms < one.until_ms:
                row = (
                    *(entry.address, one.reason.value, times.write(one.since_ms), times.write(one.until_ms)),
                    *(entry.project, one.evidence),
                )
                writer.writerow(map(_defused, row))
                count += 1
    return count


def read(file: Iterable[str], reason: Reason | None, project: str, now_ms: int) -> Iterator[Line | BadLine]:
    """Each line of a file, by its number. `reason` and `project` hold for lines that name none.

    Raises ValueError, which says what is wrong, if the file has no column of addresses, or is no CSV or too long.
    """
    rows = csv.reader(_bounded(file), strict=True)
    try:
        names = [_NAMES.get("".join(name.lower().split())) for name in next(rows, [])]
        if "email" not in names:
            raise ValueError("its first line names no column `email`, nor `address` or `recipient`")
        for row in rows:
            if any(cell.strip() for cell in row):
                yield _line(rows.line_num, _cells(names, row), reason, project, now_ms)
    except csv.Error as fault:
        raise ValueError(f"line {rows.line_num} is no CSV: {fault}") from None


def _bounded(file: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(file, 1):
        if number > MOST_LINES:
            raise ValueError(f"it has more than {MOST_LINES:,} lines; split it")
        if len(line) > MOST_CHARACTERS:
            raise ValueError(f"line {number} has more than {MOST_CHARACTERS:,} characters")
        yield line.removeprefix("\ufeff") if number == 1 else line


def _cells(names: list[str | None], row: list[str]) -> dict[str, str]:
    """The cells by our names of their columns: the first that says something, if two columns have one name."""
    cells: dict[str, str] = {}
    for name, cell in zip(names, row, strict=False):
        if name is not None and not cells.get(name):
            cells[name] = _plain(cell.strip())
    return cells


def _line(number: int, cells: Mapping[str, str], reason: Reason | None, project: str, now_ms: int) -> Line | BadLine:
    faults: list[str] = []

    def tried(column: str, make: Any, otherwise: Any) -> Any:
        text = cells.get(column, "")
        try:
            return make(text) if text else otherwise
        except ValueError as fault:
            faults.append(f"{column}: {shorten(text, 80)!r} {fault}")
            return otherwise

    address = tried("email", lambda text: addresses.read(text).key, "")
    if not address and not faults:
        faults.append("email: is missing")
    found, words = _reason(cells.get("reason", ""), reason)
    if found is None:
        what = f"{shorten(words, 80)!r} is none of {', '.join(Reason)}" if words else "is missing"
        faults.append(f"reason: {what}; --reason says what the list is of")
    since_ms = tried("created", lambda text: _time(text, now_ms), None)
    until_ms = tried("until", lambda text: _time(text, None), None)
    owner = tried("project", check_project, project)
    if faults or found is None:
        return BadLine(number, "; ".join(faults))
    began_ms = now_ms if since_ms is None else since_ms
    ends_ms = began_ms + TAKEN_FOR_MS[found] if until_ms is None else until_ms
    if ends_ms > now_ms + LASTS_AT_MOST_MS:
        return BadLine(number, "until: must be within 10 years")
    note = " ".join(" ".join(filter(None, (cells.get("note"), words))).split()) or "imported from a file"
    suppression = Suppression(address, found, shorten(note), began_ms, ends_ms, owner)
    return Line(number, suppression, has_time=since_ms is not None)


def _reason(text: str, otherwise: Reason | None) -> tuple[Reason | None, str]:
    """The reason, and what the cell says beside it: some exports have the host's own words there."""
    known = _REASONS.get("_".join(text.lower().split())) or _REASONS.get("".join(text.lower().split()))
    return (known, "") if known is not None else (otherwise, text)


def _time(text: str, latest_ms: int | None) -> int:
    """Epoch milliseconds of a time as exports have it: RFC 3339, epoch seconds, RFC 2822, or UTC without an offset."""
    try:
        if text.isdecimal() and len(text) <= 13:
            at_ms = int(text) * (1 if len(text) > 11 else 1000)
        else:
            at_ms = int(_moment(text).astimezone(UTC).timestamp() * 1000)  # in UTC, it may be of no year that is read
    except (ValueError, OverflowError):
        raise ValueError("is no time, such as 2030-01-31T18:00:00Z or 1896112800") from None
    if latest_ms is not None and at_ms > latest_ms + DAY_MS:
        raise ValueError("lies in the future")
    return at_ms if latest_ms is None else min(at_ms, latest_ms)


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.upper().removesuffix(" UTC"))
    except ValueError:
        found = parsedate_to_datetime(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _defused(cell: str) -> str:
    return f"'{cell}" if cell.startswith(("'", *_FORMULA)) else cell


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(("'", *_FORMULA)) else cell
