"""How health, caps, weights and wishes decide which provider an email takes; and that `explain` says the same."""

from collections import Counter
from dataclasses import replace

import pytest

from app.domain.caps import DAY_MS, Caps
from app.domain.email import Email, Mailbox, Message
from app.domain.head import Status
from app.domain.health import BREAKER_WAITS_MS, Health, pause
from app.domain.kinds import Cause, Kind
from app.domain.outcome import Outcome
from app.domain.route import Availability, Candidate, Routing, RoutingPolicy
from app.domain.suppression import Reason, Suppression
from tests.support.aws import Aws
from tests.support.crash import Before
from tests.support.harness import PROVIDERS, Harness
from tests.support.outcomes import ACCOUNT, REFUSED, THROTTLED, UNAVAILABLE, UNDELIVERABLE, accepted
from tests.support.samples import an_email, somebody


def set_health(harness: Harness, name: str, **fields: object) -> None:
    harness.another_monitor().update(name, lambda health: replace(health, **fields))  # type: ignore[arg-type] # because the fields are those of Health


def sent_through(harness: Harness, email: Email | None = None) -> list[str]:
    """The providers that one more email asks, in order."""
    before = len(harness.send.calls)
    harness.take(email or an_email())
    harness.work()
    return harness.send.providers()[before:]


def test_a_low_weight_sends_a_provider_behind_the_others(harness: Harness) -> None:
    set_health(harness, "sendgrid", weight=50)
    assert sent_through(harness) == ["sendgrid"]
    set_health(harness, "sendgrid", weight=40)
    harness.clock.advance(5)
    assert sent_through(harness) == ["mailgun"]


def test_a_provider_in_trouble_loses_its_place_and_gets_it_back(harness: Harness) -> None:
    for _ in range(6):
        harness.clock.advance(60)
        harness.monitor.record_call("sendgrid", Outcome(Kind.UNCERTAIN, Cause.OUTAGE), 60)
        harness.monitor.record_call("sendgrid", REFUSED, 1)  # it does answer
        harness.monitor.flush(now=True)
    assert harness.healths.get("sendgrid").weight == 40
    assert sent_through(harness) == ["mailgun"]
    harness.later(15 * 60)
    assert harness.healths.get("sendgrid").weight == 50
    assert sent_through(harness) == ["sendgrid"]


def test_a_provider_that_takes_its_time_loses_weight_though_its_calls_succeed(harness: Harness) -> None:
    def slowly(_: Message) -> Outcome:
        harness.clock.advance(5)
        return accepted()

    harness.send.plan("sendgrid", slowly)
    minute = harness.clock.now_ms // 60_000
    assert sent_through(harness) == ["sendgrid"]
    harness.monitor.flush(now=True)
    epoch = harness.healths.get("sendgrid").epoch
    assert harness.healths.minutes("sendgrid", epoch, minute, minute + 1).slow == 1
    harness.monitor.record_call("sendgrid", accepted(), 60, duration_ms=5_000)
    harness.monitor.flush(now=True)
    assert harness.healths.get("sendgrid").weight == 90


@pytest.mark.parametrize("fault", [ACCOUNT, THROTTLED])
def test_a_broken_or_resting_provider_is_spared_until_its_time(harness: Harness, fault: Outcome) -> None:
    harness.send.plan("sendgrid", fault)
    assert sent_through(harness) == ["sendgrid", "mailgun"]
    assert sent_through(harness) == ["mailgun"]
    harness.send.plan("sendgrid")
    harness.clock.advance(30)
    assert sent_through(harness) == ["sendgrid"]
    assert sent_through(harness) == ["sendgrid"]


def test_a_failed_probe_costs_one_email_one_call(harness: Harness) -> None:
    harness.send.plan("sendgrid", UNAVAILABLE)
    for _ in range(5):
        assert sent_through(harness) == ["sendgrid", "mailgun"]
    assert sent_through(harness) == ["mailgun"]
    harness.clock.advance(BREAKER_WAITS_MS[0] / 1000)
    assert sent_through(harness) == ["sendgrid", "mailgun"]
    harness.clock.advance(BREAKER_WAITS_MS[0] / 1000)
    assert sent_through(harness) == ["mailgun"]
    harness.clock.advance(BREAKER_WAITS_MS[0] / 1000)
    assert sent_through(harness) == ["sendgrid", "mailgun"]


