"""What a bounce of SendGrid means: its type, its classification, the status and the host's words."""

import json

import pytest

from app.domain.event import Webhook
from app.providers.sdk.bounces import EventMeaning
from tests.providers.bounce_meanings import BLOCKED, DEAD, MAILBOX, SOFT
from tests.providers.sendgrid.case import make

UNKNOWN = "550 5.1.1 user unknown"
RATE = "550 5.1.1 <bo@example.com> has sent to too many recipients this hour"
YAHOO = "554 delivery error: dd This user doesn't have a yahoo.com account (bo@yahoo.com)"


@pytest.mark.parametrize(
    ("fields", "meaning"),
    [
        ({"type": "bounce", "status": "5.1.1"}, DEAD),
        ({"type": "bounce", "status": "5.1.10"}, DEAD),
        ({"type": "bounce", "reason": UNKNOWN}, DEAD),
        ({"type": "bounce", "response": UNKNOWN}, DEAD),
        ({"type": "bounce", "status": 550, "reason": "No such user"}, DEAD),
        ({"type": "bounce", "status": "5.0.0", "reason": UNKNOWN}, DEAD),
        ({"type": "bounce", "reason": YAHOO}, DEAD),
        ({"type": "bounce", "bounce_classification": "Invalid Address"}, DEAD),
        ({"type": "bounce", "bounce_classification": "Invalid Address", "status": "5.7.1"}, SOFT),
        ({"type": "bounce", "status": "5.2.2"}, MAILBOX),
        ({"type": "bounce", "status": "5.1.1", "reason": "552 5.2.2 Over quota"}, MAILBOX),
        ({"type": "bounce", "bounce_classification": "Mailbox Unavailable"}, MAILBOX),
        ({"type": "bounce", "status": "5.1.1", "reason": RATE}, BLOCKED),
        ({"type": "bounce", "status": "5.7.1"}, BLOCKED),
        *[
            ({"type": "bounce", "bounce_classification": name}, BLOCKED)
            for name in ("Content", "Reputation", "Frequency or Volume Too High")
        ],
        ({"type": "blocked", "status": "5.0.0"}, BLOCKED),
        ({"type": "blocked", "reason": UNKNOWN}, BLOCKED),
        ({"type": "blocked", "bounce_classification": "Invalid Address"}, BLOCKED),
        ({"type": "blocked", "bounce_classification": "Mailbox Unavailable"}, BLOCKED),
        ({"type": "bounce", "bounce_classification": "Technical Failure"}, SOFT),
        ({"type": "expired"}, SOFT),
        ({"type": "invented"}, SOFT),
        ({}, SOFT),
    ],
)
def test_what_a_bounce_means(fields: dict[str, object], meaning: EventMeaning) -> None:
    entry = {"event": "bounce", "email": "bo@example.com", "timestamp": 1_760_000_000, **fields}
    (event,) = make("https://api.sendgrid.com").parse(Webhook(json.dumps([entry]).encode(), {}))
    assert (event.kind, event.cause) == meaning
