"""A provider's health, as all processes together know it: weight, breaker, rest, pause; and what moves them.

Numbers follow the one public service that has run failover between email providers at national scale: slow weights
against slow trouble. The breaker is for what no weight can wait for: a revoked key, a dead host.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.domain.kinds import Cause, Kind
from app.domain.outcome import Outcome

FULL_WEIGHT = 100
WEIGHT_STEP = 10
KEEPS_PLACE_FROM = 50  # a provider whose weight is lower goes behind the others
MOVE_EVERY_MS = 60_000  # a weight moves away at most this often
QUIET_FOR_MS = 15 * 60_000  # without trouble for so long: one step back
ERRORS_A_MINUTE = 50
ERRORS_SHARE = 0.1
BLOCKS_PER_ERROR = 5  # a spam verdict counts a little: it may be the email's fault
SLOW_AFTER_MS = 5 * 60_000  # from our call to the recipient's mailbox

SILENT_AFTER_MS = 15 * 60_000  # an accepted email should have been reported on by then
ENOUGH_TO_JUDGE = 20  # accepted recipients
USUALLY_REPORTS = 0.5  # share from which a provider counts as one that reports
LEARNS = 0.1  # how fast the usual share follows what is seen
FINAL = frozenset({Kind.DELIVERED, Kind.DEAD, Kind.BOUNCED, Kind.BLOCKED, Kind.DROPPED, Kind.SUPPRESSED})

OUTAGES_IN_A_ROW = 5  # seen by one process
BREAKER_WAITS_MS = tuple(seconds * 1000 for seconds in (30, 60, 120, 300, 600))  # the last one repeats
PROBE_LEASE_MS = 60_000  # so long may the one email that tries a broken provider take
REST_MS = 30_000  # after throttling without a Retry-After
LONGEST_REST_MS = 3600_000
NEARLY_MS = 1000  # what many calls hear at once is written once


@dataclass(frozen=True, slots=True)
class Health:
    """One provider's state. Times are epoch milliseconds, None: not so. `version` is that of the stored item."""

    provider: str
    weight: int = FULL_WEIGHT
    moved_at_ms: int = 0
    breaker_until_ms: int | None = None  # open; from then on one probe may pass
    breaker_reason: str = ""
    trips: int = 0  # how often it opened in a row
    probe_until_ms: int | None = None  # a probe is under way
    rest_until_ms: int | None = None
    paused: bool = False
    silent: bool = False  # accepts, but reports less than it used to
    usual_share: float = 0.0  # of accepted recipients that it reports on, usually; 0: not known yet
    epoch: int = 0  # raised by `resume`: what was counted in an older one is void
    version: int = 0

    def hinders(self, now_ms: int) -> bool:
        """Does anything here keep the provider from being asked as usual?"""
        rests = self.rest_until_ms is not None and now_ms < self.rest_until_ms
        return self.paused or rests or self.breaker_until_ms is not None or self.weight < KEEPS_PLACE_FROM


@dataclass(frozen=True, slots=True)
class Sums:
    """What happened at one provider in one minute (by the start of the call), counted in recipients."""

    accepted: int = 0
    failed: int = 0
    slow: int = 0
    blocked: int = 0
    heard: int = 0  # accepted ones of which the provider has reported an end

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.accepted + other.accepted,
            self.failed + other.failed,
            self.slow + other.slow,
            self.blocked + other.blocked,
            self.heard + other.heard,
        )

    @property
    def errors(self) -> int:
        """What speaks against the provider. Recipients at fault never do."""
        return self.failed + self.slow + self.blocked // BLOCKS_PER_ERROR

    @property
    def looks_bad(self) -> bool:
        """More errors than chance, and a share of its traffic that matters."""
        return self.errors > ERRORS_A_MINUTE and self.errors >= ERRORS_SHARE * (self.accepted + self.failed)


def counted(outcome: Outcome, recipients: int) -> Sums:
    """What a call's outcome counts for."""
    if outcome.kind is Kind.ACCEPTED:
        return Sums(accepted=recipients)
    if outcome.cause is Cause.OUTAGE:  # surely not sent, or uncertain: the line or the provider is at fault
        return Sums(failed=recipients)
    return Sums()


def is_outage(outcome: Outcome) -> bool:
    """Does this count for a run of outages?"""
    return outcome.cause is Cause.OUTAGE


def moved_away(health: Health, sums: Sums, others: Mapping[str, Sums], now_ms: int) -> Health:
    """The health after a minute's sums. If all look bad, nothing changes: it is our network, or the emails."""
    if not sums.looks_bad or (others and all(other.looks_bad for other in others.values())):
        return health
    return lowered(health, now_ms)


