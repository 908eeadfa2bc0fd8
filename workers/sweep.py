"""Door: the clock. Every minute (on a laptop every second) it finds what is due."""

from typing import Any, Protocol

from app.wiring.sweep import sweep

STOP_BEFORE_S = 5.0  # what is under way when the time is over may still end


class Context(Protocol):
    """What is used of Lambda's context."""

    def get_remaining_time_in_millis(self) -> int:
        """How long until this process is stopped."""


def handler(event: dict[str, Any], context: Context) -> dict[str, int]:  # noqa: ARG001 because Lambda passes it
    """Sweep once, for as long as Lambda lets it."""
    return {"due": sweep()(context.get_remaining_time_in_millis() / 1000 - STOP_BEFORE_S)}
