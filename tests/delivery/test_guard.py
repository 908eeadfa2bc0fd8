"""The runaway guard: a key that sends far more than usual, or the same email again and again, is slowed and alarmed."""

import logging
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from pynamodb.exceptions import QueryError

from app.delivery.admission import Admission
from app.delivery.drafts import Accepted, Requested
from app.delivery.guard import COUNTED, RunawayGuard
from app.domain.email import Email
from app.domain.head import Head
from app.domain.runaway import ALWAYS, HOUR_S, SAME, left_of_hour_s, most_an_hour
from app.errors import Runaway
from app.store.usage import Usage, UsageItem
from tests.support.harness import Harness
from tests.support.samples import a_head, an_email
from tests.support.write_units import counted


@pytest.fixture
def usage() -> Usage:
    return Usage()


@pytest.fixture
def guard(harness: Harness, usage: Usage) -> RunawayGuard:
    return RunawayGuard(usage, harness.clock)


def another(guard: RunawayGuard) -> RunawayGuard:
    """The guard of another process."""
    return RunawayGuard(guard.store, guard.clock)


def different(harness: Harness, count: int, start: int = 0) -> list[Head]:
    return [a_head(harness.clock.now_ms, fingerprint=f"{start + number:064d}"[::-1]) for number in range(count)]


def same(harness: Harness, count: int = 1, name: str = "s") -> list[Head]:
    return [a_head(harness.clock.now_ms, fingerprint=name * 64)] * count


def passing(guard: RunawayGuard, heads: list[Head], key: str) -> int:
    return sum(answer is None for answer in guard(heads, key))


