"""record: who may report, about what, and that nothing a provider says is lost or counted twice."""

import time
from dataclasses import replace

import pytest

from app.domain.attempts import Attempt
from app.domain.email import Role
from app.domain.event import ProviderEvent, Webhook
from app.domain.head import Evidence, Recipient, Status
from app.domain.kinds import Cause, Kind
from app.errors import NotFound, ServiceUnavailable, Unauthenticated, Unreadable
from app.store.head_items import PART, HeadItem
from app.topic import Topic
from tests.support.calls import Seen
from tests.support.crash import Before, Crash, crash
from tests.support.harness import Harness
from tests.support.providers import webhook
from tests.support.samples import a_head, an_email, somebody
from tests.support.size import FULL

RECORDED_EMAILS = 200 if FULL else 40


def sent(harness: Harness) -> str:
    """An email that the first provider took."""
    email_id = harness.take(an_email())
    harness.work()
    return email_id


def test_a_receipt_is_written_into_the_email_and_kept_for_the_story(harness: Harness) -> None:
    email_id = sent(harness)
    event = harness.event(email_id, Kind.DELIVERED)
    harness.report(event)
    assert harness.only(email_id).status is Status.DELIVERED
    assert harness.read.story(email_id, None).events == [event]


def test_a_redelivered_webhook_changes_nothing(harness: Harness) -> None:
    email_id = sent(harness)
    events = [
        harness.event(email_id, Kind.ACCEPTED, event_id="1"),
        harness.event(email_id, Kind.DELIVERED, event_id="2"),
    ]
    harness.report(*events)
    before = harness.head(email_id)
    harness.clock.advance(3600)
    harness.report(*events)
    harness.report(*reversed(events))
    assert harness.head(email_id) == before  # its version, too
    assert len(harness.events.of(email_id)) == 2


def test_a_redelivered_bounce_does_not_start_another_attempt(harness: Harness) -> None:
    email_id = sent(harness)
    bounced = harness.event(email_id, Kind.BLOCKED)
    harness.report(bounced)
    harness.work()
    before = harness.head(email_id)
    harness.report(bounced)
    assert harness.work() == []
    assert harness.head(email_id) == before
    assert harness.send.providers() == ["sendgrid", "mailgun"]


def test_a_bounce_whose_publish_is_refused_is_due(harness: Harness) -> None:
    email_id = sent(harness)
    gone = Topic(harness.aws.sns, harness.queue.topic.arn + "-gone")
    blocked = webhook([harness.event(email_id, Kind.BLOCKED)])
    replace(harness.record, publish_many=gone.publish_many)("sendgrid", blocked)
    assert harness.only(email_id).status is Status.QUEUED
    assert harness.later(10) == [(email_id, 2)]


def test_a_provider_that_is_not_configured_is_not_found(harness: Harness) -> None:
    with pytest.raises(NotFound):
        harness.record("resend", webhook([]))


def test_who_cannot_prove_it_changes_nothing(harness: Harness) -> None:
    email_id = sent(harness)
    before = harness.head(email_id)
    forged = replace(webhook([harness.event(email_id, Kind.BLOCKED)]), headers={"signature": "bad"})
    with pytest.raises(Unauthenticated):
        harness.record("sendgrid", forged)
    assert harness.head(email_id) == before
    assert harness.events.of(email_id) == []


def test_a_token_that_comes_with_another_body_is_a_forgery_and_changes_nothing(harness: Harness) -> None:
    email_id = sent(harness)
    token = f"token-{email_id}"
    honest = webhook([harness.event(email_id, Kind.ACCEPTED)], token=token)
    harness.record("sendgrid", honest)
    before = harness.head(email_id)
    with pytest.raises(Unauthenticated):
        harness.record("sendgrid", webhook([harness.event(email_id, Kind.BLOCKED)], token=token))
    assert harness.head(email_id) == before
    assert len(harness.events.of(email_id)) == 1
    harness.record("sendgrid", honest)  # a redelivery, which is answered as the first was
    assert harness.head(email_id) == before


def test_a_subscription_is_confirmed_once_it_is_verified(harness: Harness) -> None:
    url = "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription"
    with pytest.raises(Unauthenticated):
        harness.record("ses", Webhook(webhook(url).body, {}))
    assert harness.confirmed == []
    harness.record("ses", webhook(url))
    assert harness.confirmed == [url]


