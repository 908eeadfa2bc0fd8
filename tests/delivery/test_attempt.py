"""attempt: the guard, the claim, and the order of its steps."""

from dataclasses import replace

import pytest

from app.domain.email import Message
from app.domain.head import Head, Status
from app.domain.kinds import Kind
from app.domain.outcome import Outcome
from app.errors import Contention
from app.store.content import ContentItem
from app.store.heads import HeadItem, Heads
from app.topic import Topic
from tests.support.crash import Before
from tests.support.desk import LEASE_S, Desk
from tests.support.outcomes import UNAVAILABLE, accepted
from tests.support.samples import an_email


def untouched(desk: Desk, before: Head) -> bool:
    return desk.head(before.email_id) == before and desk.post.calls == [] and desk.queue.published() == []


def test_an_accepted_email_is_sent_by_the_first_provider(desk: Desk) -> None:
    email = an_email()
    email_id = desk.take(email)

    def quarter_of_a_second(_: Message) -> Outcome:
        desk.clock.advance(0.25)
        return accepted("sg-1")

    desk.post.plan("sendgrid", quarter_of_a_second)
    assert desk.work() == [(email_id, 1)]
    ((provider, message),) = desk.post.calls
    assert provider == "sendgrid"
    assert (message.email_id, message.attempt) == (email_id, 1)
    assert (message.sender, message.to, message.content) == (email.sender, email.to, email.content)
    head = desk.head(email_id)
    (told,) = head.attempts
    assert (told.outcome, told.message_id, told.status_code, told.duration_ms) == (Kind.ACCEPTED, "sg-1", 202, 250)
    assert desk.only(email_id).status is Status.SENT
    assert (head.lease_until_ms, head.next_attempt) == (None, 2)


def test_an_email_that_nobody_knows_is_dropped(desk: Desk) -> None:
    desk.attempt("eml_nobody", 1)
    assert desk.post.calls == []


def test_a_claim_whose_answer_was_lost_is_known_by_its_holder_and_the_call_is_made(desk: Desk) -> None:
    """The store's client tries a write again that had gone through: the second try is refused."""
    email_id = desk.take(an_email())
    desk.queue.published()

    class Deaf(Heads):
        def update(self, head: Head, now_ms: int) -> Head | None:
            super().update(head, now_ms)
            return super().update(head, now_ms)

    replace(desk.attempt, heads=Deaf())(email_id, 1)
    head = desk.head(email_id)
    assert desk.post.providers() == ["sendgrid"]
    assert (desk.only(email_id).status, len(head.attempts)) == (Status.SENT, 1)
    assert (head.lease_until_ms, head.lease_holder) == (None, "")


@pytest.mark.parametrize("number", [-1, 0, 2, 99])
def test_another_number_than_the_expected_is_dropped(desk: Desk, number: int) -> None:
    before = desk.head(desk.take(an_email()))
    desk.queue.published()
    desk.attempt(before.email_id, number)
    assert untouched(desk, before)


def test_an_email_under_way_is_left_alone_until_the_lease_ends(desk: Desk) -> None:
    email_id = desk.take(an_email())
    seen: list[Head] = []

    def meanwhile(message: Message) -> Outcome:
        under_way = desk.head(email_id)
        for number in (1, 2):  # a redelivery, and a sweep that believes it knows better
            desk.attempt(email_id, number)
        desk.clock.advance(LEASE_S - 1)
        desk.attempt(email_id, 2)
        assert desk.head(email_id) == under_way
        seen.append(under_way)
        return accepted()

    desk.post.plan("sendgrid", meanwhile)
    desk.work()
    (under_way,) = seen
    assert len(desk.post.calls) == 1
    assert (under_way.next_attempt, under_way.lease_attempt) == (2, 1)
    assert under_way.lease_until_ms == under_way.created_at_ms + LEASE_S * 1000
    assert under_way.attempts[0].outcome is None
    assert [recipient.status for recipient in under_way.recipients.values()] == [Status.SENDING]
    assert desk.only(email_id).status is Status.SENT


