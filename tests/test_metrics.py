"""Metrics as views of log lines."""

import json
import logging
from io import StringIO
from typing import Any

import pytest
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from app.metrics import VIEWS, Embed, measured_loggers


def written(name: str, message: str, **fields: Any) -> dict[str, Any]:
    """The line as CloudWatch reads it."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LambdaPowertoolsFormatter(service="emailsminder-test"))
    handler.addFilter(Embed("EmailsMinder", "emailsminder-test"))
    record = logging.makeLogRecord({"name": name, "msg": message, "levelno": logging.INFO, **fields})
    handler.handle(record)
    return dict(json.loads(stream.getvalue()))


def measured(line: dict[str, Any]) -> dict[tuple[str, ...], Any]:
    """(metric, *dimension names) -> value, as the embedded metric format has it read."""
    found = {}
    for directive in line["_aws"]["CloudWatchMetrics"]:
        assert directive["Namespace"] == "EmailsMinder"
        for dimensions in directive["Dimensions"]:
            assert all(isinstance(line[name], str) for name in dimensions), "a dimension is a string of the line"
            for metric in directive["Metrics"]:
                found[(metric["Name"], *dimensions)] = line[metric["Name"]]
    return found


ATTEMPT = {"provider": "mailgun", "outcome": "accepted", "ms": 120, "failover": True}


def test_attempt_is_counted_by_provider_and_outcome() -> None:
    line = written("app.delivery.attempt", "attempt", **ATTEMPT)
    assert measured(line) == {
        ("Attempts", "service", "provider", "outcome"): 1,
        ("AttemptTime", "service", "provider"): 120,
        ("Failovers", "service"): 1,
        ("FailoversAccepted", "service"): 1,
        ("FailoverShare", "service"): 1,
        ("AcceptedShare", "service"): 1,
    }
    assert line["service"] == "emailsminder-test"
    assert isinstance(line["_aws"]["Timestamp"], int)


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"failover": False}, {"Failovers", "FailoversAccepted"}),
        ({"outcome": "unavailable"}, {"FailoversAccepted"}),
    ],
)
def test_what_is_no_failover_is_not_counted_as_one(change: dict[str, Any], missing: set[str]) -> None:
    line = written("app.delivery.attempt", "attempt", **{**ATTEMPT, **change})
    names = {name for name, *_ in measured(line)}
    assert names.isdisjoint(missing)
    always = {"Attempts", "AttemptTime", "FailoverShare", "AcceptedShare"}
    assert names | missing == always | {"Failovers", "FailoversAccepted"}


@pytest.mark.parametrize(
    ("change", "failover", "accepted"),
    [({}, 1, 1), ({"failover": False}, 0, 1), ({"outcome": "unavailable"}, 0, 0)],
)
def test_every_attempt_counts_in_the_shares(change: dict[str, Any], failover: int, accepted: int) -> None:
    line = written("app.delivery.attempt", "attempt", **{**ATTEMPT, **change})
    assert (line["FailoverShare"], line["AcceptedShare"]) == (failover, accepted)


@pytest.mark.parametrize(
    ("kind", "shares"),
    [
        ("delivered", {"HardBounceShare": 0, "ComplaintShare": 0}),
        ("hard_bounce", {"HardBounceShare": 1}),
        ("complained", {"ComplaintShare": 1}),
        ("opened", {}),
    ],
)
def test_shares_of_an_account_are_those_of_what_ended(kind: str, shares: dict[str, int]) -> None:
    assert "_aws" not in written("app.delivery.record", "event", provider="ses", kind=kind, proves_anew=False)
    line = written("app.delivery.record", "event", provider="ses", kind=kind, proves_anew=True)
    found = measured(line) if "_aws" in line else {}
    assert found == {(name, "service", "provider"): value for name, value in shares.items()}


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"is": "sent", "given_up": 0}, {"EmailsSent", "TimeToSent"}),
        ({"is": "delivered", "given_up": 0}, {"EmailsDelivered", "TimeToDelivered"}),
        ({"is": "failed", "given_up": 1}, {"EmailsFailed"}),
        ({"is": "partially_delivered", "given_up": 2}, {"EmailsFailed"}),
    ],
)
def test_what_became_of_an_email(fields: dict[str, Any], names: set[str]) -> None:
    line = written("app.delivery.rewrite", "status", age_ms=1500, **fields)
    assert {name for name, *_ in measured(line)} == names


def test_bounce_is_not_our_failure() -> None:
    assert "_aws" not in written("app.delivery.rewrite", "status", age_ms=1500, given_up=0, **{"is": "failed"})


def test_message_of_unknown_age_is_still_counted() -> None:
    line = written("workers.attempts", "message", failed=True, age_ms=None)
    assert measured(line) == {("MessagesProcessed", "service"): 1, ("MessagesFailed", "service"): 1}


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"outcome": "taken"}, {"NotificationsPosted", "NotificationAge", "PostTime"}),
        ({"outcome": "taken", "number": 2}, {"NotificationsPosted", "PostTime"}),
        ({"outcome": "taken", "was_held_back": True}, {"NotificationsPosted", "PostTime"}),
        ({"outcome": "later"}, {"NotificationsPosted", "NotificationsFailed", "NotificationAge", "PostTime"}),
        ({"outcome": "held_back", "is_called": False}, {"NotificationsHeldBack"}),
        ({"outcome": "given_up", "number": 13}, {"NotificationsPosted", "NotificationsGivenUp", "PostTime"}),
        ({"outcome": "given_up", "test": True}, set()),
        ({"outcome": "taken", "test": True}, set()),
    ],
)
def test_what_became_of_a_notification(fields: dict[str, Any], names: set[str]) -> None:
    known = {"is_called": True, "number": 1, "was_held_back": False, "age_ms": 20, "ms": 30, "test": False}
    line = written("app.notify.tries", "notification", **{**known, **fields})
    assert {name for name, *_ in (measured(line) if "_aws" in line else {})} == names


def test_an_endpoint_that_is_disabled_is_counted() -> None:
    line = written("app.notify.endpoint_state", "endpoint disabled", endpoint_id="ep_1", test=False)
    assert measured(line) == {("EndpointsDisabled", "service"): 1}


@pytest.mark.parametrize(("status", "counts"), [(199, False), (200, True), (299, True), (300, False), (503, False)])
def test_success_of_a_request(status: int, counts: bool) -> None:
    assert ("_aws" in written("app.api.request_log", "request", status=status)) is counts


def test_other_lines_pass_as_they_are() -> None:
    line = written("app.delivery.attempt", "nothing to send", email_id="eml_1")
    assert line["message"] == "nothing to send"
    assert "_aws" not in line


def test_no_metric_has_two_meanings() -> None:
    names = [view.name for view in {view for views in VIEWS.values() for view in views}]  # lines may share a metric
    assert len(names) == len(set(names))
    assert measured_loggers() == {name for name, _ in VIEWS}


@pytest.mark.parametrize(
    ("name", "message", "fields", "count"),
    [
        ("app.delivery.record", "webhook for an unknown email", {"events": 3}, 3),
        ("app.delivery.record", "webhook for an unknown attempt", {"events": 2}, 2),
        ("app.providers.sdk.unattributed", "event left out", {}, 1),
        ("app.providers.sdk.unattributed", "report about several people", {}, 1),
    ],
)
def test_what_cannot_be_attributed_is_counted_by_provider(
    name: str, message: str, fields: dict[str, Any], count: int
) -> None:
    line = written(name, message, provider="ses", **fields)
    assert measured(line) == {("ReportsUnattributed", "service", "provider"): count}


def test_a_verdict_is_counted_by_provider_and_rule() -> None:
    line = written(
        "app.providers.sdk.bounces", "report judged", provider="ses", rule="other-code", proven="soft bounce"
    )
    assert measured(line) == {("ReportsJudged", "service", "provider", "rule"): 1}


@pytest.mark.parametrize(("name", "message"), VIEWS)
def test_no_metric_is_read_from_a_line_about_test_mail(name: str, message: str) -> None:
    line = written(name, message, test=True, **ATTEMPT)
    assert line["test"] is True
    assert "_aws" not in line
