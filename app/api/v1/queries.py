"""The query parameters that listings share, and their cursors."""

import base64
import binascii
import re
from collections import Counter
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from app.api import addresses, times
from app.api.problems import path
from app.domain.project import check_project
from app.errors import Invalid

_PLUS = "a + in an address is written %2B in a query, where + is a space"

OrNone = BeforeValidator(lambda text: text or None)  # an empty parameter, such as `?status=`, counts as left out


def _allow_empty(schema: dict[str, Any]) -> None:
    schema["anyOf"].append({"type": "string", "const": ""})


MAY_BE_EMPTY = Field(json_schema_extra=_allow_empty)


async def _once(request: Request) -> None:
    counts = Counter(name for name, _ in request.query_params.multi_items())
    if twice := [name for name, count in counts.items() if count > 1]:
        raise Invalid(*((path((name,)), "is there more than once; give it one value") for name in twice))


ONCE = Depends(_once)  # of a parameter that is there twice, FastAPI would take the last one


def _key(text: str) -> str:
    try:
        return addresses.read(text).key
    except ValueError as fault:
        if " " not in text.strip() or "<" in text:
            raise
        raise ValueError(f"{str(fault).rstrip('.')}; {_PLUS}") from None


def _time(text: str) -> int:
    """Epoch milliseconds. An offset's + that was not escaped arrives as a space."""
    return times.read(re.sub(r" (\d\d:\d\d)$", r"+\1", text))


Key = Annotated[str, AfterValidator(_key)]
Cursor = Annotated[
    Annotated[str, StringConstraints(max_length=600)] | None,
    OrNone,
    Field(description="the `after` of the previous page"),
]
Limit = Annotated[int, Field(ge=1, le=100)]
Project = Annotated[str, AfterValidator(check_project)]
Time = Annotated[int, BeforeValidator(_time), WithJsonSchema({"type": "string", "format": "date-time"})]


class Query(BaseModel):
    """The parameters of a listing. Unknown ones are refused."""

    model_config = ConfigDict(extra="forbid")


def encode(place: str) -> str:
    """A cursor for `place`, where the next page starts."""
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def decode(cursor: str) -> str | None:
    """The place of a cursor. Returns None if the text is not a cursor."""
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        return None
