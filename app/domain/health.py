"""A provider's health as all processes share it: weight, breaker, cooldown, pause, silence; and what changes them.

The numbers of the weights follow GOV.UK Notify, the public service that fails over between providers at national scale
(alphagov/notifications-api, read 2026-11): weights move slowly, against slow trouble. The breaker is for what cannot
wait for a weight: a revoked key, a host that is down.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.domain.kinds import Cause, Kind
from app.domain.outcome import Outcome

FULL_WEIGHT = 100
WEIGHT_STEP = 10
KEEPS_PLACE_FROM = 50  # a provider whose weight is lower goes behind the others
LOWER_EVERY_MS = 60_000  # a weight is lowered at most this often
RECOVER_EVERY_MS = 15 * 60_000  # after this long without a change, the weight rises by one step
ERRORS_A_MINUTE = 50
ERRORS_SHARE = 0.1
BLOCKS_PER_ERROR = 5  # so many blocked recipients count as one error: a block may be the email's fault
SLOW_AFTER_MS = 5 * 60_000  # a delivery that takes longer than this, from the call to the mailbox, is an error

SILENT_AFTER_MS = 15 * 60_000  # a provider that reports has reported on an accepted email by then
ENOUGH_TO_JUDGE = 20  # accepted recipients
USUALLY_REPORTS = 0.5  # a provider that reports on a smaller share is never called silent
LEARNING_RATE = 0.1  # how much the newest share counts in the usual share
FINAL = frozenset({Kind.DELIVERED, Kind.HARD_BOUNCE, Kind.SOFT_BOUNCE, Kind.BLOCKED, Kind.DROPPED, Kind.SUPPRESSED})

OUTAGES_IN_A_ROW = 5  # in one process
BREAKER_WAITS_MS = tuple(seconds * 1000 for seconds in (30, 60, 120, 300, 600))  # the last one repeats
PROBE_LEASE_MS = 60_000  # the one email that probes an open breaker may take this long
COOLDOWN_MS = 30_000  # after throttling without a Retry-After
LONGEST_COOLDOWN_MS = 3_600_000
SAME_COOLDOWN_MS = 1000  # a cooldown that ends less than this much later is not written again


@dataclass(frozen=True, slots=True)
class Health:
    """One provider's health. Times are epoch milliseconds, or None. `version` is that of the stored item."""

    provider: str
    weight: int = FULL_WEIGHT
    moved_at_ms: int = 0
    breaker_until_ms: int | None = None  # the breaker is open; from then on one probe may pass
    breaker_reason: str = ""
    trips: int = 0  # how often the breaker opened in a row
    probe_until_ms: int | None = None  # a probe is under way
    cooldown_until_ms: int | None = None
    paused: bool = False
    silent: bool = False  # it accepts emails, but reports on fewer of them than usual
    usual_share: float = 0.0  # the share of accepted recipients that it usually reports on; 0: not known yet
    epoch: int = 0  # raised by `resume`: what was counted in an older epoch no longer counts
    version: int = 0

    def is_impaired(self, now_ms: int) -> bool:
        """Whether anything here keeps the provider from being called in its usual place."""
        cools_down = self.cooldown_until_ms is not None and now_ms < self.cooldown_until_ms
        return self.paused or cools_down or self.breaker_until_ms is not None or self.weight < KEEPS_PLACE_FROM


@dataclass(frozen=True, slots=True)
class Sums:
    """What happened at one provider in one minute (that in which the call began), counted in recipients.

    `reported` counts the accepted recipients of whom the provider has reported how it ended.
    """

    accepted: int = 0
    failed: int = 0
    slow: int = 0
    blocked: int = 0
    reported: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.accepted + other.accepted,
            self.failed + other.failed,
            self.slow + other.slow,
            self.blocked + other.blocked,
            self.reported + other.reported,
        )

    @property
    def errors(self) -> int:
        """The errors that count against the provider. Recipients at fault never do."""
        return self.failed + self.slow + self.blocked // BLOCKS_PER_ERROR

    @property
    def is_bad(self) -> bool:
        """Whether there are enough errors, and a large enough share of errors, to lower the weight."""
        return self.errors > ERRORS_A_MINUTE and self.errors >= ERRORS_SHARE * (self.accepted + self.failed)


def count_outcome(outcome: Outcome, recipients: int) -> Sums:
    """What the outcome of a call for so many recipients adds to the counts."""
    if outcome.kind is Kind.ACCEPTED:
        return Sums(accepted=recipients)
    if is_outage(outcome):
        return Sums(failed=recipients)
    return Sums()


def count_event(kind: Kind, *, is_first: bool, after_ms: int) -> Sums:
    """What a webhook's event, `after_ms` after the call, adds to the counts.

    Only final kinds count, and only the first one of a recipient (`is_first`).
    """
    if not is_first or kind not in FINAL:
        return Sums()
    return Sums(
        reported=1,
        slow=int(kind is Kind.DELIVERED and after_ms > SLOW_AFTER_MS),
        blocked=int(kind is Kind.BLOCKED),
    )


