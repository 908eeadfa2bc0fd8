"""What `suppressions` does at the providers: clears an address from their own lists, and takes such a list over."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from app.admin.environment import fail
from app.admin.output import progress, show
from app.api import times
from app.domain.account import is_account, provider_of
from app.domain.own_entries import Fate, OwnEntry, clearable
from app.domain.own_entries import take_over as take_over_entry
from app.domain.suppression import Reason
from app.errors import ConfigurationError
from app.providers import registry
from app.providers.sdk.own_list import NoSuchApi
from app.settings import Settings
from app.store.suppressions import Suppressions
from app.wiring.own_lists import Cleared, NotDone, opened


@dataclass(frozen=True, slots=True)
class Done:
    """What became of an address at one account, in words. `is_done` is False if the account failed."""

    name: str
    words: str
    is_done: bool = True


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
) -> list[Done]:
    """Clear an address at each account. Returns what became of it at each."""
    reasons = clearable(lifted, also)
    return [_clear(address, name, env, reasons) for name in progress(names, "asking providers", len(names))]


def take_over(
    name: str, env: Mapping[str, str], suppressions: Suppressions, now_ms: int, *, as_json: bool = False
) -> None:
    """Take over every entry, and print what became of them. Ends the program with status 1 if the list broke off."""
    if not is_account(name):
        fail(f"--from: {name!r} is not an account, such as those of PROVIDERS")
    _check([name])
    fates: Counter[Fate] = Counter()
    taken: Counter[Reason] = Counter()
    failure = ""
    try:
        with opened(name, env) as own:
            for own_entry in progress(own.entries(), f"{name}: taking over"):
                rule = partial(take_over_entry, own=own_entry, account=name, now_ms=now_ms)
                fate = suppressions.take_over(own_entry.address, rule)
                fates[fate] += 1
                if fate is Fate.TAKEN and own_entry.reason:
                    taken[own_entry.reason] += 1
    except NotDone as why:
        failure = f"failed: {why}; what was taken over stays, and the same command goes on"
    except NoSuchApi:
        failure = f"its list cannot be read by API; it is at: {_by_hand(name)}"
    if fates or not failure:
        counts = {fate.name.lower(): fates[fate] for fate in Fate}
        reasons = {reason.value: count for reason, count in taken.items()}
        record = {"name": name, "read": fates.total(), "fates": counts, "reasons": reasons, "failure": failure}
        show("\n".join(_summary(name, fates, taken)), record, as_json=as_json)
    if failure:
        fail(f"{name}: {failure}")


def _check(names: Iterable[str]) -> None:
    try:
        registry.check(names)
    except ConfigurationError as error:
        fail(str(error))


def _clear(address: str, name: str, env: Mapping[str, str], reasons: frozenset[Reason]) -> Done:
    try:
        with opened(name, env) as own:
            return Done(name, _line(own.clear(address, reasons)))
    except NotDone as why:
        return Done(name, f"failed: {why}; by hand: {_by_hand(name)}", is_done=False)
    except NoSuchApi:
        return Done(name, f"cannot be cleared by API; by hand: {_by_hand(name)}")


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
