"""An unsubscribe holds for the scope that it names, and only a later resubscription takes it back."""

from dataclasses import replace
from itertools import permutations

import pytest

from app.domain.email import Mailbox
from app.domain.event import ProviderEvent
from app.domain.head import Recipient, Status
from app.domain.kinds import EventKind, Kind
from app.domain.suppression import LASTS_MS, Reason, Suppression
from app.store.head_items import PART, HeadItem
from tests.support.harness import Harness
from tests.support.samples import an_email, somebody

SCOPE = "group 10"


@pytest.fixture
def email_id(harness: Harness) -> str:
    email_id = harness.take(an_email(somebody("bob")))
    harness.work()
    return email_id


def reason(harness: Harness, who: Recipient) -> Reason | None:
    found = harness.suppression(who.key)
    return found.reason if found else None


def sent_again(harness: Harness, who: Recipient) -> Status:
    again = harness.take(an_email(Mailbox(who.address)))
    harness.work()
    return harness.only(again).status


def told(harness: Harness, email_id: str, kind: EventKind, after_s: float = 0, scope: str = "") -> ProviderEvent:
    event = harness.event(email_id, kind, event_id=f"{kind}-{after_s}")
    return replace(event, at_ms=event.at_ms + int(after_s * 1000), scope=scope)


@pytest.mark.parametrize("is_gone", [False, True])
def test_an_unsubscribe_of_a_scope_stops_no_mail_that_names_none(
    harness: Harness, email_id: str, *, is_gone: bool
) -> None:
    event, who = told(harness, email_id, Kind.UNSUBSCRIBED, scope=SCOPE), harness.only(email_id)
    if is_gone:
        HeadItem(email_id, PART).delete()
    harness.report(event)
    assert sent_again(harness, who) is Status.SENT


def test_its_story_has_it_with_its_scope(harness: Harness, email_id: str) -> None:
    harness.report(told(harness, email_id, Kind.UNSUBSCRIBED, scope=SCOPE))
    (event,) = harness.events.of(email_id)
    assert (event.kind, event.scope) == (Kind.UNSUBSCRIBED, SCOPE)


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_resubscription_lifts_what_an_unsubscribe_set(harness: Harness, email_id: str, *, is_gone: bool) -> None:
    out, back = told(harness, email_id, Kind.UNSUBSCRIBED), told(harness, email_id, Kind.RESUBSCRIBED, 60)
    harness.clock.advance(60)
    who = harness.only(email_id)
    if is_gone:
        HeadItem(email_id, PART).delete()
    harness.report(out)
    assert reason(harness, who) is Reason.UNSUBSCRIBED
    harness.report(back)
    assert reason(harness, who) is None
    assert sent_again(harness, who) is Status.SENT


def test_a_resubscription_of_a_scope_lifts_nothing(harness: Harness, email_id: str) -> None:
    harness.report(told(harness, email_id, Kind.UNSUBSCRIBED))
    harness.clock.advance(60)
    harness.report(told(harness, email_id, Kind.RESUBSCRIBED, 60, SCOPE))
    assert reason(harness, harness.only(email_id)) is Reason.UNSUBSCRIBED


def test_without_ids_of_ours_it_may_be_about_other_mail_and_lifts_nothing(harness: Harness, email_id: str) -> None:
    harness.report(told(harness, email_id, Kind.UNSUBSCRIBED))
    harness.clock.advance(60)
    back = told(harness, email_id, Kind.RESUBSCRIBED, 60)
    harness.report(replace(back, email_id="", attempt=0, message_id=""))
    assert reason(harness, harness.only(email_id)) is Reason.UNSUBSCRIBED


@pytest.mark.parametrize("other", [one for one in Reason if one is not Reason.UNSUBSCRIBED])
def test_every_other_reason_stays(harness: Harness, email_id: str, other: Reason) -> None:
    now_ms, key = harness.clock.now_ms, harness.only(email_id).key
    kept = Suppression(key, other, "as it is", now_ms, now_ms + LASTS_MS[other])
    harness.suppressions.put(kept)
    harness.report(told(harness, email_id, Kind.UNSUBSCRIBED))
    harness.clock.advance(60)
    harness.report(told(harness, email_id, Kind.RESUBSCRIBED, 60))
    assert harness.suppressions.entries([key], "team")[key].suppressions == {other: kept}


STEPS: tuple[tuple[EventKind, float], ...] = (
    (Kind.UNSUBSCRIBED, 10),
    (Kind.RESUBSCRIBED, 20),
    (Kind.UNSUBSCRIBED, 30),
    (Kind.RESUBSCRIBED, 40),
)


@pytest.mark.parametrize(
    "last", [1, 2, pytest.param(3, marks=pytest.mark.full), pytest.param(4, marks=pytest.mark.full)]
)
def test_the_latest_wish_counts_in_whatever_order_and_however_often_reports_come(
    harness: Harness, email_id: str, last: int
) -> None:
    events = [told(harness, email_id, kind, after_s) for kind, after_s in STEPS[:last]]
    harness.clock.advance(60)
    for order in permutations(events):
        for event in (*order, *order):
            harness.report(event)
        assert reason(harness, harness.only(email_id)) is (Reason.UNSUBSCRIBED if last % 2 else None)


def test_of_the_same_moment_the_unsubscribe_counts(harness: Harness, email_id: str) -> None:
    for kind in (Kind.UNSUBSCRIBED, Kind.RESUBSCRIBED, Kind.UNSUBSCRIBED):
        harness.report(told(harness, email_id, kind))
    assert reason(harness, harness.only(email_id)) is Reason.UNSUBSCRIBED


def test_a_resubscription_is_remembered_as_long_as_a_lift(harness: Harness, email_id: str) -> None:
    late = told(harness, email_id, Kind.UNSUBSCRIBED)
    harness.clock.advance(60)
    harness.report(told(harness, email_id, Kind.RESUBSCRIBED, 60))
    harness.clock.advance(29 * 24 * 3600)
    harness.report(late)
    assert reason(harness, harness.only(email_id)) is None
