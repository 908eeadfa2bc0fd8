"""Test mail: the local part of a recipient decides what becomes of it, by the same steps as for real mail."""

from dataclasses import replace

import pytest

from app.delivery.drafts import Accepted
from app.domain.due import due_at_ms
from app.domain.email import Email, Mailbox
from app.domain.head import EmailStatus, Head, Status, Stop, status
from app.domain.kinds import Cause, Kind
from app.domain.project import of_test_keys
from app.domain.route import Availability
from app.domain.sandbox import DELIVERED_LATE_MS, REPORTS, behaviour
from app.domain.sandbox_accounts import ACCOUNTS
from app.domain.suppression import Reason
from app.errors import Conflict, Invalid, NotFound
from tests.support.harness import Harness
from tests.support.providers import webhook
from tests.support.samples import an_email

FIRST, SECOND = ACCOUNTS
TEAM = of_test_keys("team")


def to(*local: str, **options: object) -> Email:
    return replace(an_email(), to=tuple(Mailbox(f"{each}@any.example") for each in local), **options)  # type: ignore[arg-type] # because tests name fields of an email only


def accept(harness: Harness, email: Email, key: str | None = None) -> Accepted:
    accepted = harness.accept(email, project=TEAM, key=key)
    harness.taken.add(accepted.head.email_id)
    return accepted


def send(harness: Harness, *local: str, **options: object) -> str:
    """Send a test email and make what attempts there are. Returns its id."""
    email_id = accept(harness, to(*local, **options)).head.email_id
    harness.work()
    return email_id


def attempts(head: Head) -> list[tuple[str, Kind | None]]:
    return [(attempt.provider, attempt.outcome) for attempt in head.attempts]


def events(harness: Harness, email_id: str) -> list[tuple[str, Kind]]:
    return [(event.provider, event.kind) for event in harness.read.story(email_id, TEAM).events]


# Local part: the recipient's status and its cause, the calls, and the events in the order of the story.
TAKEN = [(FIRST, Kind.ACCEPTED)]
WHAT_BECOMES_OF = {
    "delivered": (Status.DELIVERED, None, TAKEN, [(FIRST, Kind.DELIVERED)]),
    "anybody.else": (Status.DELIVERED, None, TAKEN, [(FIRST, Kind.DELIVERED)]),
    "bounced": (Status.BOUNCED, Cause.RECIPIENT, TAKEN, [(FIRST, Kind.HARD_BOUNCE)]),
    "blocked": (
        Status.FAILED,
        Cause.POLICY,
        [*TAKEN, (SECOND, Kind.ACCEPTED)],
        [(FIRST, Kind.BLOCKED), (SECOND, Kind.BLOCKED)],
    ),
    "complained": (
        Status.COMPLAINED,
        Cause.RECIPIENT,
        TAKEN,
        [(FIRST, Kind.DELIVERED), (FIRST, Kind.COMPLAINED)],
    ),
    "suppressed": (Status.SUPPRESSED, Cause.RECIPIENT, [], []),
    "delayed": (Status.SENT, None, TAKEN, [(FIRST, Kind.DELAYED)]),
    "silent": (Status.SENT, None, TAKEN, []),
    "failover": (
        Status.DELIVERED,
        None,
        [(FIRST, Kind.UNAVAILABLE), (SECOND, Kind.ACCEPTED)],
        [(SECOND, Kind.DELIVERED)],
    ),
}


@pytest.mark.parametrize("label", ["", "+order-7"])
@pytest.mark.parametrize("local", WHAT_BECOMES_OF)
def test_the_local_part_decides(harness: Harness, local: str, label: str) -> None:
    now, cause, calls, reports = WHAT_BECOMES_OF[local]
    email_id = send(harness, local.title() + label)
    recipient, head = harness.only(email_id), harness.head(email_id)
    assert (recipient.status, recipient.cause) == (now, cause)
    assert attempts(head) == calls
    assert sorted(events(harness, email_id)) == sorted(reports)  # at one time, as this clock stands still
    assert harness.send.calls == []
    if local != "delayed":
        assert due_at_ms(head, harness.clock.now_ms) is None
        assert harness.later(3600) == []


