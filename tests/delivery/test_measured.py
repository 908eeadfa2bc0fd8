"""What happens to an email is measured: the real verbs, and their metrics read out of the log."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest

from app import logs
from app.domain.counts import Sums
from app.domain.email import Mailbox
from app.domain.head import Status
from app.domain.health import pause
from app.domain.kinds import Cause, Kind
from app.domain.project import of_test_keys
from app.domain.sandbox import DELIVERED_LATE_MS, REPORTS
from app.domain.sandbox_accounts import ACCOUNTS
from tests.infra.template import resources
from tests.support.harness import Harness
from tests.support.outcomes import ACCOUNT, REFUSED, UNAVAILABLE
from tests.support.samples import an_email

Metrics = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def metrics() -> Metrics:
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


def test_failover_goes_on_while_the_first_provider_is_closed(harness: Harness, metrics: Metrics) -> None:
    harness.another_monitor().record_call("sendgrid", ACCOUNT, 1)
    harness.take(an_email())
    harness.work()
    found = merged(metrics())
    assert (found["Failovers"], found["FailoversAccepted"]) == (1, 1)


def test_failover_goes_on_while_the_first_provider_weighs_too_little(harness: Harness, metrics: Metrics) -> None:
    harness.another_monitor().update("sendgrid", lambda health: replace(health, weight=20))
    harness.take(an_email())
    harness.work()
    assert harness.send.providers() == ["mailgun"]
    assert merged(metrics())["FailoversAccepted"] == 1


def test_a_deliberate_pause_is_no_failover(harness: Harness, metrics: Metrics) -> None:
    harness.another_monitor().update("sendgrid", pause)
    harness.take(an_email())
    harness.work()
    assert harness.send.providers() == ["mailgun"]
    assert "Failovers" not in merged(metrics())


def test_an_email_of_another_first_provider_is_no_failover(harness: Harness, metrics: Metrics) -> None:
    harness.take(an_email(providers=("ses",)))
    harness.work()
    assert "Failovers" not in merged(metrics())


def test_an_outage_that_ends_in_expired_is_our_failure(harness: Harness, metrics: Metrics) -> None:
    for provider in ("sendgrid", "mailgun", "ses"):
        harness.send.plan(provider, UNAVAILABLE)
    email_id = harness.take(an_email(expires_at_ms=harness.clock.now_ms + 20_000))
    harness.work()
    harness.later(20)
    assert harness.only(email_id).status is Status.EXPIRED
    assert merged(metrics())["EmailsFailed"] == 1


@pytest.mark.parametrize("kind", [Kind.OPENED, Kind.CLICKED, Kind.COMPLAINED, Kind.DELAYED])
def test_whatever_is_reported_first_counts_as_the_report(harness: Harness, kind: Kind) -> None:
    email_id = harness.take(an_email())
    harness.work()
    minute = harness.clock.now_ms // 60_000
    for each in (kind, Kind.DELIVERED, kind):
        harness.report(harness.event(email_id, each))
        harness.monitor.flush(now=True)
        assert harness.healths.minutes("sendgrid", 0, minute, minute) == Sums(accepted=1, reported=1)


def test_a_delivery_that_was_reported_as_delayed_is_not_slow(harness: Harness) -> None:
    email_id = harness.take(an_email())
    harness.work()
    minute = harness.clock.now_ms // 60_000
    harness.report(harness.event(email_id, Kind.DELAYED))
    harness.clock.advance(3600)
    harness.report(harness.event(email_id, Kind.DELIVERED))
    harness.monitor.flush(now=True)
    assert harness.healths.minutes("sendgrid", 0, minute, minute) == Sums(accepted=1, reported=1)


def test_a_delivery_of_the_future_is_not_slow(harness: Harness) -> None:
    email_id = harness.take(an_email())
    harness.work()
    minute = harness.clock.now_ms // 60_000
    harness.report(replace(harness.event(email_id, Kind.DELIVERED), at_ms=253_402_300_799_999))
    harness.monitor.flush(now=True)
    assert harness.healths.minutes("sendgrid", 0, minute, minute) == Sums(accepted=1, reported=1)


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
    assert metrics() == [{"HardBounceShare": 1}]


def test_a_storm_of_test_mail_is_measured_by_nothing(harness: Harness, metrics: Metrics) -> None:
    """What every alarm of the stack and of an account looks at is read from lines about real mail only."""
    people = tuple(Mailbox(f"{local}@any.example") for local in REPORTS)
    for to in (people, *((one,) for one in people)):
        head = harness.accept(replace(an_email(), to=to), project=of_test_keys("team"), key=None).head
        harness.taken.add(head.email_id)
    harness.work()
    harness.clock.advance(DELIVERED_LATE_MS / 1000)
    harness.work()
    assert {attempt.provider for attempt in harness.head(head.email_id).attempts} == set(ACCOUNTS)  # of failover@
    assert metrics() == []
    for provider in ("sendgrid", "mailgun", "ses"):
        harness.send.plan(provider, REFUSED)
    harness.take(an_email())
    harness.work()
    alarms = resources("AWS::CloudWatch::Alarm").values()
    ours = {alarm["Properties"]["MetricName"] for alarm in alarms if alarm["Properties"]["Namespace"] == "EmailsMinder"}
    assert ours >= {"AcceptedShare", "EmailsFailed", "FailoverShare"}
    assert merged(metrics()).keys() >= {"AcceptedShare", "EmailsFailed", "FailoverShare"}  # of the real one


def test_loggers_of_metrics_are_not_made_louder_than_asked(harness: Harness, metrics: Metrics) -> None:
    logging.getLogger("app.topic").info("not a metric")
    assert metrics() == []
    logs.configure("DEBUG", "emailsminder-test", "EmailsMinder")
    assert logging.getLogger("app.delivery.attempt").isEnabledFor(logging.DEBUG)
