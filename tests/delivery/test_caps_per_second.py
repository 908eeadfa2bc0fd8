"""A cap per second is per second: no second exceeds it, and whoever waits is spread over the next ones."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from app.domain.caps import Caps
from app.domain.head import Status
from app.domain.health import BREAKER_WAITS_MS, pause
from app.domain.kinds import Cause
from app.domain.lane import Lane
from app.domain.outcome import Outcome
from app.domain.route import Availability, Routing
from app.errors import ServiceUnavailable
from tests.support.aws import Aws
from tests.support.capped import Installation, a_call_to, capped, chance_of
from tests.support.harness import PROVIDERS, Harness
from tests.support.outcomes import ACCOUNT, THROTTLED, accepted
from tests.support.samples import an_email
from tests.support.size import FULL


def sent_through(harness: Harness, people: int = 1) -> list[str]:
    before = len(harness.send.calls)
    harness.take(a_call_to(people))
    harness.work()
    return harness.send.providers()[before:]


# --- One email at a time -----------------------------------------------------------------------------------------


def test_who_finds_no_place_gets_a_turn_and_starts_by_itself(store: Aws) -> None:
    harness = capped(store, 2)
    emails = [harness.take(an_email()) for _ in range(12)]
    harness.work()
    assert len(harness.send.calls) == 2
    waits_ms = Counter(harness.only(email_id).wait_until_ms for email_id in emails)
    now_ms = harness.clock.now_ms
    assert waits_ms == {None: 2, now_ms + 1000: 3, now_ms + 2000: 3, now_ms + 3000: 3, now_ms + 4000: 1}
    assert sorted(at_ms for at_ms, _, _ in harness.delayed) == sorted(waits_ms.elements(), key=lambda ms: ms or 0)[2:]
    harness.clock.advance(1)
    harness.work()  # no sweep
    assert len(harness.send.calls) > 2


def test_a_turn_is_told(store: Aws) -> None:
    harness = capped(store, 1)
    sent_through(harness)
    email_id = harness.take(an_email())
    harness.work()
    waiting = harness.only(email_id)
    assert (waiting.status, waiting.cause) == (Status.QUEUED, Cause.LIMIT)
    assert waiting.detail.startswith("waits for the cap per second of ses (1 recipients) until 20")


def test_another_account_is_asked_before_a_turn(store: Aws) -> None:
    harness = capped(store, 1, "ses", "mailgun")
    assert [sent_through(harness) for _ in range(3)] == [["ses"], ["mailgun"], ["mailgun"]]
    harness.clock.advance(1)
    assert sent_through(harness) == ["ses"]


def test_a_turn_is_taken_where_it_comes_first(store: Aws) -> None:
    routing = Routing(("ses", "mailgun"), caps={"ses": Caps(per_second=1), "mailgun": Caps(per_second=4)})
    harness = Harness(store, providers=routing.providers, routing=routing)
    emails = [harness.take(an_email()) for _ in range(15)]
    harness.work()
    assert len(harness.send.calls) == 5
    turns_ms = Counter(harness.head(email_id).turn_ms for email_id in emails)
    now_ms = harness.clock.now_ms
    assert turns_ms == {None: 5, now_ms + 1000: 7, now_ms + 2000: 3}


@pytest.mark.parametrize("retry_for_s", [0, 60])
def test_a_deadline_lifts_no_cap(store: Aws, retry_for_s: int) -> None:
    harness = capped(store, 2, retry_for_s=retry_for_s)
    for _ in range(24):
        harness.take(an_email())
    harness.clock.advance(retry_for_s)
    harness.work()
    assert len(harness.send.calls) == 2


@pytest.mark.parametrize("fault", [ACCOUNT, THROTTLED])
def test_the_last_round_takes_places_too(store: Aws, fault: Outcome) -> None:
    harness = capped(store, 2, retry_for_s=0)
    harness.another_monitor().record_call("ses", fault, 1)
    for _ in range(9):
        harness.take(an_email())
    harness.work()
    assert len(harness.send.calls) == 2


def test_a_message_that_comes_before_its_time_is_published_again(store: Aws) -> None:
    harness = capped(store, 1)
    email_id = harness.take(an_email())
    at_ms = harness.clock.now_ms + 3_600_000
    harness.attempt(email_id, 1, at_ms)
    assert harness.send.calls == []
    assert harness.delayed == [(at_ms, email_id, 1)]


def test_without_the_delay_queue_the_sweep_publishes(store: Aws) -> None:
    harness = capped(store, 1)
    sent_through(harness)

    def refuse(email_id: str, attempt: int, at_ms: int, lane: Lane) -> None:
        raise ServiceUnavailable("the delay queue takes no messages")

    email_id = harness.take(an_email())
    ((_, number),) = harness.published()
    replace(harness.attempt, publish_later=refuse)(email_id, number)
    assert harness.later(9) == []  # a message of its turn would be on its way, and a second one would take a place
    assert harness.later(2) == [(email_id, 1)]
    assert harness.only(email_id).status is Status.SENT


def test_an_email_that_expires_in_the_queue_says_for_what_it_waited(store: Aws) -> None:
    harness = capped(store, 1)
    for _ in range(4):
        harness.take(an_email())
    email_id = harness.take(an_email(expires_at_ms=harness.clock.now_ms + 1500))
    harness.work()
    harness.clock.advance(2)
    harness.attempt(email_id, 1)
    ended = harness.only(email_id)
    assert (ended.status, ended.cause) == (Status.EXPIRED, Cause.LIMIT)
    assert "the cap per second of ses" in ended.detail


def test_explain_takes_no_place(store: Aws) -> None:
    harness = capped(store, 1)
    for _ in range(3):
        assert harness.explain(an_email(), "eml_dry", "team").route[0].availability is Availability.AVAILABLE
    assert sent_through(harness) == ["ses"]


def test_a_worker_whose_second_is_over_before_its_call_looks_for_another(store: Aws) -> None:
    """The claim took longer than the rest of its second."""
    harness = capped(store, 1)
    email_id = harness.take(an_email())
    ((_, number),) = harness.published()

    class Slow:
        def update(self, *arguments: Any) -> Any:
            written = harness.heads.update(*arguments)
            if not harness.send.calls:
                harness.clock.advance(1.5)
                assert harness.stores.places.book("ses", int(harness.clock()), 1, 1)  # by another process
            return written

        def __getattr__(self, name: str) -> Any:
            return getattr(harness.heads, name)

    replace(harness.attempt, heads=Slow())(email_id, number)
    assert harness.only(email_id).status is Status.SENT
    assert harness.clock() % 1 == 0  # it waited for the second that it booked


def attempt_late(harness: Harness) -> str:
    """Take an email and attempt it with a claim of two seconds, while others take the places of the next twenty."""
    email_id = harness.take(an_email())
    ((_, number),) = harness.published()

    class Slow:
        def update(self, *arguments: Any) -> Any:
            written = harness.heads.update(*arguments)
            harness.clock.advance(2)
            second = int(harness.clock())
            for each in range(second, second + 20):
                harness.stores.places.book("ses", each, 1, 1)
            return written

        def __getattr__(self, name: str) -> Any:
            return getattr(harness.heads, name)

    replace(harness.attempt, heads=Slow())(email_id, number)
    assert harness.send.calls == []
    return email_id


def test_a_worker_that_finds_no_other_second_makes_no_call_and_nobody_is_blamed(store: Aws) -> None:
    harness = capped(store, 1, "ses", "mailgun")
    assert harness.head(attempt_late(harness)).attempts[0].cause is Cause.LIMIT
    assert harness.healths.get("ses").breaker_until_ms is None
    harness.work()
    assert harness.send.providers() == ["mailgun"]


def test_it_waits_for_the_cap_and_for_no_quota_and_starts_by_itself(store: Aws) -> None:
    harness = capped(store, 1)
    email_id = attempt_late(harness)
    assert harness.only(email_id).detail.startswith("waits for the cap per second of ses: not called")
    for _ in range(25):
        harness.clock.advance(1)
        harness.work()
    assert harness.only(email_id).status is Status.SENT


def test_a_probe_that_is_not_made_because_its_second_is_over_is_left_to_others(store: Aws) -> None:
    harness = capped(store, 1, "ses", "mailgun")
    harness.another_monitor().record_call("ses", ACCOUNT, 1)
    harness.clock.advance(BREAKER_WAITS_MS[0] / 1000)
    assert harness.head(attempt_late(harness)).attempts[0].provider == "ses"
    assert harness.healths.get("ses").probe_until_ms is None


# --- Calls to many -----------------------------------------------------------------------------------------------


def test_a_call_for_more_than_the_cap_books_as_many_seconds_as_it_fills(store: Aws) -> None:
    harness = capped(store, 2, "ses", "mailgun")
    began_s = harness.clock()
    assert sent_through(harness, 7) == ["ses"]
    for _ in range(3):
        assert sent_through(harness) == ["mailgun"]
        harness.clock.advance(1)
    assert sent_through(harness) == ["mailgun"]
    harness.clock.now_s = began_s + 4
    assert sent_through(harness) == ["ses"]


def test_it_waits_for_a_second_that_is_empty_which_nobody_else_may_book(store: Aws) -> None:
    harness = capped(store, 2)
    began_s = harness.clock()
    for _ in range(20):
        harness.take(an_email())
    harness.work()
    harness.take(a_call_to(7))
    harness.work()
    assert harness.clock() == began_s + 1  # the turns of the others have not come yet
    assert [len(message.to) for _, message in harness.send.calls] == [1, 1, 7]


def test_a_call_to_thousands_books_more_seconds_than_a_transaction_holds(store: Aws) -> None:
    harness = capped(store, 1)
    second = int(harness.clock())
    assert harness.stores.places.book("ses", second, 250, 1)
    assert not any(harness.stores.places.book("ses", second + at, 1, 1) for at in (0, 99, 100, 249))
    assert harness.stores.places.book("ses", second + 250, 1, 1)


# --- Many at once, in the time of AWS ----------------------------------------------------------------------------


@pytest.mark.parametrize("per_second", [1, pytest.param(4, marks=pytest.mark.full)])
def test_a_burst_is_sent_at_the_cap_without_a_sweep(store: Aws, per_second: int) -> None:
    installation = Installation(capped(store, per_second), chance_of(per_second))
    emails = per_second * 12
    installation.take(*[an_email() for _ in range(emails)])
    began_s = installation.harness.clock()
    installation.run(59)
    assert sum(people for _, people in installation.calls) == emails
    assert max(installation.seconds().values()) <= per_second
    took_s = max(at_s for at_s, _ in installation.calls) - began_s
    assert emails / took_s >= 0.9 * per_second


@pytest.mark.parametrize("sweep_s", [60, pytest.param(0.5, marks=pytest.mark.full)])
def test_while_more_come_than_may_be_sent_ninety_percent_of_the_cap_are(store: Aws, sweep_s: float) -> None:
    installation = Installation(capped(store, 3), chance_of(7), sweep_s=sweep_s)
    for second in range(12):
        installation.time.plan(
            installation.harness.clock() + second, lambda: installation.take(*[an_email() for _ in range(5)])
        )
    installation.run(19.99)
    counts = installation.seconds()
    assert max(counts.values()) <= 3
    assert sum(people for _, people in installation.calls) >= 0.9 * 3 * 19


@pytest.mark.full
def test_large_calls_among_small_ones_are_sent_too_and_only_they_exceed_a_second(store: Aws) -> None:
    installation = Installation(capped(store, 2), chance_of(3))
    installation.take(*[an_email() for _ in range(14)], a_call_to(5), a_call_to(2), a_call_to(3))
    installation.run(40)
    assert sorted(Counter(people for _, people in installation.calls).items()) == [(1, 14), (2, 1), (3, 1), (5, 1)]
    small: Counter[int] = Counter()
    for at_s, people in installation.calls:
        for second in range(int(at_s), int(at_s) - (-people // 2)):
            small[second] += min(2, people) if people > 2 else people
    assert max(small.values()) <= 2  # a large call has its seconds for itself


def test_messages_that_are_lost_are_found_by_the_sweep_and_all_are_sent(store: Aws) -> None:
    installation = Installation(capped(store, 2), chance_of(5), lost=0.4)
    installation.take(*[an_email() for _ in range(10)])
    installation.run(200)
    assert sum(people for _, people in installation.calls) == 10
    assert max(installation.seconds().values()) <= 2


@pytest.mark.parametrize("seed", range(20 if FULL else 2))
def test_whatever_comes_and_fails_no_second_exceeds_its_cap(store: Aws, seed: int) -> None:
    chance = chance_of(seed)
    harness = capped(store, 3, *PROVIDERS[:2], retry_for_s=chance.choice([0, 5, 600]))
    harness.another_monitor().update("mailgun", pause)
    installation = Installation(harness, chance, lost=0.1)
    answers = [chance.choice([THROTTLED, accepted(), accepted()]) for _ in range(6)]
    installation.scripted.plan("sendgrid", *answers, accepted())
    for _ in range(8):
        at_s = harness.clock() + chance.uniform(0, 20)
        installation.time.plan(at_s, lambda: installation.take(*[an_email() for _ in range(chance.randrange(4))]))
    installation.run(100)
    assert max(installation.seconds().values(), default=0) <= 3
