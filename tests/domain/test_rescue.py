"""Critical mail that was accepted and never reported on, by a provider that has fallen silent."""

from dataclasses import replace

import pytest

from app.domain.dispatch import DispatchContext
from app.domain.due import due_at_ms
from app.domain.email import Role
from app.domain.event import ProviderEvent
from app.domain.head import Evidence, Head, Recipient, Status
from app.domain.health import SILENT_AFTER_MS
from app.domain.kinds import EventKind, Kind
from app.domain.protocol import DeliveryProtocol
from app.domain.rounds import WATCHED_FOR_QUARTERS
from app.domain.route import Availability, Candidate
from tests.support.outcomes import UNAVAILABLE, UNCERTAIN, accepted
from tests.support.samples import a_head

NOW_MS = 1_800_000_000_000
LATER_MS = NOW_MS + SILENT_AFTER_MS
NAMES = ("sendgrid", "mailgun", "ses")
RULES = DeliveryProtocol(NAMES, 60_000)
FAIR = DispatchContext.all_available(NAMES)
SILENT = replace(FAIR, silent=frozenset({"sendgrid"}))
CLOSED = [Candidate(name, Availability.UNAVAILABLE_FOR_NOW, "", LATER_MS) for name in ("mailgun", "ses")]
ALONE = SILENT.changed(CLOSED[0]).changed(CLOSED[1])
BOB = "bob@example.net"


def critical(**fields: object) -> Head:
    people = {BOB: Recipient(BOB, Role.TO)}
    return a_head(NOW_MS, recipients=people, critical=True, providers=NAMES, **fields)


def sent(head: Head | None = None, now_ms: int = NOW_MS) -> Head:
    """Claimed and accepted by the next provider."""
    head = head or critical()
    dispatch = RULES.next_dispatch(head, now_ms, FAIR)
    assert dispatch is not None
    claimed = RULES.claim(head, dispatch, now_ms + 30_000, now_ms)
    return RULES.record_outcome(claimed, claimed.lease_attempt, accepted(), 10, now_ms)


def event(head: Head, kind: EventKind, attempt: int) -> ProviderEvent:
    return ProviderEvent(head.attempts[attempt - 1].provider, kind, head.email_id, attempt, BOB, NOW_MS)


def bob(head: Head) -> Recipient:
    return head.recipients[BOB]


def test_a_sent_critical_email_is_looked_at_after_a_quarter_of_an_hour() -> None:
    head = sent()
    assert (bob(head).status, bob(head).wait_until_ms) == (Status.SENT, LATER_MS)
    assert due_at_ms(head, NOW_MS) == LATER_MS


def test_any_other_email_is_not() -> None:
    head = sent(replace(critical(), critical=False))
    assert due_at_ms(head, NOW_MS) is None
    assert RULES.settle(head, LATER_MS, SILENT) is head


def test_silence_of_its_provider_queues_it_for_the_next_one() -> None:
    head = RULES.settle(sent(), LATER_MS, SILENT)
    assert (bob(head).status, bob(head).wait_until_ms) == (Status.QUEUED, None)
    assert bob(head).has_evidence(1, Evidence.SILENT)
    dispatch = RULES.next_dispatch(head, LATER_MS, SILENT)
    assert dispatch is not None
    assert dispatch.provider == "mailgun"


def test_before_its_time_or_while_its_provider_speaks_it_stays() -> None:
    head = sent()
    assert RULES.settle(head, LATER_MS - 1, SILENT) is head
    others_silent = replace(FAIR, silent=frozenset({"mailgun", "ses"}))
    assert bob(RULES.settle(head, LATER_MS, others_silent)).status is Status.SENT


@pytest.mark.parametrize("kind", [Kind.DELIVERED, Kind.OPENED, Kind.CLICKED, Kind.COMPLAINED])
def test_who_has_got_it_is_not_watched(kind: EventKind) -> None:
    head = sent()
    head = RULES.record_event(head, event(head, kind, 1), NOW_MS)
    assert due_at_ms(head, NOW_MS) is None
    assert RULES.settle(head, LATER_MS, SILENT) is head


@pytest.mark.parametrize("kind", [Kind.OPENED, Kind.CLICKED, Kind.DELAYED])
def test_nor_is_a_copy_that_was_looked_at_or_deferred_when_its_provider_falls_silent_later(kind: EventKind) -> None:
    head = RULES.record_event(sent(), event(sent(), kind, 1), NOW_MS)
    settled = RULES.settle(head, LATER_MS, SILENT)
    assert (bob(settled).status, due_at_ms(settled, LATER_MS)) == (Status.SENT, None)


def test_watching_ends() -> None:
    head, looks = sent(), 0
    while (due_ms := due_at_ms(head, NOW_MS)) is not None:
        head = RULES.settle(head, due_ms, FAIR)
        looks += 1
    assert looks == WATCHED_FOR_QUARTERS
    assert bob(head).status is Status.SENT
    assert bob(RULES.settle(head, NOW_MS + 99 * SILENT_AFTER_MS, FAIR)).wait_until_ms is None


def test_a_look_that_comes_late_skips_those_it_missed() -> None:
    head = RULES.settle(sent(), NOW_MS + 3 * SILENT_AFTER_MS + 7, FAIR)
    assert bob(head).wait_until_ms == NOW_MS + 4 * SILENT_AFTER_MS


def test_each_provider_is_rescued_from_once_and_the_last_copy_stays_sent() -> None:
    everybody = replace(FAIR, silent=frozenset(NAMES))
    head, now_ms = sent(), NOW_MS
    for _ in range(12):
        now_ms += SILENT_AFTER_MS
        head = RULES.settle(head, now_ms, everybody)
        if bob(head).status is Status.QUEUED:
            head = sent(head, now_ms)
    assert [attempt.provider for attempt in head.attempts] == list(NAMES)
    assert (bob(head).status, bob(head).attempt) == (Status.SENT, 3)
    assert due_at_ms(head, now_ms) is None


