"""From the request to the webhook, an email is one trace, whatever lies between, and nothing in it is personal."""

import logging
from collections.abc import Callable

import pytest

from app import logs
from app.domain.head import Status
from tests.support.collector import Collector
from tests.tracing.conftest import PRIVATE, Installation, caller, lines

Install = Callable[..., Installation]
pytestmark = pytest.mark.usefixtures("patient")


@pytest.fixture
def installation(install: Install, collector: Collector) -> Installation:
    return install(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_SERVICE_NAME="mail")


def test_a_failover_and_its_webhook_are_in_the_trace_of_the_caller(
    installation: Installation, collector: Collector
) -> None:
    trace_id, traceparent = caller()
    installation.providers.statuses["/v3/mail/send"] = 503
    email_id = installation.accept(traceparent=traceparent, **{"Idempotency-Key": "order-1"})
    assert installation.work() == 2
    assert installation.report((email_id, 2)).status_code == 200
    installation.flush()

    told = "".join((*installation.providers.headers, *(str(body) for _, body in installation.providers.calls)))
    assert (email_id in told, trace_id in told) == (True, False)  # the trace is nobody's business at a provider
    (recipient,) = installation.worker.read.story(email_id, None).head.recipients.values()
    assert recipient.status is Status.DELIVERED
    post = collector.only("POST /v1/emails")
    assert (post.trace_id, post.parent, post.kind) == (trace_id, traceparent.split("-")[2], "server")
    assert (
        post.attributes.items()
        >= {
            "http.request.method": "POST",
            "http.route": "/v1/emails",
            "http.response.status_code": 202,
            "emailsminder.email_id": email_id,
        }.items()
    )

    first, second = collector.named("attempt")
    failed, accepted = collector.only("call sendgrid"), collector.only("call mailgun")
    webhook = collector.only("webhook mailgun")
    at_accept, between = collector.named("publish")
    assert [at_accept.parent, first.parent, second.parent, webhook.parent] == [post.span_id] * 4
    assert [failed.parent, between.parent, accepted.parent] == [first.span_id, first.span_id, second.span_id]
    together = (post, at_accept, first, failed, between, second, accepted, webhook)
    assert {span.trace_id for span in together} == {trace_id}
    assert [span.kind for span in together[1:]] == [
        *("producer", "consumer", "client", "producer", "consumer", "client", "consumer")
    ]
    assert {span.attributes["emailsminder.email_id"] for span in together} == {email_id}
    assert [span.attributes["emailsminder.attempt"] for span in together[1:]] == [1, 1, 1, 2, 2, 2, 2]
    assert (
        failed.attributes.items()
        >= {
            "emailsminder.provider": "sendgrid",
            "emailsminder.outcome": "unavailable",
            "emailsminder.cause": "outage",
            "http.response.status_code": 503,
            "error.type": "unavailable",
        }.items()
    )
    assert accepted.attributes["emailsminder.outcome"] == "accepted"
    assert webhook.attributes["emailsminder.events"] == "delivered"
    assert [span.has_failed for span in together] == [False, False, False, True, False, False, False, False]


def test_a_webhook_s_request_is_a_trace_of_our_own_and_linked_with_the_email_s(
    installation: Installation, collector: Collector
) -> None:
    theirs, traceparent = caller(is_sampled=False)
    email_id = installation.accept()
    installation.work()
    assert installation.report((email_id, 1), provider="sendgrid", traceparent=traceparent).status_code == 200
    installation.flush()
    request, webhook = collector.only("POST /v1/webhooks/{provider}"), collector.only("webhook sendgrid")
    assert request.parent == ""
    assert len({theirs, request.trace_id, webhook.trace_id}) == 3
    assert webhook.links == (request.span_id,)
    assert webhook.trace_id == collector.only("POST /v1/emails").trace_id