def sent(harness: Harness, usage: Usage, key: str, hours_ago: int, count: int) -> None:
    hour = int(harness.clock.now_s // HOUR_S) - hours_ago
    assert usage.count_hour(key, hour, count, 10**9, {}, harness.clock.now_s) is not None


def test_most_an_hour() -> None:
    assert most_an_hour([]) == most_an_hour([0, 0]) == most_an_hour([50, 70, 90]) == ALWAYS
    assert most_an_hour([0] * 150 + [200, 300, 400]) == 3000, "hours without emails do not count"
    assert (left_of_hour_s(0), left_of_hour_s(HOUR_S - 0.5), left_of_hour_s(HOUR_S)) == (HOUR_S, 1, HOUR_S)


def test_a_key_that_never_sent_may_send_a_thousand_an_hour(harness: Harness, guard: RunawayGuard) -> None:
    key = "new"
    for start in range(0, 1000, 100):
        assert passing(guard, different(harness, 100, start), key) == 100
    (answer,) = guard(different(harness, 1, 5000), key)
    assert isinstance(answer, Runaway)
    assert answer.retry_after_s == left_of_hour_s(harness.clock.now_s)
    assert answer.detail == "this API key may send 1,000 emails in this hour, which is far more than it usually does"
    harness.clock.advance(answer.retry_after_s)
    assert passing(guard, different(harness, 1, 5000), key) == 1, "another hour"


def test_what_is_refused_is_not_counted(harness: Harness, guard: RunawayGuard, usage: Usage) -> None:
    key, hour = "refused", int(harness.clock.now_s // HOUR_S)
    sent(harness, usage, key, 0, 1000)
    assert passing(guard, different(harness, 100), key) == 0
    assert usage.hours(key, hour, hour) == [1000]


def test_ten_times_the_median_of_seven_days(harness: Harness, guard: RunawayGuard, usage: Usage) -> None:
    key = "steady"
    for hours_ago in (3, 50, 168):
        sent(harness, usage, key, hours_ago, 300)
    sent(harness, usage, key, 169, 1_000_000)  # too long ago
    sent(harness, usage, key, 0, 2999)
    assert passing(guard, different(harness, 1), key) == 1
    assert passing(guard, different(harness, 1, 1), key) == 0


def test_processes_count_together_and_keys_apart(harness: Harness, guard: RunawayGuard, usage: Usage) -> None:
    sent(harness, usage, "together", 0, 998)
    assert [passing(one, different(harness, 1), "together") for one in (guard, another(guard), guard)] == [1, 1, 0]
    assert passing(guard, different(harness, 1), "apart") == 1


def test_the_same_email_passes_twenty_times_an_hour(harness: Harness, guard: RunawayGuard) -> None:
    key = "loop"
    assert [passing(guard, same(harness), key) for _ in range(22)] == [1] * SAME + [0, 0]
    assert passing(guard, different(harness, 1), key) == 1, "other emails of the key go on"
    assert passing(guard, same(harness), "another") == 1
    (answer,) = guard(same(harness), key)
    assert isinstance(answer, Runaway)
    harness.clock.advance(answer.retry_after_s)
    assert passing(guard, same(harness), key) == 1


def test_in_a_batch_the_first_twenty_pass(harness: Harness, guard: RunawayGuard) -> None:
    heads = [*different(harness, 5), *same(harness, 30), *different(harness, 5, 5)]
    answers = guard(heads, "batch")
    assert [answer is None for answer in answers] == [True] * 25 + [False] * 10 + [True] * 5
    assert passing(guard, same(harness, 3), "batch") == 0


def test_two_processes_see_the_loop_together(harness: Harness, guard: RunawayGuard) -> None:
    processes = [guard, another(guard)]
    passes = [passing(processes[number % 2], same(harness), "two") for number in range(24)]
    assert passes == [1] * SAME + [0] * 4


def test_a_process_that_sees_it_for_the_first_time_knows_of_it(harness: Harness, guard: RunawayGuard) -> None:
    for _ in range(SAME):
        passing(guard, same(harness), "late")
    assert passing(another(guard), same(harness), "late") == 0


def test_each_process_may_let_one_more_pass(harness: Harness, guard: RunawayGuard) -> None:
    assert [passing(another(guard), same(harness), "spread") for _ in range(30)] == [1] * 30
    assert [passing(guard, same(harness), "spread") for _ in range(SAME + 1)] == [1] * SAME + [0]


def test_it_costs_one_small_write_a_call_and_none_for_what_is_surely_refused(
    harness: Harness, guard: RunawayGuard
) -> None:
    key = "cost"
    with counted() as writes:
        for _ in range(SAME):
            passing(guard, same(harness), key)
        passing(guard, different(harness, 100), key)
    assert [(write.operation, write.total) for write in writes] == [("UpdateItem", 1)] * (SAME + 1)
    with counted() as writes:
        passing(guard, same(harness, 5), key)
    assert writes == []


def test_an_item_does_not_grow_with_every_email_that_comes_twice(harness: Harness, guard: RunawayGuard) -> None:
    key, hour = "twice", int(harness.clock.now_s // HOUR_S)
    heads = different(harness, 300)
    for start in range(0, 300, 50):
        passing(guard, [*heads[start : start + 50]] * 2, key)
    item = UsageItem._get_connection().get_item(f"key#{key}", f"hour#{hour:08d}")["Item"]
    assert len(item) <= COUNTED + 60
    assert [passing(guard, [heads[-1]], key) for _ in range(20)].count(1) == SAME - 2


def test_a_key_whose_emails_fill_the_memory_blinds_the_guard_for_no_other(
    harness: Harness, guard: RunawayGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.delivery.guard.REMEMBERED", 50)
    passing(guard, different(harness, 60), "fills")
    passing(guard, same(harness), "loops")  # the memory is emptied now, or never
    assert sum(passing(guard, same(harness), "loops") for _ in range(SAME + 5)) <= SAME


def test_a_store_that_does_not_answer_lets_everything_pass(
    harness: Harness, guard: RunawayGuard, usage: Usage, caplog: pytest.LogCaptureFixture
) -> None:
    class Gone:
        def count_hour(self, *_: object) -> Any:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")

    class NoHistory:
        def hours(self, *_: object) -> Any:
            raise QueryError("no answer")

        def __getattr__(self, name: str) -> Any:
            return getattr(usage, name)

    sent(harness, usage, "outage", 0, 1000)
    with caplog.at_level(logging.WARNING, "app.delivery"):
        stores: list[Any] = [Gone(), NoHistory()]
        for store in stores:
            outage = replace(guard, store=store)
            assert passing(outage, same(harness, 15), "outage") == 15
    assert [record.getMessage() for record in caplog.records] == ["runaway guard not counted"] * 2
    back = RunawayGuard(usage, harness.clock)
    assert passing(back, same(harness), "outage") == 0


def test_what_could_not_be_counted_is_counted_later(harness: Harness, guard: RunawayGuard, usage: Usage) -> None:
    class Broken:
        is_broken = True

        def count_hour(self, *arguments: Any) -> Any:
            if self.is_broken:
                raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")
            return usage.count_hour(*arguments)

    store = Broken()
    guard = replace(guard, store=store)  # type: ignore[arg-type] # because it only counts
    assert passing(guard, same(harness, 15), "later") == 15
    store.is_broken = False
    assert passing(guard, same(harness, 15), "later") == SAME - 15


@pytest.mark.parametrize("by_s", [-3 * HOUR_S, 3 * HOUR_S])
def test_a_clock_that_jumps_finds_the_hour_it_says(harness: Harness, guard: RunawayGuard, by_s: int) -> None:
    key = f"jump-{by_s}"
    assert passing(guard, same(harness, 25), key) == SAME
    harness.clock.advance(by_s)
    assert passing(guard, same(harness, 25), key) == SAME
    harness.clock.advance(-by_s)
    assert passing(guard, same(harness), key) == 0, "what was counted of an hour stays counted"


def test_it_is_alarmed_by_a_line_without_an_address(
    harness: Harness, guard: RunawayGuard, usage: Usage, caplog: pytest.LogCaptureFixture
) -> None:
    sent(harness, usage, "alarming-key-of-64", 0, 980)
    with caplog.at_level(logging.ERROR, "app.delivery"):
        passing(guard, same(harness, 21), "alarming-key-of-64")
        passing(guard, same(harness, 19), "alarming-key-of-64")
        passing(guard, different(harness, 100), "alarming-key-of-64")
    lines = [(record.getMessage(), vars(record)["rule"], vars(record)["refused"]) for record in caplog.records]
    assert lines == [("runaway", "same", 1), ("runaway", "same", 19), ("runaway", "hour", 100)]
    assert {vars(record)["key_id"] for record in caplog.records} == {"alarming-key"}


def request(email: Email, key: str | None = None) -> Requested:
    return Requested(email, key)


def test_a_replay_is_not_counted_and_what_is_refused_stores_nothing(harness: Harness, usage: Usage) -> None:
    accept = replace(harness.accept, admission=Admission(RunawayGuard(usage, harness.clock)))
    email = an_email()
    for _ in range(30):
        assert accept(email, project="team", key="guarded-1", sender="sender")
    answers = accept.together([request(email) for _ in range(30)], project="team", sender="sender")
    assert [isinstance(one, Accepted) for one in answers] == [True] * (SAME - 1) + [False] * 11
    assert len(list(harness.recipients.emails_to(email.to[0].key, "team"))) == SAME
    with pytest.raises(Runaway):
        accept(email, project="team", key="guarded-2", sender="sender")
    assert accept(email, project="team", key=None), "nobody's key"
    harness.clock.advance(HOUR_S)
    assert not accept(email, project="team", key="guarded-2", sender="sender").replayed


def test_it_is_off_by_default(harness: Harness) -> None:
    email = an_email()
    answers = harness.accept.together([request(email) for _ in range(30)], project="team", sender="sender")
    assert all(isinstance(one, Accepted) for one in answers)
