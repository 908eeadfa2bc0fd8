"""Which emails a listing shows."""

from typing import Annotated

from pydantic import Field, StringConstraints

from app.api.auth import is_operator, project_of
from app.api.v1 import examples, queries
from app.domain.head import EmailStatus, Status
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
    recipient_status: Annotated[
        Status | None,
        queries.OrNone,
        queries.MAY_BE_EMPTY,
        Field(
            description="only emails with a recipient who is in this status now; with `recipient`, it is that one's,"
            " and with `provider`, one for whom an attempt went through it"
        ),
    ] = None
    provider: Annotated[
        queries.Account | None,
        queries.OrNone,
        Field(
            description="only emails of which an attempt went through this account, whatever came of it",
            examples=[examples.ACCOUNT],
        ),
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
        project=project_of(key, chosen.project),
        recipient=chosen.recipient or "",
        tag=chosen.tag or "",
        status=chosen.status,
        from_ms=from_ms,
        to_ms=to_ms,
        recipient_status=chosen.recipient_status,
        provider=chosen.provider or "",
        with_tests=is_operator(key),
    )
