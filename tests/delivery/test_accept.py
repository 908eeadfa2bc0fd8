"""accept: stored, indexed, published, in that order; and once per idempotency key."""

import random
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError
from pynamodb.exceptions import GetError

from app.delivery.keep import OUTLIVES_KEY_S
from app.delivery.new_head import new_id
from app.domain.email import Attachment, Content, Mailbox, OnUncertain, Role, fingerprint
from app.domain.head import EmailStatus, Status, status
from app.domain.kinds import Kind
from app.domain.lane import Lane
from app.domain.lifetime import KEPT_FOR_S, LIFETIME_S
from app.domain.listing import Wanted
from app.errors import Conflict, Invalid, ServiceUnavailable
from app.store.content import ContentItem
from app.topic import Topic
from tests.support.aws import client
from tests.support.crash import Before, Crash, crash
from tests.support.faults import FaultInjector, FaultMode, FaultyStore
from tests.support.harness import DAY_S, Harness
from tests.support.samples import an_email, somebody


def test_an_accepted_email_is_stored_whole_and_published(harness: Harness) -> None:
    ann, bob, eve = Mailbox("Ann@Example.net", "Ann"), somebody("bob"), somebody("eve")
    email = an_email(
        ann, cc=(bob,), bcc=(eve,), providers=("ses",), on_uncertain=OnUncertain.FAIL, content=Content("Hi", "there")
    )
    accepted = harness.accept(email, project="team", key=None)
    head = harness.head(accepted.head.email_id)
    assert (accepted.replayed, accepted.head) == (False, head)
    content = harness.contents.open(head.email_id)[1]()
    assert content == email.content
    assert [(r.address, r.role, content.names[key], r.status) for key, r in head.recipients.items()] == [
        ("Ann@Example.net", Role.TO, "Ann", Status.QUEUED),
        (bob.address, Role.CC, "Bob", Status.QUEUED),
        (eve.address, Role.BCC, "Eve", Status.QUEUED),
    ]
    assert list(head.recipients) == ["ann@example.net", bob.key, eve.key]
    assert (head.sender, head.subject, head.fingerprint) == (email.sender, "Hi", fingerprint(email))
    assert (head.providers, head.on_uncertain) == (("ses",), OnUncertain.FAIL)
    assert (head.attempts, head.next_attempt) == ((), 1)
    assert harness.queue.published() == [(head.email_id, 1)]
    assert list(harness.recipients.emails_to(bob.key, "team")) == [(head.created_at_ms, head.email_id)]


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
    again = harness.accept(email, project="team", key=key)
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
    assert list(harness.recipients.emails_to(stranger.key, "team")) == []
    assert len(list(ContentItem.query(email_id, ContentItem.part.startswith("content#")))) == 1


def test_an_email_that_has_expired_is_refused_but_its_replay_is_not(harness: Harness) -> None:
    email = an_email(expires_at_ms=harness.clock.now_ms + 1000)
    first = harness.accept(email, project="team", key="late")
    harness.clock.advance(2)
    assert harness.accept(email, project="team", key="late") == replace(first, replayed=True)
    with pytest.raises(Invalid) as refusal:
        harness.accept(email, project="team", key="another")
    assert refusal.value.errors == (("expires_at", "must be in the future"),)


def test_a_key_belongs_to_its_project(harness: Harness) -> None:
    email = an_email()
    ids = {harness.accept(email, project=project, key="order-3").head.email_id for project in ("one", "two", "one")}
    assert len(ids) == 2


def until_forgotten(harness: Harness, email_id: str) -> None:
    """Let time pass until the idempotency key of the email is forgotten, which is before the email is."""
    head = harness.head(email_id)
    harness.clock.advance(head.ttl_s - OUTLIVES_KEY_S - harness.clock.now_s + 1)
    assert harness.clock.now_s < head.ttl_s


