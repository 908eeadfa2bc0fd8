"""`providers`: check their settings, list their health, pause and resume them."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated

import typer

from app.admin.environment import fail, load, with_all_secrets
from app.admin.output import Json, progress, show, show_table
from app.api import times
from app.api.v1 import provider_views
from app.delivery.monitor import Monitor
from app.delivery.recent_calls import RecentCalls
from app.domain import health as health_rules
from app.domain.calls import Calls
from app.domain.health import Health
from app.domain.outcome import shorten
from app.errors import ConfigurationError
from app.providers import registry
from app.providers.sdk.variables import Need
from app.settings import Settings
from app.store.health import Healths
from app.wiring import process

app = typer.Typer(no_args_is_help=True, help="The providers in their order: check, list, pause, resume.")

Name = Annotated[str, typer.Argument(help="One of PROVIDERS.")]


@app.command()
def check(*, as_json: Json = False) -> None:
    """Show for each provider what is missing or refused. Sends no email. Exits with 1 if any provider has a problem."""
    settings = _load()
    variables = with_all_secrets(settings)
    names = progress(settings.providers, "asking providers", len(settings.providers))
    problems = {name: _problems(name, variables) for name in names}
    rows = [(name, problem) for name, each in problems.items() for problem in each or ["ok"]]
    records = [{"name": name, "ok": not each, "problems": each} for name, each in problems.items()]
    show_table(["PROVIDER", "STATE"], rows, records, as_json=as_json)
    raise typer.Exit(1 if any(problems.values()) else 0)


@app.command("list")
def list_all(*, as_json: Json = False) -> None:
    """List the health of each provider, as all processes share it, and its calls of the last five minutes."""
    settings = _load()
    monitor, now_ms = _monitor(settings), _now_ms()
    healths, recent = monitor.healths(), RecentCalls(Healths(), monitor, time.time)()
    rows = [(name, healths[name].weight, _state(healths[name]), *_cells(recent[name])) for name in settings.providers]
    records = [
        provider_views.write(healths[name], recent[name], now_ms, with_words=True).model_dump(mode="json")
        for name in settings.providers
    ]
    show_table(["PROVIDER", "WEIGHT", "STATE", "LAST 5 MINUTES", "LAST ERROR"], rows, records, as_json=as_json)


@app.command()
def pause(name: Name, *, as_json: Json = False) -> None:
    """Send nothing through a provider, also in an email's last round, until it is resumed; wait until that holds."""
    _change(name, health_rules.pause, as_json=as_json)


@app.command()
def resume(name: Name, *, as_json: Json = False) -> None:
    """Clear a provider's pause, breaker, cooldown and weight. Emails that wait for it are tried within two minutes."""
    change = partial(health_rules.resume, now_ms=_now_ms())
    _change(name, change, as_json=as_json)


def _change(name: str, change: Callable[[Health], Health], *, as_json: bool) -> None:
    monitor = _monitor(_load(), name)
    health, in_force_since_ms = monitor.put_in_force(name, change)
    recent = RecentCalls(Healths(), monitor, time.time).of(health)
    record = provider_views.write_changed(
        provider_views.write(health, recent, _now_ms(), with_words=True), in_force_since_ms
    )
    words = f"{name}: weight {health.weight}, {_state(health)}; in force since {times.write(in_force_since_ms)}"
    show(words, record.model_dump(mode="json"), as_json=as_json)


def _load() -> Settings:
    settings = load()
    if not settings.providers:
        fail("PROVIDERS is not set: name the providers in the order in which to try them")
    try:
        registry.check(settings.providers)
    except ConfigurationError as error:
        fail(str(error))
    return settings


def _monitor(settings: Settings, name: str | None = None) -> Monitor:
    if name is not None and name not in settings.providers:
        fail(f"{name!r} is not a configured provider; these are: {', '.join(settings.providers)}")
    return Monitor(Healths(), settings.providers, time.time)


def _state(health: Health) -> str:
    now_ms = _now_ms()
    cools_down = health.cooldown_until_ms is not None and now_ms < health.cooldown_until_ms
    troubles = [
        "paused, without end: until it is resumed" if health.paused else "",
        _open(health, now_ms),
        f"cooldown until {times.write(health.cooldown_until_ms or 0)}" if cools_down else "",
        "silent" if health.silent else "",
        "its webhooks fail with us" if health.webhooks_failing else "",
    ]
    return ", ".join(filter(None, troubles)) or "nothing in its way"


def _cells(recent: Calls) -> tuple[str, str]:
    """The calls of the last minutes, and the last error of those."""
    error = recent.last_error
    if error is None:
        return f"{recent.made} call{'' if recent.made == 1 else 's'}", ""
    words = ", ".join(filter(None, [error.kind, error.cause, str(error.status_code or "")]))
    return f"{recent.failed} of {recent.made} calls failed", f"{times.write(error.at_ms)} {words}"


def _open(health: Health, now_ms: int) -> str:
    if health.breaker_until_ms is None:
        return ""
    is_over = health.breaker_until_ms <= now_ms
    if health.over_quota:
        until = "the next email asks" if is_over else f"asked again at {times.write(health.breaker_until_ms)}"
        return shorten(f"quota used up, {until}: {health.breaker_reason}")
    state = "half-open, the next email probes it" if is_over else f"open until {times.write(health.breaker_until_ms)}"
    return shorten(f"breaker {state}: {health.breaker_reason or 'no reason'}")


def _problems(name: str, variables: Mapping[str, str]) -> list[str]:
    values = registry.values(name, variables)
    missing = values.missing(Need.SENDING)
    problems = [f"{variable} is not set: it cannot send" for variable in missing]
    problems += [f"{variable} is not set: its webhooks are refused" for variable in values.missing(Need.WEBHOOKS)]
    problems += values.faults()
    if not missing and not values.faults():
        answer = process.check_credentials(name, variables)
        problems += [] if answer.works else [f"refused: {answer.status_code or 'no answer'} {answer.reply}"]
    return [shorten(problem) for problem in problems]


def _now_ms() -> int:
    return int(time.time() * 1000)
