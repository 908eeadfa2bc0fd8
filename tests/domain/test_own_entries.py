"""What our list takes over from a provider's own, and which of its entries a lift clears."""

from dataclasses import replace

import pytest

from app.domain.own_entries import SAID_BY_PEOPLE, TAKEN_FOR_MS, Fate, OwnEntry, clearable, is_cleared, take_over
from app.domain.suppression import DAY_MS, Entry, Reason, Resubscription, Suppression, lift, resubscribed, suppress

NOW_MS = 1_800_000_000_000
ANN = "ann@example.com"
BOUNCE = OwnEntry(ANN, "bounces", Reason.HARD_BOUNCE, NOW_MS - 2 * DAY_MS, "550 5.1.1 unknown user")


def a_suppression(reason: Reason, since_ms: int, days: int = 730) -> Suppression:
    return Suppression(ANN, reason, "acme, eml_1, attempt 1", since_ms, since_ms + days * DAY_MS)


def taken(own: OwnEntry, entry: Entry | None = None, now_ms: int = NOW_MS) -> tuple[Entry, Fate]:
    return take_over(entry or Entry(ANN), own, "acme", now_ms)


@pytest.mark.parametrize("reason", [one for one in Reason if one is not Reason.REPEATED_HARD_BOUNCE])
def test_an_entry_counts_from_when_the_provider_made_it(reason: Reason) -> None:
    entry, fate = taken(replace(BOUNCE, reason=reason))
    assert fate is Fate.TAKEN
    found = entry.in_force(NOW_MS)
    assert found is not None
    assert (found.reason, found.since_ms) == (reason, NOW_MS - 2 * DAY_MS)
    assert found.until_ms == found.since_ms + TAKEN_FOR_MS[reason]
    assert found.evidence == "acme, its own list, bounces: 550 5.1.1 unknown user"


def test_the_same_again_changes_nothing_whichever_account_it_is_of() -> None:
    entry, _ = taken(BOUNCE)
    for account in ("acme", "another"):
        assert take_over(entry, BOUNCE, account, NOW_MS + DAY_MS) == (entry, Fate.KNOWN)


def test_for_one_reason_the_later_end_holds_whatever_the_order() -> None:
    older, newer = replace(BOUNCE, part="invalid_emails", at_ms=NOW_MS - 9 * DAY_MS), BOUNCE
    first, _ = taken(older)
    both, fate = taken(newer, first)
    assert fate is Fate.TAKEN
    assert taken(older, both) == (both, Fate.KNOWN)
    other, _ = taken(newer)
    assert taken(older, other) == (other, Fate.KNOWN)
    assert both.suppressions == other.suppressions


@pytest.mark.parametrize("held", Reason)
def test_every_reason_that_is_here_stays(held: Reason) -> None:
    before = suppress(Entry(ANN), a_suppression(held, NOW_MS - DAY_MS))
    after, _ = taken(replace(BOUNCE, reason=Reason.UNSUBSCRIBED), before)
    assert after.suppressions.items() >= before.suppressions.items()
    shown = after.in_force(NOW_MS)
    assert shown is not None
    assert shown.reason is min(held, Reason.UNSUBSCRIBED, key=list(Reason).index)


def test_who_was_lifted_later_stays_free() -> None:
    entry = lift(suppress(Entry(ANN), a_suppression(Reason.COMPLAINED, NOW_MS - 9 * DAY_MS)), NOW_MS - DAY_MS)
    assert entry is not None
    complaint = replace(BOUNCE, reason=Reason.COMPLAINED)
    assert taken(complaint, entry) == (entry, Fate.UNDONE)
    assert taken(replace(complaint, at_ms=None), entry) == (entry, Fate.UNDONE)  # nobody knows which is the later
    assert taken(replace(complaint, at_ms=NOW_MS - DAY_MS), entry)[1] is Fate.TAKEN


def test_who_subscribed_again_later_stays_subscribed_and_only_that() -> None:
    entry = resubscribed(Entry(ANN), Resubscription(ANN, NOW_MS - DAY_MS))
    unsubscribe = replace(BOUNCE, reason=Reason.UNSUBSCRIBED)
    assert taken(unsubscribe, entry) == (entry, Fate.UNDONE)
    assert taken(replace(unsubscribe, reason=Reason.COMPLAINED), entry)[1] is Fate.TAKEN


def test_a_lift_is_remembered_for_as_long_as_anything_can_be_taken_over() -> None:
    entry = lift(suppress(Entry(ANN), a_suppression(Reason.COMPLAINED, NOW_MS - DAY_MS)), NOW_MS)
    assert entry is not None
    oldest = replace(BOUNCE, reason=Reason.COMPLAINED, at_ms=NOW_MS - 1)
    last_ms = NOW_MS - 1 + TAKEN_FOR_MS[Reason.COMPLAINED]
    assert entry.kept_until_ms >= last_ms
    assert taken(oldest, entry, last_ms - 1) == (entry, Fate.UNDONE)


def test_an_entry_without_a_time_counts_from_now_and_once() -> None:
    entry, fate = taken(replace(BOUNCE, at_ms=None))
    found = entry.in_force(NOW_MS)
    assert found is not None
    assert (fate, found.since_ms) == (Fate.TAKEN, NOW_MS)
    assert taken(replace(BOUNCE, at_ms=None), entry, NOW_MS + 9 * DAY_MS) == (entry, Fate.KNOWN)
    assert taken(replace(BOUNCE, at_ms=None), entry, found.until_ms)[1] is Fate.TAKEN


def test_an_entry_from_the_future_counts_from_now() -> None:
    entry, _ = taken(replace(BOUNCE, at_ms=NOW_MS + 900 * DAY_MS))
    found = entry.in_force(NOW_MS)
    assert found is not None
    assert found.since_ms == NOW_MS


@pytest.mark.parametrize(
    ("own", "fate"),
    [
        (replace(BOUNCE, address=""), Fate.NO_ADDRESS),
        (replace(BOUNCE, reason=None), Fate.NO_REASON),
        (replace(BOUNCE, reason=Reason.UNSUBSCRIBED, scope="weekly"), Fate.SCOPED),
        (replace(BOUNCE, at_ms=NOW_MS - 180 * DAY_MS), Fate.ENDED),
        (replace(BOUNCE, reason=Reason.COMPLAINED, at_ms=NOW_MS - 730 * DAY_MS), Fate.ENDED),
        (replace(BOUNCE, at_ms=NOW_MS - 180 * DAY_MS + 1), Fate.TAKEN),
    ],
)
def test_what_is_no_suppression_here_changes_nothing(own: OwnEntry, fate: Fate) -> None:
    entry, became = taken(own)
    assert became is fate
    assert bool(entry.suppressions) == (fate is Fate.TAKEN)


def test_a_lift_clears_what_machines_found_and_of_what_people_said_only_what_was_meant() -> None:
    machines = {Reason.HARD_BOUNCE, Reason.REPEATED_HARD_BOUNCE, Reason.PROVIDER_LIST}
    assert set(Reason) == machines | SAID_BY_PEOPLE
    assert clearable([], []) == clearable([Reason.HARD_BOUNCE], []) == machines
    assert clearable([Reason.COMPLAINED], [Reason.UNSUBSCRIBED]) == set(Reason) - {Reason.MANUAL}
    assert is_cleared(BOUNCE, machines)
    assert is_cleared(replace(BOUNCE, reason=None), machines)
    assert not is_cleared(replace(BOUNCE, reason=Reason.COMPLAINED), machines)
