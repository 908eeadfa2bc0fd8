"""accept: stored, indexed, published, in that order; and once per idempotency key."""

import random
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from app.delivery.accept import KEPT_FOR_S, LIFETIME_S, id_for, new_id
from app.domain.email import Attachment, Content, Mailbox, OnUncertain, Role, fingerprint
from app.domain.head import EmailStatus, Status, status
from app.errors import Conflict, Invalid, Unavailable
from app.store.content import ContentItem
from app.topic import Topic
from tests.support.aws import client
from tests.support.crash import Before, Crash, crash
from tests.support.desk import Desk
from tests.support.samples import an_email, somebody


def test_an_accepted_email_is_stored_whole_and_published(desk: Desk) -> None:
    ann, bob, eve = Mailbox("Ann@Example.net", "Ann"), somebody("bob"), somebody("eve")
    email = an_email(
        ann, cc=(bob,), bcc=(eve,), providers=("ses",), on_uncertain=OnUncertain.FAIL, content=Content("Hi", "there")
    )
    accepted = desk.accept(email, owner="team", key=None)
    head = desk.head(accepted.head.email_id)
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
    assert desk.contents.get(head.email_id, head.fingerprint) == email.content
    assert desk.queue.published() == [(head.email_id, 1)]
    assert list(desk.recipients.emails_to(bob.key, None)) == [(head.created_at_ms, head.email_id)]


def test_without_expires_at_an_email_is_sent_within_a_day_and_kept_a_week_longer(desk: Desk) -> None:
    head = desk.head(desk.take(an_email()))
    assert head.created_at_ms == desk.clock.now_ms
    assert head.expires_at_ms == desk.clock.now_ms + LIFETIME_S * 1000
    assert head.retry_until_ms == desk.clock.now_ms + 14_400_000
    assert head.ttl_s == desk.clock.now_s + LIFETIME_S + KEPT_FOR_S


def test_an_email_is_kept_a_week_beyond_the_later_of_its_two_limits(desk: Desk) -> None:
    soon_ms = desk.clock.now_ms + 60_000
    head = desk.head(desk.take(an_email(expires_at_ms=soon_ms)))
    assert head.expires_at_ms == soon_ms
    assert head.ttl_s == desk.clock.now_s + 14_400 + KEPT_FOR_S
    (content,) = ContentItem.query(head.email_id, ContentItem.part.startswith("content#"))
    assert content.ttl.timestamp() == head.ttl_s  # the content lives as long as the head that names it


def test_without_a_key_two_equal_requests_are_two_emails(desk: Desk) -> None:
    email = an_email()
    assert desk.take(email) != desk.take(email)
    assert new_id() != new_id()
    assert len(desk.queue.published()) == 2


def test_the_same_key_and_request_is_the_first_email_again(desk: Desk) -> None:
    email, key = an_email(), "order-1"
    email_id = desk.take(email, key)
    desk.work()
    desk.clock.advance(60)
    again = desk.accept(email, owner="team", key=key)
    assert (again.replayed, again.head) == (True, desk.head(email_id))
    assert again.head.attempts
    assert desk.queue.published() == []
    assert len(desk.post.calls) == 1


def test_the_same_key_for_another_request_is_a_conflict_that_stores_nothing(desk: Desk) -> None:
    email = an_email()
    email_id = desk.take(email, "order-2")
    before = desk.head(email_id)
    stranger = somebody()
    for other in (
        replace(email, to=(stranger,)),
        replace(email, content=replace(email.content, subject="Other")),
        replace(email, content=replace(email.content, attachments=(Attachment("a", "text/plain", b"a"),))),
        replace(email, on_uncertain=OnUncertain.FAIL),
        replace(email, bcc=(stranger,)),
    ):
        with pytest.raises(Conflict):
            desk.take(other, "order-2")
    assert desk.head(email_id) == before
    assert list(desk.recipients.emails_to(stranger.key, None)) == []
    assert len(list(ContentItem.query(email_id, ContentItem.part.startswith("content#")))) == 1


def test_an_email_that_has_expired_is_refused_but_its_replay_is_not(desk: Desk) -> None:
    email = an_email(expires_at_ms=desk.clock.now_ms + 1000)
    first = desk.accept(email, owner="team", key="late")
    desk.clock.advance(2)
    assert desk.accept(email, owner="team", key="late") == replace(first, replayed=True)
    with pytest.raises(Invalid) as refusal:
        desk.accept(email, owner="team", key="another")
    assert refusal.value.errors == (("expires_at", "must be in the future"),)


