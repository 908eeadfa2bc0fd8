"""Real threads over the emulator, whose conditions are atomic; and the orders that matter, forced one by one."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier, Event
from typing import Any

import pytest

from app.delivery.drafts import Accepted
from app.domain.email import Content, Message
from app.domain.head import Status
from app.domain.kinds import Cause, Kind
from app.domain.listing import Wanted
from app.domain.outcome import Outcome
from app.errors import Conflict
from tests.support.crash import Before
from tests.support.harness import Harness
from tests.support.outcomes import UNAVAILABLE, accepted
from tests.support.providers import webhook
from tests.support.samples import an_email, somebody

PATIENCE_S = 60


@pytest.mark.parametrize("attachment", [0, 1], ids=["small", "large"])
@pytest.mark.parametrize("turn", range(3))
def test_one_key_with_two_bodies_at_once_is_one_email_and_its_content_is_the_winners(
    harness: Harness, turn: int, attachment: int
) -> None:
    bodies = [an_email(somebody(), content=Content(f"Body {n}", text="x" * 400_000 * attachment)) for n in range(2)]
    key, barrier = f"race-{turn}-{attachment}", Barrier(16)

    def ask(n: int) -> Accepted | Conflict:
        barrier.wait(PATIENCE_S)
        try:
            return harness.accept(bodies[n % 2], project="team", key=key)
        except Conflict as conflict:
            return conflict

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(16)))
    (winner,) = [n for n, answer in enumerate(answers) if isinstance(answer, Accepted) and not answer.replayed]
    for n, answer in enumerate(answers):
        assert isinstance(answer, Accepted if n % 2 == winner % 2 else Conflict)
    (email_id,) = {answer.head.email_id for answer in answers if isinstance(answer, Accepted)}
    harness.taken.add(email_id)
    body = bodies[winner % 2]
    assert harness.contents.open(email_id)[1]() == body.content
    assert harness.work() == [(email_id, 1)]
    ((_, message),) = harness.send.calls
    assert (message.to, message.content) == (body.to, body.content)
    (loser,) = bodies[1 - winner % 2].to
    assert harness.read.page(Wanted(recipient=loser.key), None, 5).heads == []


def test_the_same_message_twenty_times_at_once_is_one_call(harness: Harness) -> None:
    email_id = harness.take(an_email())
    harness.queue.published()
    barrier, others_are_done = Barrier(20), Event()

    def call(_: Message) -> Outcome:
        assert others_are_done.wait(PATIENCE_S)  # the call lasts until all others had their say
        return accepted("sg-1")

    def work(_: int) -> None:
        barrier.wait(PATIENCE_S)
        harness.attempt(email_id, 1)

    harness.send.plan("sendgrid", call)
    with ThreadPoolExecutor(20) as pool:
        workers = [pool.submit(work, n) for n in range(20)]
        for _ in range(PATIENCE_S * 100):
            if sum(worker.done() for worker in workers) == 19:
                break
            Event().wait(0.01)
        others_are_done.set()
        for worker in workers:
            worker.result()
    assert len(harness.send.calls) == 1
    head = harness.head(email_id)
    assert [attempt.message_id for attempt in head.attempts] == ["sg-1"]
    assert head.version == 3  # accepted, claimed, told
    assert harness.only(email_id).status is Status.SENT


def test_twenty_messages_at_once_whose_call_is_over_at_once_are_one_call_too(harness: Harness) -> None:
    email_id = harness.take(an_email())
    harness.queue.published()
    barrier = Barrier(20)

    def work(_: int) -> None:
        barrier.wait(PATIENCE_S)
        harness.attempt(email_id, 1)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(work, range(20)))
    assert len(harness.send.calls) == 1


def test_a_claim_beside_a_call_under_way_makes_no_second_call(harness: Harness) -> None:
    """Both workers have passed the first check when one claims. The other one's claim comes during the call.

    The recipients then look as if this attempt had claimed them, so only the second check, inside the claim, tells the
    other worker that the lease is not its own.
    """
    email_id = harness.take(an_email())
    harness.queue.published()
    in_call, other_is_done = Event(), Event()

    def call(_: Message) -> Outcome:
        in_call.set()
        assert other_is_done.wait(PATIENCE_S)
        return accepted("sg-1")

    harness.send.plan("sendgrid", call, accepted("sg-2"))
    rivals: list[Future[None]] = []
    with ThreadPoolExecutor(1) as pool:

        def let_the_rival_call() -> None:
            rivals.append(pool.submit(harness.attempt, email_id, 1))
            assert in_call.wait(PATIENCE_S)

        try:
            replace(harness.attempt, heads=Before(harness.heads, "update", let_the_rival_call))(email_id, 1)
            under_way = harness.head(email_id)
        finally:
            other_is_done.set()
        rivals[0].result(PATIENCE_S)
    assert len(harness.send.calls) == 1
    assert (under_way.lease_attempt, under_way.attempts[0].outcome) == (1, None)
    assert [attempt.message_id for attempt in harness.head(email_id).attempts] == ["sg-1"]
    assert harness.only(email_id).status is Status.SENT


@pytest.mark.parametrize("kind", [Kind.DELIVERED, Kind.ACCEPTED, Kind.DELAYED])
def test_a_webhook_that_overtakes_the_outcome_is_not_overwritten_by_it(harness: Harness, kind: Kind) -> None:
    email_id = harness.take(an_email())

    def overtaken(_: Message) -> Outcome:
        harness.report(harness.event(email_id, kind))
        return accepted("sg-1")

    harness.send.plan("sendgrid", overtaken)
    harness.work()
    (attempt,) = harness.head(email_id).attempts
    assert (attempt.outcome, attempt.message_id) == (Kind.ACCEPTED, "sg-1")
    assert harness.only(email_id).status is (Status.DELIVERED if kind is Kind.DELIVERED else Status.SENT)
    assert harness.head(email_id).lease_until_ms is None
    assert len(harness.events.of(email_id)) == 1


def test_a_bounce_that_overtakes_the_outcome_starts_the_next_attempt_once_the_call_is_over(harness: Harness) -> None:
    email_id = harness.take(an_email())

    def overtaken(_: Message) -> Outcome:
        harness.report(harness.event(email_id, Kind.BLOCKED, cause=Cause.POLICY))
        assert harness.published() == []  # somebody is still at it
        harness.attempt(email_id, 2)  # nor is a message that comes all the same of any use before the call is over
        assert len(harness.send.calls) == 1
        return accepted("sg-1")

    harness.send.plan("sendgrid", overtaken)
    assert harness.work() == [(email_id, 1), (email_id, 2)]
    assert harness.send.providers() == ["sendgrid", "mailgun"]
    recipient = harness.only(email_id)
    assert (recipient.status, recipient.attempt) == (Status.SENT, 2)


def test_an_outcome_between_a_webhooks_read_and_its_write_is_not_overwritten(harness: Harness) -> None:
    email_id = harness.take(an_email())
    in_call, webhook_has_read = Event(), Event()

    def call(_: Message) -> Outcome:
        in_call.set()
        assert webhook_has_read.wait(PATIENCE_S)
        return accepted("sg-1")

    harness.send.plan("sendgrid", call)
    with ThreadPoolExecutor(1) as pool:
        worker = pool.submit(harness.work)
        assert in_call.wait(PATIENCE_S)

        def let_the_worker_finish() -> None:
            webhook_has_read.set()
            worker.result(PATIENCE_S)

        racing = replace(harness.record, heads=Before(harness.heads, "update", let_the_worker_finish))
        racing("sendgrid", webhook([harness.event(email_id, Kind.DELIVERED)]))
    (attempt,) = harness.head(email_id).attempts
    assert (attempt.outcome, attempt.message_id) == (Kind.ACCEPTED, "sg-1")
    assert harness.only(email_id).status is Status.DELIVERED


def test_a_webhook_between_the_outcomes_read_and_its_write_is_not_overwritten(harness: Harness) -> None:
    """The outcome is folded into the head as the claim left it; the webhook comes right before that is written."""
    email_id = harness.take(an_email())
    harness.queue.published()
    armed: list[Before] = []

    def call(_: Message) -> Outcome:
        armed[0].arm(lambda: harness.report(harness.event(email_id, Kind.DELIVERED)))
        return accepted("sg-1")

    armed.append(Before(harness.heads, "update"))
    harness.send.plan("sendgrid", call)
    replace(harness.attempt, heads=armed[0])(email_id, 1)
    (attempt,) = harness.head(email_id).attempts
    assert attempt.message_id == "sg-1"
    assert harness.only(email_id).status is Status.DELIVERED


def test_two_webhooks_at_once_are_both_recorded(harness: Harness) -> None:
    people = [somebody() for _ in range(8)]
    email_id = harness.take(an_email(*people))
    harness.work()
    barrier = Barrier(8)

    def report(n: int) -> None:
        event = harness.event(email_id, Kind.DELIVERED, to=people[n].key)
        barrier.wait(PATIENCE_S)
        harness.report(event)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(report, range(8)))
    assert {recipient.status for recipient in harness.head(email_id).recipients.values()} == {Status.DELIVERED}
    assert len(harness.events.of(email_id)) == 8


def test_in_a_storm_of_outcomes_webhooks_and_sweeps_nothing_is_lost_and_nothing_sent_twice(harness: Harness) -> None:
    emails = [harness.take(an_email()) for _ in range(24)]
    harness.queue.published()
    with ThreadPoolExecutor(24) as hosts, ThreadPoolExecutor(16) as workers:
        reports: list[Future[None]] = []

        def call(message: Message) -> Outcome:
            event = harness.event(message.email_id, Kind.DELIVERED, event_id=message.email_id)
            reports.append(hosts.submit(harness.report, event))
            reports.append(hosts.submit(harness.report, event))
            return accepted(f"mg-{message.email_id}")

        harness.send.plan("sendgrid", UNAVAILABLE)
        harness.send.plan("mailgun", call)
        for number in (1, 2):
            attempts: list[Future[Any]] = [
                workers.submit(harness.attempt, email_id, number) for email_id in emails for _ in range(2)
            ]
            attempts.append(workers.submit(harness.sweep, within_s=60))
            for attempt in attempts:
                attempt.result(PATIENCE_S)
        for report in reports:
            report.result(PATIENCE_S)
    assert sorted(message.email_id for name, message in harness.send.calls if name == "mailgun") == sorted(emails)
    for head in harness.heads.get_many(emails):
        # After five outages in a row the breaker is open, and the others are spared the first call.
        *failed, last = [attempt.outcome for attempt in head.attempts]
        assert (failed, last) in (([Kind.UNAVAILABLE], Kind.ACCEPTED), ([], Kind.ACCEPTED))
        assert head.attempts[-1].message_id == f"mg-{head.email_id}"
        assert [recipient.status for recipient in head.recipients.values()] == [Status.DELIVERED]
        assert (head.lease_until_ms, head.next_attempt) == (None, len(failed) + 2)
        assert len(harness.events.of(head.email_id)) == 1
