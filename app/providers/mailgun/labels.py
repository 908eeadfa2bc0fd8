"""What Mailgun's labels of a failure amount to. The words are compared in lower case."""

from collections.abc import Mapping
from typing import Final

from app.providers.sdk.bounces import Label

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


def label(severity: str, reason: str, code: str) -> Label:
    """The label of `severity`, `reason` and `delivery-status.code`, the last one as a text."""
    why, given = reason.strip().lower(), code.strip()
    own = REASONS.get(why) or CODES.get(given)
    if own and (own is Label.SUPPRESSED or severity.strip().lower() != "temporary"):
        return own
    if why == TOO_OLD:
        return Label.GENERIC
    temporary = severity.strip().lower() == "temporary" or (not severity.strip() and given.startswith("4"))
    return Label.DELAYED if temporary else Label.GENERIC
