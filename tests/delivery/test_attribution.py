"""Reports that bring none of our ids back: they are attributed by address and message id, or to nobody."""

from dataclasses import replace

import pytest

from app.delivery.attribution import LOOKED_AT, Attribution
from app.domain.event import ProviderEvent
from app.domain.head import Status
from app.domain.kinds import Kind
from tests.support.aws import Aws
from tests.support.crash import Before, crash
from tests.support.harness import Harness
from tests.support.outcomes import UNCERTAIN, accepted
from tests.support.samples import an_email, put_entry, somebody


def lost(event: ProviderEvent) -> ProviderEvent:
    """The event as it comes if the provider has lost our metadata."""
    return replace(event, email_id="", attempt=0)


def sent(harness: Harness, **fields: object) -> str:
    """An email that the first provider took."""
    email_id = harness.take(an_email(**fields))
    harness.work()
    return email_id


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, int]]:
    """The lines that the metric of what cannot be attributed is read from."""
    return [(line.message, vars(line)["provider"], vars(line)["events"]) for line in caplog.records]


def test_a_report_without_our_ids_is_attributed_by_address_and_message_id(harness: Harness) -> None:
    email_id = sent(harness)
    event = harness.event(email_id, Kind.HARD_BOUNCE)
    harness.report(lost(event))
    assert harness.only(email_id).status is Status.BOUNCED
    assert harness.read.story(email_id, None).events == [event]
    assert harness.suppression(event.recipient)


def test_after_a_delivery_too_and_once_however_often_it_comes(harness: Harness) -> None:
    email_id = sent(harness)
    harness.report(harness.event(email_id, Kind.DELIVERED, event_id="1"))
    returned = lost(harness.event(email_id, Kind.BLOCKED, event_id="2"))
    harness.clock.advance(3 * 86_400)
    harness.report(returned)
    assert harness.only(email_id).status is Status.BOUNCED
    before = harness.head(email_id)
    harness.report(returned)
    assert harness.head(email_id) == before
    assert len(harness.events.of(email_id)) == 2


def test_a_block_of_which_only_the_message_id_is_known_goes_to_the_next_provider(harness: Harness) -> None:
    email_id = sent(harness)
    harness.report(lost(harness.event(email_id, Kind.BLOCKED)))
    assert harness.work() == [(email_id, 2)]
    assert harness.send.providers() == ["sendgrid", "mailgun"]


def test_of_several_emails_to_one_address_it_is_the_one_of_that_call(harness: Harness) -> None:
    to = somebody()
    emails = [sent(harness, to=(to,)) for _ in range(3)]
    harness.report(lost(harness.event(emails[1], Kind.DELIVERED)))
    assert [harness.only(email_id).status for email_id in emails] == [Status.SENT, Status.DELIVERED, Status.SENT]


def test_of_several_attempts_it_is_the_one_of_that_call(harness: Harness) -> None:
    email_id = sent(harness)
    harness.report(harness.event(email_id, Kind.BLOCKED))
    harness.work()
    harness.report(lost(harness.event(email_id, Kind.UNKNOWN, attempt=1, event_id="late")))
    assert [event.attempt for event in harness.events.of(email_id)] == [1, 1]
    harness.report(lost(harness.event(email_id, Kind.DELIVERED, attempt=2)))
    assert harness.only(email_id).status is Status.DELIVERED