@pytest.mark.parametrize(
    ("fields", "around"),
    [
        ({"expires_at_ms": LATER_MS}, SILENT),
        ({}, replace(SILENT, superseded=True)),
        ({}, replace(SILENT, suppressed=frozenset({BOB}))),
        ({}, ALONE),
    ],
    ids=["expired", "superseded", "suppressed", "nobody to go to"],
)
def test_a_copy_that_may_have_arrived_is_not_given_up_for_nothing(
    fields: dict[str, object], around: DispatchContext
) -> None:
    head = RULES.settle(sent(critical(**fields)), LATER_MS, around)
    assert (bob(head).status, bob(head).wait_until_ms) == (Status.SENT, LATER_MS + SILENT_AFTER_MS)


def test_it_goes_at_the_next_look_if_somebody_is_there_then() -> None:
    head = RULES.settle(sent(), LATER_MS, ALONE)
    assert bob(RULES.settle(head, LATER_MS + SILENT_AFTER_MS, SILENT)).status is Status.QUEUED


def test_a_late_receipt_of_the_first_copy_ends_it() -> None:
    head = RULES.settle(sent(), LATER_MS, SILENT)
    assert bob(RULES.record_event(head, event(head, Kind.DELIVERED, 1), LATER_MS)).status is Status.DELIVERED
    again = sent(head, LATER_MS)
    told = RULES.record_event(again, event(again, Kind.DELIVERED, 1), LATER_MS)
    assert (bob(told).status, due_at_ms(told, LATER_MS)) == (Status.DELIVERED, None)


@pytest.mark.parametrize(
    ("fields", "around"),
    [
        ({"expires_at_ms": LATER_MS + 60_000}, SILENT),
        ({}, replace(SILENT, superseded=True)),
        ({}, replace(SILENT, suppressed=frozenset({BOB}))),
        ({}, replace(DispatchContext(()), silent=SILENT.silent)),
    ],
    ids=["expired", "superseded", "suppressed", "nobody to go to any more"],
)
def test_one_queued_for_rescue_that_ends_before_it_is_sent_again_is_what_it_was(
    fields: dict[str, object], around: DispatchContext
) -> None:
    waiting = RULES.settle(sent(critical(**fields)), LATER_MS, SILENT)
    assert bob(waiting).status is Status.QUEUED
    ended = bob(RULES.settle(waiting, LATER_MS + 60_000, around))
    assert (ended.status, ended.attempt, ended.cause, ended.detail) == (Status.SENT, 1, None, "")


def test_one_queued_for_rescue_that_is_canceled_is_not_sent_again_and_stays_sent() -> None:
    canceled = RULES.cancel(RULES.settle(sent(), LATER_MS, SILENT))
    assert bob(canceled).status is Status.SENT
    assert bob(RULES.settle(canceled, LATER_MS + SILENT_AFTER_MS, SILENT)).status is Status.SENT


def test_one_queued_for_rescue_whose_first_copy_fails_after_all_fails() -> None:
    waiting = RULES.settle(sent(), LATER_MS, SILENT)
    told = RULES.record_event(waiting, event(waiting, Kind.BLOCKED, 1), LATER_MS)
    assert bob(RULES.settle(told, LATER_MS, DispatchContext(()))).status is Status.FAILED


def test_a_rescue_that_fails_everywhere_leaves_it_sent_and_a_late_receipt_still_counts() -> None:
    head = RULES.settle(sent(replace(critical(), retry_until_ms=NOW_MS)), LATER_MS, SILENT)
    for provider in ("mailgun", "ses"):
        dispatch = RULES.next_dispatch(head, LATER_MS, SILENT)
        assert dispatch is not None
        assert dispatch.provider == provider
        claimed = RULES.claim(head, dispatch, LATER_MS + 1, LATER_MS)
        head = RULES.record_outcome(claimed, claimed.lease_attempt, UNAVAILABLE, 10, LATER_MS)
    assert (bob(head).status, bob(head).attempt) == (Status.SENT, 1)
    assert bob(RULES.settle(head, LATER_MS + 99 * SILENT_AFTER_MS, SILENT)).wait_until_ms is None
    assert bob(RULES.record_event(head, event(head, Kind.DELIVERED, 1), LATER_MS)).status is Status.DELIVERED


def test_an_older_copy_that_was_accepted_counts_again_and_is_watched() -> None:
    """The first call's outcome was unknown; the provider said later that it had taken the email."""
    head = critical()
    dispatch = RULES.next_dispatch(head, NOW_MS, FAIR)
    assert dispatch is not None
    claimed = RULES.claim(head, dispatch, NOW_MS + 30_000, NOW_MS)
    unsure = RULES.record_outcome(claimed, 1, UNCERTAIN, 10, NOW_MS)
    again = sent(RULES.settle(unsure, NOW_MS + 60_000, FAIR), NOW_MS + 60_000)
    both = RULES.record_event(again, event(again, Kind.ACCEPTED, 1), NOW_MS + 61_000)
    assert bob(both).attempt == 2
    late_ms = NOW_MS + 60_000 + SILENT_AFTER_MS
    head = RULES.settle(both, late_ms, replace(FAIR, silent=frozenset({"mailgun"})))
    assert (bob(head).status, bob(head).attempt) == (Status.SENT, 1)
    assert bob(head).wait_until_ms == NOW_MS + 2 * SILENT_AFTER_MS
    head = RULES.settle(both, late_ms, replace(FAIR, silent=frozenset({"mailgun", "sendgrid"})))
    assert bob(head).status is Status.QUEUED