def test_a_subscription_that_cannot_be_confirmed_now_is_asked_for_again(harness: Harness) -> None:
    def refuse(account: str, url: str) -> None:
        raise ServiceUnavailable(f"no answer from {url}, of {account}")

    with pytest.raises(ServiceUnavailable, match="of ses"):
        replace(harness.record, confirm=refuse)("ses", webhook("https://sns.us-east-1.amazonaws.com/"))


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
def test_an_event_of_nothing_this_email_knows_is_ignored(harness: Harness, wrong: dict[str, object]) -> None:
    email_id = sent(harness)
    before = harness.head(email_id)
    harness.report(replace(harness.event(email_id, Kind.HARD_BOUNCE), **wrong))  # type: ignore[arg-type] # because these are fields of ProviderEvent
    assert harness.head(email_id) == before
    assert harness.events.of(email_id) == []
    assert harness.published() == []


@pytest.mark.parametrize("email_id", ["", "eml_nobody"])
def test_an_event_of_an_unknown_email_is_ignored_and_the_rest_is_recorded(harness: Harness, email_id: str) -> None:
    known = sent(harness)
    event = harness.event(known, Kind.DELIVERED)
    harness.report(replace(event, email_id=email_id), event)
    assert harness.only(known).status is Status.DELIVERED
    assert harness.events.of("eml_nobody") == []


