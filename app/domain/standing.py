"""Where each provider stands for one email right now: in, closed for a while, or out; and why."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from app.domain.health import KEEPS_PLACE_FROM, Health

PAUSE_LOOK_MS = 60_000  # a paused provider is looked at again after this long
DAY_MS = 24 * 3600 * 1000


class State(StrEnum):
    """May the provider be asked now?"""

    IN = "in"
    CLOSED = "closed"  # not now, but as a last resort: its breaker is open, or it rests
    PAUSED = "paused"  # not now, not even as a last resort
    OUT = "out"  # never for this email


class Policy(StrEnum):
    """How the providers that are in are ordered."""

    PRIORITY = "priority"  # the configured order; one whose weight is low goes behind the others
    WEIGHTED = "weighted"  # by chance, in proportion to the weights


@dataclass(frozen=True, slots=True)
class Standing:
    """One provider in a route. `until_ms`: when a closed or paused one is worth another look."""

    provider: str
    state: State
    why: str
    until_ms: int | None = None
    reserve: bool = False  # it is in for few only: whoever asks it must take a place first


@dataclass(frozen=True, slots=True)
class Caps:
    """How many recipients an operator allows a provider, which is how they bill and limit; None: no limit."""

    daily: int | None = None
    per_second: int | None = None


@dataclass(frozen=True, slots=True)
class Routing:
    """The settings a route depends on. `preferences`: recipient domain → providers to try first."""

    providers: tuple[str, ...]
    policy: Policy = Policy.PRIORITY
    preferences: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    caps: Mapping[str, Caps] = field(default_factory=dict)


def route(
    routing: Routing,
    healths: Mapping[str, Health],
    sent_today: Mapping[str, int],
    *,
    email_id: str,
    restrict: Sequence[str],
    domains: frozenset[str],
    now_ms: int,
) -> tuple[Standing, ...]:
    """Every configured provider in the order in which it would be tried, and where it stands.

    `restrict` are the providers the email names (none: all), `domains` those of the recipients it is for.
    """
    standings = []
    for name in _order(routing, healths, email_id, domains):
        if restrict and name not in restrict:
            standings.append(Standing(name, State.OUT, "not among the email's providers"))
        else:
            standings.append(_stand(healths[name], routing.caps.get(name, Caps()), sent_today.get(name, 0), now_ms))
    return tuple(standings)


def _stand(health: Health, caps: Caps, sent_today: int, now_ms: int) -> Standing:
    name = health.provider
    if health.paused:
        return Standing(name, State.PAUSED, "paused by an operator", now_ms + PAUSE_LOOK_MS)
    if health.breaker_until_ms is not None:
        return _behind_breaker(health, health.breaker_until_ms, now_ms)
    if health.rest_until_ms is not None and now_ms < health.rest_until_ms:
        return Standing(name, State.CLOSED, "rests after throttling", health.rest_until_ms)
    if caps.daily is not None and sent_today >= caps.daily:
        midnight_ms = (now_ms // DAY_MS + 1) * DAY_MS
        return Standing(name, State.PAUSED, f"its daily cap of {caps.daily} is reached", midnight_ms)
    why = "healthy" if health.weight >= KEEPS_PLACE_FROM else f"weight {health.weight}: behind the healthy ones"
    return Standing(name, State.IN, why, reserve=caps.per_second is not None)


def _behind_breaker(health: Health, until_ms: int, now_ms: int) -> Standing:
    why = f"breaker open: {health.breaker_reason}" if health.breaker_reason else "breaker open"
    if now_ms < until_ms:
        return Standing(health.provider, State.CLOSED, why, until_ms)
    if health.probe_until_ms is not None and now_ms < health.probe_until_ms:
        return Standing(health.provider, State.CLOSED, f"{why}; a probe is under way", health.probe_until_ms)
    return Standing(health.provider, State.IN, f"{why}; this email may probe it", reserve=True)


def _order(routing: Routing, healths: Mapping[str, Health], email_id: str, domains: frozenset[str]) -> tuple[str, ...]:
    if routing.policy is Policy.WEIGHTED:
        names = sorted(routing.providers, key=lambda name: _lot(email_id, healths[name]))
    else:  # a stable sort; if all are low, all keep their places
        names = sorted(routing.providers, key=lambda name: healths[name].weight < KEEPS_PLACE_FROM)
    preferred = _preferred(routing, domains)
    return tuple(sorted(names, key=lambda name: preferred.index(name) if name in preferred else len(preferred)))


def _preferred(routing: Routing, domains: frozenset[str]) -> tuple[str, ...]:
    """A preference counts if it is that of every recipient: an email is not torn apart for it."""
    wishes = {routing.preferences.get(domain, ()) for domain in domains}
    return wishes.pop() if len(wishes) == 1 else ()


def _lot(email_id: str, health: Health) -> float:
    """A draw without replacement in proportion to weight; the same email always draws the same lot."""
    digest = hashlib.sha256(f"{email_id}\n{health.provider}".encode()).digest()
    chance = (int.from_bytes(digest[:7], "big") + 1) / 2**56
    return -math.log(chance) / max(health.weight, 1)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decides about an email's next step beside the email itself and the time."""

    route: tuple[Standing, ...]
    suppressed: frozenset[str] = frozenset()  # recipient keys that are not to be sent to
    superseded: bool = False  # a newer email with the same collapse key has taken its place
    silent: frozenset[str] = frozenset()  # providers that accept, but report less than they used to

    @classmethod
    def fair(cls, providers: Sequence[str]) -> "Circumstances":
        """Every one of `providers` is in, nothing speaks against anybody."""
        return cls(tuple(Standing(name, State.IN, "healthy") for name in providers))

    def providers(self, *states: State) -> tuple[str, ...]:
        """The providers in one of `states`, in the order of the route."""
        return tuple(standing.provider for standing in self.route if standing.state in states)

    def standing(self, provider: str) -> Standing:
        """Where `provider` stands; it must be in the route."""
        return next(standing for standing in self.route if standing.provider == provider)

    def without(self, provider: str, until_ms: int) -> "Circumstances":
        """The same, with `provider` closed: somebody else has taken its last place."""
        shut = Standing(provider, State.CLOSED, "no place free right now", until_ms)
        return replace(self, route=tuple(shut if s.provider == provider else s for s in self.route))
