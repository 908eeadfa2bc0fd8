"""Emails that are sent later, and retries, on a whole installation: a laptop's worker knows when each is due."""

from datetime import UTC, datetime, timedelta

from tests.support.installation import Installation

WITHIN_S = 15.0  # of its time: a second, and what a busy machine takes; a sweep alone would take up to a minute


def ahead(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def late_s(story: dict[str, object], at: datetime) -> float:
    """How long after that time the email's first call began."""
    attempts = story["attempts"]
    assert isinstance(attempts, list)
    return (datetime.fromisoformat(attempts[0]["started_at"]) - at).total_seconds()


def test_a_scheduled_email_starts_within_a_second_of_its_time_and_not_before(installation: Installation) -> None:
    at = ahead(6)
    email_id = installation.send(send_at=at.isoformat())
    assert installation.story(email_id)["status"] == "scheduled"
    story = installation.ended(email_id)
    assert story["status"] == "delivered"
    assert -0.001 <= late_s(story, at) < WITHIN_S
    assert len(installation.inbox(email_id)) == 1


def test_a_scheduled_email_is_moved_to_a_time_soon(installation: Installation) -> None:
    email_id, at = installation.send(scheduled_at=ahead(3600).isoformat()), ahead(6)
    moved = installation.api.patch(f"/v1/emails/{email_id}", json={"send_at": at.isoformat()})
    assert (moved.status_code, moved.json()["status"]) == (200, "scheduled")
    story = installation.ended(email_id)
    assert story["status"] == "delivered"
    assert -0.001 <= late_s(story, at) < WITHIN_S


def test_a_failed_email_is_retried_through_a_named_account(installation: Installation) -> None:
    providers = [account["name"] for account in installation.api.get("/v1/providers").json()["providers"]]
    for account in providers:
        installation.fault(account, "refuse_message")
    email_id = installation.send()
    assert installation.ended(email_id)["status"] == "failed"
    for account in providers:
        installation.fault(account)
    again = installation.api.post(f"/v1/emails/{email_id}/retry", json={"provider": "mailgun"})
    assert (again.status_code, again.json()["status"]) == (202, "queued")
    story = installation.ended(email_id)
    assert story["status"] == "delivered"
    assert [attempt["provider"] for attempt in story["attempts"]] == [*providers, "mailgun"]
