"""`collapse_key`: the newest replaces those that still wait."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest

from app.delivery.new_head import new_id
from app.delivery.read_beside import at_once
from app.domain.email import Mailbox
from app.domain.head import Status
from app.domain.kinds import Kind
from app.errors import ServiceUnavailable
from tests.support.clock import Clock
from tests.support.crash import Before, Crash
from tests.support.faults import FaultInjector, FaultMode, FaultyStore
from tests.support.harness import PROVIDERS, UNCERTAIN_WAIT_S, Harness
from tests.support.outcomes import UNAVAILABLE, UNCERTAIN
from tests.support.publishing import in_no_lane
from tests.support.samples import an_email, somebody


@pytest.fixture
def key() -> str:
    return f"reset-{uuid4().hex}"


ANN = somebody("ann")


def take(harness: Harness, key: str, *, project: str = "team", idempotency_key: str | None = None) -> str:
    email = an_email(ANN, collapse_key=key)
    email_id = harness.accept(email, project=project, key=idempotency_key).head.email_id
    harness.taken.add(email_id)
    harness.clock.advance(0.001)
    return email_id


def all_down(harness: Harness) -> None:
    for provider in PROVIDERS:
        harness.send.plan(provider, UNAVAILABLE)


def all_up(harness: Harness) -> None:
    for provider in PROVIDERS:
        harness.send.plan(provider)
        harness.resume(provider)


def test_an_outage_ends_with_one_email_not_nine(harness: Harness, key: str) -> None:
    all_down(harness)
    emails = []
    for _ in range(9):
        emails.append(take(harness, key))
        harness.work()
        harness.clock.advance(5)
    all_up(harness)
    before = len(harness.send.calls)
    for _ in range(5):
        harness.later(60)
    assert [message.email_id for _, message in harness.send.calls[before:]] == emails[-1:]
    *older, newest = (harness.only(email_id) for email_id in emails)
    assert newest.status is Status.SENT
    assert {(recipient.status, recipient.detail) for recipient in older} == {
        (Status.CANCELED, "superseded by a newer email")
    }


def test_one_that_waits_is_ended_as_soon_as_it_is_replaced(harness: Harness, key: str) -> None:
    all_down(harness)
    old = take(harness, key)
    harness.work()
    all_up(harness)
    take(harness, key)
    harness.work()  # without a sweep
    assert harness.only(old).status is Status.CANCELED


def test_one_that_is_queued_and_was_not_attempted_yet_is_replaced(harness: Harness, key: str) -> None:
    old, new = take(harness, key), take(harness, key)
    harness.work()
    assert [message.email_id for _, message in harness.send.calls] == [new]
    assert harness.only(old).status is Status.CANCELED


def test_what_was_sent_stays_sent_and_its_replacement_is_sent_too(harness: Harness, key: str) -> None:
    old = take(harness, key)
    harness.work()
    new = take(harness, key)
    harness.work()
    assert harness.only(old).status is harness.only(new).status is Status.SENT
    harness.report(harness.event(old, Kind.DELIVERED))
    assert harness.only(old).status is Status.DELIVERED


def test_one_in_a_call_is_not_touched(harness: Harness, key: str) -> None:
    emails: list[str] = []

    def call(_: object) -> object:
        emails.append(take(harness, key))
        harness.send.plan("sendgrid")
        return UNAVAILABLE

    harness.send.plan("sendgrid", call)  # type: ignore[arg-type] # because the outcome is one
    old = take(harness, key)
    harness.work()
    (new,) = emails
    assert harness.send.providers() == ["sendgrid", "sendgrid"]  # its failover would be a second reset mail
    assert (harness.only(old).status, harness.only(new).status) == (Status.CANCELED, Status.SENT)


def test_one_that_waits_for_evidence_is_not_sent_again(harness: Harness, key: str) -> None:
    harness.send.plan("sendgrid", UNCERTAIN)
    old = take(harness, key)
    harness.work()
    harness.send.plan("sendgrid")
    new = take(harness, key)
    harness.work()
    assert harness.only(old).status is Status.SENDING
    harness.later(UNCERTAIN_WAIT_S)
    assert (harness.only(old).status, harness.only(new).status) == (Status.CANCELED, Status.SENT)


def test_a_bounce_of_the_old_one_sends_nothing_again(harness: Harness, key: str) -> None:
    old = take(harness, key)
    harness.work()
    take(harness, key)
    harness.work()
    harness.report(harness.event(old, Kind.BLOCKED))
    harness.work()
    assert len(harness.send.calls) == 2
    assert harness.only(old).status is Status.CANCELED


def test_keys_and_projects_do_not_mix(harness: Harness, key: str) -> None:
    emails = [
        take(harness, key),
        take(harness, key, project="other"),
        take(harness, key + "x"),
        take(harness, ""),
        take(harness, ""),
    ]
    harness.work()
    assert {harness.only(email_id).status for email_id in emails} == {Status.SENT}


def test_the_key_itself_is_not_stored(harness: Harness, key: str) -> None:
    assert key not in repr(harness.head(take(harness, key)))


def skewed(clock: Clock, skew_s: float) -> float:
    return clock() + skew_s


def accept_at_once(harness: Harness, key: str, clocks: Sequence[Callable[[], float]]) -> list[str]:
    """Accept an email in an instance of each of these clocks, at the same moment. Returns the ids of the emails."""
    barrier = Barrier(len(clocks))

    def accept(clock: Callable[[], float]) -> str:
        barrier.wait(60)
        email = an_email(ANN, collapse_key=key)
        return replace(harness.accept, clock=clock)(email, project="team", key=None).head.email_id

    with ThreadPoolExecutor(len(clocks)) as pool:
        emails = list(pool.map(accept, clocks))
    harness.taken |= set(emails)
    return emails


@pytest.mark.parametrize("turn", range(3))
def test_of_several_at_once_exactly_one_is_sent(harness: Harness, key: str, turn: int) -> None:
    emails = accept_at_once(harness, key, [harness.clock] * 8)
    harness.work()
    sent = [email_id for email_id in emails if harness.only(email_id).status is Status.SENT]
    assert len(sent) == 1
    assert {harness.only(email_id).status for email_id in emails} == {Status.SENT, Status.CANCELED}
    newest = take(harness, key)
    harness.work()
    assert harness.only(newest).status is Status.SENT


def test_so_it_is_with_clocks_that_disagree(harness: Harness, key: str) -> None:
    clocks = [partial(skewed, harness.clock, skew_s) for skew_s in (0, -0.05, 0.05, -300, 300, 0)]
    emails = accept_at_once(harness, key, clocks)
    harness.work()
    assert sorted(harness.only(email_id).status for email_id in emails) == [Status.CANCELED] * 5 + [Status.SENT]


@pytest.mark.parametrize("skew_s", [-300, -0.05, 0, 0.05])
@pytest.mark.parametrize("times", range(4))  # ids are random: the later one has the lesser id in half of them
def test_the_later_one_wins_whatever_the_clock_of_its_instance_says(
    harness: Harness, key: str, skew_s: float, times: int
) -> None:
    first, second = an_email(ANN, collapse_key=key), an_email(ANN, collapse_key=key)
    old = harness.take(first)
    instance = replace(harness.accept, clock=partial(skewed, harness.clock, skew_s))
    new = instance(second, project="team", key=None).head.email_id
    harness.taken.add(new)
    harness.work()
    assert (harness.only(old).status, harness.only(new).status) == (Status.CANCELED, Status.SENT)


def test_one_whose_accept_was_slow_is_the_newer(harness: Harness, key: str) -> None:
    """Its clock says less than that of the email that overtook it. The store took it later, and that decides."""
    fast: list[str] = []

    def overtake() -> None:
        harness.clock.advance(0.001)
        fast.append(take(harness, key))

    slow = replace(harness.accept, collapses=Before(harness.collapses, "create", overtake))
    late = slow(an_email(ANN, collapse_key=key), project="team", key=None).head.email_id
    harness.taken.add(late)
    harness.work()
    assert harness.only(fast[0]).status is Status.CANCELED
    assert harness.only(late).status is Status.SENT


@pytest.mark.parametrize("mode", [FaultMode.BEFORE, FaultMode.AFTER])
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_wherever_an_accept_dies_the_last_email_that_was_stored_is_sent(
    harness: Harness, key: str, number: int, mode: FaultMode
) -> None:
    """The four calls: the key, the pointer, the content with the list of recipients, head and pointer at once."""
    old, new = take(harness, key), new_id()
    harness.taken.add(new)
    faults = FaultInjector()
    names = ("keys", "collapses", "contents")
    stores: dict[str, Any] = {name: FaultyStore(getattr(harness.stores, name), faults) for name in names}
    dying = replace(harness.accept, new_id=lambda: new, read_beside=at_once, **stores)
    faults.arm((number, mode))
    with pytest.raises(Crash):
        dying(an_email(ANN, collapse_key=key), project="team", key=key)
    is_stored = harness.heads.get(new) is not None
    assert is_stored is (number == 4 and mode is FaultMode.AFTER)
    harness.work()
    harness.later(10)
    assert harness.only(old).status is (Status.CANCELED if is_stored else Status.SENT)
    if is_stored:
        assert harness.only(new).status is Status.SENT


def test_a_replay_replaces_nothing(harness: Harness, key: str) -> None:
    email = an_email(ANN, collapse_key=key)
    old = harness.take(email, key)
    new = take(harness, key)
    assert harness.accept(email, project="team", key=key).replayed
    harness.work()
    assert (harness.only(old).status, harness.only(new).status) == (Status.CANCELED, Status.SENT)


def test_if_the_store_does_not_take_it_both_go_out(harness: Harness, key: str) -> None:
    faults = FaultInjector()
    refused = replace(harness.accept, collapses=FaultyStore(harness.collapses, faults))
    old = take(harness, key)
    faults.arm((2, FaultMode.REFUSED))
    new = refused(an_email(ANN, collapse_key=key), project="team", key=None).head.email_id
    harness.taken.add(new)
    harness.work()
    assert (harness.only(old).status, harness.only(new).status) == (Status.SENT, Status.SENT)


def test_if_the_store_does_not_say_which_one_is_replaced_it_is_replaced_all_the_same(
    harness: Harness, key: str
) -> None:
    bob = somebody("bob")
    older = harness.take(an_email(bob, collapse_key=key))

    class Unreadable:
        def newest(self, scope: str) -> str | None:
            raise ServiceUnavailable(f"{scope} cannot be read")

        def __getattr__(self, name: str) -> Any:
            return getattr(harness.collapses, name)

    accept = replace(harness.accept, collapses=Unreadable())
    newer = accept(an_email(bob, collapse_key=key), project="team", key=None).head.email_id
    harness.taken.add(newer)
    harness.work()
    assert (harness.only(older).status, harness.only(newer).status) == (Status.CANCELED, Status.SENT)


def test_if_only_the_answer_was_lost_the_newer_replaces(harness: Harness, key: str) -> None:
    """Head and pointer are stored; the store's client makes the write again and is told that the email exists."""
    faults = FaultInjector()
    losing = replace(harness.accept, collapses=FaultyStore(harness.collapses, faults))
    old = take(harness, key)
    faults.arm((2, FaultMode.ANSWER_LOST))
    accepted = losing(an_email(ANN, collapse_key=key), project="team", key=None)
    assert not accepted.replayed
    harness.taken.add(new := accepted.head.email_id)
    harness.work()
    assert (harness.only(old).status, harness.only(new).status) == (Status.CANCELED, Status.SENT)


