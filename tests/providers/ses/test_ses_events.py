"""What SES says in its notifications, row by row."""

import json
from collections.abc import Mapping

import pytest

from app.domain.event import ProviderEvent
from app.domain.kinds import Cause, Kind
from tests.providers.case import NOW_S
from tests.providers.ses.case import envelope, iso, mail, make, post, sign


def parse(report: dict[str, object]) -> list[ProviderEvent]:
    events = make().parse(post(sign(envelope(json.dumps(report)))))
    assert isinstance(events, list)
    return events


def report(name: str, about: Mapping[str, object], key: str = "", **mail_changes: object) -> dict[str, object]:
    about = {"timestamp": "2027-01-15T07:59:59.5Z", **about}
    key = key or {"DeliveryDelay": "deliveryDelay", "Rendering Failure": "failure"}.get(name, name.lower())
    return {"eventType": name, key: about, "mail": mail("Bo@example.com") | mail_changes}


def bounce(kind: str, reason: str, status: str = "", words: str = "") -> dict[str, object]:
    who = {"emailAddress": "Bo@example.com", "action": "failed", "status": status, "diagnosticCode": words}
    return report("Bounce", {"bounceType": kind, "bounceSubType": reason, "bouncedRecipients": [who]})


def complaint(subtype: str | None, feedback: str | None) -> dict[str, object]:
    about = {"complaintSubType": subtype, "complaintFeedbackType": feedback}
    return report("Complaint", about | {"complainedRecipients": [{"emailAddress": "Bo@example.com"}]})


def preferences(**wishes: object) -> dict[str, object]:
    return report("Subscription", {"contactList": "all", "newTopicPreferences": wishes})


DELAYED = {"delayType": "MailboxFull", "delayedRecipients": [{"emailAddress": "Bo@example.com", "status": "4.2.2"}]}


@pytest.mark.parametrize(
    ("told", "kind", "cause", "detail"),
    [
        (report("Send", {}), Kind.ACCEPTED, None, ""),
        (
            report("Delivery", {"recipients": ["Bo@example.com"], "smtpResponse": "250 ok"}),
            Kind.DELIVERED,
            None,
            "250 ok",
        ),
        (report("DeliveryDelay", DELAYED), Kind.DELAYED, None, "MailboxFull 4.2.2"),
        (complaint(None, None), Kind.COMPLAINED, Cause.RECIPIENT, ""),
        (complaint(None, "abuse"), Kind.COMPLAINED, Cause.RECIPIENT, "abuse"),
        (complaint(None, "not-spam"), Kind.UNKNOWN, None, "not-spam"),
        (complaint(None, "auth-failure"), Kind.UNKNOWN, None, "auth-failure"),
        (complaint(None, "virus"), Kind.UNKNOWN, None, "virus"),
        (complaint(None, "Auth_Failure"), Kind.UNKNOWN, None, "Auth_Failure"),
        (complaint(None, "opt-out"), Kind.COMPLAINED, Cause.RECIPIENT, "opt-out"),
        (
            complaint("OnAccountSuppressionList", None),
            Kind.SUPPRESSED,
            Cause.RECIPIENT,
            "OnAccountSuppressionList",
        ),
        (report("Reject", {"reason": "Bad content"}), Kind.VIRUS, Cause.MESSAGE, "Bad content"),
        (report("Rendering Failure", {"errorMessage": "no name"}), Kind.DROPPED, Cause.MESSAGE, "no name"),
        (report("Open", {"ipAddress": "192.0.2.1"}), Kind.OPENED, None, ""),
        (report("Click", {"link": "https://example.com/secret"}), Kind.CLICKED, None, ""),
        (preferences(unsubscribeAll=True), Kind.UNSUBSCRIBED, None, ""),
        (preferences(unsubscribeAll=False), Kind.UNKNOWN, None, ""),
        (report("Something New", {}, key="new"), Kind.UNKNOWN, None, ""),
    ],
)
def test_what_a_notification_says(told: dict[str, object], kind: Kind, cause: Cause | None, detail: str) -> None:
    (event,) = parse(told)
    assert (event.kind, event.cause, event.detail) == (kind, cause, detail)
    assert (event.provider, event.email_id, event.attempt) == ("ses", "em_1", 7)
    assert (event.recipient, event.message_id) == ("bo@example.com", "0100EXAMPLE-000000")
    assert event.event_id == "4d4dc071-ddbf-465d-bba8-08f81c89da64"
    at_s = NOW_S - 60 if kind is Kind.UNKNOWN and told["eventType"] == "Something New" else NOW_S - 0.5
    assert event.at_ms == at_s * 1000