@pytest.mark.parametrize("kind", [Kind.HARD_BOUNCE, Kind.COMPLAINED, Kind.UNSUBSCRIBED, Kind.SUPPRESSED, Kind.BLOCKED])
@pytest.mark.parametrize(
    "wrong", [{"email_id": "", "attempt": 0}, {"attempt": 99}, {"email_id": "eml_nobody"}], ids=str
)
def test_of_an_event_that_cannot_be_attributed_counts_what_it_says_of_the_address(
    harness: Harness, kind: Kind, wrong: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    stranger = somebody("stranger").key
    event = replace(harness.event(sent(harness), kind), recipient=stranger, **wrong)  # type: ignore[arg-type] # because these are fields of ProviderEvent
    with caplog.at_level("WARNING"):
        harness.report(event)
    found = harness.suppression(stranger)
    is_gone = wrong.get("email_id") == "eml_nobody"  # an id of ours, of an email that is gone
    counts = {Kind.HARD_BOUNCE, Kind.COMPLAINED, Kind.UNSUBSCRIBED} if is_gone else {Kind.HARD_BOUNCE}
    assert (found is not None) is (kind in counts)
    warnings = [vars(line) for line in caplog.records if line.levelname == "WARNING"]
    assert [(line["provider"], line["events"]) for line in warnings] == [("sendgrid", 1)]


def test_an_open_that_names_nobody_is_kept_for_the_story(harness: Harness) -> None:
    email_id = sent(harness)
    before = harness.head(email_id)
    opened = replace(harness.event(email_id, Kind.OPENED), recipient="")
    harness.report(opened)
    assert harness.head(email_id) == before
    assert harness.events.of(email_id) == [opened]


def test_a_webhook_of_nothing_is_fine(harness: Harness) -> None:
    harness.record("sendgrid", webhook([]))


def test_a_crash_between_head_and_item_is_healed_by_the_redelivery(harness: Harness) -> None:
    email_id = sent(harness)
    report = webhook([harness.event(email_id, Kind.BLOCKED, cause=Cause.POLICY)])
    with pytest.raises(Crash):
        replace(harness.record, events=Before(harness.events, "put", crash))("sendgrid", report)
    assert harness.only(email_id).status is Status.QUEUED  # the head knew first
    assert (harness.events.of(email_id), harness.published()) == ([], [])
    harness.record("sendgrid", report)
    assert len(harness.events.of(email_id)) == 1
    assert harness.work() == [(email_id, 2)]


def test_a_crash_before_the_head_leaves_nothing_so_that_the_redelivery_is_not_taken_for_old(harness: Harness) -> None:
    email_id = sent(harness)
    report = webhook([harness.event(email_id, Kind.DELIVERED)])
    with pytest.raises(Crash):
        replace(harness.record, heads=Before(harness.heads, "update", crash))("sendgrid", report)
    assert harness.events.of(email_id) == []
    harness.record("sendgrid", report)
    assert harness.only(email_id).status is Status.DELIVERED


def test_one_email_that_cannot_be_written_does_not_keep_the_others_from_it(harness: Harness) -> None:
    emails = [sent(harness) for _ in range(5)]
    report = webhook([harness.event(email_id, Kind.DELIVERED) for email_id in emails])
    with pytest.raises(Crash):  # the caller is told, so that the provider sends all of it again
        replace(harness.record, heads=Before(harness.heads, "update", crash))("sendgrid", report)
    assert [harness.only(email_id).status for email_id in emails].count(Status.DELIVERED) >= 1
    harness.record("sendgrid", report)
    assert {harness.only(email_id).status for email_id in emails} == {Status.DELIVERED}


def test_the_heads_of_many_emails_are_read_and_their_events_stored_together(harness: Harness) -> None:
    emails = [sent(harness) for _ in range(30)]
    for email_id in emails[:3]:
        harness.report(harness.event(email_id, Kind.ACCEPTED))  # so that its head is not as it was sent
    heads, events = Seen(harness.heads), Seen(harness.events)
    record = replace(harness.record, heads=heads, events=events)
    record("sendgrid", webhook([harness.event(email_id, Kind.DELIVERED) for email_id in emails]))
    assert {name: heads.times(name) for name in ("get", "get_many", "update")} == {
        "get": 0,
        "get_many": 1,
        "update": 30,
    }
    assert events.names == ["put"]
    assert {harness.only(email_id).status for email_id in emails} == {Status.DELIVERED}


def test_a_head_that_somebody_wrote_meanwhile_is_read_again(harness: Harness) -> None:
    emails = [sent(harness) for _ in range(2)]
    report = webhook([harness.event(email_id, Kind.DELIVERED, event_id=email_id) for email_id in emails])
    opened = harness.event(emails[0], Kind.OPENED)
    heads = Before(harness.heads, "update", lambda: harness.report(opened))
    replace(harness.record, heads=heads)("sendgrid", report)
    assert {harness.only(email_id).status for email_id in emails} == {Status.DELIVERED}
    assert harness.only(emails[0]).has_evidence(1, Evidence.OPENED)


def test_one_that_cannot_be_read_refuses_the_webhook_and_the_others_are_recorded_whole(harness: Harness) -> None:
    emails = [sent(harness) for _ in range(3)]
    item = HeadItem.get(emails[0], PART, consistent_read=True)
    item.on_uncertain = "ask"  # as another version may have written it
    item.save()
    first = ProviderEvent("sendgrid", Kind.BLOCKED, emails[0], 1, "somebody@example.net", harness.clock.now_ms)
    with pytest.raises(Unreadable):
        harness.report(first, *(harness.event(email_id, Kind.BLOCKED) for email_id in emails[1:]))
    assert {harness.only(email_id).status for email_id in emails[1:]} == {Status.QUEUED}
    assert [len(harness.events.of(email_id)) for email_id in emails] == [0, 1, 1]
    assert {email_id for email_id, _ in harness.published()} == set(emails[1:])


def test_several_events_of_one_email_are_folded_in_their_order_and_written_once(harness: Harness) -> None:
    email_id = sent(harness)
    before = harness.head(email_id)
    harness.report(
        *(harness.event(email_id, kind, event_id=kind) for kind in (Kind.ACCEPTED, Kind.DELAYED, Kind.DELIVERED))
    )
    assert harness.only(email_id).status is Status.DELIVERED
    assert harness.head(email_id).version == before.version + 1
    assert len(harness.events.of(email_id)) == 3


def test_many_events_over_many_emails_are_recorded_in_one_call(harness: Harness) -> None:
    people = {f"person-{n}@example.net": Recipient(f"person-{n}@example.net", Role.TO) for n in range(4)}
    attempt = Attempt(1, "sendgrid", tuple(people), harness.clock.now_ms, Kind.ACCEPTED, message_id="sg-1")
    sent_to = {key: replace(r, status=Status.SENT, attempt=1) for key, r in people.items()}
    emails: list[str] = []
    events: list[ProviderEvent] = []
    for _ in range(RECORDED_EMAILS):
        head = a_head(harness.clock.now_ms, recipients=sent_to, attempts=(attempt,), next_attempt=2)
        assert harness.heads.create(head, harness.clock.now_ms)
        emails.append(head.email_id)
        events += [
            ProviderEvent("sendgrid", Kind.DELIVERED, head.email_id, 1, key, harness.clock.now_ms) for key in people
        ]
        events.append(replace(events[-1], kind=Kind.OPENED))
    assert len(events) == 5 * RECORDED_EMAILS
    began_s = time.monotonic()
    harness.report(*events)
    print(f"{len(events)} events over {RECORDED_EMAILS} emails in {time.monotonic() - began_s:.2f} s")  # noqa: T201 because it is for whoever runs this with -s
    for head in [*harness.heads.get_many(emails[:100]), *harness.heads.get_many(emails[100:])]:
        assert {recipient.status for recipient in head.recipients.values()} == {Status.DELIVERED}
        emails.remove(head.email_id)
        assert len(harness.events.of(head.email_id)) == 5
    assert emails == []
