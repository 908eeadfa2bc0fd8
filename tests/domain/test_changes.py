"""An application is told every change of every recipient once, and nothing that did not happen."""

import random
from collections import Counter
from dataclasses import replace
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.attempts import Attempt
from app.domain.change_types import REPORTS, STATUS_CHANGES, WORDS, ChangeType, word_of
from app.domain.changes import SEQUENCE_STEP, EmailChange, changes, reported, stored_over
from app.domain.email import Role
from app.domain.event import ProviderEvent
from app.domain.head import EmailStatus, Head, Recipient, Status
from app.domain.kinds import SURELY_NOT_SENT, Cause, Kind
from tests.domain.change_walk import SETUPS, adds_up, every_write, walk
from tests.domain.world_state import Setup
from tests.support.samples import a_head
from tests.support.size import FULL, examples

ANN, BOB = "ann@example.net", "bob@example.net"


def an_email(*recipients: Recipient, **fields: object) -> Head:
    people = {one.key: one for one in recipients or (Recipient(ANN, Role.TO),)}
    return a_head(1000, email_id="eml_1", recipients=people, version=1, **fields)


def written(head: Head, *recipients: Recipient, **fields: object) -> Head:
    """The next version of the head."""
    people = {**head.recipients, **{one.key: one for one in recipients}}
    return replace(head, recipients=people, version=head.version + 1, **fields)  # type: ignore[arg-type] # because the fields are those of Head


def ann(status: Status, attempt: int = 0, **fields: object) -> Recipient:
    return Recipient(ANN, Role.TO, status, attempt=attempt, **fields)  # type: ignore[arg-type] # because the fields are those of Recipient


def types(found: tuple[EmailChange, ...]) -> list[str]:
    return [change.type.removeprefix("email.") for change in found]


# --- The tables --------------------------------------------------------------------------------------------------


def test_the_table_is_total_and_ends_at_the_new_status() -> None:
    assert set(STATUS_CHANGES) == set(product((None, *Status), Status))
    for (was, now), row in STATUS_CHANGES.items():
        if was is not None and word_of(was) == word_of(now):
            assert row == ()
        else:
            assert WORDS[row[-1]] == word_of(now)
            assert len(set(row)) == len(row) <= 3


def test_every_status_has_a_type_but_sending_which_counts_as_queued() -> None:
    assert {word_of(status) for status in Status} == {*WORDS.values()}
    assert word_of(Status.SENDING) == "queued"


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        (None, "queued", ["queued"]),
        (None, "scheduled", ["scheduled"]),
        (None, "suppressed", ["suppressed"]),
        ("scheduled", "queued", ["queued"]),
        ("scheduled", "sending", ["queued"]),
        ("scheduled", "canceled", ["canceled"]),
        (None, "delivered", ["sent", "delivered"]),
        ("queued", "sending", []),
        ("sending", "queued", []),
        ("sending", "sent", ["sent"]),
        ("sending", "delivered", ["sent", "delivered"]),
        ("sending", "complained", ["sent", "delivered", "complained"]),
        ("sending", "bounced", ["bounced"]),
        ("sent", "queued", ["queued"]),
        ("sent", "sending", ["queued"]),
        ("sent", "delivered", ["delivered"]),
        ("sent", "complained", ["delivered", "complained"]),
        ("delivered", "complained", ["complained"]),
        ("delivered", "bounced", ["bounced"]),
        ("bounced", "delivered", ["delivered"]),
        ("failed", "sent", ["sent"]),
        ("failed", "delivered", ["sent", "delivered"]),
        ("failed", "queued", ["queued"]),
        ("expired", "sending", ["queued"]),
        ("canceled", "delivered", ["sent", "delivered"]),
    ],
)
def test_what_a_step_is_told_as(was: str | None, now: str, expected: list[str]) -> None:
    row = STATUS_CHANGES[None if was is None else Status(was), Status(now)]
    assert [change.removeprefix("email.") for change in row] == expected


def test_every_kind_of_event_is_told_or_known_not_to_be() -> None:
    assert set(REPORTS) == set(Kind) - SURELY_NOT_SENT - {Kind.UNCERTAIN}
    assert {change for change in REPORTS.values() if change} | set(WORDS) | {ChangeType.FAILED_OVER} == set(ChangeType)


