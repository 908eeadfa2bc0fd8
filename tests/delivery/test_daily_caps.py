"""A daily cap is a cap: no day sees more recipients than it allows, whatever happens at once, fails or dies."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.delivery.places import BLOCK_SHARE, PlaceTaker, Ticket
from app.domain.caps import DAY_MS, DAY_S, Caps
from app.domain.email import Message, OnUncertain
from app.domain.head import Status
from app.domain.health import pause
from app.domain.kinds import Kind
from app.domain.outcome import Outcome
from app.domain.route import Availability, Routing
from app.errors import ServiceUnavailable
from app.store.places import Places
from tests.support.aws import Aws
from tests.support.calls import Seen
from tests.support.clock import Clock
from tests.support.crash import Before, Crash, crash
from tests.support.harness import PROVIDERS, Harness, forget_health
from tests.support.outcomes import ACCOUNT, REFUSED, THROTTLED, UNAVAILABLE, UNCERTAIN, UNDELIVERABLE, accepted
from tests.support.samples import an_email, somebody
from tests.support.size import examples


def capped(store: Aws, daily: int, **options: object) -> Harness:
    """SendGrid has a daily cap; Mailgun and SES have none. It is noon."""
    harness = Harness(store, routing=Routing(PROVIDERS, caps={"sendgrid": Caps(daily=daily)}), **options)  # type: ignore[arg-type] # because the options are Harness's own
    harness.clock.now_s += 12 * 3600 - harness.clock.now_s % DAY_S + DAY_S
    return harness


def taken(harness: Harness) -> int:
    return harness.stores.places.taken("sendgrid", int(harness.clock()) // DAY_S)


def sent_through(harness: Harness, people: int = 1) -> list[str]:
    """The providers that one more email asks, in order."""
    before = len(harness.send.calls)
    harness.take(an_email(*[somebody() for _ in range(people)]))
    harness.work()
    return harness.send.providers()[before:]


def recipients(harness: Harness, provider: str = "sendgrid") -> int:
    """How many recipients the calls through this provider were for."""
    return sum(
        len({*message.to, *message.cc, *message.bcc}) for name, message in harness.send.calls if name == provider
    )


def test_it_ends_at_midnight_utc(store: Aws) -> None:
    harness = capped(store, 20)
    assert [sent_through(harness) for _ in range(21)] == [["sendgrid"]] * 20 + [["mailgun"]]
    harness.clock.advance(12 * 3600 - 1)
    assert sent_through(harness) == ["mailgun"]
    harness.clock.advance(1)
    assert sent_through(harness) == ["sendgrid"]


def test_an_email_that_does_not_fit_whole_goes_to_the_next_account_and_a_smaller_one_still_fits(store: Aws) -> None:
    harness = capped(store, 100)
    assert harness.stores.places.take("sendgrid", int(harness.clock()) // DAY_S, 98, 100, harness.clock())
    assert sent_through(harness, 50) == ["mailgun"]
    assert sent_through(harness, 2) == ["sendgrid"]
    assert sent_through(harness, 1) == ["mailgun"]


def test_a_burst_in_several_processes_sends_as_many_as_the_cap(store: Aws) -> None:
    harness = capped(store, 5)
    processes = [harness.another_process() for _ in range(6)]
    emails = [harness.take(an_email()) for _ in range(30)]
    barrier = Barrier(6)

    def work(number: int) -> None:
        barrier.wait(60)
        for email_id in emails[number::6]:
            processes[number].attempt(email_id, 1)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    harness.work()
    assert harness.send.providers().count("sendgrid") == 5
    assert {harness.only(email_id).status for email_id in emails} == {Status.SENT}


@pytest.mark.parametrize("outcome", [UNAVAILABLE, THROTTLED, ACCOUNT, REFUSED, UNDELIVERABLE])
def test_places_are_given_back_if_surely_nothing_was_sent(store: Aws, outcome: Outcome) -> None:
    harness = capped(store, 2)
    harness.send.plan("sendgrid", outcome)
    sent_through(harness, 2)
    assert taken(harness) == 0


def test_a_call_of_unknown_outcome_keeps_its_place(store: Aws) -> None:
    harness = capped(store, 1)
    harness.send.plan("sendgrid", UNCERTAIN, accepted())
    harness.take(an_email(on_uncertain=OnUncertain.FAILOVER))
    harness.work()
    assert sent_through(harness) == ["mailgun"]
    assert taken(harness) == 1


@pytest.mark.parametrize("outcome", [UNAVAILABLE, pytest.param(THROTTLED, marks=pytest.mark.full)])
def test_a_call_whose_webhook_overtook_its_bad_answer_keeps_the_place_of_whom_that_was_about(
    store: Aws, outcome: Outcome
) -> None:
    harness = capped(store, 5)
    one, other = somebody(), somebody()
    email_id = harness.take(an_email(one, other))

    def answer(_: Message) -> Outcome:
        harness.report(harness.event(email_id, Kind.DELIVERED, to=one.key))
        return outcome

    harness.send.plan("sendgrid", answer)
    harness.work()
    assert taken(harness) == 1
    harness.report(harness.event(email_id, Kind.OPENED, attempt=1, to=one.key))
    assert taken(harness) == 1


def test_of_a_call_that_ended_differently_for_some_only_theirs_are_given_back(store: Aws) -> None:
    harness = capped(store, 5)
    people = [somebody() for _ in range(5)]
    harness.send.plan("sendgrid", replace(accepted(), differing={one.key: REFUSED for one in people[2:]}))
    harness.take(an_email(*people))
    harness.work()
    assert taken(harness) == 2


def test_a_worker_that_dies_in_its_call_keeps_the_place(store: Aws) -> None:
    harness = capped(store, 1)
    email_id = harness.take(an_email())
    harness.queue.published()
    harness.send.plan("sendgrid", crash)
    with pytest.raises(Crash):
        harness.attempt(email_id, 1)
    assert taken(harness) == 1
    assert sent_through(harness) == ["mailgun"]


def test_a_claim_that_is_lost_or_fails_gives_its_place_back(store: Aws) -> None:
    harness = capped(store, 3)
    email_id = harness.take(an_email())
    harness.queue.published()

    def fail() -> None:
        raise ServiceUnavailable("the table is throttled")

    failing = replace(harness.attempt, heads=Before(harness.heads, "update", fail))
    with pytest.raises(ServiceUnavailable):
        failing(email_id, 1)
    assert taken(harness) == 0
    late = replace(harness.attempt, heads=Before(harness.heads, "update", lambda: harness.attempt(email_id, 1)))
    late(email_id, 1)
    assert len(harness.send.calls) == 1
    assert taken(harness) == 1


@pytest.mark.parametrize("retry_for_s", [0, 60])
@pytest.mark.parametrize("fault", [ACCOUNT, THROTTLED], ids=["breaker", "cooldown"])
def test_the_last_round_lifts_no_cap(store: Aws, retry_for_s: int, fault: Outcome) -> None:
    harness = capped(store, 1, retry_for_s=retry_for_s)
    for provider in ("mailgun", "ses"):
        harness.another_monitor().update(provider, pause)
    assert sent_through(harness) == ["sendgrid"]
    harness.another_monitor().record_call("sendgrid", fault, 1)
    harness.take(an_email())
    harness.work()
    for _ in range(5):
        harness.later(60)
    assert recipients(harness) == 1


def test_a_last_round_takes_its_place_too(store: Aws) -> None:
    harness = capped(store, 1, retry_for_s=0)
    for provider in ("mailgun", "ses"):
        harness.another_monitor().update(provider, pause)
    harness.another_monitor().record_call("sendgrid", THROTTLED, 1)
    assert sent_through(harness) == ["sendgrid"]
    assert taken(harness) == 1


def test_a_probe_that_has_no_place_leaves_the_probe_to_others(store: Aws) -> None:
    harness = capped(store, 2)
    harness.another_monitor().record_call("sendgrid", ACCOUNT, 1)
    harness.clock.advance(30)
    assert sent_through(harness, 3) == ["mailgun"]
    assert harness.healths.get("sendgrid").probe_until_ms is None
    assert sent_through(harness) == ["sendgrid"]


def test_an_email_that_finds_its_probe_taken_keeps_no_place(store: Aws) -> None:
    harness = capped(store, 2)
    harness.another_monitor().record_call("sendgrid", ACCOUNT, 1)
    harness.clock.advance(30)
    email_id = harness.take(an_email())
    harness.queue.published()
    context = harness.read_context(harness.head(email_id))
    other = harness.another_monitor()
    assert other.lease_probe("sendgrid")
    replace(harness.attempt, read_context=lambda _: context)(email_id, 1)
    assert harness.send.providers() == ["mailgun"]
    assert taken(harness) == 0


def test_an_account_without_caps_pays_nothing(harness: Harness) -> None:
    seen = Seen(harness.stores.places)
    harness.build(places=seen)
    for outcome in (accepted(), UNAVAILABLE):
        harness.send.plan("sendgrid", outcome)
        sent_through(harness)
    assert seen.names == []


def test_explain_says_which_cap_and_until_when(store: Aws) -> None:
    harness = capped(store, 2)
    sent_through(harness)
    midnight_ms = harness.clock.now_ms // DAY_MS * DAY_MS + DAY_MS
    assert harness.explain(an_email(), "eml_dry", "team").route[0].availability is Availability.AVAILABLE
    told = harness.explain(an_email(somebody(), somebody()), "eml_dry", "team").route[0]
    assert (told.provider, told.availability, told.until_ms) == ("sendgrid", Availability.PAUSED, midnight_ms)
    assert told.why.startswith("waits for the daily cap of sendgrid (2 recipients)")


# --- Blocks ------------------------------------------------------------------------------------------------------


def test_a_busy_process_writes_the_day_less_and_less_often(harness: Harness) -> None:
    seen = Seen(harness.stores.places)
    taker = PlaceTaker(seen, {"ses": Caps(daily=100_000)}, harness.clock)
    for _ in range(1_000):
        assert isinstance(taker.take("ses", 1), Ticket)
    assert seen.times("take") < 20
    assert 1_000 <= harness.stores.places.taken("ses", int(harness.clock()) // DAY_S) <= 1_100


def test_a_process_with_little_to_do_takes_nothing_ahead(harness: Harness) -> None:
    harness.clock.now_s += 12 * 3600 - harness.clock.now_s % DAY_S  # all of it is on one day
    taker = PlaceTaker(harness.stores.places, {"ses": Caps(daily=100_000)}, harness.clock)
    for count in range(1, 6):
        taker.take("ses", 1)
        assert harness.stores.places.taken("ses", int(harness.clock()) // DAY_S) == count
        harness.clock.advance(10)


def test_yesterdays_block_is_no_place_of_today(harness: Harness) -> None:
    taker = PlaceTaker(harness.stores.places, {"ses": Caps(daily=1_000)}, harness.clock)
    for _ in range(30):
        taker.take("ses", 1)
    harness.clock.advance(DAY_S)
    assert taker.left_today() == {"ses": 1_000}
    taker.take("ses", 1)
    assert taker.left_today() == {"ses": 999}


CAPS = (1, 5, 120, 700)
STEPS = ("take", "take", "take", "take", "give back", "die", "wait", "midnight")


@settings(max_examples=examples(30), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    cap=st.sampled_from(CAPS),
    steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 2), st.sampled_from([1, 1, 2, 40])), max_size=60),
)
def test_no_day_ever_exceeds_its_cap_and_no_place_is_lost_but_with_a_process(
    store: Aws, cap: int, steps: list[tuple[str, int, int]]
) -> None:
    """Processes take places, give some back, and die with their blocks, and days end, in any order."""
    forget_health()
    clock = Clock()
    places = Places()
    takers = [PlaceTaker(places, {"ses": Caps(daily=cap)}, clock) for _ in range(3)]
    held: list[Ticket] = []
    deaths = 0
    for step, at, count in steps:
        day = int(clock()) // DAY_S
        if step == "die":
            takers[at], deaths = PlaceTaker(places, {"ses": Caps(daily=cap)}, clock), deaths + 1
        elif step == "take":
            before = sum(ticket.recipients for ticket in held if ticket.day == day)
            ticket = takers[at].take("ses", count)
            if isinstance(ticket, Ticket):
                held.append(ticket)
            else:  # two others may hold a block each, and each of the dead may have had one
                assert before + count + (2 + deaths) * (cap // BLOCK_SHARE) > cap
        elif step == "give back" and held:
            takers[at].give_back(held.pop())
        elif step in ("wait", "midnight"):
            clock.advance(7 if step == "wait" else DAY_S - clock() % DAY_S)
        assert sum(ticket.recipients for ticket in held if ticket.day == day) <= places.taken("ses", day) <= cap
