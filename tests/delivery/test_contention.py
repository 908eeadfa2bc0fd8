"""Many writers of one email at once: each of them gets through, after waits that grow by chance."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest

from app.delivery.attempt import WRITES_UNTIL_BEFORE_LEASE_END_MS
from app.delivery.rewrite import LONGEST_WAIT_S, TRIES, rewrite
from app.domain.backoff import backoff_s
from app.domain.email import Mailbox
from app.domain.head import Head, Status
from app.domain.kinds import Kind
from app.domain.outcome import Outcome
from app.errors import Contention
from tests.support.calls import Seen
from tests.support.harness import LEASE_S, Harness
from tests.support.outcomes import accepted
from tests.support.samples import an_email, somebody

PEOPLE = 50
PATIENCE_S = 60


def to_fifty(harness: Harness) -> str:
    people: list[Mailbox] = [somebody() for _ in range(PEOPLE)]
    return harness.take(an_email(*people))


def test_the_webhooks_of_fifty_recipients_at_once_are_all_recorded(harness: Harness) -> None:
    email_id = to_fifty(harness)
    harness.work()
    barrier = Barrier(PEOPLE)

    def report(key: str) -> None:
        barrier.wait(PATIENCE_S)
        harness.report(harness.event(email_id, Kind.DELIVERED, to=key))

    with ThreadPoolExecutor(PEOPLE) as pool:
        list(pool.map(report, harness.head(email_id).recipients))
    assert {one.status for one in harness.head(email_id).recipients.values()} == {Status.DELIVERED}


def test_the_outcome_gets_through_beside_them(harness: Harness) -> None:
    email_id = to_fifty(harness)
    harness.queue.published()
    barrier = Barrier(PEOPLE + 1)
    with ThreadPoolExecutor(PEOPLE) as pool:

        def report(key: str) -> None:
            barrier.wait(PATIENCE_S)
            harness.report(harness.event(email_id, Kind.DELIVERED, to=key, attempt=1))

        def call(_: object) -> Outcome:
            for key in harness.head(email_id).recipients:
                pool.submit(report, key)
            barrier.wait(PATIENCE_S)
            return accepted("sg-1")

        harness.send.plan("sendgrid", call)
        harness.attempt(email_id, 1)
    (attempt,) = harness.head(email_id).attempts
    assert (attempt.outcome, attempt.message_id) == (Kind.ACCEPTED, "sg-1")
    assert {one.status for one in harness.head(email_id).recipients.values()} == {Status.DELIVERED}


def test_the_events_of_one_webhook_about_one_email_are_one_write(harness: Harness) -> None:
    email_id = to_fifty(harness)
    harness.work()
    heads, events = Seen(harness.heads), Seen(harness.events)
    harness.record = replace(harness.record, heads=heads, events=events)
    harness.report(*[harness.event(email_id, Kind.DELIVERED, to=key) for key in harness.head(email_id).recipients])
    assert (heads.names.count("update"), events.names) == (1, ["put"])


class Losing:
    """The heads, whose updates are refused `times` times because another writer came first."""

    def __init__(self, harness: Harness, times: int) -> None:
        self._heads, self.left = harness.heads, times

    def update(self, head: Head, now_ms: int) -> Head | None:
        self.left -= 1
        return None if self.left >= 0 else self._heads.update(head, now_ms)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._heads, name)


def test_the_holder_of_a_lease_writes_its_outcome_until_two_seconds_before_its_end(harness: Harness) -> None:
    """A lease that ends without an outcome is uncertain, and may mean a second copy."""
    email_id = harness.take(an_email())
    losing = Losing(harness, 0)

    def call(_: object) -> Outcome:
        losing.left = 10**9
        return accepted("sg-1")

    harness.send.plan("sendgrid", call)
    ends_at_ms = harness.clock.now_ms + LEASE_S * 1000
    with pytest.raises(Contention):
        replace(harness.attempt, heads=losing, wait=harness.clock.advance)(email_id, 1)
    assert WRITES_UNTIL_BEFORE_LEASE_END_MS == 2000
    assert ends_at_ms - 2000 <= harness.clock.now_ms < ends_at_ms - 2000 + LONGEST_WAIT_S * 1000
    assert 10**9 - losing.left > 5 * TRIES


def test_an_outcome_that_loses_for_a_while_is_written(harness: Harness) -> None:
    email_id = harness.take(an_email())
    losing = Losing(harness, 0)

    def call(_: object) -> Outcome:
        losing.left = 5 * TRIES
        return accepted("sg-1")

    harness.send.plan("sendgrid", call)
    replace(harness.attempt, heads=losing, wait=harness.clock.advance)(email_id, 1)
    assert harness.only(email_id).status is Status.SENT


def test_whoever_holds_nothing_gives_up_after_twenty_tries(harness: Harness) -> None:
    email_id = harness.take(an_email())
    losing, waits = Losing(harness, 10**9), list[float]()
    with pytest.raises(Contention, match="20 writes"):
        rewrite(losing, harness.clock, email_id, lambda head, _: replace(head, next_attempt=9), wait=waits.append)
    assert len(waits) == TRIES - 1 == 19


def test_a_wait_is_drawn_below_a_bound_that_doubles_up_to_the_longest() -> None:
    for number, bound_s in ((1, 0.01), (2, 0.02), (3, 0.04), (5, 0.16), (6, 0.2), (10_000, 0.2)):
        drawn = [backoff_s(number, 0.01, 0.2) for _ in range(300)]
        assert 0 <= min(drawn) < bound_s / 4
        assert bound_s * 3 / 4 < max(drawn) <= bound_s