def test_every_local_part_is_tried_here() -> None:
    assert {behaviour(f"{local}@any.example") for local in WHAT_BECOMES_OF} == set(REPORTS)
    assert behaviour('"a..b"@any.example') == "delivered"


def test_what_is_delayed_is_delivered_seconds_later(harness: Harness) -> None:
    email_id = send(harness, "delayed")
    assert [(email, number) for _, email, number in harness.delayed] == [(email_id, 2)]
    harness.clock.advance(DELIVERED_LATE_MS / 1000)
    assert harness.work() == [(email_id, 2)]
    assert harness.only(email_id).status is Status.DELIVERED
    assert events(harness, email_id) == [(FIRST, Kind.DELAYED), (FIRST, Kind.DELIVERED)]
    assert due_at_ms(harness.head(email_id), harness.clock.now_ms) is None


def test_a_delayed_message_that_is_lost_is_made_up_for_by_the_sweep(harness: Harness) -> None:
    email_id = send(harness, "delayed")
    harness.delayed.clear()
    assert harness.later(DELIVERED_LATE_MS / 1000) == []  # the message would be on its way
    assert harness.later(10) == [(email_id, 2)]
    assert harness.only(email_id).status is Status.DELIVERED


def test_each_recipient_of_one_email_has_its_own(harness: Harness) -> None:
    email_id = send(harness, *WHAT_BECOMES_OF)
    harness.clock.advance(DELIVERED_LATE_MS / 1000)
    harness.work()
    head = harness.head(email_id)
    expected = {local: outcome[0] for local, outcome in WHAT_BECOMES_OF.items()} | {"delayed": Status.DELIVERED}
    assert {key.partition("@")[0]: recipient.status for key, recipient in head.recipients.items()} == expected
    assert status(head.recipients.values()) is EmailStatus.SENT  # because of silent@
    assert attempts(head)[0] == (FIRST, Kind.ACCEPTED)
    assert head.attempts[0].outcome_for("failover@any.example") is Kind.UNAVAILABLE
    told = [(event.recipient, event.attempt, event.kind) for event in harness.read.story(email_id, TEAM).events]
    assert len(told) == len(set(told)) == 10


def test_failover_without_another_account_waits_for_rounds_and_fails(harness: Harness) -> None:
    email_id = send(harness, "failover", providers=(FIRST,))
    assert harness.only(email_id).wait_until_ms is not None
    while harness.until_due(email_id):
        pass
    recipient, head = harness.only(email_id), harness.head(email_id)
    assert (recipient.status, recipient.cause) == (Status.FAILED, Cause.OUTAGE)
    assert len(head.attempts) + sum(calls.count for calls in head.earlier.values()) > 5
    assert harness.send.calls == []


def test_the_answer_names_who_is_suppressed_and_the_accounts(harness: Harness) -> None:
    head = accept(harness, to("suppressed", "delivered")).head
    assert {key: notice.reason for key, notice in head.suppressed.items()} == {
        "suppressed@any.example": Reason.HARD_BOUNCE
    }
    assert head.sandbox
    assert [name for name in (*harness.settings.providers, *ACCOUNTS) if head.may_use(name)] == list(ACCOUNTS)


def test_a_test_key_names_accounts_of_the_sandbox_only(harness: Harness) -> None:
    with pytest.raises(Invalid, match=r"providers\[1\]: is no account of the sandbox, and a test key sends through"):
        accept(harness, to("delivered", providers=(SECOND, "sendgrid")))
    with pytest.raises(Invalid, match=r"providers\[0\]: is an account of the sandbox, through which only test keys"):
        harness.take(to("delivered", providers=(FIRST,)))
    email_id = send(harness, "delivered", providers=(SECOND,))
    assert attempts(harness.head(email_id)) == [(SECOND, Kind.ACCEPTED)]


