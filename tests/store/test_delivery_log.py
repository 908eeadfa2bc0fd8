"""The log of deliveries: what was tried, the newest first, for a week."""

from dataclasses import replace
from uuid import uuid4

import pytest

from app.domain.tried import Tried
from app.store.change_items import DAY_MS, MOST_BYTES
from app.store.delivery_log import KEPT_DAYS, DeliveryLog, DeliveryLogItem
from tests.support import damage
from tests.support.clock import Clock

pytestmark = pytest.mark.usefixtures("store")


def a_try(at_ms: int, **fields: object) -> Tried:
    tried = Tried(f"evt_{uuid4().hex[:26]}", "email.sent", "eml_1", at_ms, 1, 200, 35)
    return replace(tried, **fields)  # type: ignore[arg-type] # because the fields are those of Tried


def names() -> tuple[str, str]:
    return f"p{uuid4().hex[:8]}", f"ep_{uuid4().hex[:8]}"


def read_all(log: DeliveryLog, owner: tuple[str, str], limit: int) -> list[Tried]:
    found: list[Tried] = []
    before = None
    while True:
        page, before = log.read(*owner, before, limit)
        assert len(page) <= limit
        found += page
        if before is None:
            return found


def test_a_try_comes_back_whole(clock: Clock) -> None:
    log, owner = DeliveryLog(clock), names()
    tries = [
        a_try(clock.now_ms - 2),
        a_try(clock.now_ms - 1, status_code=503, reply="später", next_try_ms=clock.now_ms + 5000, number=2),
        a_try(clock.now_ms, status_code=None, fault="timeout", email_id="", type="webhook.test"),
    ]
    log.add(*owner, tries)
    assert log.read(*owner, None, 10) == (tries[::-1], None)
    assert log.read(owner[0], "ep_other", None, 10) == ([], None)
    assert log.read("other", owner[1], None, 10) == ([], None)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 100])
def test_pages_have_each_try_once_over_days_and_within_runs(clock: Clock, limit: int) -> None:
    log, owner = DeliveryLog(clock), names()
    expected: list[Tried] = []
    for _ in range(6):
        run = [a_try(clock.now_ms - 3 + n) for n in range(3)]
        log.add(*owner, run[::-1])
        expected = [*reversed(run), *expected]
        clock.advance(DAY_MS / 1000 / 2)
    assert read_all(log, owner, limit) == expected


def test_a_run_of_the_worker_is_one_item_unless_it_is_too_large_for_one(clock: Clock) -> None:
    log, owner = DeliveryLog(clock), names()
    log.add(*owner, [a_try(clock.now_ms + n) for n in range(10)])
    day = clock.now_ms // DAY_MS
    partition = f"log#{owner[0]}#{owner[1]}#{day:06d}"
    (item,) = DeliveryLogItem.query(partition)
    assert item.ttl.timestamp() == clock.now_s + KEPT_DAYS * 86_400
    large = [a_try(clock.now_ms + n, reply="x" * (MOST_BYTES // 3)) for n in range(10)]
    log.add(*owner, large)
    assert sorted(len(one.tries) for one in DeliveryLogItem.query(partition)) == [2, 2, 2, 2, 2, 10]
    assert len(read_all(log, owner, 3)) == 20


def test_what_is_older_than_a_week_is_not_looked_for(clock: Clock) -> None:
    log, owner = DeliveryLog(clock), names()
    log.add(*owner, [a_try(clock.now_ms)])
    clock.advance((KEPT_DAYS + 2) * 86_400)
    assert log.read(*owner, None, 10) == ([], None)


def test_a_worker_whose_clock_is_ahead_is_read_as_well(clock: Clock) -> None:
    log, owner = DeliveryLog(clock), names()
    clock.now_s = (clock.now_ms // DAY_MS + 1) * DAY_MS / 1000 - 1
    early = clock.now_s
    clock.advance(5)
    log.add(*owner, [a_try(clock.now_ms)])
    clock.now_s = early
    assert len(log.read(*owner, None, 10)[0]) == 1


@pytest.mark.parametrize("before", ["x", "1800000000000#abc#1", f"1800000000000#{'0' * 12}#", "1800000000000"])
def test_what_is_no_cursor_is_refused(clock: Clock, before: str) -> None:
    with pytest.raises(ValueError, match="no place in the log"):
        DeliveryLog(clock).read(*names(), before, 10)


@pytest.mark.parametrize("tries", ['"x"', "[1]", '[{"at_ms": "soon"}]', '[{"unknown": 1}]', "{", "[" * 50_000])
def test_an_item_that_cannot_be_read_stops_no_other(clock: Clock, caplog: pytest.LogCaptureFixture, tries: str) -> None:
    log, owner = DeliveryLog(clock), names()
    log.add(*owner, [first := a_try(clock.now_ms)])
    clock.advance(1)
    key = {"partition": {"S": f"log#{owner[0]}#{owner[1]}#{clock.now_ms // DAY_MS:06d}"}}
    item = {**key, "part": {"S": f"{clock.now_ms:013d}#{'0' * 12}"}, "tries": {"S": tries}}
    damage.put(DeliveryLogItem, item)
    clock.advance(1)
    log.add(*owner, [last := a_try(clock.now_ms)])
    assert log.read(*owner, None, 10) == ([last, first], None)
    assert damage.passed_over(caplog) == [("log of deliveries", f"{item['partition']['S']} {item['part']['S']}")]
