"""The shapes of answers that every version of the API gives, under their names in the OpenAPI document."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field


class Health(BaseModel):
    """Every part that is needed answers."""

    status: Literal["ok"] = "ok"
    parts: dict[str, Literal["ok"]]


class Fault(BaseModel):
    """What is wrong with one field."""

    field: Annotated[str, Field(min_length=1, examples=["to[0]"])]
    message: str


class Problem(BaseModel):
    """An error, as RFC 9457 defines it. `type` never changes; `errors` is there when fields are wrong."""

    type: Annotated[str, Field(examples=["urn:emailsminder:problem:not-found"])]
    title: str
    status: int
    detail: str
    errors: list[Fault] = []
    parts: Annotated[dict[str, str], Field(description="of /health: each part that was asked")] = {}
