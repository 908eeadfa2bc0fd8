"""The cards of the accounts: what is wrong with each, on purpose, and its health as the product sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from app.local.playground import words
from app.local.simulator.faults import BadSetting, Behavior, Fault, read_behavior
from app.local.simulator.listener import Listener


@dataclass(frozen=True, slots=True)
class Switch:
    """A button that turns one fault on or off. `field` and `value` are what it posts."""

    label: str
    field: str
    value: str
    is_on: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an account's health."""

    name: str
    value: str
    tone: str = "quiet"


@dataclass(frozen=True, slots=True)
class Card:
    """What the page shows of one account. `weight` is None if its health is not known."""

    name: str
    title: str
    state: str
    is_broken: bool
    is_real: bool
    calls: int
    switches: Mapping[str, tuple[Switch, ...]]
    weight: int | None
    lines: tuple[Line, ...]
    can_pause: bool
    can_resume: bool


def cards(
    listeners: Mapping[str, Listener],
    titles: Mapping[str, str],
    real: frozenset[str],
    healths: Mapping[str, Mapping[str, Any]] | None,
) -> list[Card]:
    """A card for each account. `real` are those that the app does not reach here; `healths` is what the API says."""
    now = datetime.now(UTC)
    return [_card(listener, titles[name], name in real, healths, now) for name, listener in listeners.items()]


def turned(behavior: Behavior, field: str, value: str) -> Behavior:
    """The behavior after the switch that posts this was used: what is on goes off. Raises BadSetting."""
    if field == "mend":
        return Behavior()
    if field == "latency_ms" and value.isascii() and value.isdigit():
        latency_ms = read_behavior({field: int(value)}).latency_ms
        return replace(behavior, latency_ms=0 if behavior.latency_ms == latency_ms else latency_ms)
    if field == "fault":
        fault = read_behavior({field: value}).fault
        return replace(behavior, fault=Fault.NONE if behavior.fault is fault else fault)
    if field == "webhooks":
        (found,) = read_behavior({field: [value]}).webhooks
        others = tuple(each for each in behavior.webhooks if each is not found)
        return replace(behavior, webhooks=others if found in behavior.webhooks else (*others, found))
    raise BadSetting(field, "there is no such switch")


_NEUTRAL: Final = Behavior()


def _card(
    listener: Listener, title: str, is_real: bool, healths: Mapping[str, Mapping[str, Any]] | None, now: datetime
) -> Card:
    name, behavior = listener.account.name, listener.behavior
    health = None if healths is None else healths.get(name)
    if healths is None:
        lines = [Line("Health", "the API does not answer", "bad")]
    elif health is None:
        lines = [Line("Health", "not in PROVIDERS")]
    else:
        lines = _lines(health, now)
    return Card(
        name=name,
        title=title,
        state=_state(behavior),
        is_broken=behavior != _NEUTRAL,
        is_real=is_real,
        calls=listener.calls,
        switches=_switches(behavior),
        weight=None if health is None else health["weight"],
        lines=tuple(lines),
        can_pause=health is not None and not health["paused"],
        can_resume=health is not None and _is_kept_out(health),
    )


def _state(behavior: Behavior) -> str:
    shown = [words.fault(behavior.fault)] if behavior.fault is not Fault.NONE else []
    shown += [f"webhooks {words.WEBHOOKS[each]}" for each in behavior.webhooks]
    if behavior.latency_ms:
        shown.append(words.LATENCIES.get(behavior.latency_ms, f"takes {behavior.latency_ms / 1000:g} s"))
    return ", ".join(shown) or "works"


def _switches(behavior: Behavior) -> dict[str, tuple[Switch, ...]]:
    found = {
        title: tuple(Switch(label, "fault", fault, behavior.fault is fault) for fault, label in labels.items())
        for title, labels in words.FAULTS.items()
    }
    found["Its webhooks"] = tuple(
        Switch(label, "webhooks", each, each in behavior.webhooks) for each, label in words.WEBHOOKS.items()
    )
    found["Each call"] = tuple(
        Switch(label, "latency_ms", str(each), behavior.latency_ms == each) for each, label in words.LATENCIES.items()
    )
    return found


def _is_kept_out(health: Mapping[str, Any]) -> bool:
    return bool(health["paused"] or health["breaker"]["open"] or health["cooldown_until"] or health["weight"] < 100)


def _lines(health: Mapping[str, Any], now: datetime) -> list[Line]:
    breaker, cooldown = health["breaker"], health["cooldown_until"]
    lines = [
        Line("Breaker", _breaker(breaker, now), "bad" if breaker["open"] else "good"),
        Line("Cooldown", f"ends {words.until(cooldown, now)}" if cooldown else "none", "bad" if cooldown else "good"),
    ]
    if health["paused"]:
        lines.append(Line("Pause", "nothing is sent here", "bad"))
    if health["silent"]:
        lines.append(Line("Silence", "it reports less than it used to", "bad"))
    if health["webhooks_failing"]:
        lines.append(Line("Webhooks", "they cannot be verified", "bad"))
    return lines


def _breaker(breaker: Mapping[str, Any], now: datetime) -> str:
    if not breaker["open"]:
        return "closed"
    probe = f", probe {words.until(breaker['until'], now)}" if breaker["until"] else ""
    return f"open: {breaker['reason'] or 'it fails'}{probe}"
