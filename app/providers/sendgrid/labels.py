"""What SendGrid's labels of a bounce amount to. The words are compared in lower case."""

from collections.abc import Mapping
from typing import Final

from app.providers.sdk.bounces import Label

# SendGrid, "Event Webhook Reference", `type` and `bounce_classification` (2026-04).
TYPES: Final[Mapping[str, Label]] = {
    "blocked": Label.BLOCKED,
    "bounce": Label.GENERIC,
    "expired": Label.GENERIC,
}
CLASSIFICATIONS: Final[Mapping[str, Label]] = {
    "content": Label.BLOCKED,
    "reputation": Label.BLOCKED,
    "frequency or volume too high": Label.BLOCKED,
    "mailbox unavailable": Label.MAILBOX_CONDITION,
    "invalid address": Label.UNKNOWN_RECIPIENT,
    "technical failure": Label.GENERIC,
    "unclassified": Label.GENERIC,
}


def label(kind: str, classification: str) -> Label:
    """The label of `type` and `bounce_classification`. A block is a block, whatever the classification says."""
    by_type = TYPES.get(kind.strip().lower(), Label.GENERIC)
    if by_type is Label.BLOCKED:
        return by_type
    return CLASSIFICATIONS.get(classification.strip().lower(), by_type)