# --- One email ---------------------------------------------------------------------------------------------------


def test_a_delivered_email_is_told_in_three_steps() -> None:
    head = an_email(project="shop", shard=3, tags=("receipt", "order=7"))
    claimed = written(head, ann(Status.SENDING, 1), attempts=(Attempt(1, "a", (ANN,), 1500),), next_attempt=2)
    call = replace(claimed.attempts[0], outcome=Kind.ACCEPTED, message_id="m-1")
    sent = written(claimed, ann(Status.SENT, 1), attempts=(call,))
    delivered = written(sent, ann(Status.DELIVERED, 1))
    assert [types(changes(*pair, 2000)) for pair in pairwise([head, claimed, sent, delivered])] == [
        [],
        ["sent"],
        ["delivered"],
    ]
    (first,) = changes(None, head, 1000)
    assert (first.type, first.status, first.was, first.provider) == (ChangeType.QUEUED, "queued", None, "")
    (last,) = changes(sent, delivered, 2000)
    assert last == EmailChange(
        id=last.id, type=ChangeType.DELIVERED, email_id="eml_1", version=4, index=0, at_ms=2000, project="shop",
        shard=3,
        recipient=ANN, role=Role.TO, status="delivered", was="sent", email_status=last.email_status,
        starts_at_ms=1000, created_at_ms=1000, provider="a", attempt=1, message_id="m-1",
        tags=("receipt", "order=7"),
    )  # fmt: skip
    assert last.sequence == 4 * SEQUENCE_STEP


def test_recipients_are_told_apart_in_the_order_of_the_email() -> None:
    head = an_email(Recipient("Ann@example.net", Role.TO), Recipient(BOB, Role.BCC))
    found = changes(None, head, 1000)
    assert [(one.recipient, one.role, one.index) for one in found] == [
        ("Ann@example.net", Role.TO, 0),
        (BOB, Role.BCC, 1),
    ]
    only_bob = written(head, Recipient(BOB, Role.BCC, Status.CANCELED))
    assert [(one.recipient, one.type) for one in changes(head, only_bob, 1)] == [(BOB, ChangeType.CANCELED)]


def test_why_it_ended_is_told_with_the_end_and_not_with_what_was_passed() -> None:
    head = an_email(ann(Status.SENDING, 1), attempts=(Attempt(1, "a", (ANN,), 5),), next_attempt=2)
    bounced = written(head, ann(Status.BOUNCED, 1, cause=Cause.MAILBOX, detail="552 full"))
    (change,) = changes(head, bounced, 9)
    assert (change.cause, change.detail, change.provider, change.attempt) == (Cause.MAILBOX, "552 full", "a", 1)
    complained = written(head, ann(Status.COMPLAINED, 1, cause=Cause.RECIPIENT, detail="abuse"))
    found = changes(head, complained, 9)
    assert [(one.status, one.was, one.cause, one.detail) for one in found] == [
        ("sent", "queued", None, ""),
        ("delivered", "sent", None, ""),
        ("complained", "delivered", Cause.RECIPIENT, "abuse"),
    ]


def test_a_failover_is_told_when_the_next_call_begins() -> None:
    first = Attempt(1, "a", (ANN,), 5, outcome=Kind.UNAVAILABLE)
    failed = an_email(ann(Status.QUEUED, 1, cause=Cause.OUTAGE, detail="503"), attempts=(first,), next_attempt=2)
    second = Attempt(2, "b", (ANN,), 9)
    claimed = written(
        failed, ann(Status.SENDING, 2, cause=Cause.OUTAGE, detail="503"), attempts=(first, second), next_attempt=3
    )
    (change,) = changes(failed, claimed, 9)
    assert (change.type, change.previous_provider, change.provider, change.attempt) == (
        ChangeType.FAILED_OVER, "a", "b", 2,
    )  # fmt: skip
    assert (change.status, change.was, change.cause, change.detail) == ("queued", "queued", Cause.OUTAGE, "503")
    delivered = written(claimed, ann(Status.DELIVERED, 2))
    assert [one.after_failover for one in changes(claimed, delivered, 9)] == [True, True]
    late = written(claimed, ann(Status.DELIVERED, 1))
    assert [(one.after_failover, one.provider) for one in changes(claimed, late, 9)] == [(False, "a")] * 2


