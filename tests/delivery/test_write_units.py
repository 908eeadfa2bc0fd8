"""What a delivered email costs in write units, step by step. docs/storage.md tells the same numbers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from app.domain.email import Mailbox
from app.domain.head import Status
from app.domain.kinds import Kind
from app.domain.project import of_test_keys
from app.domain.retry import Again
from app.store.head_items import HeadItem
from tests.support.harness import PROVIDERS, Harness
from tests.support.installation import ROOT
from tests.support.ordinary import receipt
from tests.support.outcomes import REFUSED, UNAVAILABLE, accepted
from tests.support.samples import an_email, somebody
from tests.support.write_units import Write, counted

MOST = 12
PAGE = ROOT / "docs" / "storage.md"
MESSAGE_ID = "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0"  # as long as those of SendGrid


@contextmanager
def written() -> Iterator[list[tuple[str, dict[str, float]]]]:
    """What is written of emails meanwhile: each call, with its units by table and index."""
    shown: list[tuple[str, dict[str, float]]] = []
    with counted() as writes:
        yield shown
    shown += [(one.operation, _units(one)) for one in writes if one.table == HeadItem.Meta.table_name]


def _units(one: Write) -> dict[str, float]:
    return {"emails": one.units, **dict(one.indexes)}


def test_a_delivered_email_of_ten_kilobytes_takes_twelve_units(harness: Harness) -> None:
    harness.send.plan("sendgrid", accepted(MESSAGE_ID))
    harness.partitions.note("team")  # a process does this once
    with written() as accept:
        email_id = harness.take(receipt(somebody()))
    with written() as attempt:
        harness.clock.advance(0.2)
        harness.work()
    with written() as record:
        harness.clock.advance(2)
        harness.report(harness.event(email_id, Kind.DELIVERED, event_id="ZGVsaXZlcmVkLTAtMTIzNDU2Nzg5MA"))
    assert harness.only(email_id).status is Status.DELIVERED
    assert accept == [
        ("BatchWriteItem", {"emails": 4}),  # the content, 3, and the entry by recipient
        ("PutItem", {"emails": 1, "due": 1, "created": 1}),
    ]
    assert attempt == [
        ("PutItem", {"emails": 1}),  # the claim, which leaves both indexes as they are
        ("PutItem", {"emails": 1, "due": 1}),  # the outcome: nothing is due any more
    ]
    assert record == [("PutItem", {"emails": 1}), ("BatchWriteItem", {"emails": 1})]
    together = sum(sum(units.values()) for _, units in (*accept, *attempt, *record))
    assert together <= MOST
    assert f"| **together** | | **{together:.0f}** |" in PAGE.read_text()


def test_a_schedule_takes_none_and_a_move_three(harness: Harness) -> None:
    harness.partitions.note("team")
    hour_ms = 3_600_000
    with written() as accept:
        email_id = harness.take(replace(receipt(somebody()), send_at_ms=harness.clock.now_ms + 2 * hour_ms))
    assert sum(sum(units.values()) for _, units in accept) == 7
    with written() as move:
        harness.reschedule(email_id, "team", harness.clock.now_ms + hour_ms)
    assert move == [("PutItem", {"emails": 1, "due": 2})]
    with written() as later:
        harness.reschedule(email_id, "team", harness.clock.now_ms + 3 * hour_ms)
    assert later == [
        ("PutItem", {"emails": 3}),  # the content
        ("BatchWriteItem", {"emails": 1}),  # the entry by recipient
        ("PutItem", {"emails": 1, "due": 2}),
    ]


def test_a_retry_takes_two_and_what_is_kept_for_longer(harness: Harness) -> None:
    for provider in PROVIDERS:
        harness.send.plan(provider, REFUSED)
    email_id = harness.take(receipt(somebody()))
    harness.work()
    harness.clock.advance(0.2)
    with written() as retry:
        harness.retry(email_id, "team", Again())
    assert retry[-1] == ("PutItem", {"emails": 1, "due": 1})


def test_a_failover_takes_four_more(harness: Harness) -> None:
    harness.send.plan("sendgrid", UNAVAILABLE)
    harness.send.plan("mailgun", accepted(MESSAGE_ID))
    harness.take(receipt(somebody()))
    with written() as attempts:
        for _ in range(2):
            harness.clock.advance(0.2)
            for message in harness.published():
                harness.attempt(*message)
    assert attempts == [
        ("PutItem", {"emails": 1}),
        ("PutItem", {"emails": 1, "due": 2}),  # queued for the next provider: the entry moves
        ("PutItem", {"emails": 1}),
        ("PutItem", {"emails": 1, "due": 1}),
    ]


def test_a_test_email_takes_two_more(harness: Harness) -> None:
    harness.partitions.note(of_test_keys("team"))
    with written() as everything:
        email = replace(an_email(), to=(Mailbox("delivered@any.example"),))
        harness.taken.add(harness.accept(email, project=of_test_keys("team"), key=None).head.email_id)
        harness.clock.advance(0.2)
        harness.work()
    assert everything[2:] == [
        ("PutItem", {"emails": 1}),  # the claim
        ("PutItem", {"emails": 1, "due": 2}),  # the outcome: the sandbox has to report, so the entry moves
        ("BatchWriteItem", {"emails": 1}),  # the event
        ("PutItem", {"emails": 1, "due": 1}),
    ]
