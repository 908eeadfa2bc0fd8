"""One try of a notification, as the log of deliveries keeps it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one try.

    `status_code` is None if nothing was answered, and `fault` then says why. `next_try_ms` is when it is tried again
    (None: it was taken, or is given up, or the endpoint is not called any more). `reply` begins what a receiver
    answered that did not take it.
    """

    event_id: str
    type: str
    email_id: str
    at_ms: int
    number: int  # of the try, from 1
    status_code: int | None
    duration_ms: int
    fault: str = ""
    reply: str = ""
    next_try_ms: int | None = None
