"""What `app.tracing` promises, over OpenTelemetry's SDK."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.session import Session
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.re import parse_env_headers

from app import tracing
from app.settings import FUNCTION_NAME, is_lambda
from app.telemetry import xray
from app.telemetry.export import ANSWER_WITHIN_S, Export
from app.tracing import NO_SPAN, Attributes, Kind, Span

_W3C: Final = TraceContextTextMapPropagator()
_KINDS: Final = {kind: SpanKind[kind.name] for kind in Kind}


def open_traces(endpoint: str, headers: str, service_name: str, aws: Session) -> "OpenTelemetry":
    """Traces that are sent to `endpoint`, a whole URL, with `headers` as OTEL_EXPORTER_OTLP_HEADERS writes them.

    The SDK reads its other variables from the process's environment: sampler, limits, attributes, certificates.
    `service_name` is what the process is called unless they name it.
    """
    resource = Resource.create()
    if str(resource.attributes[SERVICE_NAME]).startswith("unknown_service"):
        resource = resource.merge(Resource({SERVICE_NAME: service_name}))
    if is_lambda(os.environ):
        resource = resource.merge(Resource({"faas.name": os.environ[FUNCTION_NAME]}))
    export = Export(
        OTLPSpanExporter(
            endpoint,
            headers=parse_env_headers(headers, liberal=True),
            # Elsewhere a thread of its own waits for the collector, as long as the SDK's variable or default says.
            timeout=ANSWER_WITHIN_S if is_lambda(os.environ) else None,
            session=xray.session_for(endpoint, aws),
        )
    )
    # The provider is not made the global one: FastAPI would then make spans of its own, with paths and queries in them.
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(export))
    return OpenTelemetry(provider, export)


class OpenTelemetry:
    """Makes spans of `provider`, which `export` sends."""

    def __init__(self, provider: TracerProvider, export: Export) -> None:
        self._provider, self._export = provider, export
        self._tracer = provider.get_tracer("emailsminder")
        self._has_ended = False  # a span that may not have been sent

    @contextmanager
    def request(self, name: str, traceparent: str, attributes: Attributes) -> Iterator[Span]:
        """As `app.tracing.Traces`."""
        with self._begun(name, SpanKind.SERVER, attributes, _context(traceparent), ()) as span:
            yield span

    @contextmanager
    def span(self, name: str, kind: Kind, attributes: Attributes, parent: str | None = None) -> Iterator[Span]:
        """As `app.tracing.Traces`."""
        outer = trace.get_current_span().get_span_context()
        context = Context() if parent is None else _context(parent)
        links: tuple[Link, ...] = ()
        if parent is None:
            context = trace.set_span_in_context(trace.NonRecordingSpan(outer), context)
        elif outer.trace_flags.sampled:
            links = (Link(outer),)
        if not trace.get_current_span(context).get_span_context().trace_flags.sampled:
            yield NO_SPAN
            return
        with self._begun(name, _KINDS[kind], attributes, context, links) as span:
            yield span

    def current(self) -> Span:
        """As `app.tracing.Traces`."""
        return _Recorded(trace.get_current_span())

    def flush(self) -> None:
        """As `app.tracing.Traces`."""
        if self._has_ended:
            self._has_ended = False
            self._export.flush(self._provider)

    @contextmanager
    def _begun(
        self, name: str, kind: SpanKind, attributes: Attributes, context: Context, links: tuple[Link, ...]
    ) -> Iterator[Span]:
        with self._tracer.start_as_current_span(
            name, context, kind, links=links, record_exception=False, set_status_on_exception=False
        ) as found:
            span = _Recorded(found)
            span.note(attributes)
            try:
                yield span
            except BaseException as error:
                span.fail(type(error).__name__)  # its text may hold an address
                raise
            finally:
                self._has_ended |= found.is_recording()


class _Recorded:
    """A span of OpenTelemetry."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    @property
    def traceparent(self) -> str:
        context = self._span.get_span_context()
        if not context.trace_flags.sampled:
            return ""
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def note(self, attributes: Attributes) -> None:
        self._span.set_attributes({name: value for name, value in attributes.items() if value is not None})

    def fail(self, why: str) -> None:
        self._span.set_status(StatusCode.ERROR)
        self._span.set_attribute("error.type", why)


def _context(traceparent: str) -> Context:
    """The context that a traceparent names; an empty one if it is malformed."""
    return _W3C.extract({"traceparent": traceparent}, Context())


def trace_id() -> str:
    """The id of the current span's trace, in hexadecimal; "" if there is none, or if it is not recorded."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.trace_flags.sampled else ""


_: type[tracing.Traces] = OpenTelemetry
