"""Logs: one JSON object per line, with ids, names and durations; never an address, a body or a secret."""

import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from app import metrics

# Libraries that would log URLs, bodies or every connection. Only their warnings and errors are logged.
QUIET = ("httpx", "httpcore", "botocore", "urllib3", "pynamodb", "mangum")


_BOUND: ContextVar[Mapping[str, str]] = ContextVar("bound", default={})  # noqa: B039 because it is never changed


@contextmanager
def bound(**fields: str) -> Iterator[None]:
    """Give each line that is logged within the block these fields, beside those of an outer block. "" gives none.

    A line's own field of the same name wins. Another thread has the fields only if it was given this one's context.
    """
    token = _BOUND.set({**_BOUND.get(), **{name: value for name, value in fields.items() if value}})
    try:
        yield
    finally:
        _BOUND.reset(token)


def _add_bound(record: logging.LogRecord) -> bool:
    """A logging filter that drops no line."""
    for name, value in _BOUND.get().items():
        record.__dict__.setdefault(name, value)
    return True


def configure(level: str, service: str = "emailsminder", metrics_namespace: str = "") -> None:
    """Send every log record of this process to stdout as one line of JSON. Idempotent.

    With a `metrics_namespace`, log lines carry their metrics, and lines with metrics are logged at every `level`.
    """
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(LambdaPowertoolsFormatter(service=service, utc=True))
    handler.addFilter(_add_bound)
    if metrics_namespace:
        handler.addFilter(metrics.Embed(metrics_namespace, service))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in metrics.measured_loggers() if metrics_namespace else ():
        logging.getLogger(name).setLevel(min(root.level, logging.INFO))


def name_traces(trace_id: Callable[[], str]) -> None:
    """Let each line have a `trace_id`, as long as `trace_id` returns one ("": the line is of no trace).

    Call it after `configure`, which makes the handlers anew.
    """

    def add(record: logging.LogRecord) -> bool:
        if found := trace_id():
            record.trace_id = found
        return True

    for handler in logging.getLogger().handlers:
        handler.addFilter(add)
