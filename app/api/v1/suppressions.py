"""The calls about suppressions: addresses to which nothing is sent."""

import logging
import re
from collections.abc import Iterable
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field

from app.api import addresses, times
from app.api.auth import Operator, Parts, may_read, short_id
from app.api.body import JsonBody
from app.api.openapi import answer, body_errors, errors, json_request, nothing, refusals
from app.api.threads import Route
from app.api.v1 import examples, queries, views
from app.api.v1.schemas import SuppressionRequest
from app.api.v1.validation import read_suppression
from app.domain.suppression import Entry, Suppression
from app.errors import Invalid, NotFound

logger = logging.getLogger(__name__)
router = APIRouter(route_class=Route, tags=["suppressions"])

_PLACE = re.compile(r"[0-9a-f]{64}")
_UNKNOWN = NotFound("this address is not suppressed")

Address = Annotated[str, Path(examples=["ann@example.com"])]


class Filter(queries.Query):
    """Which suppressions to list."""

    address: Annotated[
        queries.Key | None, queries.OrNone, Field(description="only the suppression of this address")
    ] = None
    after: queries.Cursor = None
    limit: queries.Limit = 100


@router.get(
    "/v1/suppressions",
    dependencies=[Depends(may_read)],
    responses=answer(examples.SUPPRESSIONS)
    | refusals("read")
    | errors(Invalid(("address", "is not an email address: it is empty"))),
)
def list_suppressions(chosen: Annotated[Filter, Query()], parts: Parts) -> views.Suppressions:
    """List suppressed addresses. With `address`, the list has one entry if that address is suppressed, else none."""
    now_ms = int(parts.clock() * 1000)
    if chosen.address is not None:
        return views.Suppressions(suppressions=_shown([parts.suppressions.get(chosen.address)], now_ms), after=None)
    start = None if chosen.after is None else _place(chosen.after)
    page = list(islice(parts.suppressions.all(start, now_ms), chosen.limit))
    after = queries.encode(page[-1][0]) if len(page) == chosen.limit else None
    return views.Suppressions(suppressions=_shown((entry for _, entry in page), now_ms), after=after)


@router.post(
    "/v1/suppressions",
    status_code=201,
    responses=answer(examples.SUPPRESSION, 201, description="Suppressed")
    | refusals("admin")
    | body_errors(Invalid(("note", "is required"))),
    openapi_extra=json_request(SuppressionRequest, example=examples.TO_SUPPRESS),
)
def suppress_address(key: Operator, body: JsonBody, parts: Parts) -> views.Suppression:
    """Send nothing more to an address.

    A suppression of it for the same reason that lasts longer is kept. The answer has all its reasons, strongest first.
    """
    now_ms = int(parts.clock() * 1000)
    suppression = read_suppression(body, now_ms=now_ms)
    entry = parts.suppressions.put(suppression)
    logger.warning("suppression added", extra={"reason": suppression.reason.value, "key_id": short_id(key)})
    return _view(entry, entry.in_force(now_ms) or suppression)


@router.delete(
    "/v1/suppressions/{address:path}",  # an address may contain a slash
    status_code=204,
    responses=nothing(204, "Lifted") | refusals("admin") | errors(_UNKNOWN),
)
def lift_suppression(address: Address, key: Operator, parts: Parts) -> None:
    """Send to an address again. What providers reported about it before no longer counts.

    So the next hard bounce is a first one. That holds also for an address whose suppression by a first one has ended.
    """
    if not parts.suppressions.lift(_key(address), int(parts.clock() * 1000)):
        raise NotFound("this address is not suppressed")
    logger.warning("suppression lifted", extra={"key_id": short_id(key)})


def _key(address: str) -> str:
    try:
        return addresses.read(address).key
    except ValueError:
        raise NotFound("this address is not suppressed") from None


def _place(cursor: str) -> str:
    place = queries.decode(cursor)
    if place is None or not _PLACE.fullmatch(place):
        raise Invalid(("after", "is not a cursor of this listing; use the `after` of the previous page"))
    return place


def _shown(entries: Iterable[Entry], now_ms: int) -> list[views.Suppression]:
    return [_view(entry, strongest) for entry in entries if (strongest := entry.in_force(now_ms))]


def _view(entry: Entry, strongest: Suppression) -> views.Suppression:
    reasons = [views.Grounds.model_validate(_grounds(each)) for each in entry.strongest_first]
    return views.Suppression(address=entry.address, **_grounds(strongest), reasons=reasons)


def _grounds(suppression: Suppression) -> dict[str, Any]:
    return {
        "reason": suppression.reason,
        "note": suppression.evidence,
        "since": times.write(suppression.since_ms),
        "until": times.write(suppression.until_ms),
    }
