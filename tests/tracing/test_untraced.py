"""Without a collector nothing of tracing is loaded, stored or asked."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.store.head_items import PART, HeadItem
from app.tracing import NO_SPAN, UNTRACED, Kind
from tests.tracing.conftest import Installation

ROOT = Path(__file__).parents[2]

CONNECTED = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
before = set(sys.modules)
from app.wiring.process import connect
env = {"AWS_REGION": "us-east-1", "TOPIC_ARN": "arn:aws:sns:us-east-1:1:topic", "CONTENT_BUCKET": "content"}
env |= {"ADDRESS_SECRET": 32 * "x", "PROVIDERS": "sendgrid", "SENDGRID_API_KEY": "SG.x", **json.loads(sys.argv[2])}
connect(env)
print(json.dumps(sorted(sys.modules)))
"""
ONLY_WITH_TRACES = ("opentelemetry.sdk", "opentelemetry.exporter", "opentelemetry.proto", "google.protobuf", "requests")


def loaded(door: str, **variables: str) -> set[str]:
    command = [sys.executable, "-c", CONNECTED, door, json.dumps(variables)]
    done = subprocess.run(command, cwd=ROOT, env={}, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def of_traces(modules: set[str]) -> set[str]:
    return {name for name in modules if name.startswith((*ONLY_WITH_TRACES, "app.telemetry"))}


@pytest.mark.parametrize("door", ["app.main", "workers.attempts", "workers.sweep"])
def test_a_process_loads_nothing_of_it(door: str) -> None:
    modules = loaded(door, OTEL_SERVICE_NAME="mail", OTEL_TRACES_SAMPLER="always_on")
    assert of_traces(modules) == set()
    if door != "app.main":  # where FastAPI itself imports the API of OpenTelemetry, without the SDK
        assert {name for name in modules if name.startswith("opentelemetry")} == set()


def test_with_a_collector_it_is_loaded() -> None:
    modules = loaded("workers.attempts", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert {"app.telemetry.spans", "opentelemetry.sdk.trace"} <= of_traces(modules)


def test_the_head_has_no_attribute_for_it(install: Callable[..., Installation]) -> None:
    installation = install()
    email_id = installation.accept(traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    assert installation.work() == 1
    assert installation.api.traces is installation.worker.traces is UNTRACED
    stored = HeadItem._get_connection().get_item(email_id, PART, consistent_read=True)["Item"]
    assert "traceparent" not in stored


def test_a_span_that_nobody_records_takes_everything_and_keeps_nothing() -> None:
    with UNTRACED.request("GET", "", {}) as span, UNTRACED.span("call", Kind.CLIENT, {}) as inner:
        for one in (span, inner, UNTRACED.current()):
            assert one is NO_SPAN
            one.rename("other")
            one.note({"a": 1})
            one.fail("why")
            assert one.traceparent == ""
    UNTRACED.flush()
