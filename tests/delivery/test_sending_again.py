"""Sending again to some: only those who need it, in company that already sees each other."""

from app.domain.email import Email, Mailbox, Message
from app.domain.head import EmailStatus, Status, status
from app.domain.kinds import Cause, Kind
from tests.support.harness import Harness
from tests.support.outcomes import UNAVAILABLE
from tests.support.samples import an_email, somebody

ANN, BOB, EVE, DAN = "ann", "bob", "eve", "dan"


def to_four() -> tuple[Email, dict[str, Mailbox]]:
    people = {name: somebody(name) for name in (ANN, BOB, EVE, DAN)}
    email = an_email(people[ANN], cc=(people[BOB],), bcc=(people[EVE], people[DAN]))
    return email, people


def everybody(message: Message) -> tuple[tuple[Mailbox, ...], ...]:
    return message.to, message.cc, message.bcc


def test_an_email_is_first_sent_as_it_was_asked_for(harness: Harness) -> None:
    email, _ = to_four()
    harness.take(email)
    harness.work()
    ((_, message),) = harness.send.calls
    assert everybody(message) == (email.to, email.cc, email.bcc)
    assert (message.visible_to, message.visible_cc) == (email.to, email.cc)


def test_a_whole_call_that_failed_is_made_again_as_it_was(harness: Harness) -> None:
    email, _ = to_four()
    harness.take(email)
    harness.send.plan("sendgrid", UNAVAILABLE)
    harness.work()
    assert [everybody(message) for _, message in harness.send.calls] == [(email.to, email.cc, email.bcc)] * 2


def test_who_got_it_does_not_get_it_again_and_each_bcc_goes_alone(harness: Harness) -> None:
    email, people = to_four()
    email_id = harness.take(email)
    harness.work()
    harness.report(
        harness.event(email_id, Kind.DELIVERED, to=people[ANN].key),
        *(harness.event(email_id, Kind.BLOCKED, to=people[name].key, cause=Cause.POLICY) for name in (BOB, EVE, DAN)),
    )
    harness.work()
    assert [(provider, everybody(message)) for provider, message in harness.send.calls[1:]] == [
        ("mailgun", ((people[BOB],), (), ())),
        ("mailgun", ((people[EVE],), (), ())),
        ("mailgun", ((people[DAN],), (), ())),
    ]
    for _, message in harness.send.calls:  # a provider that takes raw MIME shows the headers of the first copy
        assert (message.visible_to, message.visible_cc) == (email.to, email.cc)
    attempts = harness.head(email_id).attempts
    assert [attempt.recipients for attempt in attempts[1:]] == [(people[name].key,) for name in (BOB, EVE, DAN)]
    assert [message.attempt for _, message in harness.send.calls] == [1, 2, 3, 4]


def test_to_and_cc_that_need_it_share_one_call_in_to(harness: Harness) -> None:
    email, people = to_four()
    email_id = harness.take(email)
    harness.work()
    harness.report(*(harness.event(email_id, Kind.SOFT_BOUNCE, to=people[name].key) for name in (ANN, BOB)))
    harness.work()
    assert [everybody(message) for _, message in harness.send.calls[1:]] == [((people[ANN], people[BOB]), (), ())]


def test_four_fates_of_one_email(harness: Harness) -> None:
    email, people = to_four()
    email_id = harness.take(email)
    harness.work()
    harness.report(
        harness.event(email_id, Kind.HARD_BOUNCE, to=people[ANN].key, cause=Cause.RECIPIENT),
        harness.event(email_id, Kind.SUPPRESSED, to=people[BOB].key, cause=Cause.RECIPIENT),
        harness.event(email_id, Kind.BLOCKED, to=people[EVE].key, cause=Cause.POLICY),
        harness.event(email_id, Kind.DELIVERED, to=people[DAN].key),
    )
    harness.work()
    harness.report(harness.event(email_id, Kind.DELIVERED, to=people[EVE].key))
    recipients = harness.head(email_id).recipients
    assert {name: recipients[people[name].key].status for name in people} == {
        ANN: Status.BOUNCED,
        BOB: Status.SUPPRESSED,
        EVE: Status.DELIVERED,
        DAN: Status.DELIVERED,
    }
    assert status(recipients.values()) is EmailStatus.PARTIALLY_DELIVERED
    assert len(harness.send.calls) == 2


def test_a_bcc_never_sees_another_also_when_its_lone_call_fails_over(harness: Harness) -> None:
    email, people = to_four()
    email_id = harness.take(email)
    harness.work()
    harness.send.plan("mailgun", UNAVAILABLE)
    harness.report(*(harness.event(email_id, Kind.BLOCKED, to=people[name].key) for name in (EVE, DAN)))
    harness.work()
    again = [(provider, everybody(message)) for provider, message in harness.send.calls[1:]]
    assert len(again) == 4
    assert all((provider, ((people[name],), (), ())) in again for provider in ("mailgun", "ses") for name in (EVE, DAN))
    assert status(harness.head(email_id).recipients.values()) is EmailStatus.SENT
