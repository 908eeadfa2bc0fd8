"""Two accounts at one provider: each sends, fails, reports and is paused by itself."""

import json
import time
from typing import Any

import pytest

from app.local.simulator.accounts import open_account
from tests.providers.sendgrid.simulator_case import signed_webhook
from tests.support.installation import Installation

pytestmark = pytest.mark.full  # an installation of its own

ACCOUNTS = ("sendgrid", "sendgrid:eu")


@pytest.fixture
def installation(two_accounts: Installation) -> Installation:
    """Both accounts work, and the inbox is empty."""
    two_accounts.calm()
    return two_accounts


def _outcomes(story: dict[str, Any]) -> list[tuple[str, str]]:
    return [(attempt["provider"], attempt["outcome"]) for attempt in story["attempts"]]


def _health(installation: Installation) -> dict[str, dict[str, Any]]:
    return {health["name"]: health for health in installation.api.get("/v1/providers").json()["providers"]}


def _metrics(installation: Installation, email_id: str) -> list[tuple[str, str]]:
    """The account and the outcome of each metric of an attempt at this email."""
    lines = [json.loads(line) for line in installation.log.read_text().splitlines() if line.startswith("{")]
    attempts = [line for line in lines if line.get("email_id") == email_id and "Attempts" in line]
    assert all(
        ["service", "provider", "outcome"] in metrics["Dimensions"]
        for line in attempts
        for metrics in line["_aws"]["CloudWatchMetrics"]
        if {"Name": "Attempts", "Unit": "Count"} in metrics["Metrics"]
    )
    return [(line["provider"], line["outcome"]) for line in attempts]


@pytest.mark.parametrize("account", ACCOUNTS)
def test_an_email_for_one_account_is_sent_and_reported_by_that_one(installation: Installation, account: str) -> None:
    email_id = installation.send(providers=[account])
    story = installation.ended(email_id)
    assert (story["status"], _outcomes(story)) == ("delivered", [(account, "accepted")])
    assert [(event["kind"], event["provider"]) for event in story["events"]] == [("delivered", account)]
    assert [message["provider"] for message in installation.inbox(email_id)] == [account]


def test_when_one_breaks_the_other_takes_over(installation: Installation) -> None:
    installation.fault("sendgrid", "unauthorized")
    email_id = installation.send()
    story = installation.ended(email_id)
    called = [("sendgrid", "unavailable"), ("sendgrid:eu", "accepted")]
    assert (story["status"], _outcomes(story)) == ("delivered", called)
    assert {event["provider"] for event in story["events"]} == {"sendgrid:eu"}
    assert [message["provider"] for message in installation.inbox(email_id)] == ["sendgrid:eu"]
    assert _metrics(installation, email_id) == called
    # The API knows within a few seconds what the worker has written.
    installation.until("shown", lambda: _health(installation)["sendgrid"]["breaker"]["open"], within_s=60)
    assert not _health(installation)["sendgrid:eu"]["breaker"]["open"]


def test_an_email_for_the_account_without_a_label_does_not_go_to_the_other(installation: Installation) -> None:
    installation.fault("sendgrid", "unavailable")
    email_id = installation.send(providers=["sendgrid"])
    story = installation.story_when(email_id, lambda story: _outcomes(story) == [("sendgrid", "unavailable")])
    assert story["status"] == "queued"
    assert installation.api.post(f"/v1/emails/{email_id}/cancel").status_code == 200
    assert installation.calls("sendgrid:eu") == 0


def test_a_pause_is_one_accounts(installation: Installation) -> None:
    assert installation.api.post("/v1/providers/sendgrid/pause").status_code == 200
    assert {name: health["paused"] for name, health in _health(installation).items()} == {
        "sendgrid": True,
        "sendgrid:eu": False,
    }
    # The worker knows within a few seconds what the API has written.
    other = [("sendgrid:eu", "accepted")]
    installation.until("passed over", lambda: _outcomes(installation.ended(installation.send())) == other, within_s=60)


@pytest.mark.parametrize(("account", "other"), [ACCOUNTS, ACCOUNTS[::-1]])
def test_a_webhook_is_believed_on_the_path_of_the_account_that_signed_it(
    installation: Installation, account: str, other: str
) -> None:
    installation.fault(account, "accept_then_silence")
    email_id = installation.send(providers=[account])
    before = installation.story_when(email_id, lambda story: story["status"] == "sent")
    at_s = int(time.time())
    event = {"email": "alice@example.net", "timestamp": at_s, "event": "delivered", "sg_event_id": f"e-{email_id}"}
    events = [{**event, "em_email_id": email_id, "em_attempt": "1"}]

    def posted(signed_by: str) -> int:
        body, headers = signed_webhook(open_account(signed_by, installation.data / "simulator").key, events, at_s)
        return installation.api.post(f"/v1/webhooks/{account}", content=body, headers=headers).status_code

    assert posted(other) == 401
    assert installation.story(email_id) == before
    assert posted(account) == 200
    story = installation.story(email_id)
    assert (story["status"], [event["provider"] for event in story["events"]]) == ("delivered", [account])
