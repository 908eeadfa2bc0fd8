"""The shapes of what is shown of a provider's recent calls. Class names are schema names in the OpenAPI document."""

from typing import Annotated

from pydantic import BaseModel, Field

from app.api import times
from app.domain.calls import Calls
from app.domain.kinds import Cause, OutcomeKind


class CallError(BaseModel):
    """How a call failed. `status_code` is null if there was no HTTP answer."""

    at: Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2030-01-31T18:00:00.000Z"])]
    kind: OutcomeKind
    cause: Cause | None
    status_code: int | None


class RecentCalls(BaseModel):
    """The calls of the last five minutes, by all processes. An email that is refused for its own sake is no failure."""

    calls: int
    failures: int
    last_error: CallError | None


def write(recent: Calls) -> RecentCalls:
    """The calls of the last minutes, as they are shown."""
    error = recent.last_error
    shown = error and CallError(
        at=times.write(error.at_ms), kind=error.kind, cause=error.cause, status_code=error.status_code
    )
    return RecentCalls(calls=recent.made, failures=recent.failed, last_error=shown or None)
