"""Logs: one JSON object per line, with ids, names and durations; never an address, a body or a secret."""

import logging
import sys
from collections.abc import Callable

from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from app import metrics

# Libraries that would log URLs, bodies or every connection. Only their warnings and errors are logged.
QUIET = ("httpx", "httpcore", "botocore", "urllib3", "pynamodb", "mangum")


def configure(level: str, service: str = "emailsminder", metrics_namespace: str = "") -> None:
    """Send every log record of this process to stdout as one line of JSON. Idempotent.

    With a `metrics_namespace`, log lines carry their metrics, and lines with metrics are logged at every `level`.
    """
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(LambdaPowertoolsFormatter(service=service, utc=True))
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
