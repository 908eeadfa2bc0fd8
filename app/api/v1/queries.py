"""The query parameters that listings share, and their cursors."""

import base64
import binascii
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from app.api import addresses, times
from app.domain.project import check_project

OrNone = BeforeValidator(lambda text: text or None)  # an empty parameter, such as `?status=`, counts as left out


def _allow_empty(schema: dict[str, Any]) -> None:
    schema["anyOf"].append({"type": "string", "const": ""})


MAY_BE_EMPTY = Field(json_schema_extra=_allow_empty)


def _key(text: str) -> str:
    return addresses.read(text).key


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
