"""Test mail is scheduled, moved and retried as real mail is, and stays in the sandbox."""

from dataclasses import replace

import pytest

from app.domain.email import Mailbox
from app.domain.head import Status
from app.domain.kinds import Kind
from app.domain.project import of_test_keys
from app.domain.retry import Again
from app.domain.sandbox_accounts import ACCOUNTS
from app.errors import Invalid
from tests.support.harness import PROVIDERS, Harness
from tests.support.samples import an_email

FIRST, SECOND = ACCOUNTS
TEAM = of_test_keys("team")


def send(harness: Harness, *local: str, in_s: int = 0, collapse_key: str = "") -> str:
    """Accept a test email that is sent so many seconds later, and make what attempts there are. Returns its id."""
    people = tuple(Mailbox(f"{each}@any.example") for each in local)
    send_at_ms = int((harness.clock() + in_s) * 1000) if in_s else None
    email = replace(an_email(), to=people, send_at_ms=send_at_ms, collapse_key=collapse_key)
    email_id = harness.accept(email, project=TEAM, key=None).head.email_id
    harness.taken.add(email_id)
    harness.work()
    return email_id


def wait(harness: Harness, seconds: float) -> None:
    harness.clock.advance(seconds)
    harness.sweep(60)
    harness.work()


def test_a_scheduled_one_fails_over_at_its_time(harness: Harness) -> None:
    email_id = send(harness, "failover+later", "bounced", in_s=3600)
    assert {one.status for one in harness.head(email_id).recipients.values()} == {Status.SCHEDULED}
    assert not harness.head(email_id).attempts
    wait(harness, 3601)
    head = harness.head(email_id)
    assert [one.status for one in head.recipients.values()] == [Status.DELIVERED, Status.BOUNCED]
    assert [attempt.provider for attempt in head.attempts] == [FIRST, SECOND]
    assert not harness.send.calls


def test_a_newer_one_of_its_collapse_key_replaces_it(harness: Harness) -> None:
    older = send(harness, "delivered", in_s=3600, collapse_key="digest")
    newer = send(harness, "delivered", in_s=7200, collapse_key="digest")
    wait(harness, 3601)
    assert harness.only(older).status is Status.CANCELED
    wait(harness, 3601)
    assert harness.only(newer).status is Status.DELIVERED


def test_a_retry_goes_through_the_named_account_of_the_sandbox(harness: Harness) -> None:
    email_id = send(harness, "blocked")
    assert harness.only(email_id).status is Status.FAILED
    harness.retry(email_id, TEAM, Again(through=SECOND))
    harness.work()
    assert [(one.provider, one.outcome) for one in harness.head(email_id).attempts] == [
        (FIRST, Kind.ACCEPTED),
        (SECOND, Kind.ACCEPTED),
        (SECOND, Kind.ACCEPTED),
    ]
    assert harness.only(email_id).status is Status.FAILED  # it is blocked everywhere
    assert not harness.send.calls


def test_a_retry_through_a_real_account_is_refused(harness: Harness) -> None:
    email_id = send(harness, "blocked")
    with pytest.raises(Invalid, match="a test key sends through these: sandbox, sandbox:second"):
        harness.retry(email_id, TEAM, Again(through=PROVIDERS[0]))


@pytest.mark.parametrize("in_s", [0, 3600, 20 * 24 * 3600])
def test_whom_the_sandbox_suppresses_is_told_however_late_the_email_is_sent(harness: Harness, in_s: int) -> None:
    email_id = send(harness, "suppressed", "delivered", in_s=in_s)
    assert list(harness.head(email_id).suppressed) == ["suppressed@any.example"]
    begins_ms = harness.head(email_id).lives_from_ms
    assert all(notice.until_ms > begins_ms for notice in harness.head(email_id).suppressed.values())
