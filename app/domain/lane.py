"""Lanes: what is urgent passes what is not. Each lane has its own messages and workers, and they share the caps."""

from enum import StrEnum
from typing import Any, Final


class Lane(StrEnum):
    """How soon an email is to be sent, compared with others. The members are in the order in which they are served."""

    URGENT = "urgent"  # somebody waits for it: a password reset, a code
    NORMAL = "normal"
    BULK = "bulk"  # it may take hours: a newsletter


PLACEHOLDER: Final = "{lane}"
"""Where the name of a lane stands in TOPIC_ARN and DELAY_QUEUE_URL. Without it, all lanes share one topic or queue."""


def of_lane(name: str, lane: Lane) -> str:
    """The name of one lane's topic or queue."""
    return name.replace(PLACEHOLDER, lane)


def read_lane(text: Any) -> Lane:
    """The lane that a message names. What names none, or one that there is not, is normal: no message is refused."""
    try:
        return Lane(text)
    except ValueError:
        return Lane.NORMAL


def rank_of(lane: Lane) -> int:
    """0 for the lane that is served first, and so on."""
    return _ORDER[lane]


_ORDER: Final = {lane: rank for rank, lane in enumerate(Lane)}
