"""What the feed and the numbers of a delivered email take in write units. docs/storage.md tells the same numbers.

The log of deliveries has its own row there, and its own test: no email without an endpoint has one.
"""

from dataclasses import replace
from uuid import uuid4

import pytest

from app.domain.changes import changes
from app.domain.head import Head, Status
from app.domain.kinds import Kind
from app.domain.listing import Known
from app.notify.count import ENOUGH, CountChanges
from app.store.change_feed import ChangeFeed
from app.store.change_items import ChangeItem
from app.store.shard_feed import ShardFeed
from app.store.stats import CountedHours
from bench import assumptions
from tests.support.harness import Harness
from tests.support.installation import ROOT
from tests.support.ordinary import receipt
from tests.support.outcomes import UNAVAILABLE, accepted
from tests.support.samples import somebody
from tests.support.write_units import Write, counted

PAGE = ROOT / "docs" / "storage.md"
MESSAGE_ID = "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0"  # as long as those of SendGrid


def heads(harness: Harness) -> list[Head]:
    """An email of 10 KB that is delivered: its head after each step."""
    harness.send.plan("sendgrid", accepted(MESSAGE_ID))
    email_id = harness.take(receipt(somebody()))
    found = [harness.head(email_id)]
    harness.clock.advance(0.2)
    harness.work()
    found.append(harness.head(email_id))
    harness.clock.advance(2)
    harness.report(harness.event(email_id, Kind.DELIVERED, event_id="ZGVsaXZlcmVkLTAtMTIzNDU2Nzg5MA"))
    found.append(harness.head(email_id))
    assert harness.only(email_id).status is Status.DELIVERED
    return found


def tell(harness: Harness, steps: list[Head]) -> None:
    feed = ChangeFeed(harness.clock, 1)
    for old, new in zip([None, *steps], steps, strict=False):
        feed.add(changes(old, new, harness.clock.now_ms), harness.clock.now_ms)


def of_changes(writes: list[Write]) -> list[float]:
    return [one.units for one in writes if one.table == ChangeItem.Meta.table_name]


def test_the_feed_of_a_delivered_email_takes_three_units(harness: Harness) -> None:
    steps = heads(harness)
    with counted() as writes:
        tell(harness, steps)
    assert of_changes(writes) == [1, 1, 1]
    assert assumptions.CHANGE_WRITE_UNITS["feed"] == 3
    assert "| feed | an entry for each head that says something new: queued, sent, delivered | 3 |" in PAGE.read_text()


def test_a_failover_is_an_entry_more(harness: Harness) -> None:
    harness.send.plan("sendgrid", UNAVAILABLE)
    harness.send.plan("mailgun", accepted(MESSAGE_ID))
    email_id = harness.take(receipt(somebody()))
    steps = [harness.head(email_id)]
    for _ in range(2):
        harness.clock.advance(0.2)
        for message in harness.published():
            harness.attempt(*message)
        steps.append(harness.head(email_id))
    of_last = changes(steps[-2], steps[-1], harness.clock.now_ms)
    assert [one.type for one in of_last] == ["email.sent", "email.failed_over"]  # the outcome, and before it the claim
    with counted() as writes:
        for change in of_last:
            ChangeFeed(harness.clock, 1).add([change], harness.clock.now_ms)
    assert of_changes(writes) == [1, 1]
    assert assumptions.FAILOVER_FEED_WRITE_UNITS == 1


@pytest.mark.parametrize(("emails", "most"), [(1, 1.0), (ENOUGH, assumptions.CHANGE_WRITE_UNITS["stats"])])
def test_the_numbers_take_one_unit_alone_and_nearly_none_under_load(harness: Harness, emails: int, most: float) -> None:
    # In the middle of an hour and of a day, because two of them are two writes.
    harness.clock.now_s += 12.5 * 3600 - harness.clock.now_s % (24 * 3600)
    project = f"p{uuid4().hex[:8]}"
    count = CountChanges(
        ShardFeed(harness.clock), CountedHours(), lambda: Known(1, frozenset({project})), harness.clock
    )
    count(60)
    steps = heads(harness)
    for number in range(emails):
        copies = [replace(step, email_id=f"eml_{number}", project=project, shard=0) for step in steps]
        tell(harness, copies)
    harness.clock.advance(20 if emails > 1 else 4000)
    with counted() as writes:
        assert count(60) == 3 * emails
    assert 0 < sum(of_changes(writes)) <= most * emails
