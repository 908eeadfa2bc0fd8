"""Whole installations when nobody knows whether a call has sent the email: a hang, a reset, a killed worker."""

import os
import signal
import time
from typing import Any

import pytest

from tests.support.installation import Installation


def _outcomes(story: dict[str, Any]) -> list[tuple[str, str]]:
    return [(attempt["provider"], attempt["outcome"]) for attempt in story["attempts"]]


def test_evidence_within_the_wait_prevents_a_second_copy(installation: Installation) -> None:
    installation.fault("sendgrid", "reset_after_accept")
    email_id = installation.send()
    story = installation.ended(email_id)
    assert story["status"] == "delivered"
    assert _outcomes(story) == [("sendgrid", "uncertain")]
    assert len(installation.inbox(email_id)) == 1


@pytest.mark.parametrize("fault", ["hang", "reset_after_body", "gateway_timeout"])
def test_without_evidence_the_second_provider_follows_after_the_wait(installation: Installation, fault: str) -> None:
    installation.fault("sendgrid", fault)
    email_id = installation.send()
    story = installation.ended(email_id)
    assert story["status"] == "delivered"
    assert _outcomes(story) == [("sendgrid", "uncertain"), ("mailgun", "accepted")]
    assert [message["provider"] for message in installation.inbox(email_id)] == ["mailgun"]


def test_an_uncertain_code_can_fail_over_at_once_or_never(installation: Installation) -> None:
    installation.fault("sendgrid", "reset_after_body")
    urgent = installation.ended(installation.send(on_uncertain="failover"))
    assert _outcomes(urgent) == [("sendgrid", "uncertain"), ("mailgun", "accepted")]
    # Calls that time out count as outages, and the fifth in a row opens the breaker: it must not decide here.
    installation.api.post("/v1/providers/sendgrid/resume").raise_for_status()
    never_twice = installation.ended(installation.send(on_uncertain="fail"))
    assert never_twice["status"] == "failed"
    assert _outcomes(never_twice) == [("sendgrid", "uncertain")]


@pytest.mark.parametrize(
    ("on_uncertain", "copies"),
    [
        ("wait", 1),
        pytest.param("failover", 1, marks=pytest.mark.full),
        pytest.param("fail", 0, marks=pytest.mark.full),
    ],
)
def test_a_worker_killed_while_the_provider_is_called_loses_nothing(
    installation: Installation, on_uncertain: str, copies: int
) -> None:
    installation.fault("sendgrid", "hang")
    email_id = installation.send(on_uncertain=on_uncertain)
    installation.until("called", lambda: installation.calls("sendgrid") == 1, within_s=60)
    os.kill(installation.worker_pid(), signal.SIGKILL)
    story = installation.ended(email_id, within_s=60)
    assert story["attempts"][0]["outcome"] == "uncertain"
    assert len(installation.inbox(email_id)) == copies
    assert story["status"] == ("delivered" if copies else "failed")


def test_calls_over_which_the_worker_stood_still_are_no_outage(installation: Installation) -> None:
    """Five timeouts in a row would open the breaker."""
    installation.fault("sendgrid", "hang")
    emails = [installation.send(on_uncertain="failover", providers=["sendgrid", "mailgun"]) for _ in range(6)]
    installation.until("called", lambda: installation.calls("sendgrid") == len(emails), within_s=60)
    worker = installation.worker_pid()
    os.kill(worker, signal.SIGSTOP)
    try:
        # No event ends this: what is tried is that time passes, more than a call may take and a busy machine explains.
        time.sleep(4.5)
    finally:
        os.kill(worker, signal.SIGCONT)
    for email_id in emails:
        story = installation.ended(email_id)
        assert _outcomes(story) == [("sendgrid", "uncertain"), ("mailgun", "accepted")]
        assert story["attempts"][0]["cause"] == "unknown"
    health = {one["name"]: one for one in installation.api.get("/v1/providers").json()["providers"]}
    assert health["sendgrid"]["breaker"]["open"] is False
