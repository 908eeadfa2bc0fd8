"""A pause or resume is in force when it is answered: no call begins after that, in whatever process."""

from app.domain.head import Status
from app.domain.health import pause
from app.domain.kinds import Cause, Kind
from app.errors import ServiceUnavailable
from tests.support.crash import Before
from tests.support.harness import Harness
from tests.support.samples import an_email


def test_after_the_answer_no_process_calls_it(harness: Harness) -> None:
    others = [harness.another_process() for _ in range(3)]
    for parts in others:
        parts.monitor.healths()  # each has just read it
    harness.taken.clear()
    began_s = harness.clock()
    health, since_ms = harness.monitor.put_in_force("sendgrid", pause)
    assert health.paused
    assert (harness.clock() - began_s, since_ms) == (2.5, harness.clock.now_ms)
    for parts in others:
        parts.attempt(harness.take(an_email()), 1)
    assert harness.send.providers() == ["mailgun"] * 3


def test_a_call_that_was_planned_before_it_and_begins_later_is_not_made(harness: Harness) -> None:
    """Between the plan of a call and its beginning lie the claim, and perhaps the wait for a cap per second."""
    email_id = harness.take(an_email())
    parts = harness.another_process(heads=Before(harness.heads, "update", lambda: paused(harness)))
    parts.attempt(email_id, 1)
    assert harness.send.calls == []
    (attempt,) = harness.head(email_id).attempts
    assert (attempt.provider, attempt.outcome, attempt.cause) == ("sendgrid", Kind.UNAVAILABLE, Cause.LIMIT)
    assert attempt.reply == "not called: an operator has just paused it"
    harness.work()
    assert harness.send.providers() == ["mailgun"]
    assert harness.only(email_id).status is Status.SENT
    assert harness.healths.get("sendgrid").breaker_until_ms is None  # nobody judges what was not called


def paused(harness: Harness) -> None:
    harness.another_monitor().update("sendgrid", pause)
    harness.clock.advance(2.5)


def test_if_the_health_cannot_be_read_then_the_claimed_call_is_made(harness: Harness) -> None:
    email_id = harness.take(an_email())
    healths = Before(harness.healths, "get_many")

    def lose_the_health() -> None:
        harness.clock.advance(2.5)
        healths.arm(unreadable)

    heads = Before(harness.heads, "update", lose_the_health)
    harness.another_process(heads=heads, healths=healths).attempt(email_id, 1)
    assert harness.send.providers() == ["sendgrid"]
    assert harness.only(email_id).status is Status.SENT


def unreadable() -> None:
    raise ServiceUnavailable("throttled")
