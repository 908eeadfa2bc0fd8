"""The route of an email: every provider in the order in which it would be tried, and whether it may be called now."""

import hashlib
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from app.domain.caps import Caps, Limit, full_day
from app.domain.health import KEEPS_RANK_FROM, Health
from app.domain.waiting import OF_LIMIT, Waiting

PAUSE_CHECK_MS = 60_000  # a paused provider is checked again after this long


class Availability(StrEnum):
    """Whether a provider may be called for an email now."""

    AVAILABLE = "available"
    UNAVAILABLE_FOR_NOW = "unavailable_for_now"  # open breaker, cooldown; called in the last round only
    PAUSED = "paused"  # by an operator, a cap, or the account's own quota; not called even in the last round
    EXCLUDED = "excluded"  # never for this email


class RoutingPolicy(StrEnum):
    """How the available providers are ordered."""

    PRIORITY = "priority"  # the configured order; a provider of low weight goes behind the others
    WEIGHTED = "weighted"  # at random, in proportion to the weights


@dataclass(frozen=True, slots=True)
class Candidate:
    """One provider in a route.

    `until_ms`: when a provider that may not be called now is to be checked again. `probes`: the call would be the one
    that an open breaker lets through, so a worker must lease the probe before it. `limit`: why it is paused. `words`:
    the provider's own words behind `why`, for operators only, because they were said of another email.
    `notes`: for `explain`, what else holds there for the email. `cools`: it has throttled us, and no breaker is open.
    """

    provider: str
    availability: Availability
    why: str
    until_ms: int | None = None
    probes: bool = False
    limit: Limit | None = None
    words: str = ""
    notes: tuple[str, ...] = ()
    cools: bool = False

    @property
    def waited_for(self) -> Waiting:
        """What an email waits for that waits for this provider, which may not be called now."""
        if self.limit is not None:
            return OF_LIMIT[self.limit]
        return Waiting.COOLDOWN if self.cools else Waiting.BREAKER


@dataclass(frozen=True, slots=True)
class Routing:
    """The settings that a route depends on. `preferences` maps a recipient's domain to the providers to try first."""

    providers: tuple[str, ...]
    policy: RoutingPolicy = RoutingPolicy.PRIORITY
    preferences: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    caps: Mapping[str, Caps] = field(default_factory=dict)


def route(
    routing: Routing,
    healths: Mapping[str, Health],
    left_today: Mapping[str, int],
    *,
    email_id: str,
    recipients: int = 1,
    restrict: Sequence[str],
    excluded: Collection[str] = (),
    domains: frozenset[str],
    now_ms: int,
) -> tuple[Candidate, ...]:
    """Every configured provider in the order in which it would be tried, and its availability.

    `left_today` are the places that are left of the day at each provider with a daily cap; `recipients` is how many the
    call must have (an attempt asks for one, and takes what it needs when it knows whom the call carries). `restrict`
    are the providers that the email names (none: all), `excluded` those that cannot carry it, `domains` are those of
    its recipients. A provider that is named and no longer configured is like a paused one: it may come back.
    """
    candidates = []
    for name in _order(routing, healths, email_id, domains):
        if restrict and name not in restrict:
            candidates.append(Candidate(name, Availability.EXCLUDED, "not among the email's providers"))
        elif name in excluded:
            candidates.append(Candidate(name, Availability.EXCLUDED, "cannot carry this email"))
        else:
            caps = routing.caps.get(name, Caps())
            is_full = caps.daily is not None and left_today.get(name, caps.daily) < recipients
            cap = caps.daily if is_full else None
            candidates.append(_candidate(healths[name], cap, recipients, now_ms))
    left = [name for name in restrict if name not in routing.providers]
    candidates += [_paused(name, "not in PROVIDERS", now_ms) for name in left]
    return tuple(candidates)


def _paused(name: str, why: str, now_ms: int) -> Candidate:
    return Candidate(name, Availability.PAUSED, why, now_ms + PAUSE_CHECK_MS, limit=Limit.PAUSE)


def _candidate(health: Health, full_cap: int | None, recipients: int, now_ms: int) -> Candidate:
    """`full_cap` is the daily cap, if it leaves no places for the call. It counts whatever the breaker says."""
    name = health.provider
    if health.paused:
        return _paused(name, "paused by an operator", now_ms)
    if full_cap is not None:
        full = full_day(name, full_cap, recipients, now_ms)
        return Candidate(name, Availability.PAUSED, full.why, full.until_ms, limit=full.limit)
    if health.probe_from_ms is not None:
        return _with_open_breaker(health, health.probe_from_ms, now_ms)
    if health.cooldown_until_ms is not None and now_ms < health.cooldown_until_ms:
        why = "cooldown after throttling"
        return Candidate(name, Availability.UNAVAILABLE_FOR_NOW, why, health.cooldown_until_ms, cools=True)
    why = "healthy" if health.weight >= KEEPS_RANK_FROM else f"weight {health.weight}: behind the healthy ones"
    return Candidate(name, Availability.AVAILABLE, why)


def _with_open_breaker(health: Health, until_ms: int, now_ms: int) -> Candidate:
    closed = Availability.PAUSED if health.over_quota else Availability.UNAVAILABLE_FOR_NOW
    limit = Limit.QUOTA if health.over_quota else None
    why = f"waits for the quota of {health.provider}, which is used up" if health.over_quota else "breaker open"
    name, words = health.provider, health.breaker_reason
    if now_ms < until_ms:
        return Candidate(name, closed, why, until_ms, limit=limit, words=words)
    if health.probe_until_ms is not None and now_ms < health.probe_until_ms:
        why, until_ms = f"{why}; a probe is under way", health.probe_until_ms
        return Candidate(name, closed, why, until_ms, limit=limit, words=words)
    return Candidate(name, Availability.AVAILABLE, f"{why}; this email may probe it", probes=True, words=words)


def _order(routing: Routing, healths: Mapping[str, Health], email_id: str, domains: frozenset[str]) -> tuple[str, ...]:
    if routing.policy is RoutingPolicy.WEIGHTED:
        names = sorted(routing.providers, key=lambda name: _weighted_rank(email_id, healths[name]))
    else:  # the sort is stable: if all weights are low, all providers keep their places
        names = sorted(routing.providers, key=lambda name: healths[name].weight < KEEPS_RANK_FROM)
    preferred = _preferred(routing, domains)
    return tuple(sorted(names, key=lambda name: preferred.index(name) if name in preferred else len(preferred)))


def _preferred(routing: Routing, domains: frozenset[str]) -> tuple[str, ...]:
    """The providers to try first. A preference counts only if all recipients share it: an email is not split for it."""
    preferences = {routing.preferences.get(domain, ()) for domain in domains}
    return preferences.pop() if len(preferences) == 1 else ()


def _weighted_rank(email_id: str, health: Health) -> float:
    """A random rank, low with a chance in proportion to the weight; the same for the same email and provider.

    Sorting by it draws the providers without replacement (Efraimidis and Spirakis, 2006).
    """
    digest = hashlib.sha256(f"{email_id}\n{health.provider}".encode()).digest()
    chance = (int.from_bytes(digest[:7], "big") + 1) / 2**56
    return -math.log(chance) / max(health.weight, 1)
