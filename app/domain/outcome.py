"""The outcome of an attempt. It is a value: what a provider does is never raised as an exception."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from app.domain.kinds import Cause, Kind, OutcomeKind


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one provider call came to.

    `reply` is the provider's own words, shortened by `shorten`; never a secret. `message_id` is the provider's id
    of the email, set exactly when `kind` is accepted. `retry_after_s` is what a throttling provider asked for.
    `suppressed`: with kind undeliverable, the provider says that the recipient is on its own suppression list.
    `is_about_sender`: the provider says that the account may not send as this email's From. It is no fault of the
    account for other emails, so it says nothing of the provider's health.
    `differing`: the outcomes of those recipients, by key, for whom the call ended otherwise. If it was accepted for
    anybody, the outcome itself is accepted.
    """

    kind: OutcomeKind
    cause: Cause | None = None  # None exactly when accepted
    status_code: int | None = None  # None: no HTTP answer
    reply: str = ""
    message_id: str = ""
    retry_after_s: float | None = None
    suppressed: bool = False
    is_about_sender: bool = False
    differing: Mapping[str, "Outcome"] = field(default_factory=dict)

    @property
    def signal_kind(self) -> Kind:
        """The kind under which the state table knows this outcome."""
        return Kind.SUPPRESSED if self.kind is Kind.UNDELIVERABLE and self.suppressed else self.kind

    def among(self, keys: Collection[str]) -> "Outcome":
        """The outcome without what it says of others than the recipients `keys`, to whom the call went."""
        return replace(self, differing={key: own for key, own in self.differing.items() if key in keys})

    def of(self, key: str) -> "Outcome":
        """The outcome for the recipient `key`, which is the call's own unless it differs."""
        return self.differing.get(key, self)


def shorten(text: str, limit: int = 500) -> str:
    """One line of at most `limit` characters: what fits into a story and cannot break a log line."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
