"""The query parameters that listings share, and their cursors."""

import base64
import binascii
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from app.api import addresses

OrNone = BeforeValidator(lambda text: text or None)  # an empty parameter, such as `?status=`, counts as left out


def _allow_empty(schema: dict[str, Any]) -> None:
    schema["anyOf"].append({"type": "string", "const": ""})


MAY_BE_EMPTY = Field(json_schema_extra=_allow_empty)


def _key(text: str) -> str:
    return addresses.read(text).key


Key = Annotated[str, AfterValidator(_key)]
Cursor = Annotated[
    Annotated[str, StringConstraints(max_length=600)] | None,
    OrNone,
    Field(description="the `after` of the previous page"),
]
Limit = Annotated[int, Field(ge=1, le=100)]


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
