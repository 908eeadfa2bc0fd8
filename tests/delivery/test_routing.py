"""How health, caps, weights and wishes decide which provider an email takes; and that `explain` says the same."""

from collections import Counter
from dataclasses import replace

import pytest

from app.delivery.monitor import FLUSH_EVERY_S
from app.domain.email import Email, Mailbox
from app.domain.head import Status
from app.domain.health import BREAKER_WAITS_MS, Health, paused
from app.domain.kinds import Cause, Kind
from app.domain.outcome import Outcome
from app.domain.standing import DAY_MS, Caps, Policy, Routing, Standing, State
from tests.support.aws import Aws
from tests.support.crash import Before
from tests.support.desk import PROVIDERS, Desk
from tests.support.outcomes import ACCOUNT, REFUSED, THROTTLED, UNAVAILABLE, UNDELIVERABLE
from tests.support.samples import an_email, somebody


def set_health(desk: Desk, name: str, **fields: object) -> None:
    desk.another_monitor().change(name, lambda health: replace(health, **fields))  # type: ignore[arg-type] # because the fields are those of Health


def sent_through(desk: Desk, email: Email | None = None) -> list[str]:
    """The providers that one more email asks, in order."""
    before = len(desk.post.calls)
    desk.take(email or an_email())
    desk.work()
    return desk.post.providers()[before:]


def test_a_low_weight_sends_a_provider_behind_the_others(desk: Desk) -> None:
    set_health(desk, "sendgrid", weight=50)
    assert sent_through(desk) == ["sendgrid"]
    set_health(desk, "sendgrid", weight=40)
    desk.clock.advance(5)
    assert sent_through(desk) == ["mailgun"]


def test_a_provider_in_trouble_loses_its_place_and_gets_it_back(desk: Desk) -> None:
    for _ in range(6):
        desk.clock.advance(60)
        desk.monitor.called("sendgrid", Outcome(Kind.UNCERTAIN, Cause.OUTAGE), 60)
        desk.monitor.called("sendgrid", REFUSED, 1)  # it does answer
        desk.monitor.flush(now=True)
    assert desk.healths.get("sendgrid").weight == 40
    assert sent_through(desk) == ["mailgun"]
    desk.later(15 * 60)
    assert desk.healths.get("sendgrid").weight == 50
    assert sent_through(desk) == ["sendgrid"]


@pytest.mark.parametrize("fault", [ACCOUNT, THROTTLED])
def test_a_broken_or_resting_provider_is_spared_until_its_time(desk: Desk, fault: Outcome) -> None:
    desk.post.plan("sendgrid", fault)
    assert sent_through(desk) == ["sendgrid", "mailgun"]
    assert sent_through(desk) == ["mailgun"]
    desk.post.plan("sendgrid")
    desk.clock.advance(30)
    assert sent_through(desk) == ["sendgrid"]
    assert sent_through(desk) == ["sendgrid"]


def test_a_failed_probe_costs_one_email_one_call(desk: Desk) -> None:
    desk.post.plan("sendgrid", UNAVAILABLE)
    for _ in range(5):
        assert sent_through(desk) == ["sendgrid", "mailgun"]
    assert sent_through(desk) == ["mailgun"]
    desk.clock.advance(BREAKER_WAITS_MS[0] / 1000)
    assert sent_through(desk) == ["sendgrid", "mailgun"]
    desk.clock.advance(BREAKER_WAITS_MS[0] / 1000)
    assert sent_through(desk) == ["mailgun"]
    desk.clock.advance(BREAKER_WAITS_MS[0] / 1000)
    assert sent_through(desk) == ["sendgrid", "mailgun"]


@pytest.mark.parametrize("fault", [REFUSED, UNDELIVERABLE])
def test_faults_of_message_or_recipient_never_count_against_a_provider(desk: Desk, fault: Outcome) -> None:
    desk.post.plan("sendgrid", fault)
    for _ in range(60):
        sent_through(desk)
    desk.monitor.flush(now=True)
    assert desk.healths.get("sendgrid") == Health("sendgrid")


def test_resume_counts_at_once(desk: Desk) -> None:
    desk.post.plan("sendgrid", ACCOUNT)
    sent_through(desk)
    desk.post.plan("sendgrid")
    desk.resume("sendgrid")
    assert sent_through(desk) == ["sendgrid"]


def test_by_weight_emails_are_spread_in_proportion(store: Aws) -> None:
    desk = Desk(store, routing=Routing(PROVIDERS, Policy.WEIGHTED))
    set_health(desk, "mailgun", weight=50)
    set_health(desk, "ses", weight=0)
    for _ in range(60):
        sent_through(desk)
    firsts = Counter(desk.post.providers())
    assert 26 <= firsts["sendgrid"] <= 52  # two thirds of sixty, four standard deviations either way
    assert firsts["ses"] <= 8


def test_a_recipients_domain_may_have_a_preference(store: Aws) -> None:
    desk = Desk(store, routing=Routing(PROVIDERS, preferences={"example.org": ("ses",)}))
    assert sent_through(desk, an_email(Mailbox("ann@Example.ORG"))) == ["ses"]
    assert sent_through(desk, an_email(somebody())) == ["sendgrid"]
    assert sent_through(desk, an_email(Mailbox("ann@example.org"), somebody())) == ["sendgrid"]


