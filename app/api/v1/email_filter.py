"""Which emails a listing shows."""

from typing import Annotated

from pydantic import Field, StringConstraints

from app.api.auth import is_operator, project_of
from app.api.v1 import queries
from app.domain.head import EmailStatus
from app.domain.listing import FOR_EVER_MS, Wanted
from app.errors import Invalid
from app.store.api_keys import ApiKey


class Filter(queries.Query):
    """Which emails to list."""

    recipient: Annotated[
        queries.Key | None, queries.OrNone, Field(description="only emails with this address in to, cc or bcc")
    ] = None
    tag: Annotated[
        Annotated[str, StringConstraints(max_length=700)] | None,
        queries.OrNone,
        Field(description="only emails with this tag: `name`, or `name=value` for one that was given with a value"),
    ] = None
    status: Annotated[
        EmailStatus | None,
        queries.OrNone,
        queries.MAY_BE_EMPTY,
        Field(description="only emails that are in this status now"),
    ] = None
    first: Annotated[
        queries.Time | None,
        queries.OrNone,
        queries.MAY_BE_EMPTY,
        Field(alias="from", description="only emails that were accepted then or later"),
    ] = None
    to: Annotated[
        queries.Time | None,
        queries.OrNone,
        queries.MAY_BE_EMPTY,
        Field(description="only emails that were accepted before that"),
    ] = None
    project: Annotated[
        queries.Project | None, queries.OrNone, Field(description="only emails of this project; for `admin`")
    ] = None
    after: queries.Cursor = None
    limit: queries.Limit = 20


def wanted(chosen: Filter, key: ApiKey) -> Wanted:
    """What a listing looks for: the filter, within the project that the key may see. Raises Invalid."""
    from_ms = 0 if chosen.first is None else min(max(chosen.first, 0), FOR_EVER_MS)
    to_ms = FOR_EVER_MS if chosen.to is None else min(max(chosen.to, 0), FOR_EVER_MS)
    if to_ms <= from_ms:
        raise Invalid(("to", "must be later than from"))
    return Wanted(
        project_of(key, chosen.project),
        chosen.recipient or "",
        chosen.tag or "",
        chosen.status,
        from_ms,
        to_ms,
        with_tests=is_operator(key),
    )
