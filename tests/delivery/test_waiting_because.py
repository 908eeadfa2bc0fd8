"""A story says what a recipient waits for, for every reason, as the waits really come about."""

from dataclasses import replace

import pytest

from app.api.v1.stories import summarize
from app.domain.caps import Caps
from app.domain.head import Status
from app.domain.health import pause
from app.domain.kinds import Cause, Kind
from app.domain.outcome import Outcome
from app.domain.route import Routing
from app.domain.waiting import Waiting
from tests.support.aws import Aws
from tests.support.harness import Harness
from tests.support.outcomes import ACCOUNT, REFUSED, THROTTLED, UNAVAILABLE, UNCERTAIN, accepted
from tests.support.samples import an_email

QUOTA = Outcome(Kind.THROTTLED, Cause.LIMIT, 429, "You have reached your daily quota")


def told(harness: Harness, email_id: str) -> str | None:
    """What the only recipient waits for, as the API tells it; it has a time if it waits, and only then."""
    (recipient,) = summarize(harness.head(email_id)).recipients
    assert (recipient.waiting_because is None) is (recipient.next_attempt_at is None)
    return recipient.waiting_because


def of(store: Aws, *providers: str, **caps: Caps) -> Harness:
    return Harness(store, providers=providers, routing=Routing(providers, caps=caps))


def test_a_round(store: Aws) -> None:
    harness = of(store, "ses", "mailgun")
    for name in ("ses", "mailgun"):
        harness.send.plan(name, UNAVAILABLE, accepted())
    email_id = harness.take(an_email())
    assert told(harness, email_id) is None  # it is queued, and waits for nothing
    harness.work()
    assert told(harness, email_id) == Waiting.ROUND
    harness.until_due(email_id)
    assert (told(harness, email_id), harness.only(email_id).status) == (None, Status.SENT)


def test_evidence_after_an_uncertain_call(store: Aws) -> None:
    harness = of(store, "ses")
    harness.send.plan("ses", UNCERTAIN)
    email_id = harness.take(an_email())
    harness.work()
    assert told(harness, email_id) == Waiting.EVIDENCE
    harness.report(harness.event(email_id, Kind.DELIVERED))
    assert told(harness, email_id) is None


def test_evidence_of_a_critical_email_that_may_be_rescued(store: Aws) -> None:
    harness = of(store, "ses", "mailgun")
    email_id = harness.take(an_email(critical=True))
    harness.work()
    assert (harness.only(email_id).status, told(harness, email_id)) == (Status.SENT, Waiting.EVIDENCE)


@pytest.mark.parametrize(
    ("fault", "word"), [(ACCOUNT, Waiting.BREAKER), (replace(THROTTLED, retry_after_s=600), Waiting.COOLDOWN)]
)
def test_a_breaker_or_a_cooldown_while_no_other_is_left(store: Aws, fault: Outcome, word: Waiting) -> None:
    harness = of(store, "ses", "mailgun")
    harness.send.plan("ses", fault)
    harness.send.plan("mailgun", REFUSED)
    harness.take(an_email())
    harness.work()
    harness.send.plan("mailgun", REFUSED)  # for good: no round calls it again
    email_id = harness.take(an_email())
    harness.work()
    assert harness.send.providers() == ["ses", "mailgun", "mailgun"]
    assert told(harness, email_id) == word


def test_what_ends_first_is_told(store: Aws) -> None:
    harness = of(store, "ses", "mailgun")
    harness.send.plan("ses", replace(THROTTLED, retry_after_s=3600))
    harness.take(an_email())
    harness.work()
    harness.send.plan("mailgun", UNAVAILABLE)
    email_id = harness.take(an_email())
    harness.work()
    assert told(harness, email_id) == Waiting.ROUND  # after a minute, before the hour of the cooldown


@pytest.mark.parametrize("cap", [Caps(daily=1), Caps(per_second=1)], ids=["day", "second"])
def test_a_cap(store: Aws, cap: Caps) -> None:
    harness = of(store, "ses", ses=cap)
    harness.take(an_email())
    email_id = harness.take(an_email())
    harness.work()
    assert told(harness, email_id) == Waiting.CAP


def test_the_accounts_own_quota(store: Aws) -> None:
    harness = of(store, "ses")
    harness.send.plan("ses", QUOTA)
    email_id = harness.take(an_email())
    harness.work()
    assert told(harness, email_id) == Waiting.CAP


def test_a_pause(store: Aws) -> None:
    harness = of(store, "ses")
    harness.another_monitor().update("ses", pause)
    email_id = harness.take(an_email())
    harness.work()
    assert told(harness, email_id) == Waiting.PAUSED
    harness.cancel(email_id, None)
    assert told(harness, email_id) is None


def test_a_schedule(store: Aws) -> None:
    harness = of(store, "ses")
    email_id = harness.take(an_email(send_at_ms=harness.clock.now_ms + 3_600_000))
    assert told(harness, email_id) == Waiting.SCHEDULE