def test_what_happened_to_another_recipient_is_no_failover() -> None:
    calls = (Attempt(1, "a", (BOB,), 5, outcome=Kind.UNAVAILABLE), Attempt(2, "b", (ANN,), 9))
    head = an_email(ann(Status.QUEUED), Recipient(BOB, Role.TO, attempt=1), attempts=calls[:1], next_attempt=2)
    claimed = written(head, ann(Status.SENDING, 2), attempts=calls, next_attempt=3)
    assert changes(head, claimed, 9) == ()
    assert [one.after_failover for one in changes(claimed, written(claimed, ann(Status.SENT, 2)), 9)] == [False]


def test_a_call_again_through_the_same_account_is_no_failover() -> None:
    first = Attempt(1, "a", (ANN,), 5, outcome=Kind.UNCERTAIN)
    head = an_email(ann(Status.QUEUED, 1), attempts=(first,), next_attempt=2)
    again = Attempt(2, "a", (ANN,), 9, repeats=1)
    assert changes(head, written(head, ann(Status.SENDING, 1), attempts=(first, again), next_attempt=3), 9) == ()


def test_a_rescue_is_told_as_queued_and_then_as_a_failover() -> None:
    first = Attempt(1, "a", (ANN,), 5, outcome=Kind.ACCEPTED)
    head = an_email(ann(Status.SENT, 1), attempts=(first,), next_attempt=2)
    rescued = written(head, ann(Status.SENDING, 2), attempts=(first, Attempt(2, "b", (ANN,), 9)), next_attempt=3)
    assert types(changes(head, rescued, 9)) == ["queued", "failed_over"]


def test_a_head_that_is_compared_with_itself_tells_nothing() -> None:
    head = an_email(ann(Status.SENDING, 2), attempts=(Attempt(1, "a", (ANN,), 1), Attempt(2, "b", (ANN,), 2)))
    head = replace(head, next_attempt=3)
    assert changes(head, head, 9) == changes(head, written(head), 9) == ()


def test_the_time_to_delivery_counts_from_when_it_was_to_be_sent() -> None:
    assert changes(None, an_email(), 1)[0].starts_at_ms == 1000
    assert changes(None, an_email(send_at_ms=50_000), 1)[0].starts_at_ms == 50_000
    assert changes(None, an_email(send_at_ms=50), 1)[0].starts_at_ms == 1000


# --- Events of providers -----------------------------------------------------------------------------------------


def told_of(event: ProviderEvent, head: Head, version: int, at_ms: int) -> tuple[EmailChange, ...]:
    """What is told of an event that was stored at that time, over that version of the head."""
    return reported(stored_over(event, replace(head, version=version), at_ms), head)


OPEN = ProviderEvent("a", Kind.OPENED, "eml_1", 1, ANN, 5000, event_id="e-1")
SENT_ONE = (Attempt(1, "a", (ANN,), 5, outcome=Kind.ACCEPTED, message_id="m-1"),)


def test_an_open_changes_no_head_and_is_told() -> None:
    head = replace(an_email(ann(Status.DELIVERED, 1), attempts=SENT_ONE, tags=("receipt",)), version=9)
    (change,) = told_of(OPEN, head, 4, 6000)
    assert (change.type, change.status, change.was) == (ChangeType.OPENED, "delivered", "delivered")
    assert (change.provider, change.attempt, change.message_id, change.tags) == ("a", 1, "m-1", ("receipt",))
    assert (change.at_ms, change.version, change.sequence) == (5000, 4, 5 * SEQUENCE_STEP - 1)
    assert told_of(OPEN, replace(head, version=12), 4, 6000)[0].id == change.id
    assert told_of(replace(OPEN, event_id="e-2"), head, 4, 6000)[0].id != change.id


