"""Nothing is thrown away because it waits for a limit: such a wait ends with the limit, or when the email expires."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from app.domain.caps import DAY_S, Caps
from app.domain.due import due_at_ms
from app.domain.email import Role
from app.domain.head import Recipient, Status
from app.domain.health import BREAKER_WAITS_MS, pause
from app.domain.kinds import Cause, Kind
from app.domain.limits import is_waited_for, put_off
from app.domain.outcome import Outcome
from app.domain.route import Routing
from tests.support.aws import Aws
from tests.support.harness import Harness
from tests.support.outcomes import ACCOUNT, REFUSED, THROTTLED, UNAVAILABLE, accepted
from tests.support.samples import a_head, an_email

HOUR_S = 3600
QUOTA = Outcome(Kind.THROTTLED, Cause.LIMIT, 429, "You have reached your daily quota")


def at_six(store: Aws, *providers: str, daily: int = 1, **options: int) -> Harness:
    """It is 18:00 UTC, and every provider has a daily cap."""
    routing = Routing(providers, caps={name: Caps(daily=daily) for name in providers})
    harness = Harness(store, providers=providers, routing=routing, **options)  # type: ignore[arg-type] # because the options are Harness's own
    harness.clock.now_s += 18 * HOUR_S - harness.clock.now_s % DAY_S + DAY_S
    return harness


def pass_by(harness: Harness, email_id: str, seconds: float) -> Recipient:
    """Let that time pass as on AWS, where a sweep publishes what is due. Returns the recipient."""
    until_s = harness.clock.now_s + seconds
    harness.work()
    while True:
        due_ms = due_at_ms(harness.head(email_id), harness.clock.now_ms)
        if due_ms is None or due_ms > until_s * 1000:
            break
        harness.until_due(email_id)
    harness.clock.now_s = until_s
    return harness.only(email_id)


def test_an_email_over_the_daily_cap_is_sent_after_midnight(store: Aws) -> None:
    harness = at_six(store, "ses")
    harness.take(an_email())
    email_id = harness.take(an_email())
    harness.work()
    for _ in range(5):
        waiting = pass_by(harness, email_id, HOUR_S)
        assert (waiting.status, waiting.cause) == (Status.QUEUED, Cause.LIMIT)
        assert waiting.detail.startswith("waits for the daily cap of ses (1 recipients) until ")
    assert len(harness.send.calls) == 1
    assert pass_by(harness, email_id, HOUR_S + 1).status is Status.SENT


def test_after_the_limit_the_whole_time_of_retrying_is_left(store: Aws) -> None:
    harness = at_six(store, "ses", daily=2)
    harness.take(an_email())
    harness.take(an_email())
    email_id = harness.take(an_email())
    harness.work()
    pass_by(harness, email_id, 5.9 * HOUR_S)
    harness.send.plan("ses", *[UNAVAILABLE] * 4, accepted())
    assert pass_by(harness, email_id, 3 * HOUR_S).status is Status.SENT
    assert len(harness.head(email_id).attempts) == 5


def test_retrying_ends_in_its_time_after_the_limit(store: Aws) -> None:
    harness = at_six(store, "ses", retry_for_s=HOUR_S)
    harness.take(an_email())
    email_id = harness.take(an_email())
    harness.work()
    pass_by(harness, email_id, 6 * HOUR_S - 1)
    harness.send.plan("ses", UNAVAILABLE)
    assert pass_by(harness, email_id, 1800).status is Status.QUEUED
    ended = pass_by(harness, email_id, HOUR_S)
    assert (ended.status, ended.cause) == (Status.FAILED, Cause.OUTAGE)


@pytest.mark.parametrize("retry_for_s", [pytest.param(0, marks=pytest.mark.full), 600])
def test_an_operators_pause_is_waited_for_until_the_email_expires(store: Aws, retry_for_s: int) -> None:
    harness = Harness(store, providers=("ses",), retry_for_s=retry_for_s)
    harness.another_monitor().update("ses", pause)
    resumed, left = (harness.take(an_email(expires_at_ms=harness.clock.now_ms + 2 * HOUR_S * 1000)) for _ in range(2))
    assert pass_by(harness, resumed, HOUR_S).detail == "waits for ses, paused by an operator"
    assert harness.send.calls == []
    harness.resume("ses")
    assert pass_by(harness, resumed, 120).status is Status.SENT
    harness.another_monitor().update("ses", pause)
    ended = pass_by(harness, left, HOUR_S)
    assert (ended.status, ended.cause) == (Status.EXPIRED, Cause.LIMIT)
    assert ended.detail == "not sent before expires_at: waits for ses, paused by an operator"


@pytest.mark.parametrize("retry_for_s", [pytest.param(0, marks=pytest.mark.full), 4 * HOUR_S])
def test_a_quota_of_the_account_is_waited_for_until_it_is_free(store: Aws, retry_for_s: int) -> None:
    harness = Harness(store, providers=("ses",), retry_for_s=retry_for_s)
    harness.send.plan("ses", QUOTA)
    email_id = harness.take(an_email())
    for hours in range(6):
        waiting = pass_by(harness, email_id, HOUR_S)
        assert (waiting.status, waiting.cause) == (Status.QUEUED, Cause.LIMIT)
        assert waiting.detail.startswith("waits for the quota of ses, which is used up")
        assert "You have reached" not in waiting.detail, "words about somebody else's email"
        assert len(harness.send.calls) < 12 + 7 * hours  # one probe every ten minutes
    harness.send.plan("ses", accepted())
    assert pass_by(harness, email_id, BREAKER_WAITS_MS[-1] / 1000 + 1).status is Status.SENT
    assert not harness.healths.get("ses").over_quota


def test_of_many_that_wait_for_a_quota_one_probes(store: Aws) -> None:
    harness = Harness(store, providers=("ses",))
    harness.send.plan("ses", QUOTA)
    for _ in range(5):
        harness.take(an_email())
    harness.work()
    assert len(harness.send.calls) == 1
    harness.later(BREAKER_WAITS_MS[0] / 1000)
    assert len(harness.send.calls) == 2


def test_another_account_is_used_while_one_is_over_its_quota(store: Aws) -> None:
    harness = Harness(store, providers=("ses", "mailgun"))
    harness.send.plan("ses", QUOTA)
    for _ in range(3):
        harness.take(an_email())
    harness.work()
    assert harness.send.providers() == ["ses", "mailgun", "mailgun", "mailgun"]


def paused(harness: Harness) -> None:
    harness.another_monitor().update("ses", pause)


def over_quota(harness: Harness) -> None:
    harness.another_monitor().record_call("ses", QUOTA, 1)


def capped(harness: Harness) -> None:
    harness.stores.places.take("ses", int(harness.clock()) // DAY_S, 1, 1, harness.clock())


@pytest.mark.parametrize("limit", [paused, over_quota, capped])
@pytest.mark.parametrize(
    "other", [ACCOUNT, *(pytest.param(one, marks=pytest.mark.full) for one in (THROTTLED, UNAVAILABLE, REFUSED))]
)
def test_nobody_ends_without_a_cause_and_a_sentence(
    store: Aws, limit: Callable[[Harness], None], other: Outcome
) -> None:
    """One account is limited for good, another is down, or refuses the email."""
    harness = at_six(store, "ses", "mailgun", retry_for_s=HOUR_S // 2)
    limit(harness)
    harness.send.plan("ses", QUOTA)
    harness.send.plan("mailgun", other)
    email_id = harness.take(an_email(expires_at_ms=harness.clock.now_ms + HOUR_S * 1000))
    harness.work()
    ended = pass_by(harness, email_id, 2 * HOUR_S)
    assert (ended.status, ended.cause) == (Status.EXPIRED, Cause.LIMIT)
    assert "ses" in ended.detail
    assert any(word in ended.detail for word in ("daily cap", "paused", "quota"))


@pytest.mark.parametrize("retry_for_s", [0, HOUR_S])
def test_who_waits_only_for_what_is_down_fails_in_time_with_a_cause(store: Aws, retry_for_s: int) -> None:
    harness = Harness(store, providers=("ses",), retry_for_s=retry_for_s)
    harness.send.plan("ses", replace(THROTTLED, retry_after_s=600))
    email_id = harness.take(an_email())
    harness.work()
    ended = pass_by(harness, email_id, HOUR_S + 1)
    assert (ended.status, ended.cause) == (Status.FAILED, Cause.THROTTLE)


def test_an_email_that_expires_while_every_breaker_is_open_says_so(harness: Harness) -> None:
    for provider in harness.routing.providers:
        harness.another_monitor().record_call(provider, ACCOUNT, 1)
    email_id = harness.take(an_email(expires_at_ms=harness.clock.now_ms + 10_000))
    harness.work()
    ended = pass_by(harness, email_id, 20)
    assert (ended.status, ended.cause) == (Status.EXPIRED, Cause.OUTAGE)
    assert ended.detail


@pytest.mark.full
def test_a_provider_that_left_is_waited_for(store: Aws) -> None:
    harness = Harness(store, providers=("ses",))
    email_id = harness.take(an_email(providers=("ses",)))
    harness.routing = Routing(("mailgun",))
    harness.settings = replace(harness.settings, providers=("mailgun",), routing=harness.routing)
    harness.build()
    assert pass_by(harness, email_id, 5 * HOUR_S).detail == "waits for ses, not in PROVIDERS"


def test_a_canceled_email_that_waited_is_canceled(store: Aws) -> None:
    harness = Harness(store, providers=("ses",))
    harness.another_monitor().update("ses", pause)
    email_id = harness.take(an_email())
    harness.work()
    harness.cancel(email_id, None)
    assert harness.only(email_id).status is Status.CANCELED


WAITS_FOR_LIMITS = Recipient("ann@example.net", Role.TO, wait_until_ms=1000, cause=Cause.LIMIT)


@pytest.mark.parametrize(
    ("other", "is_waited"),
    [
        ({}, True),
        ({"status": Status.SENDING}, False),  # waits for evidence
        ({"cause": Cause.OUTAGE}, False),
        ({"cause": None}, False),
        ({"wait_until_ms": None}, False),  # its turn is now
    ],
    ids=str,
)
def test_only_who_is_queued_and_waits_because_of_a_limit_waits_for_limits(
    other: dict[str, object], is_waited: bool
) -> None:
    recipient = replace(WAITS_FOR_LIMITS, **other)  # type: ignore[arg-type] # because the fields are those of Recipient
    assert is_waited_for(a_head(0, recipients={recipient.key: recipient})) is is_waited


@pytest.mark.parametrize(("waited_ms", "put_off_by_ms"), [(700, 700), (1, 1), (0, 0), (-5, 0)])
def test_the_deadline_is_put_off_by_just_the_time_that_was_waited(waited_ms: int, put_off_by_ms: int) -> None:
    head = a_head(1000, limited_since_ms=5000)  # the clock may have been set back since
    later = put_off(head, 5000 + waited_ms)
    assert later.retry_until_ms == head.retry_until_ms + put_off_by_ms
    assert later.limited_since_ms == 5000 + waited_ms
