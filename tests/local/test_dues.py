import pytest

from app.domain.due import REPUBLISH_AFTER_MS
from app.local.alarm import Alarm
from app.local.dues import Dues, NotingCollapses, NotingHeads
from tests.support.aws import Aws
from tests.support.harness import LEASE_S, Harness
from tests.support.outcomes import accepted
from tests.support.samples import an_email


@pytest.fixture
def dues() -> Dues:
    return Dues(Alarm())


def test_emails_are_taken_once_when_they_are_due(dues: Dues) -> None:
    dues.note("b", 1, 2_000)
    dues.note("a", 1, 1_000)
    assert dues.next_ms() == 1_000
    assert dues.take(999) == []
    assert dues.take(2_000) == ["a", "b"]
    assert dues.take(2_000) == []
    assert dues.next_ms() is None


def test_a_later_version_counts_in_whatever_order_the_notes_come(dues: Dues) -> None:
    dues.note("a", 3, 5_000)
    dues.note("a", 2, 1_000)
    dues.note("a", 1, None)
    assert dues.next_ms() == 5_000
    dues.note("a", 4, None)
    assert dues.next_ms() is None
    assert dues.take(9_000) == []


def test_a_wait_that_was_put_off_or_brought_forward_is_noted_anew(dues: Dues) -> None:
    dues.note("a", 1, 1_000)
    dues.note("a", 2, 3_000)
    assert dues.take(2_000) == []
    dues.note("a", 2, 2_000)
    assert dues.take(2_000) == ["a"]
    assert dues.take(3_000) == []


def test_the_alarm_is_set(dues: Dues) -> None:
    alarm = Alarm()
    Dues(alarm).note("a", 1, 0)
    alarm.wait(60)  # returns, because that time is over


def test_every_write_of_a_head_is_noted(store: Aws) -> None:
    noted: list[tuple[str, int, int | None]] = []

    def note(email_id: str, version: int, at_ms: int | None) -> None:
        noted.append((email_id, version, at_ms))

    harness = Harness(store)
    harness.build(heads=NotingHeads(note), collapses=NotingCollapses(note))
    harness.send.plan("sendgrid", accepted())
    email_id = harness.take(an_email())
    harness.work()
    now_ms = harness.clock.now_ms
    assert noted == [
        (email_id, 1, now_ms + REPUBLISH_AFTER_MS),
        (email_id, 2, now_ms + LEASE_S * 1000),
        (email_id, 3, None),
    ]
    noted.clear()
    assert harness.heads.update(harness.head(email_id), now_ms) is not None  # by another process
    assert noted == []
    collapsed = harness.take(an_email(collapse_key="cart"))
    assert noted == [(collapsed, 1, now_ms + REPUBLISH_AFTER_MS)]
    stale = harness.head(email_id)
    assert harness.heads.update(stale, now_ms)
    assert NotingHeads(note).update(stale, now_ms) is None
    assert len(noted) == 1
