"""What the types of SES's bounces amount to."""

from app.providers.sdk.bounces import Label
from app.providers.sdk.bounces.subtypes import by_subtype


def label(kind: str, subtype: str) -> Label:
    """The label of `bounceType` and `bounceSubType`."""
    return by_subtype(kind, subtype, Label.SAYS_NOTHING)
