"""A provider's own suppression list is that provider's: with the override, and after a lift, the next one is asked."""

from dataclasses import replace

import pytest

from app.domain.head import Recipient, Status
from app.domain.kinds import Cause, Kind
from app.domain.suppression import Reason, Suppression
from tests.support.harness import Harness
from tests.support.outcomes import ON_PROVIDER_LIST, UNDELIVERABLE
from tests.support.samples import an_email, somebody


@pytest.fixture(params=["override", "lifted"])
def email_id(harness: Harness, request: pytest.FixtureRequest) -> str:
    """An email that passes the lists: by its override, or because its recipient was lifted before."""
    bob = somebody("bob")
    if request.param == "lifted":
        now_ms = harness.clock.now_ms
        harness.suppressions.put(Suppression(bob.key, Reason.PROVIDER_LIST, "on a list", now_ms, now_ms + 10**9))
        harness.clock.advance(1)
        assert harness.suppressions.lift(bob.key, harness.clock.now_ms)
    return harness.take(an_email(bob, override_suppression=request.param == "override"))


def is_suppressed(harness: Harness, who: Recipient) -> bool:
    return harness.suppression(who.key) is not None


def test_an_answer_that_names_the_list_is_followed_by_the_next_provider(harness: Harness, email_id: str) -> None:
    harness.send.plan("sendgrid", ON_PROVIDER_LIST)
    harness.work()
    assert harness.send.providers() == ["sendgrid", "mailgun"]
    assert harness.only(email_id).status is Status.SENT
    assert not is_suppressed(harness, harness.only(email_id))


def test_and_so_is_a_report(harness: Harness, email_id: str) -> None:
    harness.work()
    event = harness.event(email_id, Kind.SUPPRESSED, cause=Cause.RECIPIENT)
    harness.report(event)
    harness.work()
    harness.report(event)
    assert harness.send.providers() == ["sendgrid", "mailgun"]
    assert harness.only(email_id).status is Status.SENT
    assert not is_suppressed(harness, harness.only(email_id))


def test_if_every_provider_has_it_on_its_list_the_last_one_is_named(harness: Harness, email_id: str) -> None:
    own_lists = {name: f"the settings of {name}" for name in ("sendgrid", "mailgun", "ses")}
    harness.attempt = replace(harness.attempt, own_lists=own_lists)
    for provider in own_lists:
        harness.send.plan(provider, ON_PROVIDER_LIST)
    harness.work()
    assert harness.send.providers() == list(own_lists)
    ended = harness.only(email_id)
    assert (ended.status, ended.cause) == (Status.FAILED, Cause.RECIPIENT)
    assert ended.detail.endswith("On ses's own suppression list; to clear it: the settings of ses.")
    assert not is_suppressed(harness, ended)


def test_a_mailbox_that_does_not_exist_ends_it_all_the_same(harness: Harness, email_id: str) -> None:
    harness.send.plan("sendgrid", UNDELIVERABLE)
    harness.work()
    assert harness.send.providers() == ["sendgrid"]
    assert harness.only(email_id).status is Status.BOUNCED
    assert is_suppressed(harness, harness.only(email_id))


@pytest.mark.parametrize("is_reported", [False, True])
def test_without_it_the_list_ends_the_email_and_story_and_evidence_say_where_it_is_cleared(
    harness: Harness, *, is_reported: bool
) -> None:
    where = {"sendgrid": "the settings of SendGrid"}
    harness.attempt = replace(harness.attempt, own_lists=where)
    harness.record = replace(harness.record, own_lists=where)
    if not is_reported:
        harness.send.plan("sendgrid", ON_PROVIDER_LIST)
    email_id = harness.take(an_email(somebody("bob")))
    harness.work()
    if is_reported:
        harness.report(harness.event(email_id, Kind.SUPPRESSED, cause=Cause.RECIPIENT))
    ended = harness.only(email_id)
    sentence = "On sendgrid's own suppression list; to clear it: the settings of SendGrid."
    found = harness.suppression(ended.key)
    assert ended.status is Status.SUPPRESSED
    assert ended.detail.endswith(sentence)
    assert found is not None
    assert found.evidence.endswith(sentence)
