"""Metrics: each is a view of a log line.

CloudWatch reads metrics out of log lines that carry an `_aws` object (the embedded metric format,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
The lines that we log anyway have what there is to measure in their fields, so VIEWS says which fields are metrics, and
`Embed` adds the object. The code logs; it does not count. One line instead of two, and nothing to call.

What AWS measures by itself (requests, 4xx, 5xx, published messages, invocations, dead letters) is not measured again.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class View:
    """One metric. `value` finds it in the fields of a line; None: this line says nothing about it.

    `dimensions` are fields by which it is told apart. Each combination of their values is a metric that costs money:
    only names with few values, never ids.
    """

    name: str
    unit: str
    value: Callable[[Fields], float | None]
    dimensions: tuple[str, ...] = ()


def _one(fields: Fields) -> float:  # noqa: ARG001 because every line of its kind counts
    return 1


def _one_if(condition: Callable[[Fields], object]) -> Callable[[Fields], float | None]:
    return lambda fields: 1 if condition(fields) else None


# (logger, message) -> what that line measures.
VIEWS: dict[tuple[str, str], tuple[View, ...]] = {
    ("app.api.request_log", "request"): (
        View("Requests2xx", "Count", _one_if(lambda line: 200 <= line["status"] < 300)),
    ),
    ("workers.attempts", "message"): (
        View("MessagesProcessed", "Count", _one),
        View("MessagesFailed", "Count", _one_if(lambda line: line["failed"])),
        View("QueueAge", "Milliseconds", lambda line: line["age_ms"]),
    ),
    ("app.delivery.attempt", "attempt"): (
        View("Attempts", "Count", _one, ("provider", "outcome")),
        View("AttemptTime", "Milliseconds", lambda line: line["ms"], ("provider",)),
        View("Failovers", "Count", _one_if(lambda line: line["failover"])),
        View("FailoversAccepted", "Count", _one_if(lambda line: line["failover"] and line["outcome"] == "accepted")),
    ),
    ("app.delivery.monitor", "health"): (
        View("BreakersOpened", "Count", _one_if(lambda line: line["breaker_opened"])),
        View("ProvidersSilent", "Count", _one_if(lambda line: line["fell_silent"])),
        View("Weight", "None", lambda line: line["weight"], ("provider",)),
    ),
    ("app.delivery.rewrite", "status"): (
        View("EmailsSent", "Count", _one_if(lambda line: line["is"] == "sent")),
        View("EmailsDelivered", "Count", _one_if(lambda line: line["is"] == "delivered")),
        View("EmailsFailed", "Count", _one_if(lambda line: line["given_up"])),
        View("TimeToSent", "Milliseconds", lambda line: line["age_ms"] if line["is"] == "sent" else None),
        View("TimeToDelivered", "Milliseconds", lambda line: line["age_ms"] if line["is"] == "delivered" else None),
    ),
}


class Embed(logging.Filter):
    """Adds the metrics of a line to it. Lines without metrics pass as they are."""

    def __init__(self, namespace: str, service: str) -> None:
        """Count in `namespace`, with the dimension `service`: CloudWatch's names for them."""
        super().__init__()
        self._namespace = namespace
        self._service = service

    def filter(self, record: logging.LogRecord) -> bool:
        """Add; always lets the line pass."""
        views = VIEWS.get((record.name, str(record.msg)))
        if views:
            record.__dict__.update(self._embedded(views, record.__dict__, int(record.created * 1000)))
        return True

    def _embedded(self, views: tuple[View, ...], fields: Fields, at_ms: int) -> dict[str, Any]:
        values = {view.name: view.value(fields) for view in views}
        by_dimensions: dict[tuple[str, ...], list[dict[str, str]]] = {}
        for view in views:
            if values[view.name] is not None:
                by_dimensions.setdefault(view.dimensions, []).append({"Name": view.name, "Unit": view.unit})
        if not by_dimensions:
            return {}
        directives = [
            {"Namespace": self._namespace, "Dimensions": [["service", *dimensions]], "Metrics": metrics}
            for dimensions, metrics in by_dimensions.items()
        ]
        measured = {name: value for name, value in values.items() if value is not None}
        return {
            "service": self._service,
            **measured,
            "_aws": {"Timestamp": at_ms, "CloudWatchMetrics": directives},
        }


def measured_loggers() -> set[str]:
    """The loggers whose lines are metrics: they must not be turned down with the others."""
    return {name for name, _ in VIEWS}