def is_outage(outcome: Outcome) -> bool:
    """Whether the provider or the connection to it was at fault; the email may or may not have been sent."""
    return outcome.cause is Cause.OUTAGE


def move_away(health: Health, sums: Sums, others: Mapping[str, Sums], now_ms: int) -> Health:
    """The health after a bad minute: one step less weight.

    If the same minute was bad at all `others` too, nothing changes: our network or the emails are at fault.
    """
    if not sums.is_bad or (others and all(other.is_bad for other in others.values())):
        return health
    return lower_weight(health, now_ms)


def lower_weight(health: Health, now_ms: int) -> Health:
    """The health with one step less weight, at most once a minute."""
    if now_ms - health.moved_at_ms < LOWER_EVERY_MS or health.weight == 0:
        return health
    return replace(health, weight=max(0, health.weight - WEIGHT_STEP), moved_at_ms=now_ms)


def recover_weight(health: Health, now_ms: int) -> Health:
    """The health with one step more weight, if the weight has not changed for a quarter of an hour."""
    if health.weight == FULL_WEIGHT or now_ms - health.moved_at_ms < RECOVER_EVERY_MS:
        return health
    return replace(health, weight=min(FULL_WEIGHT, health.weight + WEIGHT_STEP), moved_at_ms=now_ms)


def after_call(health: Health, outcome: Outcome, outages_in_a_row: int, now_ms: int) -> Health:
    """The health after one call: breaker and cooldown. Returns the same object if nothing changed."""
    if outcome.kind is Kind.ACCEPTED:
        return close_breaker(health)
    if outcome.kind is Kind.THROTTLED:
        return start_cooldown(health, outcome.retry_after_s, now_ms)
    if outcome.kind is Kind.UNAVAILABLE and outcome.cause is Cause.ACCOUNT:
        return open_breaker(health, outcome.reply, now_ms)
    if is_outage(outcome) and (outages_in_a_row >= OUTAGES_IN_A_ROW or health.probe_until_ms is not None):
        return open_breaker(health, outcome.reply, now_ms)
    return health


def open_breaker(health: Health, reason: str, now_ms: int) -> Health:
    """The health with its breaker open, for longer each time in a row.

    A breaker that is open already stays as it is, unless a probe has just failed.
    """
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


def close_breaker(health: Health) -> Health:
    """The health with its breaker closed, because the provider accepted an email."""
    if health.breaker_until_ms is None and health.trips == 0:
        return health
    return replace(health, breaker_until_ms=None, breaker_reason="", trips=0, probe_until_ms=None)


def lease_probe(health: Health, now_ms: int) -> Health | None:
    """The health with its one probe taken. Returns None if no probe may pass now."""
    if health.breaker_until_ms is None or now_ms < health.breaker_until_ms:
        return None
    if health.probe_until_ms is not None and now_ms < health.probe_until_ms:
        return None
    return replace(health, probe_until_ms=now_ms + PROBE_LEASE_MS)


def start_cooldown(health: Health, retry_after_s: float | None, now_ms: int) -> Health:
    """The health in a cooldown for as long as the provider asked for, an hour at most."""
    cooldown_ms = COOLDOWN_MS if retry_after_s is None else min(int(retry_after_s * 1000), LONGEST_COOLDOWN_MS)
    until_ms = now_ms + cooldown_ms
    if health.cooldown_until_ms is not None and health.cooldown_until_ms + SAME_COOLDOWN_MS >= until_ms:
        return health
    return replace(health, cooldown_until_ms=until_ms)


def pause(health: Health) -> Health:
    """The health of a provider that an operator has paused."""
    return health if health.paused else replace(health, paused=True)


def resume(health: Health) -> Health:
    """The health of a provider that an operator has resumed: as new, but for what it usually reports.

    Breaker, cooldown, weight and pause are cleared, and the new epoch makes everything counted before void.
    """
    return Health(health.provider, usual_share=health.usual_share, epoch=health.epoch + 1, version=health.version)


def judge_silence(health: Health, sums: Sums, now_ms: int) -> Health:
    """The health after the counts of some minutes that are old enough for their reports to have come.

    A provider that usually reports, and now reports on less than half of its usual share, has fallen silent.
    """
    if sums.accepted < ENOUGH_TO_JUDGE:
        return health
    share = min(1.0, sums.reported / sums.accepted)
    if health.usual_share >= USUALLY_REPORTS and share < health.usual_share / 2:
        return replace(lower_weight(health, now_ms), silent=True)
    usual = share if health.usual_share == 0 else health.usual_share + LEARNING_RATE * (share - health.usual_share)
    return replace(health, silent=False, usual_share=round(usual, 4))
