"""attempt: the guard, the claim, and the order of its steps."""

import random
from dataclasses import replace

import pytest
from botocore.exceptions import EndpointConnectionError

from app.delivery.ports import LoadContent
from app.domain.email import Attachment, Content, Message
from app.domain.head import Head, Status
from app.domain.kinds import Kind
from app.domain.outcome import Outcome
from app.errors import Contention
from app.settings import INLINE_BYTES
from app.store.content import Contents
from app.store.head_items import HeadItem
from app.store.heads import Heads
from app.topic import Topic
from tests.support.aws import BUCKET, client
from tests.support.crash import Before, crash
from tests.support.harness import LEASE_S, Harness
from tests.support.outcomes import UNAVAILABLE, accepted
from tests.support.samples import an_email

NOISE = random.Random(7).randbytes(INLINE_BYTES)  # noqa: S311 because this is no secret
A_LARGE_ONE = Content("Invoice", "attached", attachments=(Attachment("a.bin", "application/pdf", NOISE),))


def untouched(harness: Harness, before: Head) -> bool:
    return harness.head(before.email_id) == before and harness.send.calls == [] and harness.queue.published() == []


def test_an_accepted_email_is_sent_by_the_first_provider(harness: Harness) -> None:
    email = an_email()
    email_id = harness.take(email)

    def quarter_of_a_second(_: Message) -> Outcome:
        harness.clock.advance(0.25)
        return accepted("sg-1")

    harness.send.plan("sendgrid", quarter_of_a_second)
    assert harness.work() == [(email_id, 1)]
    ((provider, message),) = harness.send.calls
    assert provider == "sendgrid"
    assert (message.email_id, message.attempt) == (email_id, 1)
    assert (message.sender, message.to, message.content) == (email.sender, email.to, email.content)
    head = harness.head(email_id)
    (told,) = head.attempts
    assert (told.outcome, told.message_id, told.status_code, told.duration_ms) == (Kind.ACCEPTED, "sg-1", 202, 250)
    assert harness.only(email_id).status is Status.SENT
    assert (head.lease_until_ms, head.next_attempt) == (None, 2)


def test_an_email_that_nobody_knows_is_dropped(harness: Harness) -> None:
    harness.attempt("eml_nobody", 1)
    assert harness.send.calls == []


def test_a_claim_whose_answer_was_lost_is_known_by_its_holder_and_the_call_is_made(harness: Harness) -> None:
    """The store's client tries a write again that had gone through: the second try is refused."""
    email_id = harness.take(an_email())
    harness.queue.published()

    class Deaf(Heads):
        def update(self, head: Head, now_ms: int) -> Head | None:
            super().update(head, now_ms)
            return super().update(head, now_ms)

    replace(harness.attempt, heads=Deaf())(email_id, 1)
    head = harness.head(email_id)
    assert harness.send.providers() == ["sendgrid"]
    assert (harness.only(email_id).status, len(head.attempts)) == (Status.SENT, 1)
    assert (head.lease_until_ms, head.lease_holder) == (None, "")


@pytest.mark.parametrize("number", [-1, 0, 2, 99])
def test_another_number_than_the_expected_is_dropped(harness: Harness, number: int) -> None:
    before = harness.head(harness.take(an_email()))
    harness.queue.published()
    harness.attempt(before.email_id, number)
    assert untouched(harness, before)


def test_an_email_under_way_is_left_alone_until_the_lease_ends(harness: Harness) -> None:
    email_id = harness.take(an_email())
    seen: list[Head] = []

    def meanwhile(message: Message) -> Outcome:
        under_way = harness.head(email_id)
        for number in (1, 2):  # a redelivery, and a sweep that believes it knows better
            harness.attempt(email_id, number)
        harness.clock.advance(LEASE_S - 1)
        harness.attempt(email_id, 2)
        assert harness.head(email_id) == under_way
        seen.append(under_way)
        return accepted()

    harness.send.plan("sendgrid", meanwhile)
    harness.work()
    (under_way,) = seen
    assert len(harness.send.calls) == 1
    assert (under_way.next_attempt, under_way.lease_attempt) == (2, 1)
    assert under_way.lease_until_ms == under_way.created_at_ms + LEASE_S * 1000
    assert under_way.attempts[0].outcome is None
    assert [recipient.status for recipient in under_way.recipients.values()] == [Status.SENDING]
    assert harness.only(email_id).status is Status.SENT


def test_a_message_that_comes_again_after_the_call_is_dropped(harness: Harness) -> None:
    email_id = harness.take(an_email())
    harness.work()
    sent = harness.head(email_id)
    for number in (1, 2):
        harness.attempt(email_id, number)
    assert harness.head(email_id) == sent
    assert len(harness.send.calls) == 1


def test_a_canceled_email_is_not_sent(harness: Harness) -> None:
    email_id = harness.take(an_email())
    harness.cancel(email_id, None)
    harness.work()
    assert harness.send.calls == []
    assert harness.only(email_id).status is Status.CANCELED


