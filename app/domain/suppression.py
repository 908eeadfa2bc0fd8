"""Suppression: addresses that nothing is sent to, why, and until when.

A hard bounce is judged by what is remembered of earlier ones. A host that answers "unknown" to everybody during its own
bad hour must cost no address more than a day, so only a bounce of a later email suppresses for long.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

DAY_MS = 24 * 3600 * 1000
BOUNCE_COUNTS_FOR_MS = 30 * DAY_MS
LIFT_COUNTS_FOR_MS = 30 * DAY_MS  # far longer than any provider goes on sending a webhook again
UNDOING_KEPT_FOR_MS = 730 * DAY_MS  # a provider's own list, which may be taken over at any time, is that old at most


class Reason(StrEnum):
    """Why an address is suppressed. A stronger reason comes first.

    `hard_bounce` is the first one, `repeated_hard_bounce` another one of a later email.
    """

    MANUAL = "manual"
    COMPLAINED = "complained"
    REPEATED_HARD_BOUNCE = "repeated_hard_bounce"  # the same as `hard_bounce`, reported again of a later email
    HARD_BOUNCE = "hard_bounce"  # the mailbox does not exist, as was reported for the first time
    UNSUBSCRIBED = "unsubscribed"
    PROVIDER_LIST = "provider_list"  # on a provider's own suppression list, for a reason that it need not give


# A mailbox may be opened again and lists are cleaned; somebody who complained stays suppressed for longest.
LASTS_MS: Mapping[Reason, int] = {
    Reason.MANUAL: 730 * DAY_MS,
    Reason.COMPLAINED: 730 * DAY_MS,
    Reason.REPEATED_HARD_BOUNCE: 180 * DAY_MS,
    Reason.HARD_BOUNCE: DAY_MS,
    Reason.UNSUBSCRIBED: 730 * DAY_MS,
    Reason.PROVIDER_LIST: 30 * DAY_MS,
}


@dataclass(frozen=True, slots=True)
class Suppression:
    """One reason for which an address (lower-case) is suppressed, with the evidence. Times are epoch milliseconds.

    `project` is whose mail it stops; "": that of every project.
    """

    address: str
    reason: Reason
    evidence: str  # the provider, the email, the attempt and the provider's words; or the operator's note
    since_ms: int
    until_ms: int
    project: str = ""

    @property
    def notice(self) -> "Notice":
        """What a client is told of it."""
        return Notice(self.reason, self.until_ms)


@dataclass(frozen=True, slots=True)
class Notice:
    """What a client is told of a suppressed recipient: why, and until when, in epoch milliseconds."""

    reason: Reason
    until_ms: int


@dataclass(frozen=True, slots=True)
class Bounce:
    """A report that a mailbox does not exist, of an email that was accepted at `email_ms`, which is not after `at_ms`.

    `address` is lower-case. Times are epoch milliseconds.
    """

    address: str
    evidence: str
    at_ms: int
    email_ms: int


@dataclass(frozen=True, slots=True)
class Resubscription:
    """A report that somebody who had unsubscribed from everything wants mail again. `at_ms` is epoch milliseconds.

    `project` is whose mail it was that they had unsubscribed from; "": that is not known.
    """

    address: str
    at_ms: int
    project: str = ""


@dataclass(frozen=True, slots=True)
class Bounces:
    """What is remembered of the hard bounces of one address, in epoch milliseconds.

    These are minima and maxima, so that it does not matter in which order reports come in, nor how often. The reports
    of one email never add up to a repeated bounce, because none of them is older than the email.
    """

    first_ms: int
    last_ms: int
    newest_email_ms: int  # when the newest of their emails was accepted

    @property
    def reason(self) -> Reason:
        """Repeated, if an email bounced that was accepted after the first bounce."""
        return Reason.REPEATED_HARD_BOUNCE if self.newest_email_ms > self.first_ms else Reason.HARD_BOUNCE

    @property
    def since_ms(self) -> int:
        """Since when they suppress. The bounces of one day are one, unless they are repeated."""
        is_one = self.reason is Reason.HARD_BOUNCE and self.last_ms - self.first_ms < LASTS_MS[Reason.HARD_BOUNCE]
        return self.first_ms if is_one else self.last_ms


@dataclass(frozen=True, slots=True)
class Entry:
    """All that is stored of one address (lower-case), for the mail of one project or ("") of all.

    `suppressions` are by reason, and some of them may have ended. `version` is that of the stored item (0: not stored
    yet).
    """

    address: str
    suppressions: Mapping[Reason, Suppression] = field(default_factory=dict)
    bounces: Bounces | None = None
    lifted_ms: int | None = None
    resubscribed_ms: int | None = None
    version: int = 0
    project: str = ""

    def in_force(self, now_ms: int) -> Suppression | None:
        """The strongest suppression that holds now, with the latest end of all of them. None: the address is free."""
        holding = [each for each in self.strongest_first if now_ms < each.until_ms]
        return replace(holding[0], until_ms=max(each.until_ms for each in holding)) if holding else None

    def is_lifted(self, now_ms: int) -> bool:
        """Whether it was lifted, not longer ago than that counts."""
        return self.lifted_ms is not None and now_ms - self.lifted_ms <= LIFT_COUNTS_FOR_MS

    @property
    def strongest_first(self) -> list[Suppression]:
        """Every suppression in the order of their reasons, those that have ended, too."""
        return [self.suppressions[reason] for reason in Reason if reason in self.suppressions]

    @property
    def kept_until_ms(self) -> int:
        """When nothing of it matters any more."""
        return max(
            *(each.until_ms for each in self.suppressions.values()),
            self.bounces.last_ms + BOUNCE_COUNTS_FOR_MS if self.bounces else 0,
            *(at_ms + UNDOING_KEPT_FOR_MS for at_ms in (self.lifted_ms, self.resubscribed_ms) if at_ms),
        )


def together(entries: Iterable[Entry]) -> Entry:
    """What several entries of one address say together: one of all projects and one of a project.

    For the same reason, the later end counts.
    """
    one, *others = entries
    for other in others:
        suppressions = dict(one.suppressions)
        for reason, each in other.suppressions.items():
            if reason not in suppressions or suppressions[reason].until_ms < each.until_ms:
                suppressions[reason] = each
        one = replace(
            one,
            suppressions=suppressions,
            bounces=one.bounces or other.bounces,
            lifted_ms=max(one.lifted_ms or 0, other.lifted_ms or 0) or None,
            resubscribed_ms=max(one.resubscribed_ms or 0, other.resubscribed_ms or 0) or None,
        )
    return one


def suppress(entry: Entry, suppression: Suppression) -> Entry:
    """The entry with this suppression beside those for other reasons.

    It stays as it is if its suppression for the same reason lasts longer, or if it was lifted after this one began. An
    unsubscribe is lifted by a later resubscription, too.
    """
    known = entry.suppressions.get(suppression.reason)
    if is_undone(entry, suppression) or (known and known.until_ms > suppression.until_ms):
        return entry
    return replace(entry, suppressions={**entry.suppressions, suppression.reason: suppression})


def is_undone(entry: Entry, suppression: Suppression) -> bool:
    """Whether the address was lifted after this suppression began, or somebody took back that unsubscribe."""
    return _is_lifted(entry, suppression.since_ms) or _is_taken_back(suppression, entry.resubscribed_ms)


def bounced(entry: Entry, bounce: Bounce) -> Entry:
    """The entry after a hard bounce, which counts for 30 days, unless it was before a lift.

    A report that comes again changes nothing. What counts is when it bounced, not when that was reported: a report that
    was long under way says nothing of today.
    """
    bounces = _remember(entry.bounces, bounce)
    if _is_lifted(entry, bounce.at_ms) or bounces == entry.bounces:
        return entry
    entry = replace(entry, bounces=bounces)
    until_ms = bounces.since_ms + LASTS_MS[bounces.reason]
    known = entry.suppressions.get(bounces.reason)
    if known and known.until_ms == until_ms:
        return entry
    return suppress(entry, Suppression(entry.address, bounces.reason, bounce.evidence, bounces.since_ms, until_ms))


def resubscribed(entry: Entry, resubscription: Resubscription) -> Entry:
    """The entry without what an earlier unsubscribe set. Every other reason stays, and so does a later unsubscribe.

    The newest resubscription is remembered, so that it does not matter in which order reports come in, nor how often.
    """
    newest_ms = max(resubscription.at_ms, entry.resubscribed_ms or 0)
    kept = {reason: each for reason, each in entry.suppressions.items() if not _is_taken_back(each, newest_ms)}
    return replace(entry, suppressions=kept, resubscribed_ms=newest_ms)


def lift(entry: Entry, now_ms: int) -> Entry | None:
    """The entry without its suppressions and its bounces; None if there is neither."""
    counts = entry.bounces is not None and now_ms - entry.bounces.last_ms <= BOUNCE_COUNTS_FOR_MS
    if entry.in_force(now_ms) is None and not counts:
        return None
    return replace(entry, suppressions={}, bounces=None, lifted_ms=now_ms)


def _is_lifted(entry: Entry, at_ms: int) -> bool:
    return entry.lifted_ms is not None and at_ms < entry.lifted_ms


def _is_taken_back(suppression: Suppression, resubscribed_ms: int | None) -> bool:
    is_earlier = resubscribed_ms is not None and suppression.since_ms < resubscribed_ms
    return is_earlier and suppression.reason is Reason.UNSUBSCRIBED


def _remember(known: Bounces | None, bounce: Bounce) -> Bounces:
    if known is None or bounce.at_ms - known.first_ms > BOUNCE_COUNTS_FOR_MS:
        return Bounces(bounce.at_ms, bounce.at_ms, bounce.email_ms)
    if known.first_ms - bounce.at_ms > BOUNCE_COUNTS_FOR_MS:
        return known
    return Bounces(
        min(known.first_ms, bounce.at_ms),
        max(known.last_ms, bounce.at_ms),
        max(known.newest_email_ms, bounce.email_ms),
    )
