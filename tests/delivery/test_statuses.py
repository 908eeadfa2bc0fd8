"""Every status of the README's table, from what happened to what is shown: status, cause, detail, email status."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from app.domain.email import Email, Message, OnUncertain
from app.domain.head import EmailStatus, Head, Status, status
from app.domain.kinds import Cause, Kind
from app.domain.outcome import Outcome
from app.domain.suppression import Reason, Suppression
from tests.support.harness import PROVIDERS, UNCERTAIN_WAIT_S, Harness
from tests.support.outcomes import (
    ACCOUNT,
    ON_PROVIDER_LIST,
    REFUSED,
    THROTTLED,
    UNAVAILABLE,
    UNCERTAIN,
    UNDELIVERABLE,
    accepted,
)
from tests.support.samples import an_email, somebody

Story = Callable[[Harness], Head]  # takes an email to one recipient and lets something happen to it
DAY_S = 24 * 3600


class Shown(NamedTuple):
    """What a story shows of the recipient, and of the email, which has no other."""

    status: Status
    cause: Cause | None
    detail: str
    email: EmailStatus


def taken(harness: Harness, *outcomes: Outcome, **fields: object) -> str:
    """An email after its attempts: every provider answers with `outcomes`, in their order."""
    for provider, outcome in zip(PROVIDERS, outcomes, strict=False):
        harness.send.plan(provider, outcome)
    email_id = harness.take(an_email(**fields))
    harness.work()
    return email_id


def only_accepted(harness: Harness) -> Head:
    return harness.head(harness.take(an_email()))


def scheduled(harness: Harness) -> Head:
    return harness.head(harness.take(an_email(send_at_ms=int((harness.clock() + DAY_S) * 1000))))


def answered(*outcomes: Outcome, later_s: float = 0, **fields: object) -> Story:
    """The providers answer so; then so much time passes."""

    def story(harness: Harness) -> Head:
        email_id = taken(harness, *outcomes, **fields)
        if later_s:
            harness.later(later_s)
        return harness.head(email_id)

    return story


def reported(*kinds: Kind, cause: Cause | None = None, **fields: object) -> Story:
    """The only provider accepts the email and reports these events."""

    def story(harness: Harness) -> Head:
        email_id = taken(harness, providers=("sendgrid",), **fields)
        for kind in kinds:
            harness.report(harness.event(email_id, kind, cause=cause))
        harness.work()
        return harness.head(email_id)

    return story


def under_way(harness: Harness) -> Head:
    seen: list[Head] = []

    def call(message: Message) -> Outcome:
        seen.append(harness.head(message.email_id))
        return accepted()

    harness.send.plan("sendgrid", call)
    harness.take(an_email())
    harness.work()
    return seen[0]


def canceled(harness: Harness) -> Head:
    return harness.cancel(harness.take(an_email()), None)


def superseded(harness: Harness) -> Head:
    bob = somebody("bob")
    email_id = harness.take(an_email(bob, collapse_key="status"))
    harness.clock.advance(1)
    harness.take(an_email(bob, collapse_key="status"))
    harness.work()
    return harness.head(email_id)


def on_our_list(harness: Harness) -> Head:
    bob, now_ms = somebody("bob"), harness.clock.now_ms
    harness.suppressions.put(Suppression(bob.key, Reason.MANUAL, "by phone", now_ms, now_ms + 1000 * DAY_S))
    email_id = harness.take(an_email(bob))
    harness.work()
    return harness.head(email_id)


def expired_unsent(harness: Harness) -> Head:
    email_id = harness.take(an_email(expires_at_ms=harness.clock.now_ms + 30_000))
    harness.clock.advance(30)
    harness.work()
    return harness.head(email_id)


def expired_while_waiting(harness: Harness) -> Head:
    expires_at_ms = harness.clock.now_ms + 30_000
    return answered(UNAVAILABLE, UNAVAILABLE, UNAVAILABLE, later_s=30, expires_at_ms=expires_at_ms)(harness)


QUEUED, SENDING, SENT = EmailStatus.QUEUED, EmailStatus.SENDING, EmailStatus.SENT
DELIVERED, FAILED = EmailStatus.DELIVERED, EmailStatus.FAILED
ALL_DOWN = (UNAVAILABLE, UNAVAILABLE, UNAVAILABLE)

ROWS: dict[str, tuple[Story, Shown]] = {
    "waits for an attempt": (only_accepted, Shown(Status.QUEUED, None, "", QUEUED)),
    "waits for a round, an outage": (
        answered(*ALL_DOWN),
        Shown(Status.QUEUED, Cause.OUTAGE, "no healthy upstream", QUEUED),
    ),
    "waits for a round, an account": (
        answered(ACCOUNT, ACCOUNT, ACCOUNT),
        Shown(Status.QUEUED, Cause.ACCOUNT, "The provided authorization grant is invalid", QUEUED),
    ),
    "waits for a round, throttled": (
        answered(THROTTLED, THROTTLED, THROTTLED),
        Shown(Status.QUEUED, Cause.THROTTLE, "too many requests", QUEUED),
    ),
    "a call is under way": (under_way, Shown(Status.SENDING, None, "", SENDING)),
    "evidence is waited for": (answered(UNCERTAIN), Shown(Status.SENDING, Cause.OUTAGE, "ReadTimeout", SENDING)),
    "a provider took it": (answered(), Shown(Status.SENT, None, "", SENT)),
    "the next provider took it": (answered(UNAVAILABLE), Shown(Status.SENT, None, "", SENT)),
    "delayed": (reported(Kind.DELAYED), Shown(Status.SENT, None, "", SENT)),
    "unsubscribed": (reported(Kind.UNSUBSCRIBED), Shown(Status.SENT, None, "", SENT)),
    "of an unknown kind": (reported(Kind.UNKNOWN), Shown(Status.SENT, None, "", SENT)),
    "delivered": (reported(Kind.DELIVERED), Shown(Status.DELIVERED, None, "", DELIVERED)),
    "opened": (reported(Kind.OPENED), Shown(Status.SENT, None, "", SENT)),
    "clicked": (reported(Kind.CLICKED), Shown(Status.SENT, None, "", SENT)),
    "no such mailbox": (
        reported(Kind.HARD_BOUNCE, cause=Cause.RECIPIENT),
        Shown(Status.BOUNCED, Cause.RECIPIENT, "hard_bounce by the host", FAILED),
    ),
    "no such mailbox, in the answer": (
        answered(UNDELIVERABLE),
        Shown(Status.BOUNCED, Cause.RECIPIENT, "inactive recipient", FAILED),
    ),
    "returned": (
        reported(Kind.DELIVERED, Kind.SOFT_BOUNCE, cause=Cause.UNKNOWN),
        Shown(Status.BOUNCED, Cause.UNKNOWN, "soft_bounce by the host", FAILED),
    ),
    "on our list": (on_our_list, Shown(Status.SUPPRESSED, Cause.RECIPIENT, "on our suppression list", FAILED)),
    "on the provider's list": (
        reported(Kind.SUPPRESSED, cause=Cause.RECIPIENT),
        Shown(Status.SUPPRESSED, Cause.RECIPIENT, "suppressed by the host", FAILED),
    ),
    "on the provider's list, in the answer": (
        answered(ON_PROVIDER_LIST),
        Shown(Status.SUPPRESSED, Cause.RECIPIENT, "on the suppression list", FAILED),
    ),
    "complained": (
        reported(Kind.DELIVERED, Kind.COMPLAINED, cause=Cause.RECIPIENT),
        Shown(Status.COMPLAINED, Cause.RECIPIENT, "complained by the host", DELIVERED),
    ),
    "refused by all": (
        answered(REFUSED, REFUSED, REFUSED),
        Shown(Status.FAILED, Cause.MESSAGE, "file type not allowed", FAILED),
    ),
    "blocked by the only one": (
        reported(Kind.BLOCKED, cause=Cause.POLICY),
        Shown(Status.FAILED, Cause.POLICY, "blocked by the host", FAILED),
    ),
    "dropped by the only one": (
        reported(Kind.DROPPED, cause=Cause.MESSAGE),
        Shown(Status.FAILED, Cause.MESSAGE, "dropped by the host", FAILED),
    ),
    "returned at once by the only one": (
        reported(Kind.SOFT_BOUNCE, cause=Cause.UNKNOWN),
        Shown(Status.FAILED, Cause.UNKNOWN, "soft_bounce by the host", FAILED),
    ),
    "no evidence, and no second copy allowed": (
        answered(UNCERTAIN, later_s=UNCERTAIN_WAIT_S, on_uncertain=OnUncertain.FAIL),
        Shown(
            Status.FAILED,
            Cause.UNKNOWN,
            "it may have arrived: nobody knows what became of 1 call, and no provider has reported on it",
            FAILED,
        ),
    ),
    "scheduled": (scheduled, Shown(Status.SCHEDULED, None, "", EmailStatus.SCHEDULED)),
    "canceled": (canceled, Shown(Status.CANCELED, None, "", EmailStatus.CANCELED)),
    "superseded": (superseded, Shown(Status.CANCELED, None, "superseded by a newer email", EmailStatus.CANCELED)),
    "expired unsent": (
        expired_unsent,
        Shown(Status.EXPIRED, Cause.OUTAGE, "not sent before expires_at", EmailStatus.EXPIRED),
    ),
    "expired while all were down": (
        expired_while_waiting,
        Shown(Status.EXPIRED, Cause.OUTAGE, "no healthy upstream", EmailStatus.EXPIRED),
    ),
}


@pytest.mark.parametrize(("story", "shown"), ROWS.values(), ids=ROWS)
def test_what_is_shown_of_a_recipient(harness: Harness, story: Story, shown: Shown) -> None:
    head = story(harness)
    (recipient,) = head.recipients.values()
    found = Shown(recipient.status, recipient.cause, recipient.detail, status(head.recipients.values()))
    assert found == shown


def test_every_status_has_a_row() -> None:
    assert {shown.status for _, shown in ROWS.values()} == set(Status)
    assert {shown.email for _, shown in ROWS.values()} == set(EmailStatus) - {EmailStatus.PARTIALLY_DELIVERED}


# The events of two recipients (none: the provider has only accepted), and what they add up to for the email.
PAIRS: dict[tuple[Kind | None, Kind | None], EmailStatus] = {
    (None, None): SENT,
    (Kind.DELIVERED, None): SENT,
    (Kind.HARD_BOUNCE, None): SENT,
    (Kind.DELIVERED, Kind.DELIVERED): DELIVERED,
    (Kind.DELIVERED, Kind.COMPLAINED): DELIVERED,
    (Kind.DELIVERED, Kind.HARD_BOUNCE): EmailStatus.PARTIALLY_DELIVERED,
    (Kind.COMPLAINED, Kind.SUPPRESSED): EmailStatus.PARTIALLY_DELIVERED,
    (Kind.DELIVERED, Kind.BLOCKED): EmailStatus.PARTIALLY_DELIVERED,
    (Kind.HARD_BOUNCE, Kind.SUPPRESSED): FAILED,
    (Kind.HARD_BOUNCE, Kind.BLOCKED): FAILED,
}


@pytest.mark.parametrize(("events", "shown"), PAIRS.items(), ids=lambda value: str(value))
def test_what_two_recipients_add_up_to(
    harness: Harness, events: tuple[Kind | None, Kind | None], shown: EmailStatus
) -> None:
    ann, bob = somebody("ann"), somebody("bob")
    email: Email = an_email(ann, bob, providers=("sendgrid",))
    email_id = harness.take(email)
    harness.work()
    for mailbox, kind in zip((ann, bob), events, strict=True):
        if kind is not None:
            harness.report(harness.event(email_id, kind, to=mailbox.key))
    harness.work()
    assert status(harness.head(email_id).recipients.values()) is shown
