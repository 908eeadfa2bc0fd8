"""What the providers' own labels amount to: their words → `Label`. An integrator calls one function per provider.

The words are compared in lower case. A word that is missing here says that the provider has given up, and no more.
"""

from collections.abc import Mapping
from typing import Final

from app.providers.sdk.bounces.report import Label

# SES Developer Guide, "Amazon SNS notification contents", bounce types (2026-11). Resend uses the same names
# (resend.com/docs/dashboard/emails/email-bounces, 2026-11).
SUBTYPES: Final[Mapping[str, Label]] = {
    "suppressed": Label.SUPPRESSED,
    "onaccountsuppressionlist": Label.SUPPRESSED,
    "ontenantsuppressionlist": Label.SUPPRESSED,
    "emailvalidationsuppressed": Label.SUPPRESSED,
    "unsubscribedrecipient": Label.SUPPRESSED,
    "contentrejected": Label.BLOCKED,
    "attachmentrejected": Label.BLOCKED,
    "mailboxfull": Label.MAILBOX_CONDITION,
    "messagetoolarge": Label.MAILBOX_CONDITION,
}
# Subtypes that say nothing. Under a type that is not Permanent, an automatic reply comes as one of them.
SILENT_SUBTYPES: Final = frozenset({"", "general", "undetermined"})

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

# Mailgun, "Events" (2024-07) and the reasons in its SDKs' fixtures: `reason`, then `delivery-status.code`.
REASONS: Final[Mapping[str, Label]] = {
    "suppress-bounce": Label.SUPPRESSED,
    "suppress-complaint": Label.SUPPRESSED,
    "suppress-unsubscribe": Label.SUPPRESSED,
    "espblock": Label.BLOCKED,
}
CODES: Final[Mapping[str, Label]] = {
    "605": Label.SUPPRESSED,  # bounced before
    "606": Label.SUPPRESSED,  # unsubscribed
    "607": Label.SUPPRESSED,  # complained
    "625": Label.BLOCKED,  # Mailgun holds the mailing back because of a poor list
}
# feedback.mailgun.com, "The final failed retry event for a no MX message" (2019): the last try may come as a temporary
# failure with this reason.
TOO_OLD: Final = "old"


def ses(kind: str, subtype: str) -> Label:
    """The label of `bounceType` and `bounceSubType`."""
    return _by_subtype(kind, subtype, Label.SAYS_NOTHING)


def resend(kind: str, subtype: str) -> Label:
    """The label of `bounce.type` and `bounce.subType`. Resend gives no action: a reply in its text counts instead."""
    return _by_subtype(kind, subtype, Label.SAYS_NOTHING_WITHOUT_REPLY)


def sendgrid(kind: str, classification: str) -> Label:
    """The label of `type` and `bounce_classification`. A block is a block, whatever the classification says."""
    by_type = TYPES.get(kind.strip().lower(), Label.GENERIC)
    if by_type is Label.BLOCKED:
        return by_type
    return CLASSIFICATIONS.get(classification.strip().lower(), by_type)


def mailgun(severity: str, reason: str, code: str) -> Label:
    """The label of `severity`, `reason` and `delivery-status.code`, the last one as a text."""
    why, given = reason.strip().lower(), code.strip()
    own = REASONS.get(why) or CODES.get(given)
    if own and (own is Label.SUPPRESSED or severity.strip().lower() != "temporary"):
        return own
    if why == TOO_OLD:
        return Label.GENERIC
    temporary = severity.strip().lower() == "temporary" or (not severity.strip() and given.startswith("4"))
    return Label.DELAYED if temporary else Label.GENERIC


def _by_subtype(kind: str, subtype: str, silent: Label) -> Label:
    word = subtype.strip().lower()
    if word not in SILENT_SUBTYPES:
        return SUBTYPES.get(word, Label.GENERIC)
    return Label.GENERIC if kind.strip().lower() == "permanent" else silent