@pytest.mark.parametrize("reason", ["Bad content", "Sending paused: account under review", "Quota", ""])
def test_a_rejection_is_for_a_virus_whatever_it_says(reason: str) -> None:
    (event,) = parse(report("Reject", {"reason": reason}))
    assert (event.kind, event.cause) == (Kind.VIRUS, Cause.MESSAGE)


@pytest.mark.parametrize(
    ("words", "cause"),
    [("Sending paused: account under review", Cause.ACCOUNT), ("Attribute 'name' is missing", Cause.MESSAGE)],
)
def test_a_rendering_failure_that_speaks_of_our_account_says_so(words: str, cause: Cause) -> None:
    (event,) = parse(report("Rendering Failure", {"errorMessage": words}, key="failure"))
    assert (event.kind, event.cause) == (Kind.DROPPED, cause)


def _topics(everything: bool, **statuses: str) -> dict[str, object]:
    listed = [{"topicName": name, "subscriptionStatus": status} for name, status in statuses.items()]
    return {"unsubscribeAll": everything, "topicSubscriptionStatus": listed}


@pytest.mark.parametrize(
    ("before", "after", "left"),
    [
        (_topics(False, news="OptIn"), _topics(False, news="OptOut"), ["topic news of the list without a name"]),
        (_topics(False, news="OptOut"), _topics(True, news="OptOut"), [""]),
        (_topics(False, news="OptOut", tips="OptOut"), _topics(False, news="OptIn", tips="OptOut"), []),
        (_topics(True, news="OptOut"), _topics(False, news="OptOut"), []),
    ],
)
def test_only_a_step_away_from_us_unsubscribes(
    before: dict[str, object], after: dict[str, object], left: list[str]
) -> None:
    change = {"newTopicPreferences": after, "oldTopicPreferences": before}
    events = parse(report("Subscription", change))
    assert [event.scope for event in events if event.kind is Kind.UNSUBSCRIBED] == left


def test_an_identity_notification_says_the_same_without_our_ids() -> None:
    told = bounce("Permanent", "General", "5.1.1")
    told["notificationType"] = told.pop("eventType")
    told["mail"] = {"messageId": "m", "destination": ["bo@example.com"]}
    (event,) = parse(told)
    assert (event.kind, event.email_id, event.attempt, event.recipient) == (Kind.HARD_BOUNCE, "", 0, "bo@example.com")


@pytest.mark.parametrize(
    ("name", "recipients"),
    [
        ("Send", ["a@example.com", "b@example.com"]),
        ("Reject", ["a@example.com", "b@example.com"]),
        ("Rendering Failure", ["a@example.com", "b@example.com"]),
        ("Open", [""]),
        ("Click", [""]),
        ("Subscription", [""]),
        ("Something New", [""]),
    ],
)
def test_of_several_recipients_ses_does_not_always_say_which(name: str, recipients: list[str]) -> None:
    events = parse(report(name, {}, destination=["A@example.com", "b@example.com"]))
    assert [event.recipient for event in events] == recipients


def test_without_a_time_of_its_own_an_event_has_the_emails_then_the_envelopes() -> None:
    (event,) = parse(report("Send", {"timestamp": None}))
    assert event.at_ms == (NOW_S - 60) * 1000
    (event,) = parse(report("Send", {"timestamp": "soon"}, timestamp=None))
    assert event.at_ms == NOW_S * 1000
    (event,) = parse(report("Send", {"timestamp": iso(NOW_S)[:-1] + "123456789Z"}))
    assert event.at_ms == NOW_S * 1000