def test_an_email_that_is_canceled_between_guard_and_claim_is_not_sent(harness: Harness) -> None:
    """The number is still the expected one and nobody holds a lease: only the version tells."""
    email_id = harness.take(an_email())
    racing = replace(harness.attempt, heads=Before(harness.heads, "update", lambda: harness.cancel(email_id, None)))
    racing(email_id, 1)
    assert harness.send.calls == []
    assert harness.only(email_id).status is Status.CANCELED


def test_of_two_workers_that_both_passed_the_guard_one_claims(harness: Harness) -> None:
    email_id = harness.take(an_email())
    racing = replace(harness.attempt, heads=Before(harness.heads, "update", lambda: harness.attempt(email_id, 1)))
    racing(email_id, 1)
    assert len(harness.send.calls) == 1
    assert len(harness.head(email_id).attempts) == 1


def test_the_first_check_only_saves_reading_the_content(harness: Harness) -> None:
    """The check before the claim is an economy: it protects nothing that the check inside the claim does not.

    A worker that passes the first check by mistake, here on an outdated head, reads the content and does nothing else.
    """
    email_id = harness.take(an_email())
    outdated = harness.head(email_id)
    harness.work()
    sent = harness.head(email_id)
    redelivered = replace(harness.attempt, heads=Before(harness.heads, "update", crash))
    redelivered(email_id, 1)

    class OutdatedAtFirst(Contents):
        def open(self, email_id: str) -> tuple[Head | None, LoadContent]:
            return outdated, Contents.open(self, email_id)[1]

    replace(harness.attempt, contents=OutdatedAtFirst(lambda: harness.aws.s3, BUCKET))(email_id, 1)
    assert harness.head(email_id) == sent
    assert len(harness.send.calls) == 1
    assert harness.queue.published() == []


def test_the_object_of_a_content_is_read_before_the_claim_so_that_nothing_is_held_when_it_cannot_be(
    harness: Harness,
) -> None:
    before = harness.head(harness.take(an_email(content=A_LARGE_ONE)))
    harness.queue.published()
    nowhere = Contents(lambda: client("http://127.0.0.1:9", "s3"), BUCKET)
    with pytest.raises(EndpointConnectionError):
        replace(harness.attempt, contents=nowhere)(before.email_id, 1)
    assert untouched(harness, before)
    harness.attempt(before.email_id, 1)
    assert harness.only(before.email_id).status is Status.SENT


def test_the_outcome_is_written_before_it_is_published(harness: Harness) -> None:
    email_id = harness.take(an_email())
    harness.send.plan("sendgrid", UNAVAILABLE)
    seen: list[tuple[int, Head]] = []
    watched = replace(
        harness.attempt, publish=lambda email_id, number, _: seen.append((number, harness.head(email_id)))
    )
    watched(email_id, 1)
    ((number, stored),) = seen
    assert number == stored.next_attempt == 2
    assert (stored.attempts[0].outcome, stored.lease_until_ms) == (Kind.UNAVAILABLE, None)


def test_a_publish_that_is_refused_after_the_write_is_made_up_for_by_the_sweep(harness: Harness) -> None:
    email_id = harness.take(an_email())
    harness.queue.published()
    harness.send.plan("sendgrid", UNAVAILABLE)
    gone = Topic(harness.aws.sns, harness.queue.topic.arn + "-gone")
    replace(harness.attempt, publish=gone.publish)(email_id, 1)
    assert harness.only(email_id).status is Status.QUEUED
    assert harness.later(10) == [(email_id, 2)]
    assert harness.send.providers() == ["sendgrid", "mailgun"]
    assert harness.only(email_id).status is Status.SENT


def test_an_email_that_is_erased_during_the_call_stays_erased(harness: Harness) -> None:
    email_id = harness.take(an_email())

    def erased(_: Message) -> Outcome:
        HeadItem(email_id).delete()
        return UNAVAILABLE

    harness.send.plan("sendgrid", erased)
    assert harness.work() == [(email_id, 1)]
    assert harness.heads.get(email_id) is None


def test_a_write_that_loses_every_time_gives_up_so_that_the_message_comes_again(harness: Harness) -> None:
    class Losing(Heads):
        def update(self, head: Head, now_ms: int) -> Head | None:  # noqa: ARG002 because the port has them
            return None

    email_id = harness.take(an_email())
    with pytest.raises(Contention):
        replace(harness.attempt, heads=Losing())(email_id, 1)
    assert harness.send.calls == []


@pytest.mark.parametrize(("html", "content_id"), [("", ""), ('<img src="cid:logo">', "logo")])
def test_a_file_with_a_content_id_is_inline_only_in_html(harness: Harness, html: str, content_id: str) -> None:
    file = Attachment("logo.png", "image/png", b"x", content_id="logo")
    harness.take(an_email(content=Content("Hi", "there", html, attachments=(file,))))
    harness.work()
    assert harness.send.calls[-1][1].content.attachments == (replace(file, content_id=content_id),)
