"""sweep: finds what is due, publishes it, and changes nothing."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from app.delivery.sweep import CHUNK
from app.domain.due import REPUBLISH_AFTER_MS
from app.domain.kinds import Kind
from app.domain.lane import Lane
from app.domain.shards import shard_of
from app.errors import ServiceUnavailable
from app.topic import Topic
from tests.support.crash import Crash, crash
from tests.support.harness import LEASE_S, UNCERTAIN_WAIT_S, Harness
from tests.support.outcomes import REFUSED, UNAVAILABLE, UNCERTAIN
from tests.support.publishing import one_by_one
from tests.support.samples import a_head, an_email

NUDGE_S = REPUBLISH_AFTER_MS / 1000


def found_after(harness: Harness, seconds: float) -> list[tuple[str, int]]:
    """What one sweep publishes then."""
    harness.queue.published()
    harness.clock.advance(seconds)
    harness.sweep(within_s=60)
    return harness.published()


def test_a_lost_publish_is_found(harness: Harness) -> None:
    email_id = harness.take(an_email())
    assert found_after(harness, NUDGE_S - 1) == []
    assert found_after(harness, 1) == [(email_id, 1)]


def test_an_ended_lease_is_found(harness: Harness) -> None:
    email_id = harness.take(an_email())
    harness.send.plan("sendgrid", crash)
    with pytest.raises(Crash):
        harness.attempt(email_id, 1)
    assert found_after(harness, LEASE_S - 1) == []
    assert found_after(harness, 1) == [(email_id, 2)]


def test_an_entry_that_is_early_is_left_alone_until_the_lease_has_ended(harness: Harness) -> None:
    email_id = harness.take(an_email())
    shard, entered_ms = shard_of(email_id), harness.head(email_id).due_entry_ms
    harness.clock.advance(NUDGE_S - 1)
    harness.send.plan("sendgrid", crash)
    with pytest.raises(Crash):
        harness.attempt(email_id, 1)
    assert harness.head(email_id).due_entry_ms == entered_ms
    assert found_after(harness, 1) == []
    assert email_id in harness.heads.due(str(shard), harness.clock.now_ms, 10_000)[0]  # it was read, and left alone
    assert found_after(harness, LEASE_S - 2) == []
    assert found_after(harness, 1) == [(email_id, 2)]


def test_an_ended_wait_for_evidence_is_found(harness: Harness) -> None:
    email_id = harness.take(an_email())
    harness.send.plan("sendgrid", UNCERTAIN)
    harness.work()
    assert found_after(harness, UNCERTAIN_WAIT_S - 1) == []
    assert found_after(harness, 1) == [(email_id, 2)]


def test_an_ended_wait_for_the_next_round_is_found(harness: Harness) -> None:
    email_id = harness.take(an_email(providers=("ses",)))
    harness.send.plan("ses", UNAVAILABLE)
    harness.work()
    wait_until_ms = harness.only(email_id).wait_until_ms
    assert wait_until_ms is not None
    wait_s = (wait_until_ms - harness.clock.now_ms) / 1000
    assert found_after(harness, wait_s - 1) == []
    assert found_after(harness, 1) == [(email_id, 2)]


def test_what_has_ended_or_waits_for_nothing_is_not_looked_at(harness: Harness) -> None:
    sent = harness.take(an_email())
    delivered = harness.take(an_email())
    harness.work()
    harness.report(harness.event(delivered, Kind.DELIVERED))
    failed = harness.take(an_email(providers=("ses",)))
    harness.send.plan("ses", REFUSED)
    harness.work()
    canceled = harness.take(an_email())
    harness.cancel(canceled, None)
    assert {sent, delivered, failed, canceled} == harness.taken
    assert found_after(harness, 86_400) == []


def test_it_changes_no_email_and_publishes_until_somebody_comes(harness: Harness) -> None:
    email_id = harness.take(an_email())
    before = harness.head(email_id)
    for _ in range(3):
        assert found_after(harness, NUDGE_S) == [(email_id, 1)]
    assert harness.head(email_id) == before
    harness.attempt(email_id, 1)
    assert found_after(harness, 86_400) == []


def test_two_at_once_do_no_harm(harness: Harness) -> None:
    emails = {harness.take(an_email()) for _ in range(10)}
    harness.queue.published()
    harness.clock.advance(NUDGE_S)
    barrier = Barrier(2)

    def sweep(_: int) -> int:
        barrier.wait(60)
        return harness.sweep(within_s=60)

    with ThreadPoolExecutor(2) as pool:
        counts = list(pool.map(sweep, range(2)))
    assert min(counts) >= len(emails)
    published = harness.published()
    assert sorted(published) == sorted([(email_id, 1) for email_id in emails] * 2)
    for email_id, number in published:
        harness.attempt(email_id, number)
    assert sorted(message.email_id for _, message in harness.send.calls) == sorted(emails)


def test_it_says_how_many_were_due(harness: Harness) -> None:
    sweep = replace(harness.sweep, shards=[shard_of(harness.take(an_email()))])
    not_yet = sweep(within_s=60)
    harness.clock.advance(NUDGE_S)
    assert sweep(within_s=60) > not_yet


def test_a_topic_that_takes_nothing_does_not_stop_it(harness: Harness) -> None:
    email_id = harness.take(an_email())
    harness.queue.published()
    harness.clock.advance(NUDGE_S)
    gone = Topic(harness.aws.sns, harness.queue.topic.arn + "-gone")
    assert replace(harness.sweep, publish_many=gone.publish_many)(within_s=60) >= 1
    assert found_after(harness, 0) == [(email_id, 1)]


def test_what_the_topic_refuses_of_many_is_logged_and_left_to_the_next_sweep(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    emails = [harness.take(an_email()) for _ in range(6)]
    harness.queue.published()
    harness.clock.advance(NUDGE_S)

    def refuse(email_id: str, attempt: int) -> None:
        if email_id in emails[:2]:
            raise ServiceUnavailable("throttled")
        harness.queue.topic.publish(email_id, attempt, Lane.NORMAL)

    replace(harness.sweep, publish_many=one_by_one(refuse))(within_s=60)
    assert {email_id for email_id, _ in harness.published()} == set(emails[2:])
    told = [vars(record) for record in caplog.records if record.getMessage() == "not published, the sweep will"]
    assert {(line["email_id"], line["reason"]) for line in told} == {(one, "throttled") for one in emails[:2]}
    assert set(emails[:2]) <= {email_id for email_id, _ in found_after(harness, 0)}


def test_it_reads_on_past_one_page_and_stops_when_its_time_is_over(harness: Harness) -> None:
    shard, due_ms = 3, harness.clock.now_ms
    many = CHUNK + 20
    emails: set[str] = set()
    while len(emails) < many:
        head = a_head(due_ms)
        if shard_of(head.email_id) == shard:
            assert harness.heads.create(head, due_ms)
            emails.add(head.email_id)
    harness.clock.advance(NUDGE_S)
    sweep = replace(harness.sweep, shards=[shard])
    assert sweep(within_s=0) == 0
    assert sweep(within_s=60) >= many
    assert emails <= {email_id for email_id, _ in harness.queue.published()}


def test_the_next_run_goes_on_where_this_one_stopped(harness: Harness) -> None:
    shard, due_ms = 2, harness.clock.now_ms
    emails: set[str] = set()
    while len(emails) < CHUNK * 2 + 10:
        head = a_head(due_ms)
        if shard_of(head.email_id) == shard:
            assert harness.heads.create(head, due_ms)
            emails.add(head.email_id)
    harness.clock.advance(NUDGE_S)
    runs = 0
    published: list[str] = []

    def publish(email_id: str, attempt: int) -> None:
        if len(published) % CHUNK == CHUNK - 1:
            harness.clock.advance(10)  # a run has time for one chunk
        published.append(email_id)

    sweep = replace(harness.sweep, shards=[shard], publish_many=one_by_one(publish))
    while not emails <= set(published):
        runs += 1
        assert sweep(within_s=5) > 0
        assert runs < 20
    assert runs > 1
    ours = [email_id for email_id in published if email_id in emails]
    assert len(ours) == len(emails)  # none twice, though all stay due