@pytest.mark.parametrize("fault", [REFUSED, pytest.param(UNDELIVERABLE, marks=pytest.mark.full)])
def test_faults_of_message_or_recipient_never_count_against_a_provider(harness: Harness, fault: Outcome) -> None:
    harness.send.plan("sendgrid", fault)
    for _ in range(30):  # of faults of the provider, five close it and twenty lower its weight
        sent_through(harness)
    harness.monitor.flush(now=True)
    assert harness.healths.get("sendgrid") == Health("sendgrid")


def test_resume_counts_at_once(harness: Harness) -> None:
    harness.send.plan("sendgrid", ACCOUNT)
    sent_through(harness)
    harness.send.plan("sendgrid")
    harness.resume("sendgrid")
    assert sent_through(harness) == ["sendgrid"]


def test_by_weight_emails_are_spread_in_proportion(store: Aws) -> None:
    harness = Harness(store, routing=Routing(PROVIDERS, RoutingPolicy.WEIGHTED))
    set_health(harness, "mailgun", weight=50)
    set_health(harness, "ses", weight=0)
    for _ in range(60):
        sent_through(harness)
    firsts = Counter(harness.send.providers())
    assert 26 <= firsts["sendgrid"] <= 52  # two thirds of sixty, four standard deviations either way
    assert firsts["ses"] <= 8


def test_a_recipients_domain_may_have_a_preference(store: Aws) -> None:
    harness = Harness(store, routing=Routing(PROVIDERS, preferences={"example.org": ("ses",)}))
    assert sent_through(harness, an_email(Mailbox("ann@Example.ORG"))) == ["ses"]
    assert sent_through(harness, an_email(somebody())) == ["sendgrid"]
    assert sent_through(harness, an_email(Mailbox("ann@example.org"), somebody())) == ["sendgrid"]


def test_an_email_restricted_to_a_paused_provider_waits_for_it_and_goes_nowhere_else(harness: Harness) -> None:
    harness.another_monitor().update("ses", pause)
    email_id = harness.take(an_email(providers=("ses",)))
    harness.work()
    assert harness.send.calls == []
    assert harness.only(email_id).wait_until_ms == harness.clock.now_ms + 60_000
    harness.resume("ses")
    harness.later(60)
    assert harness.send.providers() == ["ses"]


def test_what_is_over_a_cap_per_second_goes_to_the_next_provider(store: Aws) -> None:
    harness = Harness(
        store, routing=Routing(PROVIDERS, caps={"sendgrid": Caps(per_second=2), "mailgun": Caps(per_second=1)})
    )
    firsts = [sent_through(harness) for _ in range(4)]
    assert firsts == [["sendgrid"], ["sendgrid"], ["mailgun"], ["ses"]]
    harness.clock.advance(1)
    assert sent_through(harness) == ["sendgrid"]


def test_an_email_to_several_people_takes_as_many_places_of_a_second(store: Aws) -> None:
    harness = Harness(store, routing=Routing(PROVIDERS, caps={"sendgrid": Caps(per_second=6)}))
    three = an_email(somebody(), somebody(), somebody())
    assert [sent_through(harness, three) for _ in range(3)] == [["sendgrid"], ["sendgrid"], ["mailgun"]]
    harness.clock.advance(1)
    assert sent_through(harness, three) == ["sendgrid"]


def test_a_claim_that_has_to_be_made_again_takes_its_place_once(store: Aws) -> None:
    harness = Harness(store, routing=Routing(PROVIDERS, caps={"sendgrid": Caps(per_second=2)}))
    email_id = harness.take(an_email(somebody("ann"), somebody("bob")))
    harness.queue.published()

    def another_writer() -> None:
        head = harness.head(email_id)
        assert harness.heads.update(replace(head, ttl_s=head.ttl_s + 1), harness.clock.now_ms)

    late = Before(harness.heads, "update", another_writer)
    replace(harness.attempt, heads=late)(email_id, 1)
    assert harness.send.providers() == ["sendgrid"]


