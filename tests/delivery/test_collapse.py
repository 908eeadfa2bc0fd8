"""`collapse_key`: the newest replaces those that still wait."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from uuid import uuid4

import pytest

from app.delivery.accept import id_for
from app.domain.head import Status
from app.domain.kinds import Kind
from app.errors import Unavailable
from tests.support.crash import Before, Crash, crash
from tests.support.desk import PROVIDERS, UNCERTAIN_WAIT_S, Desk
from tests.support.outcomes import UNAVAILABLE, UNCERTAIN
from tests.support.samples import an_email, somebody


@pytest.fixture
def key() -> str:
    return f"reset-{uuid4().hex}"


def take(desk: Desk, key: str, *, owner: str = "team", idempotency_key: str | None = None) -> str:
    email = an_email(collapse_key=key)
    email_id = desk.accept(email, owner=owner, key=idempotency_key).head.email_id
    desk.taken.add(email_id)
    desk.clock.advance(0.001)
    return email_id


def all_down(desk: Desk) -> None:
    for provider in PROVIDERS:
        desk.post.plan(provider, UNAVAILABLE)


def all_up(desk: Desk) -> None:
    for provider in PROVIDERS:
        desk.post.plan(provider)
        desk.resume(provider)


def test_an_outage_ends_with_one_email_not_nine(desk: Desk, key: str) -> None:
    all_down(desk)
    emails = []
    for _ in range(9):
        emails.append(take(desk, key))
        desk.work()
        desk.clock.advance(5)
    all_up(desk)
    before = len(desk.post.calls)
    for _ in range(5):
        desk.later(60)
    assert [message.email_id for _, message in desk.post.calls[before:]] == emails[-1:]
    *older, newest = (desk.only(email_id) for email_id in emails)
    assert newest.status is Status.SENT
    assert {(recipient.status, recipient.detail) for recipient in older} == {
        (Status.CANCELED, "superseded by a newer email")
    }


def test_one_that_waits_is_ended_as_soon_as_it_is_replaced(desk: Desk, key: str) -> None:
    all_down(desk)
    old = take(desk, key)
    desk.work()
    all_up(desk)
    take(desk, key)
    desk.work()  # without a sweep
    assert desk.only(old).status is Status.CANCELED


def test_one_that_is_queued_and_was_not_attempted_yet_is_replaced(desk: Desk, key: str) -> None:
    old, new = take(desk, key), take(desk, key)
    desk.work()
    assert [message.email_id for _, message in desk.post.calls] == [new]
    assert desk.only(old).status is Status.CANCELED


def test_what_was_sent_stays_sent_and_its_replacement_is_sent_too(desk: Desk, key: str) -> None:
    old = take(desk, key)
    desk.work()
    new = take(desk, key)
    desk.work()
    assert desk.only(old).status is desk.only(new).status is Status.SENT
    desk.report(desk.event(old, Kind.DELIVERED))
    assert desk.only(old).status is Status.DELIVERED


def test_one_in_a_call_is_not_touched(desk: Desk, key: str) -> None:
    emails: list[str] = []

    def call(_: object) -> object:
        emails.append(take(desk, key))
        desk.post.plan("sendgrid")
        return UNAVAILABLE

    desk.post.plan("sendgrid", call)  # type: ignore[arg-type] # because the outcome is one
    old = take(desk, key)
    desk.work()
    (new,) = emails
    assert desk.post.providers() == ["sendgrid", "sendgrid"]  # its failover would be a second reset mail
    assert (desk.only(old).status, desk.only(new).status) == (Status.CANCELED, Status.SENT)


def test_one_that_waits_for_evidence_is_not_sent_again(desk: Desk, key: str) -> None:
    desk.post.plan("sendgrid", UNCERTAIN)
    old = take(desk, key)
    desk.work()
    desk.post.plan("sendgrid")
    new = take(desk, key)
    desk.work()
    assert desk.only(old).status is Status.SENDING
    desk.later(UNCERTAIN_WAIT_S)
    assert (desk.only(old).status, desk.only(new).status) == (Status.CANCELED, Status.SENT)


def test_a_bounce_of_the_old_one_sends_nothing_again(desk: Desk, key: str) -> None:
    old = take(desk, key)
    desk.work()
    take(desk, key)
    desk.work()
    desk.report(desk.event(old, Kind.BLOCKED))
    desk.work()
    assert len(desk.post.calls) == 2
    assert desk.only(old).status is Status.CANCELED


def test_keys_and_owners_do_not_mix(desk: Desk, key: str) -> None:
    emails = [take(desk, key), take(desk, key, owner="other"), take(desk, key + "x"), take(desk, ""), take(desk, "")]
    desk.work()
    assert {desk.only(email_id).status for email_id in emails} == {Status.SENT}


def test_the_key_itself_is_not_stored(desk: Desk, key: str) -> None:
    assert key not in repr(desk.head(take(desk, key)))


def test_of_several_at_once_the_newest_is_sent(desk: Desk, key: str) -> None:
    barrier = Barrier(8)

    def accept(_: int) -> str:
        barrier.wait(20)
        return desk.accept(an_email(collapse_key=key), owner="team", key=None).head.email_id

    with ThreadPoolExecutor(8) as pool:
        emails = list(pool.map(accept, range(8)))
    desk.taken |= set(emails)
    desk.work()
    newest = max(emails)  # of one millisecond
    assert {desk.only(email_id).status for email_id in emails if email_id != newest} == {Status.CANCELED}
    assert desk.only(newest).status is Status.SENT


def test_one_whose_accept_was_slow_does_not_replace_a_newer_one(desk: Desk, key: str) -> None:
    """Its head is older; its pointer comes later."""
    newer: list[str] = []

    def overtake() -> None:
        desk.clock.advance(0.001)
        newer.append(take(desk, key))

    slow = replace(desk.accept, collapses=Before(desk.collapses, "put", overtake))
    late = slow(an_email(collapse_key=key), owner="team", key=None).head.email_id
    desk.taken.add(late)
    desk.work()
    assert desk.only(late).status is Status.CANCELED
    assert desk.only(newer[0]).status is Status.SENT


@pytest.mark.parametrize("with_earlier", [False, True])
def test_a_crash_between_head_and_pointer_does_not_cancel_the_newer_one_for_the_older(
    desk: Desk, key: str, with_earlier: bool
) -> None:
    old = take(desk, key) if with_earlier else None
    dying = replace(desk.accept, collapses=Before(desk.collapses, "put", crash))
    with pytest.raises(Crash):
        dying(an_email(collapse_key=key), owner="team", key=f"{key}-1")
    desk.clock.advance(10)
    new = take(desk, key)
    desk.work()
    assert desk.only(new).status is Status.SENT
    if old:
        assert desk.only(old).status is Status.CANCELED


def test_the_email_of_a_crashed_accept_is_sent_and_its_replay_replaces_the_older_one(desk: Desk, key: str) -> None:
    all_down(desk)
    old = take(desk, key)
    desk.work()
    all_up(desk)
    email = an_email(collapse_key=key)
    dying = replace(desk.accept, collapses=Before(desk.collapses, "put", crash))
    with pytest.raises(Crash):
        dying(email, owner="team", key=f"{key}-1")
    again = desk.accept(email, owner="team", key=f"{key}-1")
    assert again.replayed
    desk.taken.add(again.head.email_id)
    desk.later(60)
    assert (desk.only(old).status, desk.only(again.head.email_id).status) == (Status.CANCELED, Status.SENT)


def test_without_a_replay_it_is_sent_all_the_same(desk: Desk, key: str) -> None:
    take(desk, key)
    desk.work()
    desk.clock.advance(1)
    dying = replace(desk.accept, collapses=Before(desk.collapses, "put", crash))
    with pytest.raises(Crash):
        dying(an_email(collapse_key=key), owner="team", key=f"{key}-2")
    new = id_for("team", f"{key}-2")
    desk.taken.add(new)
    desk.later(10)
    assert desk.only(new).status is Status.SENT


def test_a_topic_that_does_not_answer_leaves_the_replaced_one_to_the_sweep(desk: Desk, key: str) -> None:
    all_down(desk)
    old = take(desk, key)
    desk.work()
    all_up(desk)

    def deaf(email_id: str, attempt: int) -> None:
        raise Unavailable("no topic")

    new = replace(desk.accept, publish=deaf)(an_email(collapse_key=key), owner="team", key=None).head.email_id
    desk.taken.add(new)
    assert desk.published() == []
    desk.later(60)
    assert (desk.only(old).status, desk.only(new).status) == (Status.CANCELED, Status.SENT)


def test_several_recipients_are_replaced_together(desk: Desk, key: str) -> None:
    all_down(desk)
    first = desk.take(an_email(somebody(), bcc=(somebody(),), collapse_key=key))
    desk.work()
    desk.clock.advance(1)
    take(desk, key)
    desk.work()
    assert {recipient.status for recipient in desk.head(first).recipients.values()} == {Status.CANCELED}