@pytest.mark.parametrize("passes_s", [0, 3 * DAY_S])
def test_a_key_that_is_used_again_after_its_time_names_a_new_email(harness: Harness, passes_s: int) -> None:
    """Whatever of the first email is still stored then says nothing about the second."""
    key = f"order-4-{passes_s}"
    (ann,) = (email := an_email()).to
    first = harness.take(email, key)
    harness.work()
    delivered = harness.event(first, Kind.DELIVERED)
    harness.report(delivered)
    until_forgotten(harness, first)
    harness.clock.advance(passes_s)
    accepted = harness.accept(email, project="team", key=key)
    second = accepted.head.email_id
    assert (accepted.replayed, second != first) == (False, True)
    assert harness.events.of(second) == []
    assert harness.only(second).status is Status.QUEUED
    listed = [email_id for _, email_id in harness.recipients.emails_to(ann.key, "team")]
    assert listed == [second, first]
    harness.report(replace(delivered, kind=Kind.COMPLAINED))
    assert (harness.only(first).status, harness.only(second).status) == (Status.COMPLAINED, Status.QUEUED)
    assert harness.accept(email, project="team", key=key).head.email_id == second


def test_until_then_it_names_the_first(harness: Harness) -> None:
    email = an_email()
    first = harness.take(email, "order-13")
    until_forgotten(harness, first)
    harness.clock.advance(-1.5)
    again = harness.accept(email, project="team", key="order-13")
    assert (again.replayed, again.head.email_id) == (True, first)


def test_after_its_time_a_key_may_be_used_for_another_request(harness: Harness) -> None:
    first = harness.take(an_email(), "order-9")
    until_forgotten(harness, first)
    other = an_email()
    accepted = harness.accept(other, project="team", key="order-9")
    assert (accepted.replayed, accepted.head.fingerprint) == (False, fingerprint(other))


def test_an_id_that_a_dead_request_had_named_is_kept_as_long_as_its_key(harness: Harness) -> None:
    """An email that ends before its key does would let the key name its id for a second email."""
    email = an_email(expires_at_ms=harness.clock.now_ms + 20 * DAY_S * 1000)
    with pytest.raises(Crash):
        replace(harness.accept, contents=Before(harness.contents, "put_many", crash))(
            email, project="team", key="order-14"
        )
    short = an_email()
    head = harness.accept(short, project="team", key="order-14").head
    assert head.ttl_s == harness.clock.now_s + 20 * DAY_S + KEPT_FOR_S
    until_forgotten(harness, head.email_id)
    assert harness.accept(short, project="team", key="order-14").head.email_id != head.email_id


def test_a_refused_request_takes_no_key_away(harness: Harness) -> None:
    with pytest.raises(Invalid):
        harness.accept(an_email(providers=("nobody",)), project="team", key="order-15")
    assert not harness.accept(an_email(), project="team", key="order-15").replayed


def test_dying_after_the_content_costs_nothing_and_the_client_asks_again(harness: Harness) -> None:
    email = an_email()
    email_id = new_id()
    dying = replace(harness.accept, new_id=lambda: email_id, heads=Before(harness.heads, "create", crash))
    with pytest.raises(Crash):
        dying(email, project="team", key="order-5")
    assert harness.heads.get(email_id) is None
    assert harness.queue.published() == []
    assert not harness.accept(email, project="team", key="order-5").replayed


def listed(harness: Harness, recipient: str) -> list[str]:
    return [head.email_id for head in harness.read.page(Wanted(recipient=recipient), None, 10).heads]


def test_dying_after_the_head_costs_nothing_not_even_the_listing(harness: Harness) -> None:
    email = an_email()
    (ann,) = email.to
    email_id = new_id()
    harness.taken.add(email_id)
    dying = replace(harness.accept, new_id=lambda: email_id, publish=crash)
    with pytest.raises(Crash):
        dying(email, project="team", key="order-6")
    assert harness.queue.published() == []
    head = harness.head(email_id)
    assert listed(harness, ann.key) == [email_id]
    assert harness.later(10) == [(email_id, 1)]  # the sweep
    assert harness.only(email_id).status is Status.SENT
    again = harness.accept(email, project="team", key="order-6")
    assert (again.replayed, again.head.created_at_ms) == (True, head.created_at_ms)
    assert listed(harness, ann.key) == [email_id]


def test_a_request_that_died_before_its_head_is_listed_once_when_it_comes_again(harness: Harness) -> None:
    email = an_email()
    (ann,) = email.to
    email_id = new_id()
    dying = replace(harness.accept, new_id=lambda: email_id, heads=Before(harness.heads, "create", crash))
    with pytest.raises(Crash):
        dying(email, project="team", key="order-16")
    assert listed(harness, ann.key) == []
    harness.clock.advance(5)
    harness.accept(email, project="team", key="order-16")
    assert len(list(harness.recipients.emails_to(ann.key, "team"))) == 2
    assert listed(harness, ann.key) == [email_id]


