"""Tracing as the rest of the product sees it: spans, which do nothing unless a collector is named (docs/tracing.md).

`app.telemetry` makes real ones, of OpenTelemetry. Only `app.wiring` knows it, and loads it only if it is asked for.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from enum import Enum
from typing import Final, Protocol

FLUSH_WITHIN_S: Final = 1.0  # what an email waits for a collector at most, and not more often than once a minute

Attributes = Mapping[str, str | int | bool | None]  # by name; None: left out

EMAIL_ID: Final = "emailsminder.email_id"
ATTEMPT: Final = "emailsminder.attempt"
PROVIDER: Final = "emailsminder.provider"


class Kind(Enum):
    """What a span is, as OpenTelemetry names it (opentelemetry.io/docs/specs/otel/trace/api, SpanKind, 2026-11-30)."""

    CLIENT = "client"
    CONSUMER = "consumer"
    PRODUCER = "producer"


class Span(Protocol):
    """Something that takes a while, in a trace."""

    @property
    def traceparent(self) -> str:
        """What names this span in other processes (W3C Trace Context); "" if nobody records it."""

    def rename(self, name: str) -> None:
        """Give it another name."""

    def note(self, attributes: Attributes) -> None:
        """Say more about it. Never anything about a person: no address, no subject, no text of an error."""

    def fail(self, why: str) -> None:
        """Say that it failed. `why` is a word, such as the class of an exception."""


class Traces(Protocol):
    """Makes spans. A span ends with its `with` block, and has failed if an exception ends it."""

    def request(self, name: str, traceparent: str, attributes: Attributes) -> AbstractContextManager[Span]:
        """The span of a request to us. It continues the caller's trace, if `traceparent` names one, or begins one."""

    def span(
        self, name: str, kind: Kind, attributes: Attributes, parent: str | None = None
    ) -> AbstractContextManager[Span]:
        """A span within the current one, or within that which the traceparent `parent` names, beside a link to it.

        Nothing is recorded if there is no such span, or if it is not recorded.
        """

    def current(self) -> Span:
        """The current span of this thread or task."""

    def flush(self) -> None:
        """Send what has ended to the collector, within FLUSH_WITHIN_S: the process may freeze now. Raises nothing."""


class _NoSpan:
    """A span that nobody records."""

    traceparent = ""

    def rename(self, name: str) -> None:
        pass

    def note(self, attributes: Attributes) -> None:
        pass

    def fail(self, why: str) -> None:
        pass


class _NoTraces:
    """Records nothing."""

    def request(self, name: str, traceparent: str, attributes: Attributes) -> AbstractContextManager[Span]:  # noqa: ARG002 because the protocol names them
        return nullcontext(NO_SPAN)

    def span(
        self,
        name: str,  # noqa: ARG002 because the protocol names it
        kind: Kind,  # noqa: ARG002 because the protocol names it
        attributes: Attributes,  # noqa: ARG002 because the protocol names it
        parent: str | None = None,  # noqa: ARG002 because the protocol names it
    ) -> AbstractContextManager[Span]:
        return nullcontext(NO_SPAN)

    def current(self) -> Span:
        return NO_SPAN

    def flush(self) -> None:
        pass


NO_SPAN: Final[Span] = _NoSpan()
UNTRACED: Final[Traces] = _NoTraces()
