"""On Lambda, spans are sent before the answer, behind which the process stands still; no fault of tracing stops it."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace

import botocore.session
import pytest

from app import logs, main
from app.errors import ConfigurationError
from app.settings import Process
from app.tracing import UNTRACED
from app.wiring import process
from app.wiring.tracing import open_traces
from tests.support.collector import Collector
from tests.support.gateway import call, proxy_event
from tests.tracing.conftest import EMAIL, Installation, caller, lines
from workers import attempts

Install = Callable[..., Installation]
pytestmark = pytest.mark.usefixtures("patient")


@pytest.fixture
def installation(install: Install, collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    found = install(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, AWS_LAMBDA_FUNCTION_NAME="emailsminder-test")
    monkeypatch.setattr(attempts, "container", lambda _: found.worker)
    main.app.state.connect = lambda: found.api
    main.gateway.cache_clear()
    yield found
    main.app.state.connect = partial(process.container, Process.API)
    main.gateway.cache_clear()


def test_both_doors_send_their_spans_before_they_answer(installation: Installation, collector: Collector) -> None:
    trace_id, traceparent = caller()
    headers = {
        "Authorization": f"Bearer {installation.client.key}",
        "Content-Type": "application/json",
        "traceparent": traceparent,
    }
    answer = call(proxy_event("POST", "/v1/emails", headers, stage="v1", body=json.dumps(EMAIL)))
    assert answer["statusCode"] == 202
    assert [span.name for span in collector.spans] == ["publish", "POST /v1/emails"]
    (record,) = installation.queue.records()
    event = {"Records": [{"messageId": "1", "body": record["Body"]}]}
    assert attempts.handler(event, SimpleNamespace()) == {"batchItemFailures": []}
    assert [span.name for span in collector.spans[2:]] == ["call sendgrid", "attempt"]
    assert {span.trace_id for span in collector.spans} == {trace_id}
    attempts.handler({"Records": []}, SimpleNamespace())
    assert len(collector.requests) == 2  # nothing to send, so nobody is asked


def test_an_event_of_which_a_record_fails_sends_its_spans_all_the_same(
    installation: Installation, collector: Collector
) -> None:
    installation.accept()
    (record,) = installation.queue.records()
    message = json.loads(record["Body"])["Message"]
    event = {"Records": [{"Sns": {"Message": message}}, {"Sns": {"Message": "{}"}}]}
    with pytest.raises(KeyError):
        attempts.handler(event, SimpleNamespace())
    assert collector.named("attempt")


BROKEN = {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}


def test_there_a_malformed_variable_is_told_and_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    session = botocore.session.get_session()
    with pytest.raises(ConfigurationError, match=r"^OTEL_EXPORTER_OTLP_ENDPOINT: must be a URL such as"):
        open_traces(BROKEN, "mail", session)
    assert open_traces({**BROKEN, "AWS_LAMBDA_FUNCTION_NAME": "x"}, "mail", session) is UNTRACED
    (line,) = lines(capsys.readouterr().out)
    assert (line["message"], line["level"]) == ("not traced", "ERROR")
    assert line["reason"].startswith("OTEL_EXPORTER_OTLP_ENDPOINT: ")


def test_the_headers_of_a_secret_reach_the_collector(collector: Collector) -> None:
    secret = {"OTEL_EXPORTER_OTLP_HEADERS": "api-key=s3cr3t,x-team=mail"}  # not of the process's own environment
    traces = open_traces(
        {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **secret}, "mail", botocore.session.get_session()
    )
    with traces.request("GET", "", {}):
        pass
    traces.flush()
    assert collector.requests[0].items() >= {"path": "/v1/traces", "api-key": "s3cr3t", "x-team": "mail"}.items()