def test_with_every_second_full_an_email_waits_for_the_next_second(store: Aws) -> None:
    harness = Harness(store, providers=("ses",), routing=Routing(("ses",), caps={"ses": Caps(per_second=1)}))
    assert sent_through(harness) == ["ses"]
    email_id = harness.take(an_email())
    harness.work()
    assert harness.only(email_id).wait_until_ms == harness.clock.now_ms + 1000
    harness.clock.advance(1)
    assert harness.work() == [(email_id, 1)]  # no sweep is needed
    assert harness.only(email_id).status is Status.SENT


def test_explain_says_what_an_attempt_then_does_and_why(store: Aws) -> None:
    harness = Harness(store, routing=Routing(PROVIDERS, preferences={"example.org": ("ses", "mailgun")}))
    set_health(harness, "ses", breaker_until_ms=harness.clock.now_ms + 60_000, breaker_reason="401")
    email = an_email(Mailbox("ann@example.org"), providers=("ses", "mailgun"))
    told = harness.explain(email, "eml_dry", "team").route
    assert told == [
        Candidate("ses", Availability.UNAVAILABLE_FOR_NOW, "breaker open", harness.clock.now_ms + 60_000, words="401"),
        Candidate("mailgun", Availability.AVAILABLE, "healthy"),
        Candidate("sendgrid", Availability.EXCLUDED, "not among the email's providers"),
    ]
    assert sent_through(harness, email) == ["mailgun"]


@pytest.mark.parametrize(
    ("bcc_domain", "first"),
    [("example.org", "ses"), ("elsewhere.example", "sendgrid")],
    ids=["the preference of all", "no preference of all"],
)
@pytest.mark.parametrize("is_suppressed", [False, True])
def test_explain_counts_bcc_as_the_attempt_does(
    store: Aws, bcc_domain: str, first: str, *, is_suppressed: bool
) -> None:
    """A preference counts only if all recipients share it, those in bcc and those on our list too."""
    harness = Harness(store, routing=Routing(PROVIDERS, preferences={"example.org": ("ses",)}))
    hidden = Mailbox(f"eve-{first}-{is_suppressed}@{bcc_domain}".lower())
    if is_suppressed:
        now_ms = harness.clock.now_ms
        harness.suppressions.put(Suppression(hidden.key, Reason.MANUAL, "by phone", now_ms, now_ms + DAY_MS))
    email = an_email(Mailbox("ann@example.org"), bcc=(hidden,))
    assert harness.explain(email, "eml_dry", "team").route[0].provider == first
    assert sent_through(harness, email) == [first]
    ((_, message),) = harness.send.calls
    assert (hidden in message.bcc) is not is_suppressed


@pytest.mark.parametrize("turn", range(8))
def test_explain_draws_the_same_lot_as_the_attempt(store: Aws, turn: int) -> None:
    harness = Harness(store, routing=Routing(PROVIDERS, RoutingPolicy.WEIGHTED))
    set_health(harness, "mailgun", weight=30 + turn)
    for provider in PROVIDERS:
        harness.send.plan(provider, REFUSED)
    email = an_email()
    email_id = harness.take(email)
    told = [candidate.provider for candidate in harness.explain(email, email_id, "team").route]
    harness.work()
    assert harness.send.providers() == told


def test_explaining_stores_sends_and_takes_nothing(store: Aws) -> None:
    harness = Harness(store, providers=("ses",), routing=Routing(("ses",), caps={"ses": Caps(per_second=1)}))
    for _ in range(3):
        harness.explain(an_email(), "eml_dry", "team")
    assert harness.heads.get("eml_dry") is None
    assert harness.queue.published() == []
    assert sent_through(harness) == ["ses"]
