"""What a bounce of Resend means: it has the names of SES, and no action."""

import json

import pytest

from app.domain.event import Webhook
from app.providers.sdk.bounces import EventMeaning
from tests.providers.bounce_meanings import BLOCKED, DEAD, LISTED, MAILBOX, NO_FAILURE, SOFT
from tests.providers.resend.case import ID, make

GONE = ["smtp; 550 5.1.1 user unknown"]
RATE = ["smtp; 550 5.1.1 <bo@example.com> has sent to too many recipients this hour"]


@pytest.mark.parametrize(
    ("bounce", "meaning"),
    [
        ({"type": "Permanent", "diagnosticCode": GONE}, DEAD),
        ({"type": "Permanent", "diagnosticCode": GONE[0]}, DEAD),  # the Python SDK's type
        ({"type": "Permanent", "diagnosticCode": ["smtp; 550-5.1.1 gone", "550 5.1.1 for good"]}, DEAD),
        ({"type": "Permanent", "message": "550 no such user"}, DEAD),
        # The host's words beat Resend's own sentence.
        ({"type": "Permanent", "diagnosticCode": ["smtp; 550 5.2.2 full"], "message": "No such user"}, MAILBOX),
        ({"type": "Permanent", "diagnosticCode": ["smtp; 550 5.7.1 blocked"]}, BLOCKED),
        ({"type": "Permanent", "diagnosticCode": RATE}, BLOCKED),
        ({"type": "Permanent", "subType": "General"}, SOFT),
        ({"type": "Permanent", "subType": "NoEmail"}, SOFT),
        ({"type": "Permanent", "subType": "Suppressed"}, LISTED),
        ({"type": "Permanent", "subType": "OnAccountSuppressionList"}, LISTED),
        ({"type": "Permanent", "subType": "ContentRejected", "diagnosticCode": ["smtp; 550 5.1.1"]}, BLOCKED),
        # A reply in the text counts as `failed`.
        ({"type": "Transient", "subType": "General", "diagnosticCode": GONE}, DEAD),
        ({"type": "Undetermined", "subType": "Undetermined", "diagnosticCode": GONE}, DEAD),
        ({"type": "Transient", "subType": "ContentRejected"}, BLOCKED),
        ({"type": "Transient", "subType": "AttachmentRejected"}, BLOCKED),
        ({"type": "Transient", "subType": "MessageTooLarge"}, MAILBOX),
        ({"type": "Transient", "subType": "MailboxFull"}, MAILBOX),
        # Without a reply it may be an automatic answer.
        ({"type": "Transient", "subType": "General", "message": "I am away"}, NO_FAILURE),
        ({"type": "Undetermined", "subType": "Undetermined", "message": "unknown user"}, NO_FAILURE),
        ({"type": ["Permanent"], "subType": {}, "diagnosticCode": [7, None], "message": 7}, NO_FAILURE),
        (None, NO_FAILURE),
    ],
)
def test_what_a_bounce_means(bounce: object, meaning: EventMeaning) -> None:
    data = {"to": ["bo@example.com"], "bounce": bounce}
    told = {"type": "email.bounced", "created_at": "2025-10-09T08:53:20.375Z", "data": data}
    (event,) = make("https://api.resend.com").parse(Webhook(json.dumps(told).encode(), {ID: "msg_1"}))
    assert (event.kind, event.cause) == meaning
