"""Silence: whether a provider that accepts emails reports on them as usual. Each minute's evidence is judged once.

An accepted recipient counts against a provider when it is SILENT_AFTER_MS old. A provider is silent if so few reports
would be a great exception at its usual share, which needs 20 emails at least, few minutes if there are many emails, and
two days if there are few. It is silent no more once it reports on emails that it accepted since. docs/health.md has the
figures.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import takewhile

from app.domain.counts import Sums
from app.domain.health import SILENT_AFTER_MS, Health, lower_weight, recover_weight

MINUTE_MS = 60_000
MATURE_AFTER_MIN = SILENT_AFTER_MS // MINUTE_MS
WINDOW_AT_MOST_MIN = 2 * 24 * 60
ENOUGH_TO_JUDGE = 20  # accepted recipients
ENOUGH_MINUTES = 3  # because at a high volume a single minute may be an accident
WINDOW_MIN = 15  # minutes that are looked at, or more until WINDOW recipients are in them
WINDOW = 150
ENOUGH_TO_FORGIVE = 10  # accepted recipients
USUALLY_REPORTS = 0.4  # a provider that reports on a smaller share is never called silent
IMPROBABLE = 1e-5  # 20 recipients without a report at a usual share of a half are just improbable enough
IMPROBABLE_WHILE_SILENT = 0.01  # of a silent provider less is enough to lower the weight by a further step
CLEARLY_LESS = 0.75  # below this part of the usual share nothing is learned
ENOUGH_TO_COMPARE = 60  # accepted recipients whose share is compared with the usual one before anything is learned
NEW_USUAL_AFTER_MS = 24 * 3_600_000  # what has been clearly less for this long is usual from then on
FORGET_AFTER_MS = 4 * 3_600_000  # silence without any further email ends
REMEMBERS = 1000  # the usual share is that of about this many recipients,
REMEMBERS_MIN = 60  # and of about this many minutes
SPEAKS_FOR_MIN = 60  # a provider whose newest email is older says nothing about the others
FAULT_COUNTS_FOR_MIN = 30  # for this long after a fault of ours nothing is judged

Minutes = Sequence[tuple[int, Sums]]  # minutes of the Unix epoch with their counts, newest first


class Finding(Enum):
    """What the counts say of a provider."""

    NOTHING = auto()  # too few emails, or too old ones
    REPORTS = auto()
    SILENT = auto()


@dataclass(frozen=True, slots=True)
class Observation:
    """What was counted of one provider, as far as it may be judged now. It is about one version of the health.

    `newest` is the last mature minute. `new` are the counts up to it that were not learned yet, `unanswered` those
    of a silent provider that have not lowered the weight yet, `recent` those that are compared with the usual share.
    `since` is the first minute of the silence, with finding SILENT. `speaks`: the provider reports on emails that are
    not mature yet, or that it accepted since it fell silent. `last` is the last minute with an email.
    """

    version: int
    finding: Finding
    newest: int
    new: Sums
    unanswered: Sums
    recent: Sums
    since: int
    speaks: bool
    last: int
    our_faults: int


def take(minutes: Iterable[tuple[int, Sums]], now_min: int) -> list[tuple[int, Sums]]:
    """As many of `minutes`, newest first, as an observation needs. `now_min` is the minute of now."""
    mature_before, taken, accepted = now_min - MATURE_AFTER_MIN, [], 0
    for minute, sums in minutes:
        taken.append((minute, sums))
        accepted += sums.accepted if minute < mature_before else 0
        if accepted >= WINDOW and minute <= mature_before - WINDOW_MIN:
            break
    return taken


def observe(health: Health, minutes: Minutes, now_min: int) -> Observation:
    """What `minutes` say, which are those before `now_min`."""
    mature_before = now_min - MATURE_AFTER_MIN
    judged = [(minute, sums) for minute, sums in minutes if minute >= health.first_minute]
    mature = [(minute, sums) for minute, sums in judged if minute < mature_before]
    since = _silent_since(health, mature, mature_before)
    last = next((minute for minute, sums in judged if sums.accepted), 0)
    is_recent = now_min - last <= SPEAKS_FOR_MIN + MATURE_AFTER_MIN
    finding = Finding.NOTHING
    if is_recent and health.usual_of and sum(sums.accepted for _, sums in mature) >= ENOUGH_TO_JUDGE:
        finding = Finding.REPORTS if since is None else Finding.SILENT
    return Observation(
        health.version,
        finding,
        mature[0][0] if mature else 0,
        _after(health.learned_minute, mature),
        _after(health.lowered_minute, mature) if health.silent else Sums(),
        _recent(mature, mature_before),
        since or 0,
        _speaks(health, judged, now_min),
        last,
        _after(now_min - FAULT_COUNTS_FOR_MIN, minutes).our_faults,
    )


def conclude(health: Health, seen: Observation, *, is_ours: bool, now_ms: int) -> Health:
    """The health after an observation. Returns the same object if nothing changed.

    If somebody else has changed the health since it was observed, nothing is concluded: the next look judges again, and
    so no evidence has its consequences twice.

    `is_ours`: that reports are missing is our own fault. Nothing is judged and nothing learned then, and what was
    accepted until it ended is never judged.
    """
    if health.version != seen.version:
        return health
    changed = recover_weight(health, now_ms)
    if seen.new.accepted:
        changed = replace(changed, learned_minute=seen.newest)
    if is_ours:
        changed = replace(_not_silent(changed), webhooks_failing=True, low_since_ms=None)
    elif health.webhooks_failing:
        changed = replace(changed, webhooks_failing=False, first_minute=now_ms // MINUTE_MS)
    else:
        changed = _learn(_judge(changed, seen, now_ms), seen, now_ms)
    return health if changed == health else changed


def void(health: Health, seen: Observation, now_ms: int) -> Health:
    """The health after the counts have proved to be incomplete: what was accepted until now is judged no more."""
    return health if health.version != seen.version else replace(health, first_minute=now_ms // MINUTE_MS)


def is_improbable(sums: Sums, health: Health, limit: float = IMPROBABLE) -> bool:
    """Whether so few reports mean that something has changed: their chance is below `limit`.

    The share must be below half of the usual one, and at the usual share (less how inexactly it is known) so few
    reports must be improbable. Of more than 200 recipients the chance is that of 200.
    """
    if not sums.accepted or health.usual_share < USUALLY_REPORTS or sums.share >= health.usual_share / 2:
        return False
    share = max(0.0, health.usual_share - 1.5 / math.sqrt(health.usual_of))
    of = min(sums.accepted, 200)
    reported = math.floor(sums.share * of)
    chance = sum(math.comb(of, n) * share**n * (1 - share) ** (of - n) for n in range(reported + 1))
    return chance < limit


def _silent_since(health: Health, mature: Minutes, mature_before: int) -> int | None:
    """The first minute of the shortest run of newest mature minutes that mean silence. None: there is none."""
    accepted = reported = 0
    for minute, each in mature:
        accepted += each.accepted
        reported += each.reported
        is_enough = accepted >= ENOUGH_TO_JUDGE and mature_before - minute >= ENOUGH_MINUTES
        is_low = reported < accepted * health.usual_share / 2  # checked first, because it is cheap
        if is_enough and is_low and is_improbable(Sums(accepted, reported=reported), health):
            return minute
    return None


def _after(minute: int, minutes: Minutes) -> Sums:
    """The counts of the minutes after `minute`."""
    return sum((sums for _, sums in takewhile(lambda pair: pair[0] > minute, minutes)), Sums())


def _recent(mature: Minutes, mature_before: int) -> Sums:
    """The counts of the newest mature minutes, as many as are compared with the usual share."""
    sums = Sums()
    for minute, each in mature:
        if sums.accepted >= ENOUGH_TO_COMPARE and mature_before - minute > ENOUGH_MINUTES:
            break
        sums += each
    return sums


def _speaks(health: Health, judged: Minutes, now_min: int) -> bool:
    """Whether the provider reports on its newest emails. Of a silent one only emails accepted since are looked at."""
    first = now_min - MATURE_AFTER_MIN
    if health.silent_since_ms is not None:
        first = health.silent_since_ms // MINUTE_MS + 1
    sums = Sums()
    for minute, each in takewhile(lambda pair: pair[0] >= first, judged):
        if sums.accepted >= ENOUGH_TO_FORGIVE and now_min - minute > MATURE_AFTER_MIN:
            break
        sums += each
        if sums.accepted >= ENOUGH_TO_FORGIVE and sums.share >= health.usual_share / 2:
            return True
    return False


def _judge(health: Health, seen: Observation, now_ms: int) -> Health:
    if health.silent:
        quiet_since_ms = max(health.silent_since_ms or 0, seen.last * MINUTE_MS)
        if seen.speaks or now_ms - quiet_since_ms >= FORGET_AFTER_MS:
            return replace(_not_silent(health), first_minute=now_ms // MINUTE_MS)
    elif seen.finding is Finding.SILENT and not seen.speaks:
        return replace(_lower(health, seen, now_ms), silent=True, silent_since_ms=now_ms)
    if health.silent and is_improbable(seen.unanswered, health, IMPROBABLE_WHILE_SILENT):
        return _lower(health, seen, now_ms)
    return health


def _lower(health: Health, seen: Observation, now_ms: int) -> Health:
    lowered = lower_weight(health, now_ms)
    return health if lowered is health else replace(lowered, lowered_minute=seen.newest)


def _learn(health: Health, seen: Observation, now_ms: int) -> Health:
    """The health with the new minutes in its usual share, unless the provider reports on clearly less than usual."""
    if not seen.new.accepted:
        return health
    is_low = seen.recent.accepted >= ENOUGH_TO_JUDGE and seen.recent.share < CLEARLY_LESS * health.usual_share
    if not health.usual_of or not (is_low or health.silent):
        return replace(_learned(health, seen.new), low_since_ms=None)
    since_ms = health.low_since_ms or now_ms
    if now_ms - since_ms < NEW_USUAL_AFTER_MS:
        return replace(health, low_since_ms=since_ms)
    usual = replace(_not_silent(health), usual_share=round(seen.recent.share, 6), usual_of=seen.recent.accepted)
    return replace(usual, low_since_ms=None, first_minute=now_ms // MINUTE_MS)


def _learned(health: Health, new: Sums) -> Health:
    known = health.usual_of
    rate = new.accepted / (known + new.accepted)
    if known >= REMEMBERS:
        rate = min(rate, 1 / REMEMBERS_MIN)
    usual = health.usual_share + rate * (new.share - health.usual_share)
    return replace(health, usual_share=round(usual, 6), usual_of=min(known + new.accepted, REMEMBERS))


def _not_silent(health: Health) -> Health:
    return replace(health, silent=False, silent_since_ms=None)
