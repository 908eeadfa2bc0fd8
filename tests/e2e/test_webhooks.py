"""What comes back from the providers: believed with a valid signature only, and never twice."""

import time
from typing import Any

import httpx
import pytest

from app.local.simulator.accounts import open_account
from tests.providers.sendgrid.simulator_case import signed_webhook
from tests.support.installation import Installation

PROVIDERS = ("sendgrid", "mailgun", "ses")


def _sent(installation: Installation, provider: str) -> str:
    """An email that `provider` took and says nothing about."""
    installation.fault(provider, "accept_then_silence")
    email_id = installation.send(providers=[provider])
    installation.story_when(email_id, lambda story: story["status"] == "sent")
    return email_id


def _report(installation: Installation, email_id: str, *, age_s: int = 0, **event: Any) -> httpx.Response:
    """Post what SendGrid would, signed with the key that this installation trusts."""
    told = {"email": "alice@example.net", "timestamp": int(time.time()), "event": "delivered", "sg_event_id": "e-1"}
    key = open_account("sendgrid", installation.data / "simulator").key
    events = [{**told, "em_email_id": email_id, "em_attempt": "1", **event}]
    body, headers = signed_webhook(key, events, int(time.time()) - age_s)
    return installation.api.post("/v1/webhooks/sendgrid", content=body, headers=headers)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_forged_webhook_changes_nothing(installation: Installation, provider: str) -> None:
    installation.fault(provider, "none", webhooks=["bad_signature"])
    refused = '"route":"/v1/webhooks/{provider}","status":401'
    already = installation.log.read_text().count(refused)
    email_id = installation.send(providers=[provider])
    installation.until("refused", lambda: installation.log.read_text().count(refused) > already, within_s=60)
    story = installation.story_when(email_id, lambda story: story["status"] == "sent")  # our own write, too, is there
    assert story["events"] == []


@pytest.mark.parametrize(
    "webhooks",
    [["duplicate"], ["reorder"], pytest.param(["late"], marks=pytest.mark.full), ["duplicate", "reorder"]],
    ids="+".join,
)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_webhooks_may_come_twice_late_and_in_any_order(
    installation: Installation, provider: str, webhooks: list[str]
) -> None:
    installation.fault(provider, "none", webhooks=webhooks)
    email_id = installation.send(providers=[provider], cc=["bob@example.net"])
    story = installation.ended(email_id)
    assert story["status"] == "delivered"
    delivered = [event["recipient"] for event in story["events"] if event["kind"] == "delivered"]
    assert sorted(delivered) == ["alice@example.net", "bob@example.net"]
    assert len(installation.inbox(email_id)) == 1


def test_a_webhook_of_ours_is_believed_once_and_again_without_effect(installation: Installation) -> None:
    email_id = _sent(installation, "sendgrid")
    at_s = int(time.time())
    assert _report(installation, email_id, timestamp=at_s).status_code == 200
    story = installation.story(email_id)
    assert (story["status"], len(story["events"])) == ("delivered", 1)
    assert _report(installation, email_id, timestamp=at_s).status_code == 200
    assert installation.story(email_id) == story


def test_stale_and_unknown_webhooks_change_nothing(installation: Installation) -> None:
    email_id = _sent(installation, "sendgrid")
    before = installation.story(email_id)
    assert _report(installation, email_id, age_s=25 * 3600).status_code == 401
    assert _report(installation, "eml_nobody").status_code == 200
    assert _report(installation, email_id, em_attempt="7").status_code == 200
    assert installation.api.post("/v1/webhooks/sendgrid", content=b"{").status_code == 401
    assert installation.api.post("/v1/webhooks/postmark", content=b"{}").status_code == 404
    assert installation.story(email_id) == before


def test_the_subscription_of_amazon_ses_is_confirmed(installation: Installation) -> None:
    already = len(installation.control.get("/control/confirmations").json())
    answer = installation.control.post("/control/subscription", json={"provider": "ses"})
    assert answer.json() == {"status": 200}
    assert len(installation.control.get("/control/confirmations").json()) == already + 1