def test_what_is_reported_of_a_repeated_call_is_about_the_first_one(store: Aws) -> None:
    harness = Harness(store, providers=["sendgrid", "mailgun"], idempotent=["sendgrid"])
    harness.send.plan("sendgrid", UNCERTAIN, accepted("the-same"))
    email_id = sent(harness)
    harness.later(120)
    assert [attempt.message_id for attempt in harness.head(email_id).attempts] == ["", "the-same"]
    harness.report(lost(harness.event(email_id, Kind.DELIVERED, attempt=2)))
    assert harness.only(email_id).status is Status.DELIVERED
    assert [event.attempt for event in harness.events.of(email_id)] == [1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"message_id": "another"},
        {"message_id": ""},
        {"provider": "mailgun"},
        {"recipient": "nobody-of-ours@example.net"},
    ],
    ids=str,
)
def test_what_differs_in_one_of_the_three_is_nobodys(
    harness: Harness, wrong: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    email_id = sent(harness)
    before = harness.head(email_id)
    event = replace(lost(harness.event(email_id, Kind.HARD_BOUNCE)), **wrong)  # type: ignore[arg-type] # because these are fields of ProviderEvent
    with caplog.at_level("WARNING"):
        harness.report(event)
    assert harness.head(email_id) == before
    assert harness.events.of(email_id) == []
    assert told(caplog) == [("webhook for an unknown email", event.provider, 1)]
    assert harness.suppression(event.recipient), "dead, whoever wrote to it"


def test_an_email_to_several_is_found_by_the_one_whom_the_call_carried(harness: Harness) -> None:
    anne, bo = somebody("anne"), somebody("bo")
    email_id = sent(harness, to=(anne, bo))
    harness.report(harness.event(email_id, Kind.BLOCKED, to=anne.key))
    harness.work()  # the second call carries Anne alone
    mistaken = replace(lost(harness.event(email_id, Kind.HARD_BOUNCE)), recipient=bo.key)
    harness.report(mistaken)
    assert harness.head(email_id).recipients[bo.key].status is Status.SENT
    harness.report(lost(harness.event(email_id, Kind.DELIVERED)))
    assert harness.head(email_id).recipients[anne.key].status is Status.DELIVERED


def test_reports_of_many_are_told_apart_in_one_webhook(harness: Harness, caplog: pytest.LogCaptureFixture) -> None:
    emails = [sent(harness) for _ in range(5)]
    reports = [harness.event(email_id, Kind.DELIVERED) for email_id in emails]
    foreign = replace(lost(reports[0]), message_id="foreign")
    with caplog.at_level("WARNING"):
        harness.report(lost(reports[0]), reports[1], foreign, *map(lost, reports[2:]), foreign)
    assert {harness.only(email_id).status for email_id in emails} == {Status.DELIVERED}
    assert told(caplog) == [("webhook for an unknown email", "sendgrid", 2)]


def test_only_the_newest_emails_to_an_address_are_looked_at(harness: Harness) -> None:
    email_id = sent(harness)
    head = harness.head(email_id)
    (key,) = head.recipients
    event = lost(harness.event(email_id, Kind.DELIVERED))

    def newer(count: int) -> None:
        for number in range(count):
            at_ms = head.created_at_ms + 1 + number
            put_entry(key, f"eml_gone{number}", at_ms)

    newer(LOOKED_AT)
    assert harness.record.attribute([event]) == [event]
    put_entry(key, email_id, head.created_at_ms + LOOKED_AT)
    assert [found.email_id for found in harness.record.attribute([event])] == [email_id]


def test_a_report_with_our_ids_is_looked_up_nowhere(harness: Harness) -> None:
    email_id = sent(harness)
    strict = Attribution(
        Before(harness.heads, "get_many", crash),
        Before(harness.recipients, "emails_to", crash),
        Before(harness.partitions, "read", crash),
    )
    harness.record = replace(harness.record, attribute=strict)
    event = harness.event(email_id, Kind.DELIVERED)
    harness.report(event, replace(event, email_id="eml_nobody"), replace(lost(event), message_id=""))
    assert harness.only(email_id).status is Status.DELIVERED


def test_heads_are_read_once_for_all_reports_about_one_address(harness: Harness) -> None:
    email_id = sent(harness)
    event = lost(harness.event(email_id, Kind.DELIVERED))
    heads = Before(harness.heads, "get_many")
    heads.arm(lambda: heads.arm(crash))  # the second reading is one too many
    found = Attribution(heads, harness.recipients, harness.partitions)([event, replace(event, kind=Kind.OPENED)])
    assert [one.email_id for one in found] == [email_id, email_id]