def lowered(health: Health, now_ms: int) -> Health:
    """One step away from the provider, at most one a minute."""
    if now_ms - health.moved_at_ms < MOVE_EVERY_MS or health.weight == 0:
        return health
    return replace(health, weight=max(0, health.weight - WEIGHT_STEP), moved_at_ms=now_ms)


def recovered(health: Health, now_ms: int) -> Health:
    """One step back to the provider for every quiet quarter of an hour."""
    if health.weight == FULL_WEIGHT or now_ms - health.moved_at_ms < QUIET_FOR_MS:
        return health
    return replace(health, weight=min(FULL_WEIGHT, health.weight + WEIGHT_STEP), moved_at_ms=now_ms)


def after_call(health: Health, outcome: Outcome, outages_in_a_row: int, now_ms: int) -> Health:
    """The health after one call: breaker and rest. The same object if nothing changed."""
    if outcome.kind is Kind.ACCEPTED:
        return closed(health)
    if outcome.kind is Kind.THROTTLED:
        return rested(health, outcome.retry_after_s, now_ms)
    if outcome.kind is Kind.UNAVAILABLE and outcome.cause is Cause.ACCOUNT:
        return opened(health, outcome.reply, now_ms)
    if is_outage(outcome) and (outages_in_a_row >= OUTAGES_IN_A_ROW or health.probe_until_ms is not None):
        return opened(health, outcome.reply, now_ms)
    return health


def opened(health: Health, reason: str, now_ms: int) -> Health:
    """The breaker open, longer each time in a row. An open one stays as it is unless a probe has just failed."""
    if health.breaker_until_ms is not None and health.probe_until_ms is None:
        return health
    wait_ms = BREAKER_WAITS_MS[min(health.trips, len(BREAKER_WAITS_MS) - 1)]
    return replace(
        health,
        breaker_until_ms=now_ms + wait_ms,
        breaker_reason=reason,
        trips=health.trips + 1,
        probe_until_ms=None,
    )


def closed(health: Health) -> Health:
    """The breaker closed: the provider took an email."""
    if health.breaker_until_ms is None and health.trips == 0:
        return health
    return replace(health, breaker_until_ms=None, breaker_reason="", trips=0, probe_until_ms=None)


def probing(health: Health, now_ms: int) -> Health | None:
    """The breaker with its one probe leased; None if it is not time for one."""
    if health.breaker_until_ms is None or now_ms < health.breaker_until_ms:
        return None
    if health.probe_until_ms is not None and now_ms < health.probe_until_ms:
        return None
    return replace(health, probe_until_ms=now_ms + PROBE_LEASE_MS)


def rested(health: Health, retry_after_s: float | None, now_ms: int) -> Health:
    """The provider left alone for as long as it asked, within reason."""
    rest_ms = REST_MS if retry_after_s is None else min(int(retry_after_s * 1000), LONGEST_REST_MS)
    until_ms = now_ms + rest_ms
    if health.rest_until_ms is not None and health.rest_until_ms + NEARLY_MS >= until_ms:
        return health
    return replace(health, rest_until_ms=until_ms)


def paused(health: Health) -> Health:
    """Taken out by an operator."""
    return health if health.paused else replace(health, paused=True)


def resumed(health: Health) -> Health:
    """As new: breaker, rest, weight and pause cleared at once for all; what was counted before is void."""
    return Health(health.provider, usual_share=health.usual_share, epoch=health.epoch + 1, version=health.version)


def heard(health: Health, sums: Sums, now_ms: int) -> Health:
    """The health after the sums of some minutes that are long enough ago for reports to have come.

    A provider that usually reports and now reports on less than half as much has fallen silent.
    """
    if sums.accepted < ENOUGH_TO_JUDGE:
        return health
    share = min(1.0, sums.heard / sums.accepted)
    if health.usual_share >= USUALLY_REPORTS and share < health.usual_share / 2:
        return replace(lowered(health, now_ms), silent=True)
    usual = share if health.usual_share == 0 else health.usual_share + LEARNS * (share - health.usual_share)
    return replace(health, silent=False, usual_share=round(usual, 4))


def reported(kind: Kind, *, first: bool, after_ms: int) -> Sums:
    """What a webhook's event counts for, `after_ms` after the call; `first`: nothing final was reported before."""
    if not first or kind not in FINAL:
        return Sums()
    return Sums(
        heard=1,
        slow=int(kind is Kind.DELIVERED and after_ms > SLOW_AFTER_MS),
        blocked=int(kind is Kind.BLOCKED),
    )
