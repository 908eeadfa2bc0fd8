"""How the use cases tell somebody who traces what they do. `app.wiring.tracing` does; without it, nothing is told."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from app.domain.event import ProviderEvent
from app.domain.head import Head

# Names the email ("": it is a batch) in the span of its request. Returns the traceparent under which all that follows
# goes on; "": nothing.
TraceRequest = Callable[[str], str]
# A span of the email's trace that ends with the `with` block: of an attempt by its number, of an account's events.
TraceAttempt = Callable[[Head, int], AbstractContextManager[object]]
TraceEvents = Callable[[Head | None, str, Sequence[ProviderEvent]], AbstractContextManager[object]]


def untraced(*_: object) -> AbstractContextManager[object]:
    """No span."""
    return nullcontext()


def untraced_request(_: str) -> str:
    """No trace."""
    return ""
