"""What happens to an email is measured: the real verbs, and their metrics read out of the log."""

import json
import logging
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest

from app import logs
from app.domain.kinds import Cause, Kind
from tests.support.harness import Harness
from tests.support.outcomes import REFUSED, UNAVAILABLE
from tests.support.samples import an_email

Metrics = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def metrics(logging_restored: None) -> Metrics:
    """The metrics logged since the last call, one dict a line, under a log that is as quiet as it can be."""
    logs.configure("ERROR", "emailsminder-test", "EmailsMinder")
    (handler,) = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(StringIO())

    def found() -> list[dict[str, Any]]:
        written = handler.setStream(StringIO())
        assert isinstance(written, StringIO)
        lines = [json.loads(line) for line in written.getvalue().splitlines()]
        return [
            {
                metric["Name"]: line[metric["Name"]]
                for directive in line["_aws"]["CloudWatchMetrics"]
                for metric in directive["Metrics"]
            }
            for line in lines
            if "_aws" in line
        ]

    return found


def merged(lines: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: value for line in lines for name, value in line.items()}


def test_email_that_arrives(harness: Harness, metrics: Metrics) -> None:
    email_id = harness.take(an_email())
    harness.clock.advance(2)
    harness.work()
    sent = merged(metrics())
    assert (sent["Attempts"], sent["EmailsSent"], sent["TimeToSent"]) == (1, 1, 2000)
    assert sent.keys().isdisjoint({"Failovers", "FailoversAccepted", "EmailsDelivered", "EmailsFailed"})
    harness.clock.advance(3)
    harness.report(harness.event(email_id, Kind.DELIVERED))
    delivered = merged(metrics())
    assert (delivered["EmailsDelivered"], delivered["TimeToDelivered"]) == (1, 5000)
    harness.report(harness.event(email_id, Kind.DELIVERED))
    assert metrics() == [], "a webhook that comes twice counts once"


def test_failover_that_succeeds(harness: Harness, metrics: Metrics) -> None:
    harness.send.plan("sendgrid", UNAVAILABLE)
    harness.take(an_email())
    harness.work()
    attempts = [line for line in metrics() if "Attempts" in line]
    assert "Failovers" not in attempts[0]
    assert (attempts[1]["Failovers"], attempts[1]["FailoversAccepted"]) == (1, 1)


def test_email_that_nobody_would_carry(harness: Harness, metrics: Metrics) -> None:
    for provider in ("sendgrid", "mailgun", "ses"):
        harness.send.plan(provider, REFUSED)
    harness.take(an_email())
    harness.work()
    found = metrics()
    assert merged(found)["EmailsFailed"] == 1
    assert sum("EmailsFailed" in line for line in found) == 1
    assert all("FailoversAccepted" not in line for line in found)


def test_bounce_is_not_counted_as_our_failure(harness: Harness, metrics: Metrics) -> None:
    email_id = harness.take(an_email())
    harness.work()
    metrics()
    harness.report(harness.event(email_id, Kind.HARD_BOUNCE, cause=Cause.RECIPIENT))
    assert metrics() == []


def test_loggers_of_metrics_are_not_made_louder_than_asked(harness: Harness, metrics: Metrics) -> None:
    logging.getLogger("app.topic").info("not a metric")
    assert metrics() == []
    logs.configure("DEBUG", "emailsminder-test", "EmailsMinder")
    assert logging.getLogger("app.delivery.attempt").isEnabledFor(logging.DEBUG)
