"""An email with nobody in `to`: each recipient is addressed alone, and nobody sees a `bcc` that is not their own."""

from dataclasses import replace

import pytest

from app.domain.email import Mailbox
from app.domain.head import EmailStatus, status
from app.domain.kinds import Kind
from tests.support.harness import Harness
from tests.support.outcomes import THROTTLED, UNAVAILABLE
from tests.support.samples import an_email, somebody


def take(harness: Harness, cc: tuple[Mailbox, ...], bcc: tuple[Mailbox, ...]) -> str:
    return harness.take(replace(an_email(), to=(), cc=cc, bcc=bcc))


@pytest.mark.parametrize(("ccs", "bccs"), [(0, 1), (0, 3), (1, 0), (2, 0), (2, 2)])
def test_each_recipient_gets_one_call_that_is_to_them_alone(harness: Harness, ccs: int, bccs: int) -> None:
    cc, bcc = tuple(somebody("cc") for _ in range(ccs)), tuple(somebody("bcc") for _ in range(bccs))
    email_id = take(harness, cc, bcc)
    harness.work()
    messages = [message for _, message in harness.send.calls]
    assert [message.to for message in messages] == [(one,) for one in (*cc, *bcc)]
    assert {(message.cc, message.bcc, message.visible_cc) for message in messages} == {((), (), cc)}
    assert [message.visible_to for message in messages] == [() if cc else (one,) for one in (*cc, *bcc)]
    assert {recipient.attempt for recipient in harness.head(email_id).recipients.values()} == {
        attempt.number for attempt in harness.head(email_id).attempts
    }
    assert status(harness.head(email_id).recipients.values()) is EmailStatus.SENT


def test_a_failover_is_of_one_recipient_alone(harness: Harness) -> None:
    first, second = somebody("first"), somebody("second")
    harness.send.plan("sendgrid", UNAVAILABLE)
    email_id = take(harness, (), (first, second))
    harness.work()
    head = harness.head(email_id)
    assert [(attempt.provider, attempt.recipients, attempt.outcome) for attempt in head.attempts] == [
        ("sendgrid", (first.key,), Kind.UNAVAILABLE),
        ("sendgrid", (second.key,), Kind.UNAVAILABLE),
        ("mailgun", (first.key,), Kind.ACCEPTED),
        ("mailgun", (second.key,), Kind.ACCEPTED),
    ]
    assert all(len(message.to) == 1 for _, message in harness.send.calls)


def test_a_later_round_is_of_one_recipient_alone(harness: Harness) -> None:
    people = (somebody("first"), somebody("second"))
    for provider in harness.routing.providers:
        harness.send.plan(provider, THROTTLED)
    email_id = take(harness, (), people)
    harness.work()
    for provider in harness.routing.providers:
        harness.send.plan(provider)
    harness.later(3600)
    assert status(harness.head(email_id).recipients.values()) is EmailStatus.SENT
    assert all(len(message.to) == 1 and not message.bcc for _, message in harness.send.calls)