@pytest.mark.parametrize("fault", [ServiceUnavailable("no"), GetError("no"), ZeroDivisionError()])
def test_nothing_behind_the_head_fails_the_request(harness: Harness, fault: Exception) -> None:
    """The client would send the email again, under a new id, and two would go out."""

    def failing(email_id: str = "", attempt: int = 0, lane: Lane = Lane.NORMAL) -> None:
        raise fault

    email = an_email(collapse_key="again")
    first = harness.take(email)
    broken = replace(harness.accept, publish=failing, heads=Before(harness.heads, "get", failing))
    accepted = broken(email, project="team", key=None)
    harness.taken.add(accepted.head.email_id)
    assert not accepted.replayed
    harness.work()
    harness.later(10)
    assert harness.only(accepted.head.email_id).status is Status.SENT
    assert harness.only(first).status is Status.CANCELED


@pytest.mark.parametrize("key", [None, "order-10"])
def test_a_head_that_was_stored_although_the_answer_was_lost_is_no_replay(harness: Harness, key: str | None) -> None:
    """The store's client makes the write again, and is told that the email exists already."""
    faults = FaultInjector()
    losing = replace(harness.accept, heads=FaultyStore(harness.heads, faults))
    faults.arm((1, FaultMode.ANSWER_LOST))
    email = an_email()
    accepted = losing(email, project="team", key=key)
    assert (accepted.replayed, accepted.head) == (False, harness.head(accepted.head.email_id))
    assert faults.calls_left == 0
    assert harness.queue.published() == [(accepted.head.email_id, 1)]
    (ann,) = email.to
    assert len(list(harness.recipients.emails_to(ann.key, "team"))) == 1
    if key is not None:
        assert harness.accept(email, project="team", key=key) == replace(accepted, replayed=True)


def test_of_two_requests_with_one_key_at_once_the_second_is_the_replay(harness: Harness) -> None:
    email, first = an_email(), []
    racing = Before(
        harness.heads, "create", lambda: first.append(harness.accept(email, project="team", key="order-11"))
    )
    second = replace(harness.accept, heads=racing)(email, project="team", key="order-11")
    assert (first[0].replayed, second.replayed) == (False, True)
    assert second.head == first[0].head
    assert harness.queue.published() == [(second.head.email_id, 1)]


def test_the_beginning_of_time_is_an_expiry_like_any_other(harness: Harness) -> None:
    with pytest.raises(Invalid) as refusal:
        harness.accept(an_email(expires_at_ms=0), project="team", key=None)
    assert refusal.value.errors == (("expires_at", "must be in the future"),)


def test_dying_before_the_publish_is_found_by_the_sweep(harness: Harness) -> None:
    email_id = new_id()
    harness.taken.add(email_id)
    with pytest.raises(Crash):
        replace(harness.accept, new_id=lambda: email_id, publish=crash)(an_email(), project="team", key="order-7")
    assert harness.later(9) == []
    assert harness.later(1) == [(email_id, 1)]


@pytest.mark.parametrize("fault", ["no such topic", "nobody answers"])
def test_a_topic_that_takes_nothing_is_no_error(harness: Harness, fault: str) -> None:
    sns = harness.aws.sns if fault == "no such topic" else client("http://127.0.0.1:9", "sns")
    refusing = Topic(sns, harness.queue.topic.arn + "-gone")
    accepted = replace(harness.accept, publish=refusing.publish)(an_email(), project="team", key=None)
    email_id = accepted.head.email_id
    assert status(harness.head(email_id).recipients.values()) is EmailStatus.QUEUED
    harness.taken.add(email_id)
    assert harness.later(10) == [(email_id, 1)]


def test_a_bucket_that_does_not_answer_stores_no_email(harness: Harness) -> None:
    noise = random.Random(1).randbytes(400_000)  # noqa: S311 because this is no secret
    email = an_email(content=Content("Invoice", attachments=(Attachment("a", "a/b", noise),)))
    email_id = new_id()
    nowhere = type(harness.contents)(lambda: harness.aws.s3, "no-such-bucket")
    lost = replace(harness.accept, new_id=lambda: email_id, contents=nowhere)
    with pytest.raises(ClientError):
        lost(email, project="team", key="order-8")
    assert harness.heads.get(email_id) is None
