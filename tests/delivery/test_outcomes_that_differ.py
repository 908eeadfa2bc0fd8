"""A call that is accepted for some of its recipients and refused for others."""

from dataclasses import replace

import pytest

from app.api.v1.stories import write_story
from app.domain.email import Mailbox, Role
from app.domain.head import Status
from app.domain.kinds import Cause, Kind
from app.domain.outcome import Outcome
from app.domain.suppression import Reason
from tests.support.aws import Aws
from tests.support.harness import Harness
from tests.support.outcomes import REFUSED, THROTTLED, UNCERTAIN, UNDELIVERABLE, accepted
from tests.support.samples import an_email, somebody

ON_ITS_LIST = Outcome(Kind.UNDELIVERABLE, Cause.RECIPIENT, reply="suppressed", suppressed=True)


def partly(*others: tuple[Mailbox, Outcome]) -> Outcome:
    return replace(accepted("m-1"), differing={mailbox.key: outcome for mailbox, outcome in others})


def statuses(harness: Harness, email_id: str) -> dict[str, Status]:
    return {key.partition("-")[0].capitalize(): one.status for key, one in harness.head(email_id).recipients.items()}


def test_each_recipient_goes_the_way_of_its_own_outcome(harness: Harness) -> None:
    ann, bob, cat, dan = (somebody(name) for name in ("ann", "bob", "cat", "dan"))
    harness.send.plan("sendgrid", partly((bob, REFUSED), (cat, UNDELIVERABLE), (dan, UNCERTAIN)))
    email_id = harness.take(an_email(ann, bob, cat, dan))
    harness.work()
    assert statuses(harness, email_id) == {
        "Ann": Status.SENT,
        "Bob": Status.SENT,  # through the next provider
        "Cat": Status.BOUNCED,
        "Dan": Status.SENDING,  # waits for evidence
    }
    assert [(name, [one.address for one in message.to]) for name, message in harness.send.calls] == [
        ("sendgrid", [ann.address, bob.address, cat.address, dan.address]),
        ("mailgun", [bob.address]),
    ]


def test_whom_the_provider_refused_for_good_is_suppressed_and_nobody_else(harness: Harness) -> None:
    ann, bob = somebody("ann"), somebody("bob")
    harness.send.plan("sendgrid", partly((bob, UNDELIVERABLE)))
    harness.take(an_email(ann, bob))
    harness.work()
    found = [harness.suppression(one.key) for one in (ann, bob)]
    assert [one and one.reason for one in found] == [None, Reason.HARD_BOUNCE]


def test_on_a_provider_list_is_suppressed_and_asks_nobody_else(harness: Harness) -> None:
    ann, bob = somebody("ann"), somebody("bob")
    harness.send.plan("sendgrid", partly((bob, ON_ITS_LIST)))
    email_id = harness.take(an_email(ann, bob))
    harness.work()
    assert statuses(harness, email_id) == {"Ann": Status.SENT, "Bob": Status.SUPPRESSED}


@pytest.mark.parametrize("other", [REFUSED, THROTTLED, UNDELIVERABLE])
def test_the_story_shows_outcomes_only_where_they_differ(harness: Harness, other: Outcome) -> None:
    ann, bob = somebody("ann"), somebody("bob")
    harness.send.plan("sendgrid", partly((bob, other)))
    email_id = harness.take(an_email(ann, bob))
    plain = harness.take(an_email(somebody()))
    harness.work()
    attempt = harness.head(email_id).attempts[0]
    assert (attempt.outcome, attempt.differing) == (Kind.ACCEPTED, {bob.key: other.kind})
    (first, *_), (only, *_) = (
        write_story(harness.head(one), [], None).model_dump()["attempts"] for one in (email_id, plain)
    )
    assert first["outcomes"] == {ann.address: "accepted", bob.address: other.kind.value}
    assert first["outcome"] == "accepted"
    assert "outcomes" not in only


def test_a_call_that_is_uncertain_for_one_recipient_counts_for_this_one_only(store: Aws) -> None:
    harness = Harness(store, providers=("sendgrid",))
    ann, bob = somebody("ann"), somebody("bob")
    harness.send.plan("sendgrid", partly((bob, UNCERTAIN)), UNCERTAIN)
    email_id = harness.take(an_email(ann, bob))
    harness.work()
    for _ in range(20):
        harness.later(60)
    recipients = harness.head(email_id).recipients
    assert (recipients[ann.key].status, recipients[bob.key].status) == (Status.SENT, Status.FAILED)
    assert recipients[bob.key].cause is Cause.UNKNOWN
    assert [[one.address for one in message.to] for _, message in harness.send.calls] == [
        [ann.address, bob.address],
        [bob.address],  # two calls of unknown outcome are the most under `wait`
    ]


def test_what_a_provider_says_of_somebody_else_changes_nothing(harness: Harness) -> None:
    ann, bob, stranger = somebody("ann"), somebody("bob"), somebody("stranger")
    harness.send.plan("sendgrid", replace(UNDELIVERABLE, differing={stranger.key: UNDELIVERABLE}))
    email_id = harness.take(an_email(ann, bob))
    harness.work()
    assert harness.head(email_id).attempts[0].differing == {}
    # It is not known who of the two is at fault, so both go to the next provider and nobody is suppressed.
    assert statuses(harness, email_id) == {"Ann": Status.SENT, "Bob": Status.SENT}
    for mailbox in (ann, bob, stranger):
        assert harness.suppression(mailbox.key) is None


def test_only_those_who_were_accepted_are_counted_as_accepted(harness: Harness) -> None:
    people = [somebody() for _ in range(5)]
    harness.send.plan("sendgrid", partly(*((mailbox, REFUSED) for mailbox in people[2:])))
    harness.take(an_email(*people))
    harness.work()
    harness.monitor.flush(now=True)
    minute = harness.clock.now_ms // 60_000
    assert harness.healths.minutes("sendgrid", 0, minute, minute).accepted == 2


def test_a_blind_recipient_of_another_outcome_is_asked_for_alone(harness: Harness) -> None:
    ann, bob = somebody("ann"), somebody("bob")
    harness.send.plan("sendgrid", partly((bob, REFUSED)))
    email_id = harness.take(an_email(ann, bcc=(bob,)))
    harness.work()
    assert harness.head(email_id).recipients[bob.key].role is Role.BCC
    (_, second) = harness.send.calls
    assert second[1].to == (Mailbox(bob.address, bob.name),)
    assert bob.address not in {one.address for one in (*second[1].visible_to, *second[1].visible_cc)}
