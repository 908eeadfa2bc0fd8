"""The entries of a provider's own suppression list: which a lift clears, and what our list takes over from them.

A bounce, or whatever else a machine found, may be cleared by whoever lifts the address. What a person said (a
complaint, an unsubscribe, an operator's wish) is cleared only if that is what was lifted here, or if it was named.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from app.domain.outcome import shorten
from app.domain.suppression import LASTS_MS, Entry, Reason, Suppression, is_undone

# A provider asks a mailbox that bounced no second time, so its list is all that can ever be known: it holds for as long
# as a repeated bounce does, and not for the day of a first one.
TAKEN_FOR_MS: Mapping[Reason, int] = {**LASTS_MS, Reason.HARD_BOUNCE: LASTS_MS[Reason.REPEATED_HARD_BOUNCE]}
SAID_BY_PEOPLE = frozenset({Reason.COMPLAINED, Reason.UNSUBSCRIBED, Reason.MANUAL})


@dataclass(frozen=True, slots=True)
class OwnEntry:
    """One entry of a provider's own suppression list.

    `address` is in the form in which addresses are compared, "" if it is none. `reason` is why our list would suppress
    it; None if the provider's own words (`words`) are of no dead mailbox, so that only the provider goes by it. `scope`
    is the provider's group or tag, without which the entry is about everything. `at_ms` (epoch milliseconds) is when
    the provider made it, None if it does not say.
    """

    address: str
    part: str  # of the list, in the provider's word: `bounces`
    reason: Reason | None
    at_ms: int | None
    words: str = ""
    scope: str = ""


class Fate(StrEnum):
    """What became of an entry that was read to be taken over."""

    TAKEN = "taken"
    KNOWN = "on our list already, for as long or longer"
    UNDONE = "lifted here, or taken back by the recipient, later than the provider's entry"
    SCOPED = "an unsubscribe from one group or tag only, and no email from here names one"
    NO_REASON = "the provider's words are of no dead mailbox"
    UNREADABLE = "our own entry of it cannot be read by this version; it stays as it is, and suppresses"
    ENDED = "so old that it would have ended here"
    NO_ADDRESS = "not an email address"


def clearable(lifted: Iterable[Reason], also: Iterable[Reason]) -> frozenset[Reason]:
    """The reasons of the entries that a lift clears: `lifted` were lifted here, `also` were named."""
    return frozenset(Reason) - SAID_BY_PEOPLE | {*lifted, *also}


def is_cleared(own: OwnEntry, reasons: Collection[Reason]) -> bool:
    """Whether a lift clears this entry: it is for one of these reasons, or for none that anybody gave."""
    return own.reason is None or own.reason in reasons


def take_over(entry: Entry, own: OwnEntry, account: str, now_ms: int) -> tuple[Entry, Fate]:
    """Add the reason of the provider's entry `own` to our entry, beside every other reason.

    Returns our entry as it is then, and what became of `own`.

    Adding the same reason again, from this account or another, changes nothing. An entry without a time counts from
    `now_ms`, but not if anything was ever lifted, because nobody knows which of the two came later.
    """
    if not own.address:
        return entry, Fate.NO_ADDRESS
    if own.reason is None:
        return entry, Fate.NO_REASON
    if own.scope:
        return entry, Fate.SCOPED
    since_ms = now_ms if own.at_ms is None else min(own.at_ms, now_ms)
    suppression = Suppression(
        entry.address, own.reason, _evidence(own, account), since_ms, since_ms + TAKEN_FOR_MS[own.reason]
    )
    return bring_in(entry, suppression, has_time=own.at_ms is not None, now_ms=now_ms)


def bring_in(entry: Entry, suppression: Suppression, *, has_time: bool, now_ms: int) -> tuple[Entry, Fate]:
    """Add a suppression of another list to our entry. Returns our entry as it is then, and what became of it.

    With `has_time`, that list says when it began. Otherwise it counts from now, unless anything was ever lifted here.
    """
    if is_undone(entry, suppression if has_time else replace(suppression, since_ms=0)):
        return entry, Fate.UNDONE
    if suppression.until_ms <= now_ms:
        return entry, Fate.ENDED
    known = entry.suppressions.get(suppression.reason)
    if known and (known.until_ms >= suppression.until_ms or (not has_time and now_ms < known.until_ms)):
        return entry, Fate.KNOWN
    return replace(entry, suppressions={**entry.suppressions, suppression.reason: suppression}), Fate.TAKEN


def _evidence(own: OwnEntry, account: str) -> str:
    return shorten(f"{account}, its own list, {own.part}: {own.words}".rstrip(": "))
