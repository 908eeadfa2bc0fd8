"""`collapse_key`: the newest replaces those that still wait."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from uuid import uuid4

import pytest

from app.delivery.accept import new_id
from app.domain.head import Status
from app.domain.kinds import Kind
from app.errors import ServiceUnavailable
from tests.support.crash import Before, Crash, crash
from tests.support.harness import PROVIDERS, UNCERTAIN_WAIT_S, Harness
from tests.support.outcomes import UNAVAILABLE, UNCERTAIN
from tests.support.samples import an_email, somebody


@pytest.fixture
def key() -> str:
    return f"reset-{uuid4().hex}"


def take(harness: Harness, key: str, *, owner: str = "team", idempotency_key: str | None = None) -> str:
    email = an_email(collapse_key=key)
    email_id = harness.accept(email, owner=owner, key=idempotency_key).head.email_id
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


def test_keys_and_owners_do_not_mix(harness: Harness, key: str) -> None:
    emails = [
        take(harness, key),
        take(harness, key, owner="other"),
        take(harness, key + "x"),
        take(harness, ""),
        take(harness, ""),
    ]
    harness.work()
    assert {harness.only(email_id).status for email_id in emails} == {Status.SENT}


def test_the_key_itself_is_not_stored(harness: Harness, key: str) -> None:
    assert key not in repr(harness.head(take(harness, key)))


def test_of_several_at_once_the_newest_is_sent(harness: Harness, key: str) -> None:
    barrier = Barrier(8)

    def accept(_: int) -> str:
        barrier.wait(20)
        return harness.accept(an_email(collapse_key=key), owner="team", key=None).head.email_id

    with ThreadPoolExecutor(8) as pool:
        emails = list(pool.map(accept, range(8)))
    harness.taken |= set(emails)
    harness.work()
    newest = max(emails)  # of one millisecond
    assert {harness.only(email_id).status for email_id in emails if email_id != newest} == {Status.CANCELED}
    assert harness.only(newest).status is Status.SENT


def test_one_whose_accept_was_slow_does_not_replace_a_newer_one(harness: Harness, key: str) -> None:
    """Its head is older; its pointer comes later."""
    newer: list[str] = []

    def overtake() -> None:
        harness.clock.advance(0.001)
        newer.append(take(harness, key))

    slow = replace(harness.accept, collapses=Before(harness.collapses, "put", overtake))
    late = slow(an_email(collapse_key=key), owner="team", key=None).head.email_id
    harness.taken.add(late)
    harness.work()
    assert harness.only(late).status is Status.CANCELED
    assert harness.only(newer[0]).status is Status.SENT


@pytest.mark.parametrize("with_earlier", [False, True])
def test_a_crash_between_head_and_pointer_does_not_cancel_the_newer_one_for_the_older(
    harness: Harness, key: str, with_earlier: bool
) -> None:
    old = take(harness, key) if with_earlier else None
    dying = replace(harness.accept, collapses=Before(harness.collapses, "put", crash))
    with pytest.raises(Crash):
        dying(an_email(collapse_key=key), owner="team", key=f"{key}-1")
    harness.clock.advance(10)
    new = take(harness, key)
    harness.work()
    assert harness.only(new).status is Status.SENT
    if old:
        assert harness.only(old).status is Status.CANCELED


def test_the_email_of_a_crashed_accept_is_sent_and_its_replay_replaces_the_older_one(
    harness: Harness, key: str
) -> None:
    all_down(harness)
    old = take(harness, key)
    harness.work()
    all_up(harness)
    email = an_email(collapse_key=key)
    dying = replace(harness.accept, collapses=Before(harness.collapses, "put", crash))
    with pytest.raises(Crash):
        dying(email, owner="team", key=f"{key}-1")
    again = harness.accept(email, owner="team", key=f"{key}-1")
    assert again.replayed
    harness.taken.add(again.head.email_id)
    harness.later(60)
    assert (harness.only(old).status, harness.only(again.head.email_id).status) == (Status.CANCELED, Status.SENT)


def test_without_a_replay_it_is_sent_all_the_same(harness: Harness, key: str) -> None:
    take(harness, key)
    harness.work()
    harness.clock.advance(1)
    new = new_id()
    dying = replace(harness.accept, new_id=lambda: new, collapses=Before(harness.collapses, "put", crash))
    with pytest.raises(Crash):
        dying(an_email(collapse_key=key), owner="team", key=f"{key}-2")
    harness.taken.add(new)
    harness.later(10)
    assert harness.only(new).status is Status.SENT


def test_a_topic_that_does_not_answer_leaves_the_replaced_one_to_the_sweep(harness: Harness, key: str) -> None:
    all_down(harness)
    old = take(harness, key)
    harness.work()
    all_up(harness)

    def missing_for_webhooks(email_id: str, attempt: int) -> None:
        raise ServiceUnavailable("no topic")

    new = replace(harness.accept, publish=missing_for_webhooks)(
        an_email(collapse_key=key), owner="team", key=None
    ).head.email_id
    harness.taken.add(new)
    assert harness.published() == []
    harness.later(60)
    assert (harness.only(old).status, harness.only(new).status) == (Status.CANCELED, Status.SENT)


def test_several_recipients_are_replaced_together(harness: Harness, key: str) -> None:
    all_down(harness)
    first = harness.take(an_email(somebody(), bcc=(somebody(),), collapse_key=key))
    harness.work()
    harness.clock.advance(1)
    take(harness, key)
    harness.work()
    assert {recipient.status for recipient in harness.head(first).recipients.values()} == {Status.CANCELED}