def test_a_message_that_comes_again_after_the_call_is_dropped(desk: Desk) -> None:
    email_id = desk.take(an_email())
    desk.work()
    sent = desk.head(email_id)
    for number in (1, 2):
        desk.attempt(email_id, number)
    assert desk.head(email_id) == sent
    assert len(desk.post.calls) == 1


def test_a_canceled_email_is_not_sent(desk: Desk) -> None:
    email_id = desk.take(an_email())
    desk.cancel(email_id)
    desk.work()
    assert desk.post.calls == []
    assert desk.only(email_id).status is Status.CANCELED


def test_an_email_that_is_canceled_between_guard_and_claim_is_not_sent(desk: Desk) -> None:
    """The number is still the expected one and nobody holds a lease: only the version tells."""
    email_id = desk.take(an_email())
    racing = replace(desk.attempt, heads=Before(desk.heads, "update", lambda: desk.cancel(email_id)))
    racing(email_id, 1)
    assert desk.post.calls == []
    assert desk.only(email_id).status is Status.CANCELED


def test_of_two_workers_that_both_passed_the_guard_one_claims(desk: Desk) -> None:
    email_id = desk.take(an_email())
    racing = replace(desk.attempt, heads=Before(desk.heads, "update", lambda: desk.attempt(email_id, 1)))
    racing(email_id, 1)
    assert len(desk.post.calls) == 1
    assert len(desk.head(email_id).attempts) == 1


def test_the_content_is_read_before_the_claim_so_that_nothing_is_held_when_it_cannot_be(desk: Desk) -> None:
    before = desk.head(desk.take(an_email()))
    desk.queue.published()
    (content,) = ContentItem.query(before.email_id, ContentItem.part.startswith("content#"))
    content.delete()
    with pytest.raises(ContentItem.DoesNotExist):
        desk.attempt(before.email_id, 1)
    assert untouched(desk, before)
    content.save()
    desk.attempt(before.email_id, 1)
    assert desk.only(before.email_id).status is Status.SENT


def test_the_outcome_is_written_before_it_is_published(desk: Desk) -> None:
    email_id = desk.take(an_email())
    desk.post.plan("sendgrid", UNAVAILABLE)
    seen: list[tuple[int, Head]] = []
    watched = replace(desk.attempt, publish=lambda email_id, number: seen.append((number, desk.head(email_id))))
    watched(email_id, 1)
    ((number, stored),) = seen
    assert number == stored.next_attempt == 2
    assert (stored.attempts[0].outcome, stored.lease_until_ms) == (Kind.UNAVAILABLE, None)


def test_a_publish_that_is_refused_after_the_write_is_made_up_for_by_the_sweep(desk: Desk) -> None:
    email_id = desk.take(an_email())
    desk.queue.published()
    desk.post.plan("sendgrid", UNAVAILABLE)
    gone = Topic(desk.aws.sns, desk.queue.topic.arn + "-gone")
    replace(desk.attempt, publish=gone.publish)(email_id, 1)
    assert desk.only(email_id).status is Status.QUEUED
    assert desk.later(10) == [(email_id, 2)]
    assert desk.post.providers() == ["sendgrid", "mailgun"]
    assert desk.only(email_id).status is Status.SENT


def test_an_email_that_is_erased_during_the_call_stays_erased(desk: Desk) -> None:
    email_id = desk.take(an_email())

    def erased(_: Message) -> Outcome:
        HeadItem(email_id).delete()
        return UNAVAILABLE

    desk.post.plan("sendgrid", erased)
    assert desk.work() == [(email_id, 1)]
    assert desk.heads.get(email_id) is None


def test_a_write_that_loses_every_time_gives_up_so_that_the_message_comes_again(desk: Desk) -> None:
    class Losing(Heads):
        def update(self, head: Head, now_ms: int) -> Head | None:  # noqa: ARG002 because the port has them
            return None

    email_id = desk.take(an_email())
    with pytest.raises(Contention):
        replace(desk.attempt, heads=Losing())(email_id, 1)
    assert desk.post.calls == []