def test_what_the_email_had_come_to_is_told_whenever_that_is() -> None:
    blocked = replace(OPEN, kind=Kind.BLOCKED)
    then = an_email(ann(Status.QUEUED, 1), attempts=SENT_ONE)
    later = replace(an_email(ann(Status.DELIVERED, 1), attempts=SENT_ONE), version=9)
    stored = stored_over(blocked, then, 6000)
    (at_once,), (late,) = reported(stored, then), reported(stored, later)
    assert (at_once.status, at_once.email_status) == ("queued", EmailStatus.QUEUED)
    assert late == at_once


@pytest.mark.parametrize("kind", sorted(REPORTS))
def test_of_other_events_only_those_are_told_that_no_status_tells(kind: Kind) -> None:
    event = replace(OPEN, kind=kind, cause=Cause.POLICY, detail="554 no", scope="offers")  # type: ignore[arg-type] # because these are kinds of event
    found = told_of(event, an_email(ann(Status.SENT, 1), attempts=SENT_ONE), 3, 6000)
    assert [one.type for one in found] == [REPORTS[kind]] * (REPORTS[kind] is not None)
    assert all((one.cause, one.detail, one.scope) == (Cause.POLICY, "554 no", "offers") for one in found)


def test_a_providers_clock_counts_neither_before_the_email_nor_after_now() -> None:
    head = an_email(ann(Status.SENT, 1), attempts=SENT_ONE)
    times = {at_ms: told_of(replace(OPEN, at_ms=at_ms), head, 3, 6000)[0].at_ms for at_ms in (1, 2000, 99_999)}
    assert times == {1: 1000, 2000: 2000, 99_999: 6000}


def test_an_open_without_a_recipient_is_told_of_the_only_one_or_of_nobody() -> None:
    somebody = replace(OPEN, recipient="")
    alone = an_email(ann(Status.SENT, 1), attempts=SENT_ONE)
    assert told_of(somebody, alone, 3, 6000)[0].recipient == ANN
    both = an_email(
        ann(Status.SENT, 1),
        Recipient(BOB, Role.TO, Status.SENT, attempt=1),
        attempts=(replace(SENT_ONE[0], recipients=(ANN, BOB)),),
    )
    (change,) = told_of(somebody, both, 3, 6000)
    assert (change.recipient, change.role, change.status, change.provider) == ("", None, "sent", "a")


def test_an_event_of_an_attempt_that_is_not_in_the_head_any_more_is_told() -> None:
    (change,) = told_of(replace(OPEN, attempt=7, recipient="x@example.net"), an_email(ann(Status.SENT, 1)), 3, 6000)
    assert (change.recipient, change.provider, change.attempt) == ("", "a", 7)


# --- Every run of the protocol -----------------------------------------------------------------------------------


def test_every_step_of_a_small_space_is_told_by_its_statuses_alone() -> None:
    steps = every_write(Setup(people=1, faults=2, cancel=True), 4000 if FULL else 800)
    assert len(steps) > 500
    for old, new in steps:
        (before,), (after,) = old.recipients.values(), new.recipients.values()
        found = [one for one in changes(old, new, 5) if one.type in WORDS]
        assert bool(found) is (word_of(before.status) != word_of(after.status))
        assert [one.index for one in changes(old, new, 5)] == list(range(len(changes(old, new, 5))))
        if found:
            assert (found[0].was, found[-1].status) == (word_of(before.status), word_of(after.status))


@pytest.mark.timeout(600)
@settings(max_examples=examples(400), deadline=None)
@given(st.sampled_from(SETUPS), st.randoms(use_true_random=False))
def test_whatever_happens_it_is_told_once_and_adds_up(setup: object, chance: random.Random) -> None:
    adds_up(walk(setup, chance.randrange, 40))  # type: ignore[arg-type] # because SETUPS holds setups


def test_the_walks_meet_every_change_that_a_head_tells() -> None:
    chance = random.Random(7)  # noqa: S311 because nothing is hidden by it
    met: Counter[ChangeType] = Counter()
    for number in range(600 if FULL else 240):
        walked = walk(SETUPS[number % len(SETUPS)], chance.randrange, 40)
        adds_up(walked)
        met.update(change.type for change in walked.changes)
    expected = {*WORDS, ChangeType.FAILED_OVER}
    assert {one for one in expected if met[one] < 3} == set()
    assert met.keys() == expected
