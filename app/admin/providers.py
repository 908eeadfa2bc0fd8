"""`providers`: check their settings, list their health, pause and resume them."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated

import typer

from app.admin.environment import fail, load, with_all_secrets
from app.api import times
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
def check() -> None:
    """Show for each provider what is missing or refused. Sends no email. Exits with 1 if any provider has a problem."""
    settings = _load()
    variables = with_all_secrets(settings)
    problems = [_check(name, variables) for name in settings.providers]
    raise typer.Exit(1 if any(problems) else 0)


@app.command("list")
def show() -> None:
    """List the health of each provider, as all processes share it."""
    settings = _load()
    monitor = _monitor(settings)
    healths, recent = monitor.healths(), RecentCalls(Healths(), monitor, time.time)()
    for name in settings.providers:
        typer.echo(f"{_line(healths[name])}{_failures(recent[name])}")


@app.command()
def pause(name: Name) -> None:
    """Send nothing through a provider, also in an email's last round, until it is resumed; wait until that holds."""
    _change(name, health_rules.pause)


@app.command()
def resume(name: Name) -> None:
    """Clear a provider's pause, breaker, cooldown and weight. Emails that wait for it are tried within two minutes."""
    change = partial(health_rules.resume, now_ms=int(time.time() * 1000))
    _change(name, change)


def _change(name: str, change: Callable[[Health], Health]) -> None:
    health, in_force_since_ms = _monitor(_load(), name).put_in_force(name, change)
    typer.echo(f"{_line(health)}; in force since {times.write(in_force_since_ms)}")


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


def _line(health: Health) -> str:
    now_ms = int(time.time() * 1000)
    cools_down = health.cooldown_until_ms is not None and now_ms < health.cooldown_until_ms
    troubles = [
        "paused" if health.paused else "",
        _open(health, now_ms),
        f"cooldown until {times.write(health.cooldown_until_ms or 0)}" if cools_down else "",
        "silent" if health.silent else "",
        "its webhooks fail with us" if health.webhooks_failing else "",
    ]
    return f"{health.provider}: weight {health.weight}, {', '.join(filter(None, troubles)) or 'nothing in its way'}"


def _failures(recent: Calls) -> str:
    if recent.last_error is None:
        return ""
    error = recent.last_error
    words = ", ".join(filter(None, [error.kind, error.cause, str(error.status_code or "")]))
    at = times.write(error.at_ms)
    return f"; {recent.failed} of {recent.made} calls failed in the last five minutes, the last at {at}: {words}"


def _open(health: Health, now_ms: int) -> str:
    if health.breaker_until_ms is None:
        return ""
    is_over = health.breaker_until_ms <= now_ms
    if health.over_quota:
        until = "the next email asks" if is_over else f"asked again at {times.write(health.breaker_until_ms)}"
        return shorten(f"quota used up, {until}: {health.breaker_reason}")
    state = "half-open, the next email probes it" if is_over else f"open until {times.write(health.breaker_until_ms)}"
    return shorten(f"breaker {state}: {health.breaker_reason or 'no reason'}")


def _check(name: str, variables: Mapping[str, str]) -> bool:
    values = registry.values(name, variables)
    missing = values.missing(Need.SENDING)
    complaints = [f"{variable} is not set: it cannot send" for variable in missing]
    complaints += [f"{variable} is not set: its webhooks are refused" for variable in values.missing(Need.WEBHOOKS)]
    complaints += values.faults()
    if not missing and not values.faults():
        answer = process.check_credentials(name, variables)
        complaints += [] if answer.works else [f"refused: {answer.status_code or 'no answer'} {answer.reply}"]
    for complaint in complaints:
        typer.echo(f"{name}: {shorten(complaint)}")
    if not complaints:
        typer.echo(f"{name}: ok")
    return bool(complaints)
