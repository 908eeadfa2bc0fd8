"""A collector that is down, hangs or refuses costs no email anything but a second a minute, and one line of the log."""

import logging
import threading
import time
from collections.abc import Callable

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from app import logs
from app.telemetry.export import AGAIN_AFTER_S, ANSWER_WITHIN_S, Export
from tests.conftest import free_port
from tests.support.collector import Collector
from tests.tracing.conftest import Installation, lines

Install = Callable[..., Installation]
ON_LAMBDA = {"AWS_LAMBDA_FUNCTION_NAME": "emailsminder-test"}


def of_traces(out: str) -> list[str]:
    return [line["reason"] for line in lines(out) if line["message"] == "traces are not taken"]


def emails(installation: Installation, count: int) -> None:
    """Accept emails and make their attempts, each followed by a flush as on Lambda."""
    for _ in range(count):
        installation.accept()
        installation.api.traces.flush()
        assert installation.work() == 1
        installation.worker.traces.flush()


def test_a_collector_that_is_down(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    installation = install(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}", **ON_LAMBDA)
    emails(installation, 3)
    out = capsys.readouterr().out
    assert len(of_traces(out)) == 2  # of the API and of the worker
    assert "opentelemetry" not in {line["logger"].partition(".")[0] for line in lines(out) if "logger" in line}
    assert len(installation.providers.calls) == 3


def test_a_collector_that_hangs_is_waited_for_once(
    install: Install, collector: Collector, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("INFO")
    collector.answers.clear()
    installation = install(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **ON_LAMBDA)
    waits_s = []
    for _ in range(4):
        installation.accept()
        began = time.monotonic()
        installation.api.traces.flush()
        waits_s.append(time.monotonic() - began)
    assert waits_s[0] >= ANSWER_WITHIN_S
    assert max(waits_s) < 30, "it hangs until the end of the test"
    assert len(collector.requests) <= 1, "nothing is sent to it again"
    assert len(of_traces(capsys.readouterr().out)) == 1


@pytest.mark.usefixtures("patient_flush")
@pytest.mark.parametrize("status", [401, 503])
def test_a_collector_that_refuses_is_named_with_its_status(
    install: Install, collector: Collector, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    logs.configure("INFO")
    collector.status = status
    installation = install(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **ON_LAMBDA)
    installation.accept()
    installation.api.traces.flush()
    installation.accept()
    installation.api.traces.flush()
    (reason,) = of_traces(capsys.readouterr().out)
    assert "Failed to export" in reason
    assert len(collector.requests) == 1


class Stuck(SpanExporter):
    """An exporter that keeps to no time limit, as over a connection on which a byte comes now and then."""

    def __init__(self) -> None:
        self.ends = threading.Event()

    def export(self, _: object) -> SpanExportResult:
        self.ends.wait()
        return SpanExportResult.SUCCESS


def test_a_flush_ends_in_time_whatever_the_exporter_does(caplog: pytest.LogCaptureFixture) -> None:
    stuck, provider = Stuck(), TracerProvider(shutdown_on_exit=False)
    under_test = Export(stuck)
    provider.add_span_processor(BatchSpanProcessor(under_test))
    for _ in range(3):
        provider.get_tracer("test").start_span("x").end()
        under_test.flush(provider, within_s=0.01)
    assert [record.reason for record in caplog.records] == ["no answer within 0.01 s"]  # type: ignore[attr-defined] # because logging does not know it
    stuck.ends.set()
    provider.shutdown()


class Switch(SpanExporter):
    """An exporter that takes what it gets, or does not."""

    def __init__(self) -> None:
        self.takes, self.taken = False, 0

    def export(self, _: object) -> SpanExportResult:
        self.taken += self.takes
        return SpanExportResult.SUCCESS if self.takes else SpanExportResult.FAILURE


def test_it_is_asked_again_after_a_minute_and_told_again_only_after_it_worked(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now_s = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now_s[0])
    switch, provider = Switch(), TracerProvider(shutdown_on_exit=False)
    under_test = Export(switch)
    provider.add_span_processor(BatchSpanProcessor(under_test))

    def one() -> None:
        provider.get_tracer("test").start_span("x").end()
        under_test.flush(provider, within_s=60)

    def told() -> int:
        return len([record for record in caplog.records if record.message == "traces are not taken"])

    with caplog.at_level(logging.WARNING):
        one()
        assert (told(), under_test.is_paused) == (1, True)
        switch.takes = True
        one()
        assert switch.taken == 0
        now_s[0] += AGAIN_AFTER_S
        one()
        assert (switch.taken, told()) == (1, 1)
        switch.takes = False
        one()
        now_s[0] += AGAIN_AFTER_S
        one()
        assert told() == 2
    provider.shutdown()
