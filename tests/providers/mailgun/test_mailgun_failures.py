"""What a failure of Mailgun means: severity, reason, code, enhanced code and the host's words."""

import pytest

from app.providers.sdk.bounces import EventMeaning
from tests.providers.bounce_meanings import BLOCKED, DEAD, DELAYED, LISTED, MAILBOX, SOFT
from tests.providers.mailgun.case import envelope, make

RATE = "5.1.1 <bo@example.com> has sent to too many recipients this hour"


@pytest.mark.parametrize(
    ("fields", "status", "meaning"),
    [
        ({"severity": "temporary"}, {"code": 450}, DELAYED),
        ({"severity": "temporary"}, {"code": "450"}, DELAYED),
        ({"severity": "temporary"}, {"enhanced-code": "5.1.1"}, DELAYED),
        ({"severity": None}, {"code": "450"}, DELAYED),
        ({"reason": "suppress-bounce"}, {}, LISTED),
        ({"reason": "suppress-unsubscribe"}, {}, LISTED),
        ({"reason": "suppress-complaint"}, {}, LISTED),
        ({}, {"code": 605}, LISTED),
        ({}, {"code": 606}, LISTED),
        ({}, {"code": "607"}, LISTED),
        ({"severity": "temporary"}, {"code": 605}, LISTED),
        ({}, {"code": 625}, BLOCKED),
        ({"reason": "espblock"}, {"enhanced-code": "5.1.1"}, BLOCKED),
        ({}, {"code": 550, "enhanced-code": "5.7.1"}, BLOCKED),
        ({}, {"code": 550, "enhanced-code": "5.1.1", "message": RATE}, BLOCKED),
        ({}, {"code": 550, "enhanced-code": "5.1.1"}, DEAD),
        ({}, {"code": "550", "message": "5.1.1 No such user"}, DEAD),
        ({}, {"code": 550, "description": "no such user"}, DEAD),
        ({}, {"code": 550, "message": "5.2.1 <bo@example.com>: User Unknown"}, DEAD),
        ({}, {"code": 552, "enhanced-code": "5.2.2"}, MAILBOX),
        ({}, {"code": 550, "enhanced-code": "5.1.1", "message": "mailbox is full"}, MAILBOX),
        ({"reason": "bounce"}, {"code": 550}, SOFT),
        ({"reason": "no such user"}, {"code": 550}, SOFT),  # the reason is Mailgun's word and not the host's
        ({"reason": "old"}, {"code": 602}, SOFT),
        ({"severity": None}, {}, SOFT),
    ],
)
def test_what_a_failure_means(fields: dict[str, object], status: dict[str, object], meaning: EventMeaning) -> None:
    entry = {"event": "failed", "severity": "permanent", "recipient": "bo@example.com", "timestamp": 1_760_000_000.0}
    told = envelope({**entry, **fields, "delivery-status": status})
    (event,) = make("https://api.eu.mailgun.net").parse(told)
    assert (event.kind, event.cause) == meaning