BOB, EVE = somebody("bob"), somebody("eve")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"to": (ANN,)}, {"to": (BOB,)}),
        ({"to": (ANN,)}, {"to": (ANN, BOB)}),
        ({"to": (ANN,)}, {"to": (ANN,), "cc": (BOB,)}),
        ({"to": (ANN,)}, {"to": (ANN,), "bcc": (BOB,)}),
        ({"to": (ANN,), "cc": (BOB,)}, {"to": (BOB,), "cc": (ANN,)}),
        ({"to": (), "bcc": (ANN,)}, {"to": (), "bcc": (BOB,)}),
    ],
)
def test_who_is_written_to_is_part_of_the_key(harness: Harness, key: str, one: Any, other: Any) -> None:
    emails = [harness.take(an_email(collapse_key=key, **fields)) for fields in (one, other)]
    harness.work()
    for email_id in emails:
        assert {r.status for r in harness.head(email_id).recipients.values()} == {Status.SENT}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"to": (ANN, BOB)}, {"to": (BOB, ANN)}),
        ({"to": (ANN,), "cc": (BOB, EVE)}, {"to": (ANN,), "cc": (EVE, BOB)}),
        ({"to": (ANN,), "bcc": (BOB, EVE)}, {"to": (ANN,), "bcc": (EVE, BOB)}),
        ({"to": (ANN,)}, {"to": (Mailbox(ANN.address.upper(), "Ann E."),)}),
    ],
)
def test_their_order_and_spelling_are_not(harness: Harness, key: str, one: Any, other: Any) -> None:
    old, new = (harness.take(an_email(collapse_key=key, **fields)) for fields in (one, other))
    harness.work()
    assert {r.status for r in harness.head(old).recipients.values()} == {Status.CANCELED}
    assert {r.status for r in harness.head(new).recipients.values()} == {Status.SENT}


def test_a_topic_that_does_not_answer_leaves_the_replaced_one_to_the_sweep(harness: Harness, key: str) -> None:
    all_down(harness)
    old = take(harness, key)
    harness.work()
    all_up(harness)

    def missing_for_webhooks(email_id: str, attempt: int) -> None:
        raise ServiceUnavailable("no topic")

    new = replace(harness.accept, publish=in_no_lane(missing_for_webhooks))(
        an_email(ANN, collapse_key=key), project="team", key=None
    ).head.email_id
    harness.taken.add(new)
    assert harness.published() == []
    harness.later(60)
    assert (harness.only(old).status, harness.only(new).status) == (Status.CANCELED, Status.SENT)


def test_several_recipients_are_replaced_together(harness: Harness, key: str) -> None:
    all_down(harness)
    first = harness.take(an_email(ANN, bcc=(BOB,), collapse_key=key))
    harness.work()
    harness.clock.advance(1)
    harness.take(an_email(ANN, bcc=(BOB,), collapse_key=key))
    harness.work()
    assert {recipient.status for recipient in harness.head(first).recipients.values()} == {Status.CANCELED}