def test_a_webhook_about_several_emails_is_in_the_trace_of_each(
    installation: Installation, collector: Collector
) -> None:
    emails = [installation.accept(), installation.accept()]
    installation.work()
    assert installation.report(*((email_id, 1) for email_id in emails), provider="sendgrid").status_code == 200
    installation.flush()
    of_email = {span.attributes["emailsminder.email_id"]: span.trace_id for span in collector.named("POST /v1/emails")}
    webhooks = collector.named("webhook sendgrid")
    assert {span.attributes["emailsminder.email_id"]: span.trace_id for span in webhooks} == of_email
    request = collector.only("POST /v1/webhooks/{provider}")
    assert [span.links for span in webhooks] == [(request.span_id,)] * 2


def test_the_context_survives_a_lost_message_and_a_sweep(installation: Installation, collector: Collector) -> None:
    email_id = installation.accept()
    installation.queue.records()  # lost
    head = installation.worker.read.story(email_id, None).head
    assert installation.worker.attempt.heads.update(head, head.created_at_ms - 3_600_000) is not None  # it is due
    installation.worker.sweep(within_s=30)
    assert installation.work() == 1
    installation.flush()
    attempt, post = collector.only("attempt"), collector.only("POST /v1/emails")
    assert (attempt.trace_id, attempt.parent) == (post.trace_id, post.span_id)


def test_nothing_personal_reaches_the_collector(installation: Installation, collector: Collector) -> None:
    email_id = installation.accept()
    installation.work()
    installation.report((email_id, 1), provider="sendgrid")
    installation.client.get("/v1/emails?recipient=ann.secret@example.net")
    installation.client.get("/v1/suppressions/ann.secret@example.net")
    installation.client.get("/v1/nowhere/ann.secret@example.net")
    installation.flush()
    assert {"GET /v1/emails", "GET"} <= {span.name for span in collector.spans}
    sent = b"".join(collector.bodies)
    assert email_id.encode() in sent
    assert [text for text in (*PRIVATE, installation.client.key.encode()) if text in sent] == []


def test_a_span_has_the_request_id_and_log_lines_have_the_trace_id(
    install: Install, collector: Collector, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("INFO")
    installation = install(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    answer = installation.post()
    installation.work()
    installation.flush()
    post = collector.only("POST /v1/emails")
    assert post.attributes["emailsminder.request_id"] == answer.headers["x-request-id"]
    told = {line["message"]: line.get("trace_id") for line in lines(capsys.readouterr().out)}
    assert told["request"] == told["attempt"] == post.trace_id
    assert told["message"] is None  # behind the attempt, of no one email


def test_the_service_is_called_as_the_variables_say_or_as_its_logs(install: Install, collector: Collector) -> None:
    other = install(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, AWS_LAMBDA_FUNCTION_NAME="emailsminder-dev")
    other.client.get("/v1/emails")
    other.flush()
    assert (
        collector.spans[-1].resource.items()
        >= {
            "service.name": "emailsminder",
            "faas.name": "emailsminder-dev",
        }.items()
    )


def test_monitors_and_documents_leave_no_spans(installation: Installation, collector: Collector) -> None:
    for path in ("/health", "/docs", "/openapi.json", "/"):
        installation.client.get(path, key=None)
    installation.client.get("/v1/emails")
    installation.flush()
    assert [span.name for span in collector.spans] == ["GET /v1/emails"]


def test_a_fault_of_ours_fails_the_span_by_its_class_alone(
    installation: Installation, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("ann.secret@example.net")

    monkeypatch.setattr(type(installation.api.accept.contents), "put_many", broken)
    assert installation.post().status_code == 500
    installation.flush()
    post = collector.only("POST /v1/emails")
    assert (post.has_failed, post.attributes["error.type"]) == (True, "KeyError")
    assert b"ann.secret" not in b"".join(collector.bodies)


def test_fastapi_makes_no_spans_of_its_own(
    installation: Installation, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even if somebody installs a provider for the whole process, as an agent does."""
    from opentelemetry import trace

    provider = installation.api.traces._provider  # type: ignore[attr-defined] # because only the real ones have it
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
    installation.client.get("/v1/emails?recipient=ann.secret@example.net")
    installation.flush()
    assert [span.name for span in collector.spans] == ["GET /v1/emails"]


def test_the_last_spans_are_sent_when_a_process_ends(installation: Installation, collector: Collector) -> None:
    installation.accept()
    installation.api.close()
    assert collector.only("POST /v1/emails")
