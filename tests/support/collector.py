"""A collector of OpenTelemetry: takes OTLP over HTTP and keeps the spans, or hangs, or refuses, as the test chooses."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Encoded
from opentelemetry.proto.trace.v1.trace_pb2 import Status


@dataclass(frozen=True)
class Collected:
    """One span as it came. Ids are in hexadecimal; `parent` is "" for the first of a trace."""

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent: str
    links: tuple[str, ...]
    has_failed: bool
    attributes: dict[str, str | int]
    resource: dict[str, str | int]
    ended_ns: int


class Collector(ThreadingHTTPServer):
    """A running collector. `requests` are the headers of what came; while `hangs` is not set, it does not answer."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.spans: list[Collected] = []
        self.bodies: list[bytes] = []
        self.requests: list[dict[str, str]] = []
        self.status = 200
        self.answers = threading.Event()
        self.answers.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def named(self, name: str) -> list[Collected]:
        return [span for span in self.spans if span.name == name]

    def only(self, name: str) -> Collected:
        (found,) = self.named(name)
        return found


@contextmanager
def collect() -> Iterator[Collector]:
    """A running collector."""
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.answers.set()
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append({"path": self.path, **{name.lower(): text for name, text in self.headers.items()}})
        self.server.answers.wait()
        if self.server.status == 200:
            self.server.bodies.append(body)
            self.server.spans += _read(body)
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing, because tests read `spans`."""


def _read(body: bytes) -> Iterator[Collected]:
    for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = dict(map(_pair, of_resource.resource.attributes))
        for scope in of_resource.scope_spans:
            for span in scope.spans:
                yield Collected(
                    span.name,
                    Encoded.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    tuple(link.span_id.hex() for link in span.links),
                    span.status.code == Status.STATUS_CODE_ERROR,
                    dict(map(_pair, span.attributes)),
                    resource,
                    span.end_time_unix_nano,
                )


def _pair(attribute: KeyValue) -> tuple[str, str | int]:
    value = attribute.value
    return attribute.key, value.int_value if value.HasField("int_value") else value.string_value
