"""`stats`: how many emails became what, by hour or day."""

import time
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from app.admin.environment import load
from app.admin.notify_context import checked, time_of
from app.admin.output import Json, show_table
from app.api.v1 import stats
from app.notify.stats import Step
from app.store.partitions import Partitions
from app.wiring.stats import build_statistics

# The others are in the JSON.
_SHOWN: Final = ("accepted", "sent", "delivered", "bounced", "complained", "failed", "delivered_after_failover")
_HEADS: Final = [
    "ACCEPTED",
    "SENT",
    "DELIVERED",
    "BOUNCED",
    "COMPLAINED",
    "FAILED",
    "AFTER FAILOVER",
    "P50 MS",
    "P95 MS",
]


class Group(StrEnum):
    """What the rows of an hour or day are apart by."""

    PROVIDER = "provider"


def show(
    *,
    first: Annotated[str, typer.Option("--from", help="From then on, in RFC 3339; default: a day before --to.")] = "",
    to: Annotated[str, typer.Option("--to", help="Before that; default: now.")] = "",
    by: Annotated[Step, typer.Option(help="How long a time each row is about, in UTC.")] = Step.HOUR,
    group: Annotated[Group | None, typer.Option(help="A row for each account.")] = None,
    project: Annotated[str | None, typer.Option(help="Only this project; without it, the real mail of all.")] = None,
    as_json: Json = False,
) -> None:
    """Count how many emails became what, by hour or day. Each recipient counts."""
    project = checked(project)
    load()
    read = build_statistics(Partitions(time.time), time.time)
    found = read(project, time_of("--from", first), time_of("--to", to), by, is_by_account=group is not None)
    record = stats.write(found).model_dump(mode="json", by_alias=True)
    columns = [by.name, *(["PROVIDER"] if group else []), *_HEADS]
    show_table(columns, [_cells(row, group) for row in record["rows"]], record, as_json=as_json)


def _cells(row: dict[str, Any], group: Group | None) -> list[object]:
    took = row["time_to_delivery_ms"]
    account = [row["provider"]] if group else []
    return [row["from"], *account, *(row[name] for name in _SHOWN), took["p50"], took["p95"]]
