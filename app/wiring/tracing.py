"""Opens the traces of a process, and tells them what its use cases do at their edges: queue, calls, webhooks."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from botocore.session import Session

from app import logs, trace_settings
from app.delivery.ports import Send
from app.delivery.queue_ports import Asked, Publish, PublishLater, PublishMany
from app.domain.email import Message
from app.domain.event import ProviderEvent
from app.domain.head import Head
from app.domain.kinds import Kind as OutcomeKind
from app.domain.lane import Lane
from app.domain.outcome import Outcome
from app.errors import ConfigurationError
from app.settings import is_lambda
from app.tracing import ATTEMPT, EMAIL_ID, PROVIDER, UNTRACED, Attributes, Kind, Span, Traces

log = logging.getLogger(__name__)

NOT_INSTALLED: Final = (
    "a collector is named, and OpenTelemetry is not installed: run `make tracing` (`make deploy` packs it by itself)"
)
OPERATION: Final = "messaging.operation.type"
LANE: Final = "emailsminder.lane"


def open_traces(env: Mapping[str, str], service_name: str, session: Session) -> Traces:
    """The traces of a process with these variables; those that record nothing if they name no collector.

    Raises ConfigurationError naming what is malformed, or that OpenTelemetry is not installed. On Lambda that is
    logged instead: no email waits for its trace.
    """
    try:
        return _opened(env, service_name, session)
    except ConfigurationError as fault:
        if not is_lambda(env):
            raise
        log.error("not traced", extra={"reason": str(fault)})  # noqa: TRY400 because its place says nothing
        return UNTRACED


def _opened(env: Mapping[str, str], service_name: str, session: Session) -> Traces:
    endpoint = trace_settings.endpoint(env)
    if not endpoint:
        return UNTRACED
    try:
        from app.telemetry import spans
    except ModuleNotFoundError as missing:
        raise ConfigurationError(f"{trace_settings.ENDPOINT}: {NOT_INSTALLED} ({missing.name} is missing)") from None
    found = spans.open_traces(endpoint, env.get(trace_settings.HEADERS, ""), service_name, session)
    logs.name_traces(spans.trace_id)
    return found


@dataclass(frozen=True)
class Tracer:
    """What the use cases are given, so that they know nothing of traces."""

    traces: Traces

    def request(self, email_id: str) -> str:
        """As `app.delivery.traced.TraceRequest`."""
        span = self.traces.current()
        span.note({EMAIL_ID: email_id or None})  # a batch has many
        return span.traceparent

    def attempt(self, head: Head, number: int) -> AbstractContextManager[Span]:
        """As `app.delivery.traced.TraceAttempt`."""
        about: Attributes = {EMAIL_ID: head.email_id, ATTEMPT: number, OPERATION: "process"}
        return self.traces.span("attempt", Kind.CONSUMER, about, head.traceparent)

    def events(self, head: Head | None, provider: str, events: Sequence[ProviderEvent]) -> AbstractContextManager[Span]:
        """As `app.delivery.traced.TraceEvents`."""
        about: Attributes = {
            EMAIL_ID: head.email_id if head else None,
            PROVIDER: provider,
            ATTEMPT: events[0].attempt if events else None,
            "emailsminder.events": ",".join(dict.fromkeys(event.kind for event in events)),
        }
        return self.traces.span(f"webhook {provider}", Kind.CONSUMER, about, head.traceparent if head else "")

    def queue(
        self, publish: Publish, publish_many: PublishMany, publish_later: PublishLater
    ) -> tuple[Publish, PublishMany, PublishLater]:
        """The same functions, each call within a span."""

        def traced(email_id: str, attempt: int, lane: Lane) -> None:
            with self._publishing({EMAIL_ID: email_id, ATTEMPT: attempt, LANE: lane}):
                publish(email_id, attempt, lane)

        def traced_many(attempts: Sequence[Asked]) -> Sequence[tuple[str, str]]:
            with self._publishing({"messaging.batch.message_count": len(attempts)}):
                return publish_many(attempts)

        def traced_later(email_id: str, attempt: int, at_ms: int, lane: Lane) -> None:
            with self._publishing({EMAIL_ID: email_id, ATTEMPT: attempt, LANE: lane, "emailsminder.at_ms": at_ms}):
                publish_later(email_id, attempt, at_ms, lane)

        if self.traces is UNTRACED:
            return publish, publish_many, publish_later
        return traced, traced_many, traced_later

    def sending(self, send: Send) -> Send:
        """The same function, each call within a span that says what came of it, in words of ours only."""

        def traced(provider: str, message: Message) -> Outcome:
            about: Attributes = {EMAIL_ID: message.email_id, ATTEMPT: message.attempt, PROVIDER: provider}
            with self.traces.span(f"call {provider}", Kind.CLIENT, about) as span:
                outcome = send(provider, message)
                span.note(
                    {
                        "emailsminder.outcome": outcome.kind,
                        "emailsminder.cause": outcome.cause,
                        "http.response.status_code": outcome.status_code,
                    }
                )
                if outcome.kind is not OutcomeKind.ACCEPTED:
                    span.fail(outcome.kind)
            return outcome

        return send if self.traces is UNTRACED else traced

    def _publishing(self, attributes: Attributes) -> AbstractContextManager[Span]:
        return self.traces.span("publish", Kind.PRODUCER, {OPERATION: "send", **attributes})
