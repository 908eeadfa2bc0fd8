"""Reports that we refuse or fail to record: which of them speak for the provider."""

import json
from dataclasses import replace

import pytest

from app.delivery.our_faults import LOOKUPS_A_MINUTE
from app.domain.event import Webhook
from app.domain.kinds import Kind
from app.errors import NotFound, ServiceUnavailable, Unauthenticated
from tests.support.aws import Aws
from tests.support.calls import Seen
from tests.support.crash import Before
from tests.support.harness import Harness
from tests.support.outcomes import UNAVAILABLE
from tests.support.providers import webhook
from tests.support.samples import an_email, somebody


def sent(harness: Harness, provider: str = "sendgrid") -> str:
    email_id = harness.take(an_email(providers=(provider,)))
    harness.work()
    return email_id


def refuse(harness: Harness, email_id: str, provider: str = "sendgrid") -> None:
    body = json.dumps({"unique_args": {"em_email_id": email_id}}).encode()
    with pytest.raises(Unauthenticated):
        harness.record(provider, Webhook(body, {"signature": "made with another key"}))


def faults(harness: Harness, provider: str = "sendgrid") -> int:
    harness.monitor.flush(now=True)
    minute = harness.clock.now_ms // 60_000
    return harness.healths.minutes(provider, 0, minute - 1, minute).our_faults


def test_a_refused_report_on_an_email_that_waits_for_one_counts(harness: Harness) -> None:
    refuse(harness, sent(harness))
    assert faults(harness) == 1


def test_forgeries_do_not_count(harness: Harness) -> None:
    mine, reported, others = sent(harness), sent(harness), sent(harness, "mailgun")
    harness.report(harness.event(reported, Kind.DELIVERED))
    for email_id in ("", "eml_k5f2qj7wz3xn6c4vb2m7t5h3ae", reported, others):
        harness.clock.advance(60)
        refuse(harness, email_id)
    assert faults(harness) == 0
    refuse(harness, mine, "ses")
    assert faults(harness, "ses") == 0


def test_one_of_several_reports_in_a_webhook_is_enough(harness: Harness) -> None:
    reported, mine = sent(harness), sent(harness)
    harness.report(harness.event(reported, Kind.DELIVERED))
    refuse(harness, f"{reported}, {reported}, {mine}")
    assert faults(harness) == 1


def test_the_lookups_of_one_account_leave_those_of_another(harness: Harness) -> None:
    mine = sent(harness, "mailgun")
    for _ in range(3 * LOOKUPS_A_MINUTE):
        refuse(harness, "eml_k5f2qj7wz3xn6c4vb2m7t5h3ae")
    refuse(harness, mine, "mailgun")
    assert faults(harness, "mailgun") == 1


@pytest.mark.parametrize("path", ["sendgrid", "sendgrid:uk"])
def test_a_report_that_comes_at_a_wrong_path_counts_for_the_account_that_the_email_went_to(
    store: Aws, path: str
) -> None:
    harness = Harness(store, providers=("sendgrid", "sendgrid:eu"))
    body = sent(harness, "sendgrid:eu").encode()
    with pytest.raises((Unauthenticated, NotFound)):
        harness.record(path, Webhook(body, {"signature": "made with another key"}))
    assert [faults(harness, account) for account in ("sendgrid", "sendgrid:eu")] == [0, 1]


def test_a_refused_report_counts_for_no_account_that_another_one_handed_the_email_to(harness: Harness) -> None:
    harness.send.plan("sendgrid", UNAVAILABLE)
    email_id = harness.take(an_email())
    harness.work()
    assert harness.send.providers() == ["sendgrid", "mailgun"]
    refuse(harness, email_id)
    assert (faults(harness), faults(harness, "mailgun")) == (0, 0)


def test_few_are_looked_up_a_minute(harness: Harness) -> None:
    heads = Seen(harness.heads)
    harness.build(heads=heads)
    for _ in range(3 * LOOKUPS_A_MINUTE):
        refuse(harness, "eml_k5f2qj7wz3xn6c4vb2m7t5h3ae")
    assert heads.times("get") == LOOKUPS_A_MINUTE
    harness.clock.advance(60)
    refuse(harness, "eml_k5f2qj7wz3xn6c4vb2m7t5h3ae")
    assert heads.times("get") == LOOKUPS_A_MINUTE + 1


def test_a_report_that_could_not_be_recorded_counts(harness: Harness) -> None:
    def fail() -> None:
        raise ServiceUnavailable("throttled")

    email_id = sent(harness)
    event = harness.event(email_id, Kind.DELIVERED)
    harness.build(events=Before(harness.events, "put", fail))
    with pytest.raises(ServiceUnavailable):
        harness.record("sendgrid", webhook([event]))
    assert faults(harness) == 1
    harness.record("sendgrid", webhook([event]))
    assert faults(harness) == 1


def test_a_wrong_webhook_key_condemns_nobody_and_sends_nothing_twice(harness: Harness) -> None:
    """The whole way: critical emails for an hour, all of whose reports are answered with 401."""
    harness.another_monitor().update("sendgrid", lambda health: replace(health, usual_share=0.95, usual_of=1000))
    two = (somebody(), somebody())
    for _ in range(15):  # of these thirty recipients twenty and more are old enough in the end to be judged
        email_id = harness.take(an_email(*two, critical=True))
        harness.work()
        refuse(harness, email_id)
        harness.later(4 * 60)
    assert harness.send.providers() == ["sendgrid"] * 15
    health = harness.healths.get("sendgrid")
    assert (health.silent, health.webhooks_failing, health.weight) == (False, True, 100)
