"""Sends spans to the collector. One that does not answer costs a second once in a minute, and one line of the log."""

import logging
import time
from collections.abc import Sequence
from threading import Thread
from typing import Final

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from app.domain.outcome import shorten
from app.tracing import FLUSH_WITHIN_S

AGAIN_AFTER_S: Final = 60.0
ANSWER_WITHIN_S: Final = 0.8 * FLUSH_WITHIN_S  # so that the exporter itself mostly says why a batch was not taken

_log = logging.getLogger(__name__)


class Export(SpanExporter):
    """An exporter that drops spans for a minute after a batch was not taken, and says once that it does.

    Otherwise each invocation of a function would wait for a collector that is down.
    """

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner
        self._not_before_s = 0.0
        self._is_failing = False

    @property
    def is_paused(self) -> bool:
        """Whether spans are dropped now."""
        return time.monotonic() < self._not_before_s

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch, or drop it."""
        if self.is_paused:
            return SpanExportResult.FAILURE
        result = self._inner.export(spans)
        if result is SpanExportResult.SUCCESS:
            self._is_failing = False
        else:
            self.pause(_REASONS.last)
        return result

    def pause(self, reason: str) -> None:
        """Drop spans for AGAIN_AFTER_S. It is logged for the first batch that is not taken after one that was."""
        self._not_before_s = time.monotonic() + AGAIN_AFTER_S
        if not self._is_failing:
            _log.warning("traces are not taken", extra={"reason": shorten(reason), "again_after_s": AGAIN_AFTER_S})
        self._is_failing = True

    def flush(self, provider: TracerProvider, within_s: float = FLUSH_WITHIN_S) -> None:
        """Send what `provider` holds. A collector that takes longer than `within_s` is not waited for."""
        if self.is_paused:
            return
        # A thread, because the SDK's force_flush keeps to no time limit (opentelemetry-sdk 1.45.2).
        thread = Thread(target=provider.force_flush, name="traces", daemon=True)
        thread.start()
        thread.join(within_s)
        if thread.is_alive():
            self.pause(f"no answer within {within_s:g} s")


class _Reasons(logging.Handler):
    """Keeps what OpenTelemetry's exporter logs last, which is why a batch was not taken, and lets nobody else log it.

    It would be several lines for each batch.
    """

    def __init__(self) -> None:
        super().__init__()
        self.last = "no reason given"
        logger = logging.getLogger("opentelemetry.exporter")
        logger.handlers, logger.propagate = [self], False

    def emit(self, record: logging.LogRecord) -> None:
        self.last = record.getMessage()


_REASONS: Final = _Reasons()