def test_a_key_belongs_to_its_owner(desk: Desk) -> None:
    email = an_email()
    ids = {desk.accept(email, owner=owner, key="order-3").head.email_id for owner in ("one", "two", "one")}
    assert ids == {id_for("one", "order-3"), id_for("two", "order-3")}
    assert len(ids) == 2


def test_a_key_is_free_again_when_its_email_has_expired_by_its_ttl(desk: Desk) -> None:
    email_id = desk.take(an_email(), "order-4")
    desk.clock.advance(desk.head(email_id).ttl_s - desk.clock.now_s + 1)
    email = an_email()
    accepted = desk.accept(email, owner="team", key="order-4")
    assert (accepted.replayed, accepted.head.fingerprint) == (False, fingerprint(email))


def test_in_the_very_second_in_which_a_key_becomes_free_the_client_is_asked_to_come_again(desk: Desk) -> None:
    head = desk.head(desk.take(an_email(), "order-9"))
    desk.clock.advance(head.ttl_s - desk.clock.now_s + 0.5)
    with pytest.raises(Unavailable):
        desk.accept(an_email(), owner="team", key="order-9")
    desk.clock.advance(0.5)
    assert not desk.accept(an_email(), owner="team", key="order-9").replayed


def test_dying_after_the_content_costs_nothing_and_the_client_asks_again(desk: Desk) -> None:
    email = an_email()
    dying = replace(desk.accept, heads=Before(desk.heads, "create", crash))
    with pytest.raises(Crash):
        dying(email, owner="team", key="order-5")
    assert desk.heads.get(id_for("team", "order-5")) is None
    assert desk.queue.published() == []
    assert not desk.accept(email, owner="team", key="order-5").replayed


def test_dying_after_the_head_costs_the_listing_never_the_mail(desk: Desk) -> None:
    email = an_email()
    (ann,) = email.to
    email_id = id_for("team", "order-6")
    desk.taken.add(email_id)
    dying = replace(desk.accept, recipients=Before(desk.recipients, "put", crash))
    with pytest.raises(Crash):
        dying(email, owner="team", key="order-6")
    assert desk.queue.published() == []
    assert list(desk.recipients.emails_to(ann.key, None)) == []
    assert desk.later(10) == [(email_id, 1)]  # the sweep
    assert desk.only(email_id).status is Status.SENT
    again = desk.accept(email, owner="team", key="order-6")
    assert again.replayed
    assert list(desk.recipients.emails_to(ann.key, None)) == [(again.head.created_at_ms, email_id)]


def test_dying_before_the_publish_is_found_by_the_sweep(desk: Desk) -> None:
    with pytest.raises(Crash):
        replace(desk.accept, publish=crash)(an_email(), owner="team", key="order-7")
    desk.taken.add(id_for("team", "order-7"))
    assert desk.later(9) == []
    assert desk.later(1) == [(id_for("team", "order-7"), 1)]


@pytest.mark.parametrize("fault", ["no such topic", "nobody answers"])
def test_a_topic_that_takes_nothing_is_no_error(desk: Desk, fault: str) -> None:
    sns = desk.aws.sns if fault == "no such topic" else client("http://127.0.0.1:9", "sns")
    refusing = Topic(sns, desk.queue.topic.arn + "-gone")
    accepted = replace(desk.accept, publish=refusing.publish)(an_email(), owner="team", key=None)
    email_id = accepted.head.email_id
    assert status(desk.head(email_id).recipients.values()) is EmailStatus.QUEUED
    desk.taken.add(email_id)
    assert desk.later(10) == [(email_id, 1)]


def test_a_bucket_that_does_not_answer_stores_no_email(desk: Desk) -> None:
    noise = random.Random(1).randbytes(400_000)  # noqa: S311 because this is no secret
    email = an_email(content=Content("Invoice", attachments=(Attachment("a", "a/b", noise),)))
    lost = replace(desk.accept, contents=type(desk.contents)(lambda: desk.aws.s3, "no-such-bucket"))
    with pytest.raises(ClientError):
        lost(email, owner="team", key="order-8")
    assert desk.heads.get(id_for("team", "order-8")) is None
