"""The query parameters that listings share, and their cursors."""

import base64
import binascii
import difflib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Annotated, Any, Final, Protocol, TypeVar

from fastapi import Depends, Request
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from app.api import addresses, times
from app.api.problems import SHOWN_ERRORS, path
from app.domain.account import is_account
from app.domain.project import check_project
from app.errors import Invalid

BAD_CURSOR: Final = Invalid(("after", "is not a cursor of this listing; use the `after` of the previous page"))
_PLUS = "a + in an address is written %2B in a query, where + is a space"

OrNone = BeforeValidator(lambda text: text or None)  # an empty parameter, such as `?status=`, counts as left out


def _allow_empty(schema: dict[str, Any]) -> None:
    schema["anyOf"].append({"type": "string", "const": ""})


MAY_BE_EMPTY = Field(json_schema_extra=_allow_empty)


def _key(text: str) -> str:
    try:
        return addresses.read(text).key
    except ValueError as fault:
        if " " not in text.strip() or "<" in text:
            raise
        raise ValueError(f"{str(fault).rstrip('.')}; {_PLUS}") from None


def _account(text: str) -> str:
    if not is_account(text):
        raise ValueError("is not the name of an account: NAME or NAME:LABEL, as PROVIDERS has them")
    return text


def _time(text: str) -> int:
    """Epoch milliseconds. An offset's + that was not escaped arrives as a space."""
    return times.read(re.sub(r" (\d\d:\d\d)$", r"+\1", text))


Key = Annotated[str, AfterValidator(_key)]
Cursor = Annotated[
    Annotated[str, StringConstraints(max_length=600)] | None,
    OrNone,
    Field(description="the `after` of the previous page"),
]
Limit = Annotated[int, Field(ge=1, le=100, description="how many a page has at most")]
Project = Annotated[str, AfterValidator(check_project)]
Account = Annotated[str, AfterValidator(_account)]
Time = Annotated[int, BeforeValidator(_time), WithJsonSchema({"type": "string", "format": "date-time"})]


class Created(Protocol):
    """What was created at a time, and has an id."""

    @property
    def id(self) -> str:
        """The id, which no other one has."""

    @property
    def created_at_ms(self) -> int:
        """When it was created."""


Item = TypeVar("Item", bound=Created)


class Query(BaseModel):
    """The parameters of a listing. Unknown ones are refused."""

    model_config = ConfigDict(extra="forbid")


def checked(filters: type[Query]) -> Any:
    """A dependency that raises Invalid naming each parameter that `filters` has not, or that is there twice.

    FastAPI would take the last of two.
    """
    known = [field.alias or name for name, field in filters.model_fields.items()]

    async def check(request: Request) -> None:
        counts = Counter(name for name, _ in request.query_params.multi_items())
        faults = ((path((name,)), fault) for name, count in counts.items() if (fault := _fault(name, count, known)))
        if shown := [*islice(faults, SHOWN_ERRORS)]:
            raise Invalid(*shown)

    return Depends(check)


def _fault(name: str, count: int, known: Sequence[str]) -> str | None:
    if name in known:
        return "is there more than once; give it one value" if count > 1 else None
    close = difflib.get_close_matches(name[:40], known, n=1)
    return f"is no parameter of this call; {f'did you mean {close[0]}?' if close else 'it takes ' + ', '.join(known)}"


def encode(position: str) -> str:
    """A cursor for `position`, where the next page starts."""
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def decode(cursor: str) -> str | None:
    """The position of a cursor. Returns None if the text is not a cursor."""
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        return None


def newest_first(items: Iterable[Item], after: str | None, limit: int, ids: str) -> tuple[list[Item], str | None]:
    """A page of items that are all known, and the cursor of the next page (None: there is none).

    `ids` is the pattern of an item's id. Raises Invalid if `after` is no cursor.
    """
    before = None if after is None else _created(after, ids)
    found = sorted(((one.created_at_ms, one.id), one) for one in items)[::-1]
    left = [(position, one) for position, one in found if before is None or position < before]
    page = left[:limit]
    following = encode("{}.{}".format(*page[-1][0])) if len(left) > len(page) else None
    return [one for _, one in page], following


def _created(cursor: str, ids: str) -> tuple[int, str]:
    position = re.fullmatch(rf"(\d{{1,16}})\.({ids})", decode(cursor) or "")
    if position is None:
        raise BAD_CURSOR
    return int(position[1]), position[2]
