"""What happens to an email is measured: the real verbs, and their metrics read out of the log."""

import json
import logging
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest

from app import logs
from app.domain.kinds import Cause, Kind
from tests.support.desk import Desk
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


def test_email_that_arrives(desk: Desk, metrics: Metrics) -> None:
    email_id = desk.take(an_email())
    desk.clock.advance(2)
    desk.work()
    sent = merged(metrics())
    assert (sent["Attempts"], sent["EmailsSent"], sent["TimeToSent"]) == (1, 1, 2000)
    assert sent.keys().isdisjoint({"Failovers", "FailoversAccepted", "EmailsDelivered", "EmailsFailed"})
    desk.clock.advance(3)
    desk.report(desk.event(email_id, Kind.DELIVERED))
    delivered = merged(metrics())
    assert (delivered["EmailsDelivered"], delivered["TimeToDelivered"]) == (1, 5000)
    desk.report(desk.event(email_id, Kind.DELIVERED))
    assert metrics() == [], "a webhook that comes twice counts once"


def test_failover_that_succeeds(desk: Desk, metrics: Metrics) -> None:
    desk.post.plan("sendgrid", UNAVAILABLE)
    desk.take(an_email())
    desk.work()
    attempts = [line for line in metrics() if "Attempts" in line]
    assert "Failovers" not in attempts[0]
    assert (attempts[1]["Failovers"], attempts[1]["FailoversAccepted"]) == (1, 1)


def test_email_that_nobody_would_carry(desk: Desk, metrics: Metrics) -> None:
    for provider in ("sendgrid", "mailgun", "ses"):
        desk.post.plan(provider, REFUSED)
    desk.take(an_email())
    desk.work()
    found = metrics()
    assert merged(found)["EmailsFailed"] == 1
    assert sum("EmailsFailed" in line for line in found) == 1
    assert all("FailoversAccepted" not in line for line in found)


def test_bounce_is_not_counted_as_our_failure(desk: Desk, metrics: Metrics) -> None:
    email_id = desk.take(an_email())
    desk.work()
    metrics()
    desk.report(desk.event(email_id, Kind.DEAD, cause=Cause.RECIPIENT))
    assert metrics() == []


def test_loggers_of_metrics_are_not_made_louder_than_asked(desk: Desk, metrics: Metrics) -> None:
    logging.getLogger("app.topic").info("not a metric")
    assert metrics() == []
    logs.configure("DEBUG", "emailsminder-test", "EmailsMinder")
    assert logging.getLogger("app.delivery.attempt").isEnabledFor(logging.DEBUG)
