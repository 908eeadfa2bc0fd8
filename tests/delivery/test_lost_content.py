"""A content that is missing or damaged ends the email; and whatever can be settled without it is settled."""

import logging

import pytest

from app.domain.email import OnUncertain
from app.domain.head import Status
from app.domain.kinds import Cause, Kind
from app.domain.protocol import CONTENT_LOST
from app.store.content import ContentItem
from tests.support.aws import Aws
from tests.support.harness import UNCERTAIN_WAIT_S, Harness
from tests.support.outcomes import UNAVAILABLE, UNCERTAIN
from tests.support.samples import an_email, somebody


@pytest.fixture(params=["missing", "damaged"])
def damage(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def lose(harness: Harness, email_id: str, damage: str) -> None:
    accepted_by = harness.head(email_id).accepted_by
    item = ContentItem.get(email_id, f"content#{accepted_by}", consistent_read=True)
    if damage == "missing":
        item.delete()
    else:
        item.packed = item.packed[:-5]
        item.save()


def test_every_recipient_fails_and_nobody_is_called(
    harness: Harness, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    email_id = harness.take(an_email(somebody("ann"), cc=(somebody("bob"),)))
    lose(harness, email_id, damage)
    with caplog.at_level(logging.INFO):
        assert harness.work() == [(email_id, 1)]
    assert harness.send.calls == []
    head = harness.head(email_id)
    assert {(one.status, one.cause, one.detail) for one in head.recipients.values()} == {
        (Status.FAILED, Cause.CONTENT, CONTENT_LOST)
    }
    assert (head.attempts, harness.later(3600)) == ((), [])
    logged = {record.getMessage(): vars(record) for record in caplog.records}
    assert logged["content lost"]["email_id"] == email_id
    assert logged["status"]["given_up"] == 2  # what the alarm counts


def test_what_needs_no_content_is_settled_without_it(harness: Harness, damage: str) -> None:
    expired, canceled = harness.take(an_email(expires_at_ms=harness.clock.now_ms + 60_000)), harness.take(an_email())
    for provider in harness.routing.providers:
        harness.send.plan(provider, UNAVAILABLE, UNAVAILABLE)
    harness.work()
    for email_id in (expired, canceled):
        lose(harness, email_id, damage)
    harness.cancel(canceled, None)
    harness.later(61)
    assert harness.only(expired).status is Status.EXPIRED
    assert harness.only(canceled).status is Status.CANCELED


def test_who_may_have_got_it_fails_as_unknown(harness: Harness, damage: str) -> None:
    email_id = harness.take(an_email(on_uncertain=OnUncertain.WAIT))
    harness.send.plan("sendgrid", UNCERTAIN)
    harness.work()
    lose(harness, email_id, damage)
    harness.later(UNCERTAIN_WAIT_S)
    recipient = harness.only(email_id)
    assert (recipient.status, recipient.cause) == (Status.FAILED, Cause.UNKNOWN)
    assert "may have arrived" in recipient.detail


def test_a_report_still_counts(harness: Harness, damage: str) -> None:
    email_id = harness.take(an_email())
    harness.work()
    lose(harness, email_id, damage)
    harness.report(harness.event(email_id, Kind.DELIVERED))
    assert harness.only(email_id).status is Status.DELIVERED


def test_a_repetition_is_not_made_and_evidence_is_waited_for(store: Aws, damage: str) -> None:
    harness = Harness(store, idempotent=("sendgrid",))
    email_id = harness.take(an_email())
    harness.send.plan("sendgrid", UNCERTAIN)
    ((_, number),) = harness.published()
    harness.attempt(email_id, number)
    assert harness.head(email_id).to_repeat == 1
    lose(harness, email_id, damage)
    harness.work()
    assert len(harness.send.calls) == 1
    assert (harness.head(email_id).to_repeat, harness.only(email_id).status) == (0, Status.SENDING)
    harness.report(harness.event(email_id, Kind.DELIVERED))
    assert harness.only(email_id).status is Status.DELIVERED
