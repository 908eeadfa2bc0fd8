"""The product's promise, from a request to the inbox: the next provider delivers when the first one fails."""

from typing import Any

import pytest

from tests.support.installation import EMAIL, Installation


def _outcomes(story: dict[str, Any]) -> list[tuple[str, str]]:
    return [(attempt["provider"], attempt["outcome"]) for attempt in story["attempts"]]


def test_an_email_is_delivered_by_the_first_provider(installation: Installation) -> None:
    email_id = installation.send()
    story = installation.ended(email_id)
    assert story["status"] == "delivered"
    assert _outcomes(story) == [("sendgrid", "accepted")]
    assert [(event["kind"], event["provider"]) for event in story["events"]] == [("delivered", "sendgrid")]
    (message,) = installation.inbox(email_id)
    assert message["to"] == ["alice@example.net"]
    assert message["subject"] == "Hello"
    assert message["text"] == "It works."


@pytest.mark.parametrize(
    ("fault", "outcome", "cause"),
    [
        ("unavailable", "unavailable", "outage"),
        ("server_error", "unavailable", "outage"),
        ("bad_gateway_html", "unavailable", "outage"),
        ("refuse_connection", "unavailable", "outage"),
        ("unauthorized", "unavailable", "account"),
        ("forbidden", "unavailable", "account"),
        ("payment_required", "unavailable", "account"),
        ("rate_limit", "throttled", "throttle"),
        ("refuse_message", "refused", "message"),
    ],
)
def test_what_the_first_surely_did_not_send_arrives_once_through_the_second(
    installation: Installation, fault: str, outcome: str, cause: str
) -> None:
    installation.fault("sendgrid", fault)
    email_id = installation.send()
    story = installation.ended(email_id)
    assert story["status"] == "delivered"
    assert _outcomes(story) == [("sendgrid", outcome), ("mailgun", "accepted")]
    assert story["attempts"][0]["cause"] == cause
    assert [message["provider"] for message in installation.inbox(email_id)] == ["mailgun"]


@pytest.mark.parametrize("tracking", [{}, {"opens": True}, {"clicks": True}, {"opens": True, "clicks": True}])
def test_a_failover_changes_nothing_about_tracking(installation: Installation, tracking: dict[str, bool]) -> None:
    """SendGrid took the email before it failed, Mailgun did as well, and SES has it: all three were told."""
    installation.fault("sendgrid", "accept_then_block")
    installation.fault("mailgun", "accept_then_bounce_unexplained")
    email_id = installation.send(tracking=tracking, html='<a href="https://app.example.com/reset?token=1">Reset</a>')
    story = installation.ended(email_id)
    asked = {"opens": False, "clicks": False} | tracking
    assert story["tracking"] == asked
    messages = installation.inbox(email_id)
    assert [message["provider"] for message in messages] == ["sendgrid", "mailgun", "ses"]
    assert [message["tracking"] for message in messages] == [asked] * 3


@pytest.mark.parametrize(
    ("fault", "kind"), [("accept_then_block", "blocked"), ("accept_then_bounce_unexplained", "soft_bounce")]
)
def test_a_failure_reported_later_goes_back_on_the_queue(installation: Installation, fault: str, kind: str) -> None:
    installation.fault("sendgrid", fault)
    email_id = installation.send()
    story = installation.ended(email_id)
    assert story["status"] == "delivered"
    assert _outcomes(story) == [("sendgrid", "accepted"), ("mailgun", "accepted")]
    assert [event["kind"] for event in story["events"] if event["provider"] == "sendgrid"] == [kind]
    assert [message["provider"] for message in installation.inbox(email_id)] == ["sendgrid", "mailgun"]


def test_a_dead_mailbox_is_not_sent_to_again(installation: Installation) -> None:
    installation.fault("sendgrid", "accept_then_bounce")
    email_id = installation.send()
    story = installation.ended(email_id)
    assert story["status"] == "failed"
    assert [recipient["status"] for recipient in story["recipients"]] == ["bounced"]
    assert [recipient["cause"] for recipient in story["recipients"]] == ["recipient"]
    assert len(installation.inbox(email_id)) == 1


def test_a_dead_mailbox_is_remembered_for_the_next_email(installation: Installation) -> None:
    installation.fault("sendgrid", "accept_then_bounce")
    installation.ended(installation.send(to=["gone@example.net"]))
    installation.fault("sendgrid")
    email = {**EMAIL, "to": ["gone@example.net", "bob@example.net"]}
    accepted = installation.api.post("/v1/emails", json=email).json()
    email_id = accepted["id"]
    known = installation.api.get("/v1/suppressions?address=gone@example.net").json()["suppressions"]
    assert [(each["reason"], each["until"]) for each in accepted["suppressed"]] == [("hard_bounce", known[0]["until"])]
    story = installation.ended(email_id)
    assert [recipient["status"] for recipient in story["recipients"]] == ["suppressed", "delivered"]
    assert [message["to"] for message in installation.inbox(email_id)] == [["bob@example.net"]]
    installation.lift("gone@example.net")
    assert installation.api.get("/v1/suppressions?address=gone@example.net").json()["suppressions"] == []


def test_a_revoked_key_opens_the_breaker_until_somebody_resumes(installation: Installation) -> None:
    installation.fault("sendgrid", "unauthorized")
    assert _outcomes(installation.ended(installation.send()))[0] == ("sendgrid", "unavailable")
    installation.fault("sendgrid")
    assert _outcomes(installation.ended(installation.send())) == [("mailgun", "accepted")]
    assert installation.api.post("/v1/providers/sendgrid/resume").status_code == 200
    assert _outcomes(installation.ended(installation.send())) == [("sendgrid", "accepted")]


def test_only_those_who_need_it_get_it_again(installation: Installation) -> None:
    installation.fault("sendgrid", "unavailable")
    installation.fault("mailgun", "unavailable")
    email_id = installation.send(
        to=["Alice <alice@example.net>"], cc=["bob@example.net"], bcc=["carol@example.net", "dave@example.net"]
    )
    story = installation.ended(email_id)
    assert story["status"] == "delivered"
    (message,) = installation.inbox(email_id)
    assert message["provider"] == "ses"
    assert len(message["bcc"]) == 2


def test_all_down_waits_for_a_round(installation: Installation) -> None:
    for provider in ("sendgrid", "mailgun", "ses"):
        installation.fault(provider, "unavailable")
    email_id = installation.send()
    story = installation.story_when(email_id, lambda story: len(story["attempts"]) == 3)
    story = installation.story_when(email_id, lambda story: story["attempts"][2]["outcome"] is not None)
    assert story["status"] == "queued"
    canceled = installation.api.post(f"/v1/emails/{email_id}/cancel")
    assert canceled.status_code == 200
    assert installation.story(email_id)["status"] == "canceled"
    assert installation.api.post(f"/v1/emails/{installation.send()}/cancel").status_code in {200, 409}
