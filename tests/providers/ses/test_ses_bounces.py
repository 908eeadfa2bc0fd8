"""What a bounce of SES means: type, subtype, and the delivery status notification of the recipient."""

import json

import pytest

from app.domain.event import ProviderEvent
from app.providers.sdk.bounces import EventMeaning
from tests.providers.bounce_meanings import BLOCKED, DEAD, DELAYED, LISTED, MAILBOX, NO_FAILURE, SOFT
from tests.providers.ses.case import envelope, mail, make, post, sign


def bounce(kind: str, subtype: str, **entry: object) -> ProviderEvent:
    about = {"bounceType": kind, "bounceSubType": subtype, "timestamp": "2027-01-15T07:59:59.5Z"}
    people = [{"emailAddress": "bo@example.com", **entry}]
    told = {"eventType": "Bounce", "bounce": {**about, "bouncedRecipients": people}, "mail": mail("bo@example.com")}
    events = make().parse(post(sign(envelope(json.dumps(told)))))
    assert isinstance(events, list)
    (event,) = events
    return event


FAILED = {"action": "failed"}
GONE = "smtp; 550 5.1.1 user unknown"
RATE = "smtp; 550 5.1.1 <bo@example.com> has sent to too many recipients this hour"


@pytest.mark.parametrize(
    ("kind", "subtype", "entry", "meaning"),
    [
        # A report that is no failure is none.
        ("Transient", "General", {}, NO_FAILURE),  # as an absence note comes
        ("Transient", "General", {"diagnosticCode": GONE}, NO_FAILURE),
        ("Undetermined", "Undetermined", {}, NO_FAILURE),
        ("", "", {}, NO_FAILURE),
        *[("Permanent", "General", {"action": done}, NO_FAILURE) for done in ("delivered", "relayed", "expanded")],
        ("Transient", "General", {"action": "delayed", "status": "4.4.1"}, DELAYED),
        ("Permanent", "General", {"action": "delayed", "status": "5.1.1", "diagnosticCode": GONE}, DELAYED),
        # The subtypes that say something count without a notification.
        ("Transient", "MailboxFull", {}, MAILBOX),
        ("Transient", "MessageTooLarge", {}, MAILBOX),
        ("Transient", "ContentRejected", {}, BLOCKED),
        ("Transient", "AttachmentRejected", {}, BLOCKED),
        ("Transient", "ContentRejected", {**FAILED, "status": "5.1.1"}, BLOCKED),
        *[
            ("Permanent", subtype, {"status": "5.1.1"}, LISTED)
            for subtype in (
                "Suppressed",
                "OnAccountSuppressionList",
                "OnTenantSuppressionList",
                "EmailValidationSuppressed",
                "UnsubscribedRecipient",
            )
        ],
        # The label does not forbid what the notification says.
        ("Transient", "General", {**FAILED, "status": "5.1.1", "diagnosticCode": GONE}, DEAD),
        ("Undetermined", "Undetermined", {**FAILED, "status": "5.1.1", "diagnosticCode": GONE}, DEAD),
        ("Permanent", "General", {**FAILED, "status": "5.1.1", "diagnosticCode": GONE}, DEAD),
        ("Permanent", "General", {"diagnosticCode": GONE}, DEAD),
        ("Permanent", "NoEmail", {"status": "5.1.1"}, DEAD),
        ("Permanent", "General", {"status": "5.1.1 (bad destination mailbox address)"}, DEAD),
        ("Permanent", "General", {"status": "5.0.0", "diagnosticCode": "smtp; 550-5.1.1 gone\r\n550 5.1.1 x"}, DEAD),
        ("Permanent", "General", {**FAILED, "status": "5.4.4", "diagnosticCode": "550 5.4.4 Invalid domain"}, DEAD),
        ("Permanent", "General", {**FAILED, "status": "5.7.1"}, BLOCKED),
        ("Transient", "General", {**FAILED, "status": "5.7.1"}, BLOCKED),
        # A permanent label alone suppresses nobody.
        ("Permanent", "General", {}, SOFT),
        ("Permanent", "NoEmail", {}, SOFT),
        ("Permanent", "General", {"status": "5.3.0"}, SOFT),
        ("New", "Newer", {}, SOFT),
        # Evidence that contradicts itself is doubt.
        ("Permanent", "General", {**FAILED, "status": "5.1.1", "diagnosticCode": RATE}, BLOCKED),
        ("Permanent", "General", {**FAILED, "status": "5.1.1", "diagnosticCode": "550 5.7.1 IP blacklisted"}, BLOCKED),
        ("Permanent", "General", {**FAILED, "status": "5.1.1", "diagnosticCode": "552 5.2.2 Over quota"}, MAILBOX),
        ("Permanent", "General", {**FAILED, "status": "5.1.1", "diagnosticCode": "the mailbox is full"}, MAILBOX),
        ("Permanent", "General", {"diagnosticCode": "550 5.2.1 this mailbox is disabled"}, MAILBOX),
    ],
)
def test_what_a_bounce_means(kind: str, subtype: str, entry: dict[str, object], meaning: EventMeaning) -> None:
    event = bounce(kind, subtype, **entry)
    assert (event.kind, event.cause) == meaning


def test_it_says_why() -> None:
    event = bounce("Permanent", "General", action="failed", status="5.1.1", diagnosticCode=GONE)
    assert event.detail == f"Permanent General 5.1.1 {GONE}"
