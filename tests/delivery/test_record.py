"""record: who may report, about what, and that nothing a provider says is lost or counted twice."""

import time
from dataclasses import replace

import pytest

from app.domain.email import Role
from app.domain.event import Event, Webhook
from app.domain.head import Attempt, Recipient, Status
from app.domain.kinds import Cause, Kind
from app.errors import NotFound, Unauthenticated, Unavailable
from app.topic import Topic
from tests.support.crash import Before, Crash, crash
from tests.support.desk import Desk
from tests.support.providers import webhook
from tests.support.samples import a_head, an_email


def sent(desk: Desk) -> str:
    """An email that the first provider took."""
    email_id = desk.take(an_email())
    desk.work()
    return email_id


def test_a_receipt_is_written_into_the_email_and_kept_for_the_story(desk: Desk) -> None:
    email_id = sent(desk)
    event = desk.event(email_id, Kind.DELIVERED)
    desk.report(event)
    assert desk.only(email_id).status is Status.DELIVERED
    assert desk.read.story(email_id).events == [event]


def test_a_redelivered_webhook_changes_nothing(desk: Desk) -> None:
    email_id = sent(desk)
    events = [desk.event(email_id, Kind.ACCEPTED, event_id="1"), desk.event(email_id, Kind.DELIVERED, event_id="2")]
    desk.report(*events)
    before = desk.head(email_id)
    desk.clock.advance(3600)
    desk.report(*events)
    desk.report(*reversed(events))
    assert desk.head(email_id) == before  # its version, too
    assert len(desk.events.of(email_id)) == 2


def test_a_redelivered_bounce_does_not_start_another_attempt(desk: Desk) -> None:
    email_id = sent(desk)
    bounced = desk.event(email_id, Kind.BLOCKED)
    desk.report(bounced)
    desk.work()
    before = desk.head(email_id)
    desk.report(bounced)
    assert desk.work() == []
    assert desk.head(email_id) == before
    assert desk.post.providers() == ["sendgrid", "mailgun"]


def test_a_bounce_whose_publish_is_refused_is_due(desk: Desk) -> None:
    email_id = sent(desk)
    gone = Topic(desk.aws.sns, desk.queue.topic.arn + "-gone")
    replace(desk.record, publish=gone.publish)("sendgrid", webhook([desk.event(email_id, Kind.BLOCKED)]))
    assert desk.only(email_id).status is Status.QUEUED
    assert desk.later(10) == [(email_id, 2)]


def test_a_provider_that_is_not_configured_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound):
        desk.record("resend", webhook([]))


def test_who_cannot_prove_it_changes_nothing(desk: Desk) -> None:
    email_id = sent(desk)
    before = desk.head(email_id)
    forged = replace(webhook([desk.event(email_id, Kind.BLOCKED)]), headers={"signature": "bad"})
    with pytest.raises(Unauthenticated):
        desk.record("sendgrid", forged)
    assert desk.head(email_id) == before
    assert desk.events.of(email_id) == []


def test_a_token_that_comes_with_another_body_is_a_forgery_and_changes_nothing(desk: Desk) -> None:
    email_id = sent(desk)
    token = f"token-{email_id}"
    honest = webhook([desk.event(email_id, Kind.ACCEPTED)], token=token)
    desk.record("sendgrid", honest)
    before = desk.head(email_id)
    with pytest.raises(Unauthenticated):
        desk.record("sendgrid", webhook([desk.event(email_id, Kind.BLOCKED)], token=token))
    assert desk.head(email_id) == before
    assert len(desk.events.of(email_id)) == 1
    desk.record("sendgrid", honest)  # a redelivery, which is answered as the first was
    assert desk.head(email_id) == before


def test_a_subscription_is_confirmed_once_it_is_verified(desk: Desk) -> None:
    url = "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription"
    with pytest.raises(Unauthenticated):
        desk.record("ses", Webhook(webhook(url).body, {}))
    assert desk.confirmed == []
    desk.record("ses", webhook(url))
    assert desk.confirmed == [url]


def test_a_subscription_that_cannot_be_confirmed_now_is_asked_for_again(desk: Desk) -> None:
    def refuse(url: str) -> None:
        raise Unavailable(f"no answer from {url}")

    with pytest.raises(Unavailable):
        replace(desk.record, confirm=refuse)("ses", webhook("https://sns.us-east-1.amazonaws.com/"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"attempt": 0},
        {"attempt": 2},
        {"attempt": 99},
        {"attempt": -1},
        {"provider": "mailgun"},
        {"recipient": "stranger@example.net"},
    ],
    ids=str,
)
def test_an_event_of_nothing_this_email_knows_is_ignored(desk: Desk, wrong: dict[str, object]) -> None:
    email_id = sent(desk)
    before = desk.head(email_id)
    desk.report(replace(desk.event(email_id, Kind.DEAD), **wrong))  # type: ignore[arg-type] # because these are fields of Event
    assert desk.head(email_id) == before
    assert desk.events.of(email_id) == []
    assert desk.published() == []


