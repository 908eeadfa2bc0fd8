"""What tells applications asks of the tables: the roles allow all of it, and nothing that is not asked for."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from app.domain.endpoint import RETRY_AFTER_S
from app.domain.event import ProviderEvent
from app.domain.kinds import Kind
from app.store.events import Events
from app.store.heads import Heads
from app.wiring.changes import build_publish_changes
from app.wiring.stats import build_count
from app.wiring.sweep import notification_jobs
from tests.infra.rights import asked, rights
from tests.support.aws import Aws
from tests.support.clock import Clock
from tests.support.deliveries import Deliveries
from tests.support.feed_writer import over_tables
from tests.support.harness import Harness
from tests.support.samples import a_head
from tests.support.stream import Shard, Stream
from tests.support.webhook_receivers import receiver

LATE_S = 60  # after so long, a change comes late into the feed, which asks more of it


@pytest.fixture
def deliveries(store: Aws) -> Iterator[Deliveries]:
    parts = Deliveries()
    yield parts
    parts.deliver.close()


def written(clock: Clock) -> Stream:
    """The stream of an email that was accepted and opened."""
    stream = Stream(clock)
    with stream.recording():
        head = Heads().create(a_head(clock.now_ms, email_id=f"eml_{uuid4().hex[:26]}"), clock.now_ms)
        assert head is not None
        opened = ProviderEvent(
            email_id=head.email_id, attempt=1, provider="sendgrid", kind=Kind.OPENED, recipient="a@example.net", at_ms=1
        )
        Events().put([opened], {head.email_id: head}, clock.now_ms)
    return stream


def test_the_role_of_changes_allows_what_telling_asks_and_no_more(store: Aws, harness: Harness) -> None:
    clock = Clock()
    tell = build_publish_changes(harness.settings, clock, lambda _: [])
    late = written(clock)
    clock.advance(LATE_S)
    prompt = written(clock)
    with asked() as found:
        for stream in (prompt, late):
            assert Shard(stream, tell).hand_over(10) == len(stream.records)
    assert found == rights("ChangesRole")


def test_the_role_of_deliveries_allows_what_delivering_asks_and_no_more(deliveries: Deliveries) -> None:
    with receiver(500, otherwise=204) as hook:
        endpoint = deliveries.endpoint(hook.url)
        with asked() as found:
            assert deliveries.deliver([deliveries.notification(endpoint)], 60) == [True]  # fails, which is noted
            deliveries.steady.advance(60)
            tries = next(at for at, delay_s in enumerate(RETRY_AFTER_S) if delay_s > 900)
            hook.answers.append(500)
            waits = deliveries.notification(endpoint, tries=tries)  # after it fails, in the table
            assert deliveries.deliver([waits], 60) == [True]
    assert found == rights("DeliveriesRole")


def test_the_role_of_the_sweep_allows_what_it_does_for_notifications_and_numbers(
    deliveries: Deliveries, harness: Harness
) -> None:
    feed = over_tables(harness.settings, deliveries.clock)
    feed.record("shop")
    waits = deliveries.notification(None)
    deliveries.waiting.put_all([(waits, deliveries.clock.now_ms)])
    published: list[str] = []
    jobs = notification_jobs(
        harness.settings,
        lambda some: published.extend(one.event_id for one in some) or [],  # type: ignore[func-returns-value] # because it is None
        deliveries.clock,
        range(4),
    )
    jobs["count"] = build_count(feed.partitions, deliveries.clock)
    with asked() as found:
        for job in jobs.values():
            job(60)
    assert waits.event_id in published
    allowed = rights("SweepRole")
    assert found["changes"] == allowed["changes"]
    refused = {table: actions - allowed.get(table, set()) for table, actions in found.items()}
    assert not any(refused.values()), refused
