"""A drop after the 202 that speaks of our account: the account is spared, and the email goes on."""

import pytest

from app.domain.caps import DAY_S, Caps
from app.domain.head import Status
from app.domain.health import BREAKER_WAITS_MS, COOLDOWN_MS
from app.domain.kinds import Cause, Kind
from app.domain.route import Routing
from tests.support.aws import Aws
from tests.support.harness import PROVIDERS, Harness
from tests.support.outcomes import ACCOUNT, REFUSED, UNAVAILABLE, accepted
from tests.support.samples import an_email


def dropped(harness: Harness, cause: Cause = Cause.LIMIT) -> str:
    """Send an email, and let the provider that took it drop it."""
    email_id = harness.take(an_email())
    harness.work()
    harness.report(harness.event(email_id, Kind.DROPPED, cause=cause))
    harness.work()
    return email_id


@pytest.mark.parametrize(
    "cause",
    [
        Cause.ACCOUNT,
        pytest.param(Cause.LIMIT, marks=pytest.mark.full),
        pytest.param(Cause.THROTTLE, marks=pytest.mark.full),
    ],
)
def test_the_first_drop_spares_the_next_emails_the_detour(harness: Harness, cause: Cause) -> None:
    email_id = dropped(harness, cause)
    assert harness.only(email_id).status is Status.SENT
    for _ in range(55):
        harness.take(an_email())
    harness.work()
    assert harness.send.providers() == ["sendgrid"] + ["mailgun"] * 56
    harness.clock.advance(max(COOLDOWN_MS, BREAKER_WAITS_MS[0]) / 1000)
    harness.take(an_email())
    harness.work()
    assert harness.send.providers()[-1] == "sendgrid"


@pytest.mark.parametrize("cause", [Cause.MESSAGE, Cause.POLICY, Cause.UNKNOWN])
def test_a_drop_of_something_else_spares_nobody(harness: Harness, cause: Cause) -> None:
    dropped(harness, cause)
    harness.take(an_email())
    harness.work()
    assert harness.send.providers() == ["sendgrid", "mailgun", "sendgrid"]


@pytest.mark.parametrize("kind", [Kind.BLOCKED, Kind.SOFT_BOUNCE, Kind.UNKNOWN])
@pytest.mark.parametrize("cause", [Cause.ACCOUNT, Cause.LIMIT, Cause.THROTTLE])
def test_what_is_no_drop_spares_nobody_whatever_its_cause(harness: Harness, kind: Kind, cause: Cause) -> None:
    email_id = harness.take(an_email())
    harness.work()
    harness.report(harness.event(email_id, kind, cause=cause))
    health = harness.healths.get("sendgrid")
    assert (health.breaker_until_ms, health.cooldown_until_ms) == (None, None)


def test_a_webhook_that_comes_again_breaks_nothing_that_was_mended(harness: Harness) -> None:
    email_id = harness.take(an_email())
    harness.work()
    event = harness.event(email_id, Kind.DROPPED, cause=Cause.ACCOUNT)
    harness.report(event)
    harness.resume("sendgrid")
    harness.report(event)
    assert harness.healths.get("sendgrid").breaker_until_ms is None


def test_an_account_that_left_has_no_health_to_break(harness: Harness) -> None:
    harness.send.plan("sendgrid", REFUSED)
    email_id = harness.take(an_email())
    harness.work()
    harness.routing = Routing(PROVIDERS[:1])
    harness.monitor._providers = PROVIDERS[:1]
    harness.report(harness.event(email_id, Kind.DROPPED, cause=Cause.ACCOUNT))
    assert harness.healths.get("mailgun").breaker_until_ms is None


def test_the_only_provider_over_its_quota_is_waited_for_and_the_dropped_email_goes_out(store: Aws) -> None:
    harness = Harness(store, providers=("ses",), retry_for_s=0)
    email_id = dropped(harness)
    waiting = harness.only(email_id)
    assert (waiting.status, waiting.cause) == (Status.QUEUED, Cause.LIMIT)
    assert "ses" in waiting.detail
    for _ in range(3):
        harness.later(60)
    assert harness.only(email_id).status is Status.SENT


def test_a_probe_that_is_refused_lets_the_others_through(store: Aws) -> None:
    harness = Harness(store, providers=("ses",))
    harness.another_monitor().record_call("ses", ACCOUNT, 1)
    harness.clock.advance(BREAKER_WAITS_MS[0] / 1000)
    harness.send.plan("ses", REFUSED, accepted())
    for _ in range(5):
        harness.take(an_email())
    harness.work()
    assert len(harness.send.calls) == 5


def test_a_503_for_an_email_that_was_taken_all_the_same_is_counted_late(store: Aws) -> None:
    harness = Harness(store, routing=Routing(PROVIDERS, caps={"sendgrid": Caps(daily=2)}))
    harness.send.plan("sendgrid", UNAVAILABLE, accepted())
    email_id = harness.take(an_email())
    harness.work()
    day = int(harness.clock()) // DAY_S
    assert harness.stores.places.taken("sendgrid", day) == 0
    event = harness.event(email_id, Kind.DELIVERED, attempt=1)
    for _ in range(2):
        harness.report(event)
    assert harness.stores.places.taken("sendgrid", day) == 1
