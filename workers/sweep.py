"""Door: the clock. Every minute (on a laptop every second) it finds what is due."""

from typing import Any

from app.wiring import container


def handler(event: dict[str, Any], context: object) -> dict[str, int]:  # noqa: ARG001 because Lambda passes both
    """Sweep once."""
    return {"due": container().sweep()}
