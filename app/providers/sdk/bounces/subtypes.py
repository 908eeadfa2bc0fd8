"""The label of a bounce's type and subtype, in the names that AWS gives them and others use as well.

The words are compared in lower case. A subtype that is missing here says that the provider has given up, and no more.
"""

from collections.abc import Mapping
from typing import Final

from app.providers.sdk.bounces.report import Label

# docs.aws.amazon.com, "Amazon SNS notification contents", bounce types (2026-11).
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


def by_subtype(kind: str, subtype: str, silent: Label) -> Label:
    """The label of a bounce. `silent` is that of a subtype that says nothing, under a type that is not Permanent."""
    word = subtype.strip().lower()
    if word not in SILENT_SUBTYPES:
        return SUBTYPES.get(word, Label.GENERIC)
    return Label.GENERIC if kind.strip().lower() == "permanent" else silent
