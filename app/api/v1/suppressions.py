"""The calls about suppressions: addresses to which nothing is sent."""

import logging
import re
from collections.abc import Iterable
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from app.api import times
from app.api.auth import Operator, Parts, Reader, check_real, is_operator, project_of, short_id
from app.api.body import JsonBody
from app.api.openapi import LOCATION, answer, body_errors, errors, json_request, nothing, refusals
from app.api.threads import Route
from app.api.v1 import examples, queries
from app.api.v1 import suppression_views as views
from app.api.v1.schemas import SuppressionRequest
from app.api.v1.validation import read_suppression
from app.domain.suppression import Entry, Suppression
from app.errors import Invalid, NotFound
from app.store.api_keys import ApiKey
from app.wiring.parts import Container

logger = logging.getLogger(__name__)
router = APIRouter(route_class=Route, tags=["suppressions"])

_POSITION = re.compile(r"[0-9a-f]{64}")
_UNKNOWN = NotFound("there is no such suppression; `GET /v1/suppressions?address=` has the id of an address")

Id = Annotated[str, Path(description="the `id` of the suppression", examples=[examples.SUPPRESSION["id"]])]


class Filter(queries.Query):
    """Which suppressions to list."""

    address: Annotated[
        queries.Key | None, queries.OrNone, Field(description="only the suppression of this address")
    ] = None
    project: Annotated[
        queries.Project | None,
        queries.OrNone,
        Field(description="only what stops the mail of this project, which is also what stops that of every one"),
    ] = None
    after: queries.Cursor = None
    limit: queries.Limit = 100


@router.get(
    "/v1/suppressions",
    dependencies=[queries.checked(Filter)],
    responses=answer(examples.SUPPRESSIONS)
    | refusals("read")
    | errors(Invalid(("address", "is not an email address: it is empty"))),
)
def list_suppressions(chosen: Annotated[Filter, Query()], key: Reader, parts: Parts) -> views.SuppressionList:
    """List addresses to which the key's project sends nothing; with the scope `admin`, those of all projects.

    With `address`, the list has an entry if that address is suppressed for every project, and one for each project for
    which it is.
    """
    check_real(key)
    now_ms, project = int(parts.clock() * 1000), project_of(key, chosen.project)
    if chosen.address is not None:
        projects = parts.partitions.known().real if project is None else [project]
        return views.SuppressionList(
            suppressions=_shown(parts.suppressions.of(chosen.address, projects), now_ms, key, parts), after=None
        )
    start = None if chosen.after is None else _position(chosen.after)
    page = list(islice(parts.suppressions.all(start, now_ms, project), chosen.limit))
    after = queries.encode(page[-1][0]) if len(page) == chosen.limit else None
    return views.SuppressionList(suppressions=_shown((entry for _, entry in page), now_ms, key, parts), after=after)


@router.get(
    "/v1/suppressions/{suppression_id}",
    responses=answer(examples.SUPPRESSION) | refusals("read") | errors(_UNKNOWN),
)
def get_suppression(suppression_id: Id, key: Reader, parts: Parts) -> views.Suppression:
    """Read one suppression by its id, while it holds. The id never changes, and does not tell the address."""
    check_real(key)
    now_ms = int(parts.clock() * 1000)
    entry = parts.suppressions.find(suppression_id)
    if entry is None or key.sees not in (None, entry.project or key.project):
        raise _UNKNOWN
    if (strongest := entry.in_force(now_ms)) is None:
        raise _UNKNOWN
    return _view(entry, strongest, key, parts)


@router.post(
    "/v1/suppressions",
    status_code=201,
    responses=answer(examples.SUPPRESSION, 201, description="Suppressed", headers=LOCATION)
    | refusals("admin")
    | body_errors(Invalid(("note", "is required"))),
    openapi_extra=json_request(SuppressionRequest, {"example": ("an address and the evidence", examples.TO_SUPPRESS)}),
)
def suppress_address(
    request: Request, response: Response, key: Operator, body: JsonBody, parts: Parts
) -> views.Suppression:
    """Send nothing more to an address.

    A suppression of it for the same reason that lasts longer is kept. The answer has all its reasons, strongest first.
    """
    now_ms = int(parts.clock() * 1000)
    suppression = read_suppression(body, now_ms=now_ms)
    entry = parts.suppressions.put(suppression)
    logger.warning("suppression added", extra={"reason": suppression.reason.value, "key_id": short_id(key)})
    view = _view(entry, entry.in_force(now_ms) or suppression, key, parts)
    response.headers["Location"] = f"{request.scope['root_path']}/v1/suppressions/{view.id}"
    return view


@router.delete(
    "/v1/suppressions/{suppression_id}",
    status_code=204,
    responses=nothing(204, "Lifted") | refusals("admin") | errors(_UNKNOWN),
)
def lift_suppression(suppression_id: Id, key: Operator, parts: Parts) -> None:
    """Send to an address again, from every project or from the one that the suppression is of.


    What providers reported about it before no longer counts, so the next hard bounce is a first one. That holds also
    for an address whose suppression by a first one has ended.
    """
    if not parts.suppressions.lift_by_id(suppression_id, int(parts.clock() * 1000)):
        raise _UNKNOWN
    logger.warning("suppression lifted", extra={"key_id": short_id(key)})


def _position(cursor: str) -> str:
    position = queries.decode(cursor)
    if position is None or not _POSITION.fullmatch(position):
        raise queries.BAD_CURSOR
    return position


def _shown(entries: Iterable[Entry], now_ms: int, key: ApiKey, parts: Container) -> list[views.Suppression]:
    return [_view(entry, strongest, key, parts) for entry in entries if (strongest := entry.in_force(now_ms))]


def _view(entry: Entry, strongest: Suppression, key: ApiKey, parts: Container) -> views.Suppression:
    reasons = [views.SuppressionGrounds.model_validate(_grounds(each, key)) for each in entry.strongest_first]
    return views.Suppression(
        id=parts.suppressions.id_of(entry),
        address=entry.address,
        project=entry.project or None,
        **_grounds(strongest, key),
        reasons=reasons,
    )


def _grounds(suppression: Suppression, key: ApiKey) -> dict[str, Any]:
    return {
        "reason": suppression.reason,
        "note": suppression.evidence if is_operator(key) else None,
        "since": times.write(suppression.since_ms),
        "until": times.write(suppression.until_ms),
    }
