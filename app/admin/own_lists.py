"""What `suppressions` does at the providers: clears an address from their own lists, and takes such a list over."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

import typer

from app.admin.environment import fail
from app.api import times
from app.domain.account import is_account, provider_of
from app.domain.own_entries import Fate, OwnEntry, clearable
from app.domain.suppression import Reason
from app.errors import ConfigurationError
from app.providers import registry
from app.providers.sdk.own_list import NoSuchApi
from app.settings import Settings
from app.store.suppressions import Suppressions
from app.wiring.own_lists import Cleared, NotDone, opened

PROGRESS_EVERY: Final = 1000


class Said(StrEnum):
    """The reasons that a provider has from a person, as `--also` takes them: those of SAID_BY_PEOPLE."""

    COMPLAINED = Reason.COMPLAINED.value
    UNSUBSCRIBED = Reason.UNSUBSCRIBED.value
    MANUAL = Reason.MANUAL.value


def accounts(settings: Settings) -> Sequence[str]:
    """The accounts of PROVIDERS. Ends the program with a message if there are none, or if one cannot be one."""
    if not settings.providers:
        fail("PROVIDERS is not set: name the accounts at which the address is to be cleared")
    _check(settings.providers)
    return settings.providers


def clear(
    address: str, names: Sequence[str], env: Mapping[str, str], lifted: Iterable[Reason], also: Iterable[Reason]
) -> None:
    """Clear an address at each account, and print a line for each. Ends the program with status 1 if one failed."""
    reasons = clearable(lifted, also)
    outcomes = [_clear(address, name, env, reasons) for name in names]
    if not all(outcomes):
        raise typer.Exit(1)


def take_over(name: str, env: Mapping[str, str], suppressions: Suppressions, now_ms: int) -> None:
    """Take over every entry, and print what became of them. Ends the program with status 1 if the list broke off."""
    if not is_account(name):
        fail(f"--from: {name!r} is not an account, such as those of PROVIDERS")
    _check([name])
    fates: Counter[Fate] = Counter()
    taken: Counter[Reason] = Counter()
    failure = ""
    try:
        with opened(name, env) as own:
            for own_entry in own.entries():
                fate = suppressions.take_over(own_entry, name, now_ms)
                fates[fate] += 1
                if fate is Fate.TAKEN and own_entry.reason:
                    taken[own_entry.reason] += 1
                if fates.total() % PROGRESS_EVERY == 0:
                    typer.echo(f"{name}: {fates.total()} read, {fates[Fate.TAKEN]} taken over", err=True)
    except NotDone as why:
        failure = f"failed: {why}; what was taken over stays, and the same command goes on"
    except NoSuchApi:
        failure = f"its list cannot be read by API; it is at: {_by_hand(name)}"
    if fates or not failure:
        typer.echo("\n".join(_summary(name, fates, taken)))
    if failure:
        fail(f"{name}: {failure}")


def _check(names: Iterable[str]) -> None:
    try:
        registry.check(names)
    except ConfigurationError as error:
        fail(str(error))


def _clear(address: str, name: str, env: Mapping[str, str], reasons: frozenset[Reason]) -> bool:
    """Print the line of one account. False: it failed."""
    try:
        with opened(name, env) as own:
            line = _line(own.clear(address, reasons))
    except NotDone as why:
        typer.echo(f"{name}: failed: {why}; by hand: {_by_hand(name)}")
        return False
    except NoSuchApi:
        line = f"cannot be cleared by API; by hand: {_by_hand(name)}"
    typer.echo(f"{name}: {line}")
    return True


def _line(done: Cleared) -> str:
    cleared = "cleared from " + ", ".join(dict.fromkeys(one.part for one in done.cleared)) if done.cleared else ""
    kept = [f"kept in {_shown(one)}" for one in done.kept]
    return "; ".join(filter(None, [cleared, *kept])) or "was not there"


def _shown(one: OwnEntry) -> str:
    """An entry that was kept, and how it is cleared all the same."""
    reason = one.reason.value if one.reason else ""
    since = f" since {times.write(one.at_ms)}" if one.at_ms is not None else ""
    scope = f" from {one.scope}" if one.scope else ""
    return f"{one.part}: {reason}{scope}{since} (--also {reason} clears it)"


def _by_hand(name: str) -> str:
    return registry.limits(provider_of(name)).own_list.value


def _summary(name: str, fates: Counter[Fate], taken: Counter[Reason]) -> list[str]:
    """How many entries were read, and what became of them, in the order of the fates."""
    reasons = ", ".join(f"{reason.value} {taken[reason]}" for reason in Reason if taken[reason])
    kept, skipped = fates[Fate.KNOWN], fates.total() - fates[Fate.TAKEN] - fates[Fate.KNOWN]
    head = f"{name}: {fates.total()} read, {fates[Fate.TAKEN]} taken over, {kept} kept, {skipped} skipped"
    words = {Fate.TAKEN: f"taken over: {reasons}", Fate.KNOWN: f"kept: {Fate.KNOWN.value}"}
    return [head, *(f"  {fates[one]} {words.get(one, f'skipped: {one.value}')}" for one in Fate if fates[one])]
