"""A provider that PROVIDERS does not name by default, with nothing set: simulated like the others."""

from typing import Any

import pytest

from tests.support.installation import Installation

pytestmark = pytest.mark.full  # an installation of its own


def _outcomes(story: dict[str, Any]) -> list[tuple[str, str]]:
    return [(attempt["provider"], attempt["outcome"]) for attempt in story["attempts"]]


@pytest.fixture
def installation(resend_first: Installation) -> Installation:
    """Both work, and are thought to."""
    for provider in ("resend", "mailgun"):
        resend_first.fault(provider)
        resend_first.api.post(f"/v1/providers/{provider}/resume").raise_for_status()
    return resend_first


def test_an_email_is_delivered_says_its_webhook(installation: Installation) -> None:
    story = installation.ended(email_id := installation.send())
    assert (story["status"], _outcomes(story)) == ("delivered", [("resend", "accepted")])
    assert [(event["kind"], event["provider"]) for event in story["events"]] == [("delivered", "resend")]
    assert len(installation.inbox(email_id)) == 1


def test_mailgun_takes_over(installation: Installation) -> None:
    installation.fault("resend", "unavailable")
    story = installation.ended(installation.send())
    assert (story["status"], _outcomes(story)) == ("delivered", [("resend", "unavailable"), ("mailgun", "accepted")])


def test_resend_is_told_nothing_of_tracking_and_mailgun_is(installation: Installation) -> None:
    installation.fault("resend", "accept_then_block")
    email_id = installation.send(tracking={"opens": True})
    installation.ended(email_id)
    assert [(message["provider"], message["tracking"]) for message in installation.inbox(email_id)] == [
        ("resend", {"opens": None, "clicks": None}),
        ("mailgun", {"opens": True, "clicks": False}),
    ]


def test_a_block_is_an_event_and_mailgun_takes_over(installation: Installation) -> None:
    installation.fault("resend", "accept_then_block")
    story = installation.ended(installation.send())
    assert (story["status"], _outcomes(story)) == ("delivered", [("resend", "accepted"), ("mailgun", "accepted")])
    assert [event["kind"] for event in story["events"] if event["provider"] == "resend"] == ["blocked"]


def test_a_forged_webhook_changes_nothing(installation: Installation) -> None:
    installation.fault("resend", "none", webhooks=["bad_signature"])
    refused = '"route":"/v1/webhooks/{provider}","status":401'
    already = installation.log.read_text().count(refused)
    email_id = installation.send()
    installation.until("refused", lambda: installation.log.read_text().count(refused) > already, within_s=60)
    story = installation.story_when(email_id, lambda story: story["status"] == "sent")  # our own write, too, is there
    assert story["events"] == []


def test_an_email_to_two_goes_elsewhere(installation: Installation) -> None:
    story = installation.ended(installation.send(cc=["bob@example.net"]))
    assert (story["status"], _outcomes(story)) == ("delivered", [("mailgun", "accepted")])


def test_a_call_whose_answer_was_lost_is_repeated_and_makes_no_second_copy(installation: Installation) -> None:
    """No webhook speaks: only the key tells that Resend has it."""
    installation.fault("resend", "reset_after_accept", webhooks=["off"], latency_ms=1000)
    email_id = _under_way(installation)
    installation.fault("resend", webhooks=["off"])
    installation.until("sent", lambda: installation.story(email_id)["status"] == "sent", within_s=60)
    story = installation.story(email_id)
    assert _outcomes(story) == [("resend", "uncertain"), ("resend", "accepted")]
    assert [attempt["repeats"] for attempt in story["attempts"]] == [None, 1]
    assert [recipient["attempt"] for recipient in story["recipients"]] == [1]
    assert len(installation.inbox(email_id)) == 1


def test_a_call_that_never_arrived_is_sent_by_its_repetition(installation: Installation) -> None:
    installation.fault("resend", "hang")
    email_id = _under_way(installation)
    installation.fault("resend")  # drops the call that hangs
    story = installation.ended(email_id)
    assert (story["status"], _outcomes(story)) == ("delivered", [("resend", "uncertain"), ("resend", "accepted")])
    assert len(installation.inbox(email_id)) == 1


def _under_way(installation: Installation) -> str:
    """An email whose call has begun."""
    email_id = installation.send()
    installation.until("called", lambda: len(installation.story(email_id)["attempts"]) == 1, within_s=60)
    return email_id
