"""Whom a notification of SES is about."""

import json
import logging

import pytest

from app.domain.event import ProviderEvent
from app.domain.kinds import Cause, Kind
from tests.providers.bounce_meanings import DEAD, MAILBOX
from tests.providers.ses.case import envelope, mail, make, post, sign

GONE = {"action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}
LISTS = {"Bounce": "bouncedRecipients", "Complaint": "complainedRecipients", "Delivery": "recipients"}


def told(name: str, listed: object, *to: str, **section: object) -> list[ProviderEvent]:
    about = {"timestamp": "2027-01-15T07:59:59.5Z", "bounceType": "Permanent", "bounceSubType": "General", **section}
    report = {"eventType": name, name.lower(): {**about, LISTS[name]: listed}, "mail": mail(*to)}
    events = make().parse(post(sign(envelope(json.dumps(report)))))
    assert isinstance(events, list)
    return events


@pytest.mark.parametrize(
    "written",
    [
        "bo@example.com",
        "Bo@Example.COM",
        "Bo <bo@example.com>",
        '"Bo <x>" <bo@example.com>',
        "<bo@example.com>",
        '"bo@example.com"',
        "'bo@example.com'",
        "rfc822;bo@example.com",
        "rfc822; <bo@example.com>",
        "bo@example.com.",
        " bo@example.com ",
    ],
)
@pytest.mark.parametrize("others", [(), ("cy@example.com",)])
def test_an_address_in_any_form_is_that_address(written: str, others: tuple[str, ...]) -> None:
    (event,) = told("Bounce", [{"emailAddress": written, **GONE}], "Bo@example.com", *others)
    assert (event.recipient, event.kind) == ("bo@example.com", Kind.HARD_BOUNCE)
    (event,) = told("Delivery", [written], "bo@example.com", *others)
    assert (event.recipient, event.kind) == ("bo@example.com", Kind.DELIVERED)
    (event,) = told("Delivery", ["bo@example.com"], written)
    assert event.recipient == "bo@example.com"


@pytest.mark.parametrize("name", LISTS)
def test_one_entry_without_a_list_is_a_list_of_one(name: str) -> None:
    (event,) = told(name, {"emailAddress": "bo@example.com", **GONE}, "bo@example.com", "cy@example.com")
    assert event.recipient == "bo@example.com"
    assert event.kind is not Kind.SOFT_BOUNCE
    (event,) = told(name, "bo@example.com", "bo@example.com", "cy@example.com")
    assert event.recipient == "bo@example.com"


def test_the_quotes_of_a_local_part_are_kept() -> None:
    (event,) = told("Delivery", ['Bo <"b..o"@example.com>'], '"b..o"@example.com', "cy@example.com")
    assert event.recipient == '"b..o"@example.com'


def test_every_recipient_gets_an_event_of_its_own() -> None:
    people = [{"emailAddress": "a@example.com", **GONE}, {"emailAddress": "b@example.com"}]
    events = told("Bounce", people, "a@example.com", "b@example.com")
    assert [(event.recipient, event.kind) for event in events] == [
        ("a@example.com", Kind.HARD_BOUNCE),
        ("b@example.com", Kind.SOFT_BOUNCE),
    ]
    assert len({event.key for event in events}) == 2


def test_a_dead_mailbox_to_which_mail_is_forwarded_does_not_make_the_address_dead_that_was_written_to() -> None:
    (event,) = told("Bounce", [{"emailAddress": "bo@elsewhere.example", **GONE}], "bo@example.com")
    assert (event.recipient, (event.kind, event.cause)) == ("bo@example.com", MAILBOX)
    both = [{"emailAddress": "bo@elsewhere.example"}, {"emailAddress": "bo@example.com", **GONE}]
    (event,) = told("Bounce", both, "bo@example.com")
    assert (event.recipient, (event.kind, event.cause)) == ("bo@example.com", DEAD)


def test_of_an_email_to_several_a_stranger_stays_a_stranger() -> None:
    (event,) = told("Bounce", [{"emailAddress": "x@elsewhere.example", **GONE}], "a@example.com", "b@example.com")
    assert (event.recipient, event.kind) == ("x@elsewhere.example", Kind.HARD_BOUNCE)


@pytest.mark.parametrize("listed", [[], None, [{}], [{"emailAddress": ""}], [{"emailAddress": 7}], "?"])
def test_a_list_of_nobody_is_about_the_only_one_there_is(listed: object) -> None:
    (event,) = told("Complaint", listed, "bo@example.com")
    assert (event.recipient, event.kind, event.cause) == ("bo@example.com", Kind.COMPLAINED, Cause.RECIPIENT)
    (event,) = told("Complaint", listed, "a@example.com", "b@example.com")
    assert (event.recipient, event.kind, event.cause) == ("", Kind.UNKNOWN, None)


def test_an_entry_without_an_address_has_its_own_words() -> None:
    (event,) = told("Bounce", [GONE], "bo@example.com")
    assert (event.recipient, event.kind) == ("bo@example.com", Kind.HARD_BOUNCE)


def test_of_several_a_recipient_without_an_address_is_left_out() -> None:
    people = [{"emailAddress": 7}, None, {"emailAddress": "b@example.com"}]
    events = told("Complaint", people, "a@example.com", "b@example.com")
    assert [(event.recipient, event.kind) for event in events] == [("b@example.com", Kind.COMPLAINED)]


@pytest.mark.parametrize("to", [("a@example.com", "b@example.com"), ("a@example.com",)])
def test_a_complaint_that_lists_several_proves_nothing_about_any_of_them(
    caplog: pytest.LogCaptureFixture, to: tuple[str, ...]
) -> None:
    people = [{"emailAddress": "a@example.com"}, {"emailAddress": "B@example.com"}]
    with caplog.at_level(logging.WARNING):
        events = told("Complaint", people, *to)
    assert [(event.recipient, event.kind, event.cause) for event in events] == [(one, Kind.UNKNOWN, None) for one in to]
    (line,) = caplog.records
    assert (line.message, vars(line)["provider"]) == ("report about several people", "ses")


def test_one_person_twice_is_one() -> None:
    (event,) = told(
        "Complaint", [{"emailAddress": "a@example.com"}, {"emailAddress": "<A@example.com>"}], "a@example.com"
    )
    assert event.kind is Kind.COMPLAINED


def test_several_on_the_list_of_the_account_are_each_on_it() -> None:
    people = [{"emailAddress": "a@example.com"}, {"emailAddress": "b@example.com"}]
    events = told("Complaint", people, "a@example.com", "b@example.com", complaintSubType="OnAccountSuppressionList")
    assert {event.kind for event in events} == {Kind.SUPPRESSED}