def test_an_email_restricted_to_a_paused_provider_waits_for_it_and_goes_nowhere_else(desk: Desk) -> None:
    desk.another_monitor().change("ses", paused)
    email_id = desk.take(an_email(providers=("ses",)))
    desk.work()
    assert desk.post.calls == []
    assert desk.only(email_id).wait_until_ms == desk.clock.now_ms + 60_000
    desk.resume("ses")
    desk.later(60)
    assert desk.post.providers() == ["ses"]


def test_a_daily_cap_counts_what_was_flushed_and_ends_at_midnight_utc(store: Aws) -> None:
    desk = Desk(store, routing=Routing(PROVIDERS, caps={"sendgrid": Caps(daily=20)}))
    desk.clock.advance(DAY_MS / 1000 - desk.clock.now_s % (DAY_MS / 1000) + 12 * 3600)
    for _ in range(20):
        assert sent_through(desk) == ["sendgrid"]
    desk.clock.advance(FLUSH_EVERY_S)
    assert sent_through(desk) == ["sendgrid"]  # about right: the counts of the last seconds are not written yet
    assert sent_through(desk) == ["mailgun"]
    desk.clock.advance(12 * 3600)
    assert sent_through(desk) == ["sendgrid"]


def test_what_is_over_a_cap_per_second_goes_to_the_next_provider(store: Aws) -> None:
    desk = Desk(store, routing=Routing(PROVIDERS, caps={"sendgrid": Caps(per_second=2), "mailgun": Caps(per_second=1)}))
    firsts = [sent_through(desk) for _ in range(4)]
    assert firsts == [["sendgrid"], ["sendgrid"], ["mailgun"], ["ses"]]
    desk.clock.advance(1)
    assert sent_through(desk) == ["sendgrid"]


def test_an_email_to_several_people_takes_as_many_places_of_a_second(store: Aws) -> None:
    desk = Desk(store, routing=Routing(PROVIDERS, caps={"sendgrid": Caps(per_second=4)}))
    both = an_email(somebody(), somebody(), somebody())
    assert [sent_through(desk, both) for _ in range(3)] == [["sendgrid"], ["sendgrid"], ["mailgun"]]
    desk.clock.advance(1)
    assert sent_through(desk, both) == ["sendgrid"]


def test_a_claim_that_has_to_be_made_again_takes_its_place_once(store: Aws) -> None:
    desk = Desk(store, routing=Routing(PROVIDERS, caps={"sendgrid": Caps(per_second=2)}))
    email_id = desk.take(an_email(somebody("ann"), somebody("bob")))
    desk.queue.published()

    def another_writer() -> None:
        head = desk.head(email_id)
        assert desk.heads.update(replace(head, ttl_s=head.ttl_s + 1), desk.clock.now_ms)

    late = Before(desk.heads, "update", another_writer)
    replace(desk.attempt, heads=late)(email_id, 1)
    assert desk.post.providers() == ["sendgrid"]


def test_with_every_second_full_an_email_waits_for_the_next_second(store: Aws) -> None:
    desk = Desk(store, providers=("ses",), routing=Routing(("ses",), caps={"ses": Caps(per_second=1)}))
    assert sent_through(desk) == ["ses"]
    email_id = desk.take(an_email())
    desk.work()
    assert desk.only(email_id).wait_until_ms == desk.clock.now_ms + 1000
    assert desk.later(1) == [(email_id, 1)]
    assert desk.only(email_id).status is Status.SENT


def test_explain_says_what_an_attempt_then_does_and_why(store: Aws) -> None:
    desk = Desk(store, routing=Routing(PROVIDERS, preferences={"example.org": ("ses", "mailgun")}))
    set_health(desk, "ses", breaker_until_ms=desk.clock.now_ms + 60_000, breaker_reason="401")
    email = an_email(Mailbox("ann@example.org"), providers=("ses", "mailgun"))
    told = desk.explain(email, "eml_dry")
    assert told == [
        Standing("ses", State.CLOSED, "breaker open: 401", desk.clock.now_ms + 60_000),
        Standing("mailgun", State.IN, "healthy"),
        Standing("sendgrid", State.OUT, "not among the email's providers"),
    ]
    assert sent_through(desk, email) == ["mailgun"]


@pytest.mark.parametrize("turn", range(8))
def test_explain_draws_the_same_lot_as_the_attempt(store: Aws, turn: int) -> None:
    desk = Desk(store, routing=Routing(PROVIDERS, Policy.WEIGHTED))
    set_health(desk, "mailgun", weight=30 + turn)
    for provider in PROVIDERS:
        desk.post.plan(provider, REFUSED)
    email = an_email()
    email_id = desk.take(email)
    told = [standing.provider for standing in desk.explain(email, email_id)]
    desk.work()
    assert desk.post.providers() == told


def test_explaining_stores_sends_and_takes_nothing(store: Aws) -> None:
    desk = Desk(store, providers=("ses",), routing=Routing(("ses",), caps={"ses": Caps(per_second=1)}))
    for _ in range(3):
        desk.explain(an_email(), "eml_dry")
    assert desk.heads.get("eml_dry") is None
    assert desk.queue.published() == []
    assert sent_through(desk) == ["ses"]
