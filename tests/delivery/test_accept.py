"""accept: stored, indexed, published, in that order; and once per idempotency key."""

import random
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from app.delivery.accept import KEPT_FOR_S, LIFETIME_S, id_for, new_id
from app.domain.email import Attachment, Content, Mailbox, OnUncertain, Role, fingerprint
from app.domain.head import EmailStatus, Status, status
from app.errors import Conflict, Invalid, ServiceUnavailable
from app.store.content import ContentItem
from app.topic import Topic
from tests.support.aws import client
from tests.support.crash import Before, Crash, crash
from tests.support.faults import FaultInjector, FaultMode, FaultyStore
from tests.support.harness import Harness
from tests.support.samples import an_email, somebody


def test_an_accepted_email_is_stored_whole_and_published(harness: Harness) -> None:
    ann, bob, eve = Mailbox("Ann@Example.net", "Ann"), somebody("bob"), somebody("eve")
    email = an_email(
        ann, cc=(bob,), bcc=(eve,), providers=("ses",), on_uncertain=OnUncertain.FAIL, content=Content("Hi", "there")
    )
    accepted = harness.accept(email, owner="team", key=None)
    head = harness.head(accepted.head.email_id)
    assert (accepted.replayed, accepted.head) == (False, head)
    assert [(r.address, r.role, r.name, r.status) for r in head.recipients.values()] == [
        ("Ann@Example.net", Role.TO, "Ann", Status.QUEUED),
        (bob.address, Role.CC, "Bob", Status.QUEUED),
        (eve.address, Role.BCC, "Eve", Status.QUEUED),
    ]
    assert list(head.recipients) == ["ann@example.net", bob.key, eve.key]
    assert (head.sender, head.subject, head.fingerprint) == (email.sender, "Hi", fingerprint(email))
    assert (head.providers, head.on_uncertain) == (("ses",), OnUncertain.FAIL)
    assert (head.attempts, head.next_attempt) == ((), 1)
    assert harness.contents.get(head.email_id, head.fingerprint) == email.content
    assert harness.queue.published() == [(head.email_id, 1)]
    assert list(harness.recipients.emails_to(bob.key, None)) == [(head.created_at_ms, head.email_id)]


def test_without_expires_at_an_email_is_sent_within_a_day_and_kept_a_week_longer(harness: Harness) -> None:
    head = harness.head(harness.take(an_email()))
    assert head.created_at_ms == harness.clock.now_ms
    assert head.expires_at_ms == harness.clock.now_ms + LIFETIME_S * 1000
    assert head.retry_until_ms == harness.clock.now_ms + 14_400_000
    assert head.ttl_s == harness.clock.now_s + LIFETIME_S + KEPT_FOR_S


def test_an_email_is_kept_a_week_beyond_the_later_of_its_two_limits(harness: Harness) -> None:
    soon_ms = harness.clock.now_ms + 60_000
    head = harness.head(harness.take(an_email(expires_at_ms=soon_ms)))
    assert head.expires_at_ms == soon_ms
    assert head.ttl_s == harness.clock.now_s + 14_400 + KEPT_FOR_S
    (content,) = ContentItem.query(head.email_id, ContentItem.part.startswith("content#"))
    assert content.ttl.timestamp() == head.ttl_s  # the content lives as long as the head that names it


def test_without_a_key_two_equal_requests_are_two_emails(harness: Harness) -> None:
    email = an_email()
    assert harness.take(email) != harness.take(email)
    assert new_id() != new_id()
    assert len(harness.queue.published()) == 2


def test_the_same_key_and_request_is_the_first_email_again(harness: Harness) -> None:
    email, key = an_email(), "order-1"
    email_id = harness.take(email, key)
    harness.work()
    harness.clock.advance(60)
    again = harness.accept(email, owner="team", key=key)
    assert (again.replayed, again.head) == (True, harness.head(email_id))
    assert again.head.attempts
    assert harness.queue.published() == []
    assert len(harness.send.calls) == 1


def test_the_same_key_for_another_request_is_a_conflict_that_stores_nothing(harness: Harness) -> None:
    email = an_email()
    email_id = harness.take(email, "order-2")
    before = harness.head(email_id)
    stranger = somebody()
    for other in (
        replace(email, to=(stranger,)),
        replace(email, content=replace(email.content, subject="Other")),
        replace(email, content=replace(email.content, attachments=(Attachment("a", "text/plain", b"a"),))),
        replace(email, on_uncertain=OnUncertain.FAIL),
        replace(email, bcc=(stranger,)),
    ):
        with pytest.raises(Conflict):
            harness.take(other, "order-2")
    assert harness.head(email_id) == before
    assert list(harness.recipients.emails_to(stranger.key, None)) == []
    assert len(list(ContentItem.query(email_id, ContentItem.part.startswith("content#")))) == 1


def test_an_email_that_has_expired_is_refused_but_its_replay_is_not(harness: Harness) -> None:
    email = an_email(expires_at_ms=harness.clock.now_ms + 1000)
    first = harness.accept(email, owner="team", key="late")
    harness.clock.advance(2)
    assert harness.accept(email, owner="team", key="late") == replace(first, replayed=True)
    with pytest.raises(Invalid) as refusal:
        harness.accept(email, owner="team", key="another")
    assert refusal.value.errors == (("expires_at", "must be in the future"),)


def test_a_key_belongs_to_its_owner(harness: Harness) -> None:
    email = an_email()
    ids = {harness.accept(email, owner=owner, key="order-3").head.email_id for owner in ("one", "two", "one")}
    assert ids == {id_for("one", "order-3"), id_for("two", "order-3")}
    assert len(ids) == 2


