"""The call that reads what became of emails."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from app.api.auth import Parts, Reader, is_operator, project_of
from app.api.openapi import answer, errors, refusals
from app.api.threads import Route
from app.api.v1 import event_views as views
from app.api.v1 import notify_examples, queries
from app.api.v1.queries import BAD_CURSOR
from app.domain.change_types import ChangeType
from app.errors import Invalid
from app.notify.feed import Filter as Wanted
from app.notify.feed import Seen
from app.store.api_keys import ApiKey

router = APIRouter(route_class=Route, tags=["events"])


def _types(value: object) -> Sequence[ChangeType]:
    """The types in a list that commas separate."""
    if not isinstance(value, str):
        raise ValueError("must be a list of types, with commas between them")  # noqa: TRY004 because of pydantic
    names = [name.strip() for name in value.split(",")]
    if unknown := [name for name in names if name not in set(ChangeType)]:
        raise ValueError(f"names {unknown[0][:40]!r}, which is no type; types are {', '.join(ChangeType)}")
    return [ChangeType(name) for name in names]


Types = Annotated[
    Any,
    BeforeValidator(_types),
    WithJsonSchema({"type": "string", "examples": ["email.bounced,email.complained"]}),
]


class Filter(queries.Query):
    """Which events to read."""

    type: Annotated[
        Types | None, queries.OrNone, Field(description="only these types: one, or several with commas between them")
    ] = None
    tag: Annotated[
        Annotated[str, StringConstraints(max_length=700)] | None,
        queries.OrNone,
        Field(description="only of emails with this tag: `name`, or `name=value`"),
    ] = None
    email_id: Annotated[
        Annotated[str, StringConstraints(max_length=64)] | None,
        queries.OrNone,
        Field(description="only of this email"),
    ] = None
    project: Annotated[
        queries.Project | None, queries.OrNone, Field(description="only of this project; for `admin`")
    ] = None
    first: Annotated[
        queries.Time | None,
        queries.OrNone,
        queries.MAY_BE_EMPTY,
        Field(alias="from", description="where to begin without an `after`: what was recorded then or later"),
    ] = None
    after: queries.Cursor = None
    limit: queries.Limit = 100


@router.get(
    "/v1/events",
    dependencies=[queries.checked(Filter)],
    responses=answer(notify_examples.EVENTS) | refusals("read") | errors(BAD_CURSOR),
)
def list_events(chosen: Annotated[Filter, Query()], key: Reader, parts: Parts) -> views.ChangeList:
    """Read what became of the emails of the key's project: each event once, in the order in which it was recorded.

    With the scope `admin`, those of all projects. Ask again with the `after` of the answer, which is never null: at
    once if `has_more`, else some seconds later. Without one, it begins with the oldest that is kept, for 30 days. An
    event is there ten seconds after it was recorded, so that no `after` can lead past one that is still being written.
    """
    if chosen.first is not None and chosen.after is not None:
        raise Invalid(("from", "is where to begin, and `after` is where to go on; send one of them"))
    wanted = Wanted(chosen.type or (), chosen.tag or "", chosen.email_id or "")
    position = position_of(chosen.after)
    try:
        page = parts.notify().feed(seen(key, chosen.project), wanted, position, chosen.limit, chosen.first)
    except ValueError:
        raise BAD_CURSOR from None
    events = list(views.read(page.entries))
    return views.ChangeList(events=events, after=queries.encode(page.after), has_more=not page.is_last)


def seen(key: ApiKey, named: str | None) -> Seen:
    """The projects that `key` asks for, if it names this one. Raises Forbidden if it may not see that."""
    return Seen(project_of(key, named), with_tests=is_operator(key))


def position_of(cursor: str | None) -> str | None:
    """The position of a cursor; None for none. Raises Invalid if the text is no cursor."""
    position = None if cursor is None else queries.decode(cursor)
    if cursor is not None and position is None:
        raise BAD_CURSOR
    return position
