"""What every listing can be asked for, and its cursors."""

import base64
import binascii
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from app.api import addresses

OrNone = BeforeValidator(lambda text: text or None)  # `?status=` is as good as no status


def _empty_too(schema: dict[str, Any]) -> None:
    schema["anyOf"].append({"type": "string", "const": ""})


MAY_BE_EMPTY = Field(json_schema_extra=_empty_too)


def _key(text: str) -> str:
    return addresses.read(text).key


Key = Annotated[str, AfterValidator(_key)]
Cursor = Annotated[
    Annotated[str, StringConstraints(max_length=600)] | None,
    OrNone,
    Field(description="the `after` of the page before"),
]
Limit = Annotated[int, Field(ge=1, le=100)]


class Query(BaseModel):
    """Parameters of a listing: nothing unknown."""

    model_config = ConfigDict(extra="forbid")


def encode(place: str) -> str:
    """A cursor that names `place`."""
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def decode(cursor: str) -> str | None:
    """The place that a cursor names; None if it is no cursor."""
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        return None
