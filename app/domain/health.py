"""A provider's health as all processes share it: weight, breaker, cooldown, pause, silence; and what changes them.

The numbers of the weights follow GOV.UK Notify, the public service that fails over between providers at national scale
(alphagov/notifications-api, read 2026-11): weights move slowly, against slow trouble. The breaker is for what cannot
wait for a weight: a revoked key, a host that is down.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.domain.calls import proves_account
from app.domain.counts import Sums, is_outage
from app.domain.kinds import OF_OURS, Cause, Kind
from app.domain.outcome import Outcome

FULL_WEIGHT = 100
WEIGHT_STEP = 10
KEEPS_RANK_FROM = 50  # a provider whose weight is lower goes behind the others
LOWER_EVERY_MS = 60_000  # a weight is lowered at most this often
RECOVER_EVERY_MS = 15 * 60_000  # after this long without a change, the weight rises by one step
SILENT_AFTER_MS = 15 * 60_000  # a provider that reports has reported on an accepted email by then

OUTAGES_IN_A_ROW = 5  # in one process
BREAKER_WAITS_MS = tuple(seconds * 1000 for seconds in (30, 60, 120, 300, 600))  # the last one repeats
PROBE_LEASE_MS = 60_000  # the one email that probes an open breaker may take this long
COOLDOWN_MS = 30_000  # after throttling without a Retry-After
LONGEST_COOLDOWN_MS = 3_600_000
DROP_COUNTS_FOR_MS = 15 * 60_000  # a drop that is older says nothing of the account now
DROPS_REMEMBERED_MS = 3_600_000
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
    # What `app.domain.silence` keeps. Minutes are those of the Unix epoch.
    usual_of: int = 0  # how many recipients `usual_share` was learned from, up to a bound
    learned_minute: int = 0  # the last minute that `usual_share` was learned from
    lowered_minute: int = 0  # the last minute whose silence has lowered the weight
    first_minute: int = 0  # what was accepted in earlier minutes is no longer judged: it has had its consequences
    low_since_ms: int | None = None  # the provider has reported on clearly less than usual since then
    silent_since_ms: int | None = None  # set while `silent`
    webhooks_failing: bool = False  # its reports do not get through to us, and the fault is ours
    resumed_at_ms: int | None = None  # an operator resumed it, and emails that wait for it are still being woken
    dropped_at_ms: int | None = None  # it dropped an email that it had accepted, for a fault of the account
    over_quota: bool = False  # the breaker is open because the account's own quota of a day or month is used up

    def is_impaired(self, now_ms: int) -> bool:
        """Whether anything here keeps the provider from being called in its usual place."""
        cools_down = self.cooldown_until_ms is not None and now_ms < self.cooldown_until_ms
        return self.paused or cools_down or self.breaker_until_ms is not None or self.weight < KEEPS_RANK_FROM

    @property
    def probe_from_ms(self) -> int | None:
        """When the open breaker lets a probe pass: no probe is made during a cooldown. None: the breaker is closed."""
        if self.breaker_until_ms is None:
            return None
        return max(self.breaker_until_ms, self.cooldown_until_ms or 0)


def move_away(health: Health, sums: Sums, others: Mapping[str, Sums], now_ms: int) -> Health:
    """The health after a bad minute: one step less weight.

    If the same minute was bad at all `others` too, nothing changes: our network or the emails are at fault.
    """
    if not sums.is_bad or (others and all(other.is_bad for other in others.values())):
        return health
    return lower_weight(health, now_ms)


def lower_weight(health: Health, now_ms: int) -> Health:
    """The health with one step less weight, at most once a minute."""
    if 0 <= now_ms - health.moved_at_ms < LOWER_EVERY_MS or health.weight == 0:
        return health
    return replace(health, weight=max(0, health.weight - WEIGHT_STEP), moved_at_ms=now_ms)


def recover_weight(health: Health, now_ms: int) -> Health:
    """The health with one step more weight, if the weight has not changed for a quarter of an hour.

    A change of the future was made by a clock that has been set back since, and counts as long ago.
    """
    if health.weight == FULL_WEIGHT or 0 <= now_ms - health.moved_at_ms < RECOVER_EVERY_MS:
        return health
    return replace(health, weight=min(FULL_WEIGHT, health.weight + WEIGHT_STEP), moved_at_ms=now_ms)


def after_call(health: Health, outcome: Outcome, outages_in_a_row: int, now_ms: int) -> Health:
    """The health after one call: breaker and cooldown. Returns the same object if nothing changed.

    A probe whose email is refused for what is in it, or for its recipient, proves that host and account work: the
    breaker closes. One that is throttled, or whose From is refused, leaves the breaker as it is; the next probe may
    then pass at once, or after the cooldown.
    """
    if outcome.kind is Kind.ACCEPTED:
        return _after_acceptance(health, now_ms)
    if proves_account(outcome) and health.probe_until_ms is not None:
        return close_breaker(health)
    if outcome.cause is Cause.LIMIT:
        return open_breaker(health, outcome.reply, now_ms, quota_for_s=outcome.retry_after_s or 0)
    if outcome.kind is Kind.THROTTLED:
        return end_probe(start_cooldown(health, outcome.retry_after_s, now_ms))
    if outcome.kind is Kind.UNAVAILABLE and outcome.cause is Cause.ACCOUNT and not outcome.is_about_sender:
        return open_breaker(health, outcome.reply, now_ms)
    if is_outage(outcome) and (outages_in_a_row >= OUTAGES_IN_A_ROW or health.probe_until_ms is not None):
        return open_breaker(health, outcome.reply, now_ms)
    return end_probe(health)


def after_drop(health: Health, cause: Cause | None, reason: str, at_ms: int, now_ms: int) -> Health:
    """The health after the provider dropped an email at `at_ms` that it had accepted before.

    A drop caused by our account starts a cooldown or opens the breaker, as the same words in an answer would. A drop
    that was reported late, or that came before an operator's `resume`, changes nothing. Returns the same object if
    nothing changed.
    """
    is_old = now_ms - at_ms > DROP_COUNTS_FOR_MS or at_ms < (health.resumed_at_ms or 0)
    if cause not in OF_OURS or is_old:
        return health
    if cause is Cause.THROTTLE:
        return start_cooldown(health, None, now_ms)
    opened = open_breaker(health, reason, now_ms, quota_for_s=0 if cause is Cause.LIMIT else None)
    return health if opened is health else replace(opened, dropped_at_ms=now_ms)


def _after_acceptance(health: Health, now_ms: int) -> Health:
    """The health with its breaker closed. One that accepts and drops is left alone for longer each time."""
    if health.dropped_at_ms is None or now_ms - health.dropped_at_ms > DROPS_REMEMBERED_MS:
        return close_breaker(health)
    return health if health.breaker_until_ms is None else replace(close_breaker(health), trips=health.trips)


def open_breaker(health: Health, reason: str, now_ms: int, *, quota_for_s: float | None = None) -> Health:
    """The health with its breaker open, for longer each time in a row.

    A breaker that is open already stays as it is, unless a probe has just failed. With `quota_for_s`, the account's own
    quota is used up, for at least that many seconds: emails then wait for a limit, and not for a provider that is down.
    """
    if health.breaker_until_ms is not None and health.probe_until_ms is None:
        return health
    wait_ms = BREAKER_WAITS_MS[min(health.trips, len(BREAKER_WAITS_MS) - 1)]
    quota_ms = min(int((quota_for_s or 0) * 1000), LONGEST_COOLDOWN_MS)
    return replace(
        health,
        breaker_until_ms=now_ms + max(wait_ms, quota_ms),
        over_quota=quota_for_s is not None,
        breaker_reason=reason,
        trips=health.trips + 1,
        probe_until_ms=None,
    )


def close_breaker(health: Health) -> Health:
    """The health with its breaker closed, because the provider accepted an email."""
    if health.breaker_until_ms is None and health.trips == 0:
        return health
    return replace(health, breaker_until_ms=None, breaker_reason="", trips=0, over_quota=False, probe_until_ms=None)


def lease_probe(health: Health, now_ms: int) -> Health | None:
    """The health with its one probe taken. Returns None if no probe may pass now."""
    if health.probe_from_ms is None or now_ms < health.probe_from_ms:
        return None
    if health.probe_until_ms is not None and now_ms < health.probe_until_ms:
        return None
    return replace(health, probe_until_ms=now_ms + PROBE_LEASE_MS)


def end_probe(health: Health, lease_ms: int | None = None) -> Health:
    """The health without its probe; with `lease_ms`, only if the probe under way is the one with that lease."""
    if health.probe_until_ms is None or lease_ms not in (None, health.probe_until_ms):
        return health
    return replace(health, probe_until_ms=None)


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


def resume(health: Health, now_ms: int) -> Health:
    """The health of a provider that an operator has resumed: as new, but for what it usually reports.

    Breaker, cooldown, weight and pause are cleared, and the new epoch makes everything counted before void. The next
    sweeps wake the emails that wait for the provider (`app.domain.wake`).
    """
    return Health(
        health.provider,
        usual_share=health.usual_share,
        usual_of=health.usual_of,
        epoch=health.epoch + 1,
        version=health.version,
        resumed_at_ms=now_ms,
    )
