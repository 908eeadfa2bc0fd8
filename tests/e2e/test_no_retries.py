"""Whole installations with RETRY_FOR_S=0, which give up when no provider is left, and a restart."""

import signal

import pytest

from tests.support.installation import Installation

pytestmark = pytest.mark.full  # an installation of its own


def test_with_no_patience_all_down_is_failed_with_every_reason(impatient: Installation) -> None:
    for provider, fault in (("sendgrid", "unavailable"), ("mailgun", "unauthorized"), ("ses", "rate_limit")):
        impatient.fault(provider, fault)
    story = impatient.ended(impatient.send())
    assert story["status"] == "failed"
    assert [(attempt["provider"], attempt["status_code"]) for attempt in story["attempts"]] == [
        ("sendgrid", 503),
        ("mailgun", 401),
        ("ses", 429),
    ]
    assert all(attempt["reply"] for attempt in story["attempts"])
    assert impatient.inbox(story["id"]) == []


def test_emails_survive_a_restart(impatient: Installation) -> None:
    impatient.calm()
    email_id = impatient.send()
    assert impatient.ended(email_id)["status"] == "delivered"
    impatient.stop(signal.SIGINT)
    impatient.start()
    assert impatient.story(email_id)["status"] == "delivered"
