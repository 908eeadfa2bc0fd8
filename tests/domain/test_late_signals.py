"""Signals that come late, again, or about one copy of several."""

import pytest

from app.domain.email import OnUncertain, Role
from app.domain.head import Evidence, Recipient, Status
from app.domain.kinds import Cause, Kind
from app.domain.resolution import Signal, UncertainPolicy, apply_signal, give_up_silent_copy, stop_trying

ACCEPTED, DELIVERED, FAILED = (frozenset({each}) for each in (Evidence.ACCEPTED, Evidence.DELIVERED, Evidence.FAILED))
POLICY = UncertainPolicy(OnUncertain.WAIT, 60_000)


def recipient(status: Status, attempt: int, *evidence: frozenset[Evidence]) -> Recipient:
    """A recipient with this evidence of attempt 1, 2 and so on."""
    known = dict(enumerate(evidence, start=1))
    return Recipient("ann@example.net", Role.TO, status=status, attempt=attempt, evidence=known)


def after(person: Recipient, *signals: tuple[int, Kind]) -> Recipient:
    for attempt, kind in signals:
        person = apply_signal(person, Signal(attempt, "sendgrid", kind, Cause.UNKNOWN, "why"), POLICY)
    return person


@pytest.mark.parametrize("status", [Status.CANCELED, Status.EXPIRED, Status.FAILED])
@pytest.mark.parametrize("proof", [Kind.HARD_BOUNCE, Kind.UNDELIVERABLE, Kind.SUPPRESSED])
@pytest.mark.parametrize("late", [Kind.ACCEPTED, Kind.DELAYED])
def test_an_ended_recipient_that_is_at_fault_stays_ended_when_an_acceptance_comes_late(
    status: Status, proof: Kind, late: Kind
) -> None:
    ended = after(recipient(status, 1), (1, proof))
    assert ended.status is status
    assert after(ended, (1, late)).status is status
    assert after(recipient(status, 1), (1, late)).status is Status.SENT  # without the proof it counts


@pytest.mark.parametrize("seen", [Kind.OPENED, Kind.CLICKED, Kind.DELIVERED])
@pytest.mark.parametrize("bounce", [Kind.HARD_BOUNCE, Kind.SOFT_BOUNCE])
def test_what_was_seen_and_then_bounced_stays_bounced_when_the_same_comes_again(seen: Kind, bounce: Kind) -> None:
    bounced = after(recipient(Status.SENT, 1, ACCEPTED), (1, seen), (1, bounce))
    assert bounced.status is Status.BOUNCED
    assert after(bounced, (1, seen)) == bounced


def test_of_two_live_copies_the_newest_counts_when_the_call_in_progress_fails() -> None:
    person = after(recipient(Status.SENDING, 3, ACCEPTED, ACCEPTED), (3, Kind.UNAVAILABLE))
    assert (person.status, person.attempt) == (Status.SENT, 2)


def test_of_two_delivered_copies_the_newest_counts_when_a_third_is_returned() -> None:
    person = after(recipient(Status.DELIVERED, 3, DELIVERED, DELIVERED, DELIVERED), (3, Kind.SOFT_BOUNCE))
    assert (person.status, person.attempt) == (Status.DELIVERED, 2)


def test_of_two_accepted_copies_the_newest_counts_when_nobody_else_is_called() -> None:
    silent = frozenset({Evidence.ACCEPTED, Evidence.SILENT})
    person = stop_trying(recipient(Status.QUEUED, 2, silent, silent), Status.EXPIRED, detail="late")
    assert (person.status, person.attempt) == (Status.SENT, 2)


def test_the_older_live_copy_counts_when_the_newest_is_given_up_as_silent() -> None:
    person = give_up_silent_copy(recipient(Status.SENT, 3, ACCEPTED, ACCEPTED, ACCEPTED))
    assert (person.status, person.attempt) == (Status.SENT, 2)
