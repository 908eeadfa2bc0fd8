"""Metrics: each one is read from the fields of a log line.

CloudWatch reads metrics out of log lines that carry an `_aws` object (the embedded metric format,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
The fields of the log lines already hold everything that is to be measured, so VIEWS says which fields are metrics, and
`Embed` adds the object to the line. No other code knows about metrics: it writes log lines only.

What AWS measures by itself (requests, 4xx, 5xx, published messages, invocations, dead letters) is not measured again.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class View:
    """One metric. `value` reads it from the fields of a log line, and returns None if the line does not have it.

    `dimensions` are the fields by which the metric is split. AWS charges for each combination of their values, so
    they must have few values: names, never ids.
    """

    name: str
    unit: str
    value: Callable[[Fields], float | None]
    dimensions: tuple[str, ...] = ()


def _one(fields: Fields) -> float:  # noqa: ARG001 because every such line counts, whatever its fields are
    return 1


def _one_if(condition: Callable[[Fields], object]) -> Callable[[Fields], float | None]:
    return lambda fields: 1 if condition(fields) else None


def _is_first_call(line: Fields) -> bool:
    return bool(line["is_called"]) and line["number"] == 1 and not line["was_held_back"]


def _share_of(kind: str) -> Callable[[Fields], float | None]:
    """Its average is the share of `kind` in what was reported of copies that were delivered, or were `kind`."""
    return lambda line: {kind: 1, "delivered": 0}.get(line["kind"]) if line["proves_anew"] else None


# What a provider reports, verified, of nobody that we know.
_UNATTRIBUTED = View("ReportsUnattributed", "Count", lambda line: line.get("events", 1), ("provider",))

# What a sweep or a list had to leave out so that it could go on with the rest.
_PASSED_OVER = View("ItemsPassedOver", "Count", _one)

# A verdict of the bounce reader, by the rule that decided.
_JUDGED = View("ReportsJudged", "Count", _one, ("provider", "rule"))

# (logger, message) -> the metrics of that log line.
VIEWS: dict[tuple[str, str], tuple[View, ...]] = {
    ("app.api.request_log", "request"): (
        View("Requests2xx", "Count", _one_if(lambda line: 200 <= line["status"] < 300)),
    ),
    ("workers.attempts", "message"): (
        View("MessagesProcessed", "Count", _one),
        View("MessagesFailed", "Count", _one_if(lambda line: line["failed"])),
        View("QueueAge", "Milliseconds", lambda line: line["age_ms"], ("lane",)),
    ),
    ("app.delivery.attempt", "attempt"): (
        View("Attempts", "Count", _one, ("provider", "outcome")),
        View("AttemptTime", "Milliseconds", lambda line: line["ms"], ("provider",)),
        View("Failovers", "Count", _one_if(lambda line: line["failover"])),
        View("FailoversAccepted", "Count", _one_if(lambda line: line["failover"] and line["outcome"] == "accepted")),
        View("FailoverShare", "None", lambda line: int(bool(line["failover"]) and line["outcome"] == "accepted")),
        View("AcceptedShare", "None", lambda line: int(line["outcome"] == "accepted")),
    ),
    ("app.delivery.attempt", "waits for a limit"): (
        View("LimitWaits", "Count", _one, ("provider", "limit")),
        View("CapsReached", "Count", _one_if(lambda line: line["limit"] in ("daily_cap", "quota"))),
    ),
    ("app.delivery.guard", "runaway"): (View("RunawaysSlowed", "Count", lambda line: line["refused"]),),
    ("app.delivery.monitor", "health"): (
        View("BreakersOpened", "Count", _one_if(lambda line: line["breaker_opened"])),
        View("ProvidersSilent", "Count", _one_if(lambda line: line["fell_silent"])),
        View("WebhooksFailing", "Count", _one_if(lambda line: line["webhooks_began_to_fail"])),
        View("Weight", "None", lambda line: line["weight"], ("provider",)),
    ),
    ("app.delivery.record", "event"): (
        View("HardBounceShare", "None", _share_of("hard_bounce"), ("provider",)),
        View("ComplaintShare", "None", _share_of("complained"), ("provider",)),
    ),
    ("app.notify.tries", "notification"): (
        View("NotificationsPosted", "Count", _one_if(lambda line: line["is_called"])),
        View("NotificationsFailed", "Count", _one_if(lambda line: line["outcome"] == "later")),
        View("NotificationsHeldBack", "Count", _one_if(lambda line: line["outcome"] == "held_back")),
        View("NotificationsGivenUp", "Count", _one_if(lambda line: line["outcome"] == "given_up")),
        # How late the first try is: its queue, or this worker, does not keep up. All others wait for a receiver.
        View("NotificationAge", "Milliseconds", lambda line: line["age_ms"] if _is_first_call(line) else None),
        View("PostTime", "Milliseconds", lambda line: line["ms"] if line["is_called"] else None),
    ),
    ("app.notify.endpoint_state", "endpoint disabled"): (View("EndpointsDisabled", "Count", _one),),
    ("app.notify.publish_changes", "record passed over"): (_PASSED_OVER,),
    ("app.notify.publish_changes", "changes published"): (
        View("ChangesPublished", "Count", lambda line: line["changes"]),
        View("ChangesFailed", "Count", lambda line: line["failed"]),
    ),
    ("app.delivery.sweep", "part of a sweep failed"): (_PASSED_OVER,),
    ("app.store.head_items", "head cannot be read"): (_PASSED_OVER,),
    ("app.store.item_values", "item cannot be read"): (_PASSED_OVER,),
    ("app.delivery.record", "webhook for an unknown email"): (_UNATTRIBUTED,),
    ("app.delivery.record", "webhook for an unknown attempt"): (_UNATTRIBUTED,),
    ("app.providers.sdk.bounces", "report judged"): (_JUDGED,),
    ("app.providers.sdk.unattributed", "event left out"): (_UNATTRIBUTED,),
    ("app.providers.sdk.unattributed", "report about several people"): (_UNATTRIBUTED,),
    ("app.delivery.rewrite", "status"): (
        View("EmailsSent", "Count", _one_if(lambda line: line["is"] == "sent")),
        View("EmailsDelivered", "Count", _one_if(lambda line: line["is"] == "delivered")),
        View("EmailsFailed", "Count", _one_if(lambda line: line["given_up"])),
        View("TimeToSent", "Milliseconds", lambda line: line["age_ms"] if line["is"] == "sent" else None),
        View("TimeToDelivered", "Milliseconds", lambda line: line["age_ms"] if line["is"] == "delivered" else None),
    ),
}


class Embed(logging.Filter):
    """A logging filter that adds the values of its metrics to each line in VIEWS, and leaves all others as they are.

    A line about test mail has the field `test`, and no metrics: a storm of bounces that somebody plays rings no alarm.
    Beside the values stands the `_aws` object that makes CloudWatch read them out of the log (its embedded metric
    format).
    """

    def __init__(self, namespace: str, service: str) -> None:
        """Put the metrics in CloudWatch's `namespace`, each with the dimension `service`."""
        super().__init__()
        self._namespace = namespace
        self._service = service

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the metrics to `record`. Always returns True: no line is dropped."""
        views = VIEWS.get((record.name, str(record.msg)))
        if views and not record.__dict__.get("test"):
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
    """The loggers whose lines hold metrics. They must log INFO even if LOG_LEVEL is higher."""
    return {name for name, _ in VIEWS}