def test_what_a_real_key_would_be_refused_a_test_key_is_refused(harness: Harness) -> None:
    refuse = replace(harness.accept, objections=lambda email: dict.fromkeys(email.providers or ("ses",), "too large"))
    with pytest.raises(Invalid, match="no provider can carry this email: ses: too large"):
        refuse(to("delivered", providers=(FIRST,)), project=TEAM, key=None)


def test_it_is_explained_by_the_sandbox(harness: Harness) -> None:
    explained = harness.explain(to("delivered", "suppressed", providers=(SECOND,)), "eml_dry", TEAM)
    assert [(one.provider, one.availability) for one in explained.route] == [
        (FIRST, Availability.EXCLUDED),
        (SECOND, Availability.AVAILABLE),
    ]
    assert list(explained.suppressed) == ["suppressed@any.example"]
    sandbox = replace(harness.explain.sandbox, objections=lambda _: {"ses": "too large"})  # type: ignore[type-var] # because it is a dataclass
    assert {one.why for one in sandbox(to("delivered")).route} == {"ses: too large"}


def test_idempotency_keys_of_both_kinds_of_keys_are_apart(harness: Harness) -> None:
    first, again = (accept(harness, to("delivered"), "key-e-1") for _ in range(2))
    assert (first.replayed, again.replayed) == (False, True)
    assert again.head.email_id == first.head.email_id
    with pytest.raises(Conflict):
        accept(harness, to("bounced"), "key-e-1")
    real = harness.accept(an_email(), project="team", key="key-e-1")
    assert (real.replayed, real.head.sandbox) == (False, False)


def test_collapse_keys_replace_test_mail_by_test_mail_only(harness: Harness) -> None:
    real = harness.accept(to("delivered", collapse_key="reset"), project="team", key=None).head
    first = accept(harness, to("delivered", collapse_key="reset")).head
    second = accept(harness, to("delivered", collapse_key="reset")).head
    harness.taken.add(real.email_id)
    harness.work()
    assert harness.head(first.email_id).stopped is Stop.SUPERSEDED
    assert harness.only(second.email_id).status is Status.DELIVERED
    assert harness.only(real.email_id).status is Status.SENT


def test_it_can_be_canceled_while_it_waits(harness: Harness) -> None:
    email_id = accept(harness, to("delivered")).head.email_id
    assert harness.cancel(email_id, TEAM).stopped is Stop.CANCELED
    harness.work()
    assert harness.only(email_id).status is Status.CANCELED
    assert harness.head(email_id).attempts == ()
    with pytest.raises(Conflict):
        harness.cancel(send(harness, "silent"), TEAM)


def test_it_expires_as_real_mail_does(harness: Harness) -> None:
    email_id = send(harness, "failover", providers=(FIRST,), expires_at_ms=harness.clock.now_ms + 30_000)
    while harness.until_due(email_id):
        pass
    assert harness.only(email_id).status is Status.EXPIRED


def test_a_critical_one_that_is_silent_is_not_rescued_by_a_real_account(harness: Harness) -> None:
    email_id = send(harness, "silent", critical=True)
    harness.later(7200)
    assert attempts(harness.head(email_id)) == TAKEN
    assert harness.send.calls == []


def test_nobody_can_report_in_the_place_of_the_sandbox(harness: Harness) -> None:
    email_id = send(harness, "silent")
    for account in ACCOUNTS:
        with pytest.raises(NotFound):
            harness.record(account, webhook([harness.event(email_id, Kind.HARD_BOUNCE)]))
    forged = replace(harness.event(email_id, Kind.HARD_BOUNCE), provider="sendgrid", recipient="silent@any.example")
    harness.record("sendgrid", webhook([forged]))  # by somebody who can sign for a real account
    assert harness.only(email_id).status is Status.SENT
