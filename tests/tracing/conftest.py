"""An installation whose API and worker are traced, each by a container of its own, as by two processes."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.api.application import create
from app.store import tables
from app.telemetry import spans
from app.telemetry.export import Export
from app.wiring.parts import Container
from app.wiring.process import connect
from tests.api.conftest import Client
from tests.providers.case import CASES
from tests.support.aws import Aws, Queue
from tests.support.collector import Collector, collect
from tests.support.environment import environment
from tests.support.provider_server import ProviderServer
from workers import attempts

EMAIL = {
    "from": "Shop <shop@example.com>",
    "to": ["Ann Example <ann.secret@example.net>"],
    "subject": "Your secret order",
    "text": "Words that are nobody's business.",
    "tags": ["receipt"],
    "providers": ["sendgrid", "mailgun"],
}
PRIVATE = (b"ann.secret", b"Ann Example", b"secret order", b"nobody's business", b"shop@", b"example.net", b"em_local")


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector that takes everything."""
    with collect() as running:
        yield running


@dataclass
class Installation:
    """API and worker over one store, and the server that plays the providers."""

    queue: Queue
    providers: ProviderServer
    api: Container
    worker: Container

    @cached_property
    def client(self) -> Client:
        return Client(create(lambda: self.api), self.api.api_keys.create("all", {"admin"}, ()))

    def post(self, **headers: str) -> httpx.Response:
        """Send the email."""
        return self.client.post("/v1/emails", json=EMAIL, headers=headers)

    def accept(self, **headers: str) -> str:
        """Send the email. Returns its id."""
        answer = self.post(**headers)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def work(self) -> int:
        """Make all attempts that are asked for. Returns how many there were."""
        made = 0
        while records := self.queue.records():
            event = {"Records": [{"messageId": one["MessageId"], "body": one["Body"]} for one in records]}
            assert attempts.handle(self.worker, event, None) == {"batchItemFailures": []}
            made += len(records)
        return made

    def report(self, *payloads: tuple[str, int], provider: str = "mailgun", **headers: str) -> httpx.Response:
        """Post the provider's webhook about these emails and attempts."""
        case, now_s = CASES[provider], time.time()
        bodies = [case.report(*one, "ann.secret@example.net", now_s) for one in payloads]
        if case.fresh:
            webhook = case.fresh(bodies[0], now_s)
        else:
            lists = [body for body in bodies if isinstance(body, list)]  # as SendGrid reports
            webhook = case.webhook([event for events in lists for event in events], now_s, 0)
        sent = {**webhook.headers, **headers}
        return self.client.request("POST", f"/v1/webhooks/{provider}", key=None, content=webhook.body, headers=sent)

    def flush(self) -> None:
        self.api.traces.flush()
        self.worker.traces.flush()

    def stored(self, email_id: str) -> str:
        """The traceparent in the head of an email."""
        return self.worker.read.story(email_id, None).head.traceparent


@pytest.fixture
def patient_flush(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flush has a minute: what ends it earlier is what the exporter says."""
    monkeypatch.setattr(Export.flush, "__defaults__", (60.0,))


@pytest.fixture
def patient(patient_flush: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A collector that works has five seconds: a machine that pauses is not what these tests look at."""
    monkeypatch.setattr(spans, "ANSWER_WITHIN_S", 5.0)


@pytest.fixture
def install(
    aws: Aws, server: ProviderServer, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Installation]]:
    """`install(OTEL_…=…)`: an installation with these variables."""
    opened: list[Container] = []

    def make(**variables: str) -> Installation:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)  # the SDK reads some by itself
        queue = aws.queue()
        env: dict[str, Any] = environment(aws, queue, server.url, f"{request.path.stem}-") | variables
        for name in ("sendgrid", "mailgun"):
            env |= {key: text for key, text in CASES[name].variables.items() if "WEBHOOK" in key}
        api, worker = connect(env), connect(env)
        opened.extend((api, worker))
        tables.create_all()
        return Installation(queue, server, api, worker)

    yield make
    for container in opened:
        container.close()


def caller(*, is_sampled: bool = True) -> tuple[str, str]:
    """A trace id, and the traceparent that a caller sends."""
    trace_id = uuid4().hex
    return trace_id, f"00-{trace_id}-00f067aa0ba902b7-0{int(is_sampled)}"


def lines(out: str) -> list[dict[str, Any]]:
    """The log lines in what was printed."""
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]
