"""The shapes of answers that do not depend on the version of the API. Class names are schema names in OpenAPI."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field


class ServiceHealth(BaseModel):
    """The answer of /health if every part of the service answers. `degraded`: an account fails, as `reasons` say."""

    status: Literal["ok", "degraded"]
    parts: dict[str, Literal["ok"]]
    reasons: list[str] = []
    draining: list[str] = []


class FieldFault(BaseModel):
    """What is wrong with one field."""

    field: Annotated[str, Field(min_length=1, examples=["to[0]"])]
    message: str


class Problem(BaseModel):
    """An error, as RFC 9457 defines it. `type` never changes; `errors` lists the fields that are wrong, if any are."""

    type: Annotated[str, Field(examples=["urn:emailsminder:problem:not-found"])]
    title: str
    status: int
    detail: str
    errors: list[FieldFault] = []
    parts: Annotated[dict[str, str], Field(description="only from /health: each part, and whether it answers")] = {}
