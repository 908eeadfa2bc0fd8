"""Whether an email is traced is decided once, by its request: by the caller's flag or by OTEL_TRACES_SAMPLER."""

from collections.abc import Callable

import pytest

from app.store.head_items import PART, HeadItem
from tests.support.collector import Collector
from tests.tracing.conftest import Installation, caller

Install = Callable[..., Installation]
pytestmark = pytest.mark.usefixtures("patient")


def attribute(email_id: str) -> str | None:
    return HeadItem.get(email_id, PART, consistent_read=True).traceparent


def walk(installation: Installation, **headers: str) -> str:
    """An email's whole way. Returns its id."""
    email_id = installation.accept(**headers)
    installation.work()
    assert installation.report((email_id, 1), provider="sendgrid").status_code == 200
    installation.flush()
    return email_id


def of_the_email(collector: Collector) -> list[str]:
    return [span.name for span in collector.spans if span.name != "POST /v1/webhooks/{provider}"]


def test_a_sampled_email_keeps_its_context(install: Install, collector: Collector) -> None:
    trace_id, traceparent = caller()
    email_id = walk(install(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url), traceparent=traceparent)
    stored = attribute(email_id)
    assert stored == f"00-{trace_id}-{collector.only('POST /v1/emails').span_id}-01"
    assert len("traceparent") + len(stored) == 66  # as docs/storage.md says


def test_what_the_caller_does_not_record_leaves_nothing(install: Install, collector: Collector) -> None:
    _, traceparent = caller(is_sampled=False)
    email_id = walk(install(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url), traceparent=traceparent)
    assert (attribute(email_id), of_the_email(collector)) == (None, [])


def test_what_the_sampler_leaves_out_leaves_nothing(install: Install, collector: Collector) -> None:
    only_callers = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}
    installation = install(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **only_callers)
    email_id = walk(installation)
    assert (attribute(email_id), collector.spans) == (None, [])
    walk(installation, traceparent=caller()[1])
    assert set(of_the_email(collector)) == {
        *("POST /v1/emails", "publish", "attempt", "call sendgrid", "webhook sendgrid")
    }


@pytest.mark.parametrize(
    "malformed",
    [
        "",
        "00-zz-00f067aa0ba902b7-01",
        f"00-{32 * '0'}-00f067aa0ba902b7-01",
        f"00-{32 * 'a'}-{16 * '0'}-01",
        f"ff-{32 * 'a'}-{16 * 'b'}-01",
        f"00-{32 * 'a'}-{16 * 'b'}-01-more",
        5000 * "0",
    ],
)
def test_a_malformed_context_begins_a_trace(install: Install, collector: Collector, malformed: str) -> None:
    installation = install(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    email_id = installation.accept(traceparent=malformed)
    installation.flush()
    post = collector.only("POST /v1/emails")
    assert post.parent == ""
    assert installation.stored(email_id) == f"00-{post.trace_id}-{post.span_id}-03"  # sampled, and random


def test_of_two_contexts_none_is_believed(install: Install, collector: Collector) -> None:
    installation = install(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    headers = [("Authorization", f"Bearer {installation.client.key}"), *(("traceparent", caller()[1]) for _ in "12")]
    installation.client.request("GET", "/v1/emails", key=None, headers=headers)
    installation.flush()
    assert collector.only("GET /v1/emails").parent == ""


def test_a_stored_context_that_is_damaged_stops_nothing(install: Install, collector: Collector) -> None:
    installation = install(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    email_id = installation.accept()
    item = HeadItem.get(email_id, PART, consistent_read=True)
    item.traceparent = "nonsense"
    item.save()
    assert installation.work() == 1
    assert installation.report((email_id, 1), provider="sendgrid").status_code == 200
    installation.flush()
    assert collector.named("attempt") == collector.named("webhook sendgrid") == []


def test_a_replay_is_in_its_own_trace_and_leaves_that_of_the_email(install: Install, collector: Collector) -> None:
    installation = install(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    first = installation.accept(**{"Idempotency-Key": "order-2"})
    stored = installation.stored(first)
    assert installation.post(**{"Idempotency-Key": "order-2"}).json()["id"] == first
    installation.flush()
    assert installation.stored(first) == stored
    assert len({span.trace_id for span in collector.named("POST /v1/emails")}) == 2


def test_an_email_of_before_is_not_traced_later(install: Install, collector: Collector) -> None:
    email_id = install().accept()
    traced = install(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    traced.worker.attempt(email_id, 1)
    traced.flush()
    assert (attribute(email_id), collector.spans) == (None, [])
