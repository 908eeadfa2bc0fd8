"""Entry point for the clock: a sweep every minute."""

from typing import Any, Protocol

from app import logs
from app.wiring.sweep import sweep

STOP_BEFORE_S = 5.0  # the sweep stops this long before Lambda's limit, so that the last writes can end


class Context(Protocol):
    """The method of Lambda's context object that is used here."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda stops this invocation."""


def handler(event: dict[str, Any], context: Context) -> dict[str, int]:  # noqa: ARG001 because Lambda passes it
    """Sweep once, until STOP_BEFORE_S before Lambda's time limit. Returns how many emails were due."""
    with logs.bound(request_id=getattr(context, "aws_request_id", "")):
        return {"due": sweep()(context.get_remaining_time_in_millis() / 1000 - STOP_BEFORE_S)}