def test_a_key_is_free_again_when_its_email_has_expired_by_its_ttl(harness: Harness) -> None:
    email_id = harness.take(an_email(), "order-4")
    harness.clock.advance(harness.head(email_id).ttl_s - harness.clock.now_s + 1)
    email = an_email()
    accepted = harness.accept(email, owner="team", key="order-4")
    assert (accepted.replayed, accepted.head.fingerprint) == (False, fingerprint(email))


def test_in_the_very_second_in_which_a_key_becomes_free_the_client_is_asked_to_come_again(harness: Harness) -> None:
    head = harness.head(harness.take(an_email(), "order-9"))
    harness.clock.advance(head.ttl_s - harness.clock.now_s + 0.5)
    with pytest.raises(ServiceUnavailable):
        harness.accept(an_email(), owner="team", key="order-9")
    harness.clock.advance(0.5)
    assert not harness.accept(an_email(), owner="team", key="order-9").replayed


def test_dying_after_the_content_costs_nothing_and_the_client_asks_again(harness: Harness) -> None:
    email = an_email()
    dying = replace(harness.accept, heads=Before(harness.heads, "create", crash))
    with pytest.raises(Crash):
        dying(email, owner="team", key="order-5")
    assert harness.heads.get(id_for("team", "order-5")) is None
    assert harness.queue.published() == []
    assert not harness.accept(email, owner="team", key="order-5").replayed


def test_dying_after_the_head_costs_the_listing_never_the_mail(harness: Harness) -> None:
    email = an_email()
    (ann,) = email.to
    email_id = id_for("team", "order-6")
    harness.taken.add(email_id)
    dying = replace(harness.accept, recipients=Before(harness.recipients, "put", crash))
    with pytest.raises(Crash):
        dying(email, owner="team", key="order-6")
    assert harness.queue.published() == []
    assert list(harness.recipients.emails_to(ann.key, None)) == []
    assert harness.later(10) == [(email_id, 1)]  # the sweep
    assert harness.only(email_id).status is Status.SENT
    again = harness.accept(email, owner="team", key="order-6")
    assert again.replayed
    assert list(harness.recipients.emails_to(ann.key, None)) == [(again.head.created_at_ms, email_id)]


@pytest.mark.parametrize("key", [None, "order-10"])
def test_a_head_that_was_stored_although_the_answer_was_lost_is_no_replay(harness: Harness, key: str | None) -> None:
    """The store's client makes the write again, and is told that the email exists already."""
    faults = FaultInjector()
    losing = replace(harness.accept, heads=FaultyStore(harness.heads, faults))
    faults.arm((1 if key is None else 2, FaultMode.ANSWER_LOST))
    email = an_email()
    accepted = losing(email, owner="team", key=key)
    assert (accepted.replayed, accepted.head) == (False, harness.head(accepted.head.email_id))
    assert faults.calls_left == 0
    assert harness.queue.published() == [(accepted.head.email_id, 1)]
    (ann,) = email.to
    assert len(list(harness.recipients.emails_to(ann.key, None))) == 1
    if key is not None:
        assert harness.accept(email, owner="team", key=key) == replace(accepted, replayed=True)


def test_of_two_requests_with_one_key_at_once_the_second_is_the_replay(harness: Harness) -> None:
    email, first = an_email(), []
    racing = Before(harness.heads, "create", lambda: first.append(harness.accept(email, owner="team", key="order-11")))
    second = replace(harness.accept, heads=racing)(email, owner="team", key="order-11")
    assert (first[0].replayed, second.replayed) == (False, True)
    assert second.head == first[0].head
    assert harness.queue.published() == [(second.head.email_id, 1)]


def test_the_beginning_of_time_is_an_expiry_like_any_other(harness: Harness) -> None:
    with pytest.raises(Invalid) as refusal:
        harness.accept(an_email(expires_at_ms=0), owner="team", key=None)
    assert refusal.value.errors == (("expires_at", "must be in the future"),)


def test_dying_before_the_publish_is_found_by_the_sweep(harness: Harness) -> None:
    with pytest.raises(Crash):
        replace(harness.accept, publish=crash)(an_email(), owner="team", key="order-7")
    harness.taken.add(id_for("team", "order-7"))
    assert harness.later(9) == []
    assert harness.later(1) == [(id_for("team", "order-7"), 1)]


@pytest.mark.parametrize("fault", ["no such topic", "nobody answers"])
def test_a_topic_that_takes_nothing_is_no_error(harness: Harness, fault: str) -> None:
    sns = harness.aws.sns if fault == "no such topic" else client("http://127.0.0.1:9", "sns")
    refusing = Topic(sns, harness.queue.topic.arn + "-gone")
    accepted = replace(harness.accept, publish=refusing.publish)(an_email(), owner="team", key=None)
    email_id = accepted.head.email_id
    assert status(harness.head(email_id).recipients.values()) is EmailStatus.QUEUED
    harness.taken.add(email_id)
    assert harness.later(10) == [(email_id, 1)]


def test_a_bucket_that_does_not_answer_stores_no_email(harness: Harness) -> None:
    noise = random.Random(1).randbytes(400_000)  # noqa: S311 because this is no secret
    email = an_email(content=Content("Invoice", attachments=(Attachment("a", "a/b", noise),)))
    lost = replace(harness.accept, contents=type(harness.contents)(lambda: harness.aws.s3, "no-such-bucket"))
    with pytest.raises(ClientError):
        lost(email, owner="team", key="order-8")
    assert harness.heads.get(id_for("team", "order-8")) is None
