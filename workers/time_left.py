"""How much time an invocation has left."""

import math


def seconds_left(context: object) -> float:
    """How long this invocation may still take, as Lambda's context object says. Infinite if it does not say."""
    remaining_ms = getattr(context, "get_remaining_time_in_millis", None)
    return math.inf if remaining_ms is None else remaining_ms() / 1000
