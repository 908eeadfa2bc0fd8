"""The call that reads numbers."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from app.api import times
from app.api.auth import Parts, Reader, project_of
from app.api.openapi import answer, errors, refusals
from app.api.threads import Route
from app.api.v1 import queries
from app.api.v1 import stats_views as views
from app.api.v1.stats_examples import STATISTICS
from app.domain.stats import summarize
from app.errors import Invalid
from app.notify.stats import Row, Statistics, Step

router = APIRouter(route_class=Route, tags=["stats"])


class Filter(queries.Query):
    """Which numbers to read."""

    first: Annotated[
        queries.Time | None,
        queries.OrNone,
        queries.MAY_BE_EMPTY,
        Field(
            alias="from",
            description="from the hour or day (UTC) that this is in; at most 31 days before `to`, or 92 with `by=day`;"
            " default: a day before `to`",
        ),
    ] = None
    to: Annotated[
        queries.Time | None,
        queries.OrNone,
        queries.MAY_BE_EMPTY,
        Field(description="to the end of the hour or day that ends then or next; default: now"),
    ] = None
    by: Annotated[Step, Field(description="how long a time each row is about")] = Step.HOUR
    group: Annotated[
        Literal["provider"] | None,
        queries.OrNone,
        queries.MAY_BE_EMPTY,
        Field(description="`provider`: a row for each account, in every hour or day"),
    ] = None
    project: Annotated[queries.Project | None, queries.OrNone, Field(description="only this project; for `admin`")] = (
        None
    )


@router.get(
    "/v1/stats",
    dependencies=[queries.checked(Filter)],
    responses=answer(STATISTICS)
    | refusals("read")
    | errors(Invalid(("from", "is more than 31 days before `to`; ask for less, or by=day"))),
)
def get_stats(chosen: Annotated[Filter, Query()], key: Reader, parts: Parts) -> views.Statistics:
    """Count what became of the recipients of the key's project; with the scope `admin`, of the real mail of all.

    They are exact, and kept for 400 days. A key of test mail gets the numbers of its project's test mail.
    """
    project = project_of(key, chosen.project)
    found = parts.statistics(project, chosen.first, chosen.to, chosen.by, is_by_account=chosen.group is not None)
    return write(found)


def write(found: Statistics) -> views.Statistics:
    """The numbers as they are answered."""
    return views.Statistics.model_validate(
        {
            "from": times.write(found.from_ms),
            "to": times.write(found.to_ms),
            "counted_until": times.write(found.counted_until_ms),
            "rows": [_row(row) for row in found.rows],
        }
    )


def _row(row: Row) -> dict[str, object]:
    return {"from": times.write(row.from_ms), "provider": row.account or None, **summarize(row.counts)}
