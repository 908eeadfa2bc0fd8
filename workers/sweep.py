"""Entry point for the clock: a sweep every minute."""

from typing import Any

from app import logs
from app.wiring.sweep import sweep
from workers.time_left import seconds_left

STOP_BEFORE_S = 5.0  # the sweep stops this long before Lambda's limit, so that the last writes can end


def handler(event: dict[str, Any], context: object) -> dict[str, int]:  # noqa: ARG001 because Lambda passes it
    """Sweep once, until STOP_BEFORE_S before Lambda's time limit. Returns how many emails were due."""
    with logs.bound(request_id=getattr(context, "aws_request_id", "")):
        return {"due": sweep()(seconds_left(context) - STOP_BEFORE_S)}