@pytest.mark.parametrize("email_id", ["", "eml_nobody"])
def test_an_event_of_an_unknown_email_is_ignored_and_the_rest_is_recorded(desk: Desk, email_id: str) -> None:
    known = sent(desk)
    event = desk.event(known, Kind.DELIVERED)
    desk.report(replace(event, email_id=email_id), event)
    assert desk.only(known).status is Status.DELIVERED
    assert desk.events.of("eml_nobody") == []


def test_an_open_that_names_nobody_is_kept_for_the_story(desk: Desk) -> None:
    email_id = sent(desk)
    before = desk.head(email_id)
    opened = replace(desk.event(email_id, Kind.ENGAGED), recipient="")
    desk.report(opened)
    assert desk.head(email_id) == before
    assert desk.events.of(email_id) == [opened]


def test_a_webhook_of_nothing_is_fine(desk: Desk) -> None:
    desk.record("sendgrid", webhook([]))


def test_a_crash_between_head_and_item_is_healed_by_the_redelivery(desk: Desk) -> None:
    email_id = sent(desk)
    report = webhook([desk.event(email_id, Kind.BLOCKED, cause=Cause.POLICY)])
    with pytest.raises(Crash):
        replace(desk.record, events=Before(desk.events, "put", crash))("sendgrid", report)
    assert desk.only(email_id).status is Status.QUEUED  # the head knew first
    assert (desk.events.of(email_id), desk.published()) == ([], [])
    desk.record("sendgrid", report)
    assert len(desk.events.of(email_id)) == 1
    assert desk.work() == [(email_id, 2)]


def test_a_crash_before_the_head_leaves_nothing_so_that_the_redelivery_is_not_taken_for_old(desk: Desk) -> None:
    email_id = sent(desk)
    report = webhook([desk.event(email_id, Kind.DELIVERED)])
    with pytest.raises(Crash):
        replace(desk.record, heads=Before(desk.heads, "update", crash))("sendgrid", report)
    assert desk.events.of(email_id) == []
    desk.record("sendgrid", report)
    assert desk.only(email_id).status is Status.DELIVERED


def test_one_email_that_cannot_be_written_does_not_keep_the_others_from_it(desk: Desk) -> None:
    emails = [sent(desk) for _ in range(5)]
    report = webhook([desk.event(email_id, Kind.DELIVERED) for email_id in emails])
    with pytest.raises(Crash):  # the caller is told, so that the provider sends all of it again
        replace(desk.record, heads=Before(desk.heads, "update", crash))("sendgrid", report)
    assert [desk.only(email_id).status for email_id in emails].count(Status.DELIVERED) >= 1
    desk.record("sendgrid", report)
    assert {desk.only(email_id).status for email_id in emails} == {Status.DELIVERED}


def test_several_events_of_one_email_are_folded_in_their_order_and_written_once(desk: Desk) -> None:
    email_id = sent(desk)
    before = desk.head(email_id)
    desk.report(*(desk.event(email_id, kind, event_id=kind) for kind in (Kind.ACCEPTED, Kind.DEFERRED, Kind.DELIVERED)))
    assert desk.only(email_id).status is Status.DELIVERED
    assert desk.head(email_id).version == before.version + 1
    assert len(desk.events.of(email_id)) == 3


def test_a_thousand_events_over_two_hundred_emails_are_recorded_in_one_call(desk: Desk) -> None:
    people = {f"person-{n}@example.net": Recipient(f"person-{n}@example.net", Role.TO) for n in range(4)}
    attempt = Attempt(1, "sendgrid", tuple(people), desk.clock.now_ms, Kind.ACCEPTED, message_id="sg-1")
    sent_to = {key: replace(r, status=Status.SENT, attempt=1) for key, r in people.items()}
    emails: list[str] = []
    events: list[Event] = []
    for _ in range(200):
        head = a_head(desk.clock.now_ms, recipients=sent_to, attempts=(attempt,), next_attempt=2)
        assert desk.heads.create(head, desk.clock.now_ms)
        emails.append(head.email_id)
        events += [Event("sendgrid", Kind.DELIVERED, head.email_id, 1, key, desk.clock.now_ms) for key in people]
        events.append(replace(events[-1], kind=Kind.ENGAGED))
    assert len(events) == 1_000
    began_s = time.monotonic()
    desk.report(*events)
    print(f"1,000 events over 200 emails in {time.monotonic() - began_s:.2f} s")  # noqa: T201 because it is for whoever runs this with -s
    for head in [*desk.heads.get_many(emails[:100]), *desk.heads.get_many(emails[100:])]:
        assert {recipient.status for recipient in head.recipients.values()} == {Status.DELIVERED}
        emails.remove(head.email_id)
        assert len(desk.events.of(head.email_id)) == 5
    assert emails == []
