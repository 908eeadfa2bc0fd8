"""What the types of Resend's bounces amount to. Their names are those of AWS.

The source is resend.com/docs/dashboard/emails/email-bounces (2026-11).
"""

from app.providers.sdk.bounces import Label
from app.providers.sdk.bounces.subtypes import by_subtype


def label(kind: str, subtype: str) -> Label:
    """The label of `bounce.type` and `bounce.subType`. Resend gives no action: a reply in its text counts instead."""
    return by_subtype(kind, subtype, Label.SAYS_NOTHING_WITHOUT_REPLY)
