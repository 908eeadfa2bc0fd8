"""What a report about a recipient at fault means for the address."""

from typing import Any

import pytest

from app.domain.event import ProviderEvent
from app.domain.findings import UNKNOWN_EMAIL_IS_OLD_MS, from_event
from app.domain.kinds import Cause, EventKind, Kind
from app.domain.states import TABLE
from app.domain.suppression import DAY_MS, LASTS_MS, Bounce, Reason, Suppression

NOW_MS = 1_800_000_000_000


def event(kind: EventKind, at_ms: int = NOW_MS, detail: str = "") -> ProviderEvent:
    return ProviderEvent("ses", kind, "eml_1", 2, "bob@example.net", at_ms, cause=Cause.RECIPIENT, detail=detail)


@pytest.mark.parametrize(
    ("kind", "reason", "days"),
    [
        (Kind.SUPPRESSED, Reason.PROVIDER_LIST, 30),
        (Kind.COMPLAINED, Reason.COMPLAINED, 730),
        (Kind.UNSUBSCRIBED, Reason.UNSUBSCRIBED, 730),
    ],
)
def test_each_reason_lasts_its_own_time(kind: EventKind, reason: Reason, days: int) -> None:
    told = from_event(event(kind), NOW_MS)
    assert isinstance(told, Suppression)
    assert (told.address, told.reason) == ("bob@example.net", reason)
    assert (told.since_ms, told.until_ms) == (NOW_MS, NOW_MS + days * DAY_MS)


@pytest.mark.parametrize("kind", [Kind.HARD_BOUNCE, Kind.UNDELIVERABLE])
def test_a_dead_mailbox_is_a_bounce_of_its_email(kind: Any) -> None:
    evidence = f"ses, eml_1, attempt 2: {kind.value}"
    assert from_event(event(kind), NOW_MS, email_ms=NOW_MS - 7) == Bounce(
        "bob@example.net", evidence, NOW_MS, NOW_MS - 7
    )


def test_an_email_that_nobody_knows_is_taken_to_be_older_than_anything_that_is_still_tried() -> None:
    told = from_event(event(Kind.HARD_BOUNCE), NOW_MS)
    assert isinstance(told, Bounce)
    assert told.email_ms == NOW_MS - UNKNOWN_EMAIL_IS_OLD_MS
    assert UNKNOWN_EMAIL_IS_OLD_MS > 5 * DAY_MS


def test_the_evidence_names_provider_email_attempt_and_words() -> None:
    told = from_event(event(Kind.HARD_BOUNCE, detail="550 5.1.1 no such user"), NOW_MS)
    assert isinstance(told, Bounce)
    assert told.evidence == "ses, eml_1, attempt 2: 550 5.1.1 no such user"
    told = from_event(event(Kind.COMPLAINED), NOW_MS)
    assert isinstance(told, Suppression)
    assert told.evidence == "ses, eml_1, attempt 2: complained"


@pytest.mark.parametrize("kind", [Kind.COMPLAINED, Kind.HARD_BOUNCE])
def test_the_same_event_means_the_same_however_late_it_comes_again(kind: EventKind) -> None:
    again = event(kind, NOW_MS - DAY_MS)
    assert from_event(again, NOW_MS) == from_event(again, NOW_MS + 3 * DAY_MS)


@pytest.mark.parametrize("kind", [Kind.COMPLAINED, Kind.HARD_BOUNCE])
def test_a_provider_whose_clock_is_wrong_prolongs_nothing_and_shortens_nothing(kind: EventKind) -> None:
    right = from_event(event(kind), NOW_MS, email_ms=NOW_MS, called_ms=NOW_MS)
    for wrong_ms in (0, NOW_MS - 1, NOW_MS + 10**12):
        assert from_event(event(kind, wrong_ms), NOW_MS, email_ms=NOW_MS, called_ms=NOW_MS) == right


def test_no_bounce_is_older_than_its_email_whatever_our_own_clocks_say() -> None:
    """The API's clock is ahead of the worker's and of the webhook's."""
    told = from_event(event(Kind.HARD_BOUNCE), NOW_MS, email_ms=NOW_MS + 50, called_ms=NOW_MS - 50)
    assert isinstance(told, Bounce)
    assert told.at_ms == told.email_ms == NOW_MS + 50


def test_every_reason_ends() -> None:
    assert set(LASTS_MS) == set(Reason)


def test_every_event_that_suppresses_has_a_meaning() -> None:
    kinds = {kind for (_, kind, _), rule in TABLE.items() if rule.suppress}
    assert kinds == {Kind.HARD_BOUNCE, Kind.UNDELIVERABLE, Kind.SUPPRESSED, Kind.COMPLAINED, Kind.UNSUBSCRIBED}
    for kind in kinds:
        assert from_event(event(kind), NOW_MS)  # type: ignore[arg-type] # because an outcome has the same name
