"""What an event about a recipient at fault leads to."""

import pytest

from app.domain.event import ProviderEvent
from app.domain.kinds import Cause, EventKind, Kind
from app.domain.states import TABLE
from app.domain.suppression import DAY_MS, LASTS_MS, Reason, from_event

NOW_MS = 1_800_000_000_000


def event(kind: EventKind, at_ms: int = NOW_MS, detail: str = "") -> ProviderEvent:
    return ProviderEvent("ses", kind, "eml_1", 2, "bob@example.net", at_ms, cause=Cause.RECIPIENT, detail=detail)


@pytest.mark.parametrize(
    ("kind", "reason", "days"),
    [
        (Kind.HARD_BOUNCE, Reason.HARD_BOUNCE, 180),
        (Kind.SUPPRESSED, Reason.PROVIDER_LIST, 30),
        (Kind.COMPLAINED, Reason.COMPLAINED, 730),
        (Kind.UNSUBSCRIBED, Reason.UNSUBSCRIBED, 730),
    ],
)
def test_each_reason_lasts_its_own_time(kind: EventKind, reason: Reason, days: int) -> None:
    told = from_event(event(kind), NOW_MS)
    assert (told.address, told.reason) == ("bob@example.net", reason)
    assert (told.since_ms, told.until_ms) == (NOW_MS, NOW_MS + days * DAY_MS)


def test_the_evidence_names_provider_email_attempt_and_words() -> None:
    told = from_event(event(Kind.HARD_BOUNCE, detail="550 5.1.1 no such user"), NOW_MS)
    assert told.evidence == "ses, eml_1, attempt 2: 550 5.1.1 no such user"
    assert from_event(event(Kind.COMPLAINED), NOW_MS).evidence == "ses, eml_1, attempt 2: complained"


def test_the_same_event_leads_to_the_same_however_late_it_comes_again() -> None:
    again = event(Kind.COMPLAINED, NOW_MS - DAY_MS)
    assert from_event(again, NOW_MS) == from_event(again, NOW_MS + 3 * DAY_MS)


def test_a_provider_whose_clock_is_ahead_prolongs_nothing() -> None:
    assert from_event(event(Kind.HARD_BOUNCE, NOW_MS + 10**12), NOW_MS).until_ms == NOW_MS + 180 * DAY_MS


def test_every_reason_ends() -> None:
    assert set(LASTS_MS) == set(Reason)


def test_every_event_that_suppresses_has_a_reason() -> None:
    kinds = {kind for (_, kind, _), rule in TABLE.items() if rule.suppress}
    assert kinds == {Kind.HARD_BOUNCE, Kind.UNDELIVERABLE, Kind.SUPPRESSED, Kind.COMPLAINED, Kind.UNSUBSCRIBED}
    for kind in kinds:
        assert from_event(event(kind), NOW_MS)  # type: ignore[arg-type] # because an outcome has the same name
