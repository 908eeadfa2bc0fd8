"""Suppression: addresses that are not to be sent to any more, why, and until when."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.domain.event import Event
from app.domain.kinds import Kind
from app.domain.transitions import News

DAY_MS = 24 * 3600 * 1000


class Reason(StrEnum):
    """Why an address is suppressed."""

    DEAD = "dead"  # the mailbox does not exist
    LISTED = "listed"  # on a provider's own list, for reasons that it knows
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    MANUAL = "manual"


# Mailboxes come back to life, lists are cleaned; who complained stays out longest.
LASTS_MS: Mapping[Reason, int] = {
    Reason.DEAD: 180 * DAY_MS,
    Reason.LISTED: 30 * DAY_MS,
    Reason.COMPLAINED: 730 * DAY_MS,
    Reason.UNSUBSCRIBED: 730 * DAY_MS,
    Reason.MANUAL: 730 * DAY_MS,
}
_REASONS: Mapping[Kind, Reason] = {
    Kind.DEAD: Reason.DEAD,
    Kind.UNDELIVERABLE: Reason.DEAD,
    Kind.SUPPRESSED: Reason.LISTED,
    Kind.COMPLAINED: Reason.COMPLAINED,
    Kind.UNSUBSCRIBED: Reason.UNSUBSCRIBED,
}


@dataclass(frozen=True, slots=True)
class Suppression:
    """One suppressed address (lower-case), with the evidence. Times are epoch milliseconds."""

    address: str
    reason: Reason
    evidence: str  # who said so, about which email, in which words; or the operator's note
    since_ms: int
    until_ms: int


def from_event(event: Event, now_ms: int) -> Suppression:
    """What an event about a recipient at fault leads to: the same, whenever and however often it comes."""
    return from_news(event.email_id, event.recipient, News.of(event), min(event.at_ms, now_ms))


def from_news(email_id: str, address: str, news: News, since_ms: int) -> Suppression:
    """What news that the state table suppresses for leads to."""
    reason = _REASONS[news.kind]
    evidence = f"{news.provider}, {email_id}, attempt {news.attempt}: {news.detail or news.kind.value}"
    return Suppression(address, reason, evidence, since_ms, since_ms + LASTS_MS[reason])
