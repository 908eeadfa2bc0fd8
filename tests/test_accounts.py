"""Accounts in a whole process: two at one provider, and one that left PROVIDERS while its emails are under way."""

import time

import pytest

from app.domain.caps import Caps
from app.domain.email import Attachment, Content
from app.domain.head import EmailStatus, Status, status
from app.domain.health import pause
from app.domain.kinds import Kind
from app.domain.suppression import Reason
from app.errors import Invalid, NotFound, ServiceUnavailable, Unauthenticated
from app.wiring.parts import Container
from app.wiring.process import connect
from tests.providers.case import CASES
from tests.providers.mailgun import case as mailgun
from tests.support.aws import Aws, Queue
from tests.support.clock import Clock
from tests.support.environment import environment
from tests.support.harness import forget_health
from tests.support.provider_server import ProviderServer
from tests.support.samples import an_email, somebody

EU = {"MAILGUN_EU_API_KEY": "key-eu", "MAILGUN_EU_DOMAIN": "eu.example.com", "MAILGUN_EU_WEBHOOK_SIGNING_KEY": "eu-key"}


@pytest.fixture
def env(store: Aws, queue: Queue, server: ProviderServer, request: pytest.FixtureRequest) -> dict[str, str]:
    """An installation with two accounts at Mailgun, and one at SendGrid that is not in PROVIDERS."""
    forget_health()
    keys = {**CASES["sendgrid"].variables, **CASES["mailgun"].variables, **EU}
    base = environment(store, queue, server.url, f"{request.path.stem}-")
    return {**base, **keys, "PROVIDERS": "mailgun,mailgun:eu", "MAILGUN_EU_BASE_URL": server.url}


def sent(container: Container, queue: Queue, **fields: object) -> str:
    """An email whose first attempts have been made, as many as the queue asks for; its id."""
    head = container.accept(an_email(somebody("ann"), **fields), project="team", key=None).head
    while published := queue.published():
        for email_id, number in published:
            container.attempt(email_id, number)
    return head.email_id


def asked(container: Container, email_id: str) -> list[tuple[str, Kind | None]]:
    return [(attempt.provider, attempt.outcome) for attempt in container.read.story(email_id, None).head.attempts]


def test_if_one_account_breaks_the_other_at_the_same_provider_takes_over(
    env: dict[str, str], queue: Queue, server: ProviderServer
) -> None:
    container = connect(env)
    server.statuses = {"/v3/mg.example.com": 401}
    email_id = sent(container, queue)
    assert asked(container, email_id) == [("mailgun", Kind.UNAVAILABLE), ("mailgun:eu", Kind.ACCEPTED)]
    assert [path for path, _ in server.calls] == ["/v3/mg.example.com/messages", "/v3/eu.example.com/messages"]
    container.monitor.flush(now=True)
    healths = container.monitor.healths()
    assert healths["mailgun"].breaker_until_ms is not None
    assert healths["mailgun:eu"].breaker_until_ms is None
    only = sent(container, queue, providers=("mailgun",))
    assert {account for account, _ in asked(container, only)} <= {"mailgun"}
    container.close()


def test_a_paused_account_leaves_the_other_alone(env: dict[str, str], queue: Queue) -> None:
    container = connect(env)
    container.monitor.update("mailgun", pause)
    assert asked(container, sent(container, queue)) == [("mailgun:eu", Kind.ACCEPTED)]
    container.close()


def test_a_webhook_belongs_to_the_account_of_its_path(env: dict[str, str], queue: Queue) -> None:
    container, now_s = connect(env), time.time()
    email_id = sent(container, queue, providers=("mailgun:eu",))
    (key,) = container.read.story(email_id, None).head.recipients
    payload = mailgun.report(email_id, 1, key, now_s)
    timestamp = str(int(now_s))
    signature = mailgun.sign("eu-key", timestamp, "t" * 50)
    webhook = mailgun.envelope(payload, timestamp=timestamp, token="t" * 50, signature=signature)
    with pytest.raises(Unauthenticated):
        container.record("mailgun", webhook)
    container.record("mailgun:eu", webhook)
    story = container.read.story(email_id, None)
    assert status(story.head.recipients.values()) is EmailStatus.DELIVERED
    assert [event.provider for event in story.events] == ["mailgun:eu"]
    with pytest.raises(NotFound):
        container.record("mailgun:us", webhook)
    container.close()


def test_each_account_has_caps_of_its_own(env: dict[str, str]) -> None:
    container = connect({**env, "MAILGUN_EU_DAILY_CAP": "3", "MAILGUN_PER_SECOND_CAP": "7"})
    assert container.settings.routing.caps == {"mailgun": Caps(None, 7), "mailgun:eu": Caps(3, None)}
    container.close()


def test_an_account_that_left_drains(env: dict[str, str], queue: Queue) -> None:
    before = connect({**env, "PROVIDERS": "sendgrid,mailgun"})
    delivered, returned = sent(before, queue), sent(before, queue)
    assert asked(before, delivered) == [("sendgrid", Kind.ACCEPTED)]
    before.close()
    after, now_s = connect(env), time.time()
    assert after.draining() == ("sendgrid",)
    case = CASES["sendgrid"]
    (key,) = after.read.story(delivered, None).head.recipients
    after.record("sendgrid", case.webhook(case.report(delivered, 1, key, now_s), now_s, 0))
    assert status(after.read.story(delivered, None).head.recipients.values()) is EmailStatus.DELIVERED
    (key,) = after.read.story(returned, None).head.recipients
    event = {"email": key, "timestamp": int(now_s), "event": "bounce", "type": "blocked", "em_email_id": returned}
    after.record("sendgrid", case.webhook([event | {"em_attempt": "1", "reason": "550 5.7.1 blocked"}], now_s, 0))
    ((email_id, number),) = queue.published()
    after.attempt(email_id, number)
    assert asked(after, returned) == [("sendgrid", Kind.ACCEPTED), ("mailgun", Kind.ACCEPTED)]
    after.close()


@pytest.mark.parametrize(("event", "reason"), [("spamreport", Reason.COMPLAINED), ("unsubscribe", Reason.UNSUBSCRIBED)])
def test_a_complaint_at_an_account_that_left_counts_although_the_email_is_gone(
    env: dict[str, str], event: str, reason: Reason
) -> None:
    container, now_s, address = connect(env), time.time(), somebody("ann").key
    told = {"email": address, "timestamp": int(now_s), "event": event, "em_email_id": "eml_gone", "em_attempt": "1"}
    container.record("sendgrid", CASES["sendgrid"].webhook([told], now_s, 0))
    # Whose mail it was about is known only where there is one project, and other tests of this run may have made some.
    entries = container.suppressions.of(address, container.partitions.read().projects)
    assert [known.reason for entry in entries if (known := entry.in_force(int(now_s * 1000)))] == [reason]
    container.close()


def test_an_email_that_another_account_can_carry_does_not_end_with_the_one_that_left(
    env: dict[str, str], queue: Queue, server: ProviderServer
) -> None:
    """Amazon SES takes no programs; SendGrid, which does, is out and then leaves."""
    server.statuses = {"/v3/mail/send": 503}
    before = connect({**env, "PROVIDERS": "sendgrid,ses"})
    program = Content("Hi", text="Run it.", attachments=(Attachment("a.exe", "application/octet-stream", b"MZ"),))
    email_id = sent(before, queue, content=program)
    assert asked(before, email_id) == [("sendgrid", Kind.UNAVAILABLE)]
    before.close()
    clock = Clock()
    clock.advance(120)  # its round is over
    after = connect({**env, "PROVIDERS": "ses,mailgun"}, clock=clock)
    after.attempt(email_id, 2)
    assert asked(after, email_id)[1:] == [("mailgun", Kind.ACCEPTED)]
    after.close()


def test_an_email_for_an_account_that_left_waits_for_it_to_come_back(
    env: dict[str, str], queue: Queue, server: ProviderServer
) -> None:
    server.statuses = {"/v3/mail/send": 503}
    before = connect({**env, "PROVIDERS": "sendgrid"})
    email_id = sent(before, queue, providers=("sendgrid",))
    before.close()
    after = connect(env)
    after.attempt(email_id, 2)
    (recipient,) = after.read.story(email_id, None).head.recipients.values()
    assert (recipient.status, recipient.wait_until_ms is None) == (Status.QUEUED, False)
    after.close()


def test_a_request_that_comes_again_is_answered_although_its_account_left(env: dict[str, str], queue: Queue) -> None:
    before = connect({**env, "PROVIDERS": "sendgrid,mailgun"})
    email = an_email(somebody("ann"), providers=("sendgrid",))
    first = before.accept(email, project="team", key="again-1")
    before.close()
    after = connect(env)
    again = after.accept(email, project="team", key="again-1")
    assert (again.replayed, again.head.email_id) == (True, first.head.email_id)
    with pytest.raises(Invalid, match="not a configured provider"):
        after.accept(email, project="team", key=None)
    after.close()


def test_a_draining_account_with_a_malformed_variable_cannot_verify_now(env: dict[str, str], queue: Queue) -> None:
    container = connect({**env, "SENDGRID_BASE_URL": "http://api.example.com"})
    with pytest.raises(ServiceUnavailable, match=r"^SENDGRID_BASE_URL: must look like https://"):
        container.record("sendgrid", CASES["sendgrid"].webhook([], time.time(), 0))
    container.close()


def test_amazon_ses_drains_with_its_topic_alone(env: dict[str, str], queue: Queue) -> None:
    container = connect(
        {**env, "SES_B_TOPIC_ARN": "arn:aws:sns:us-east-1:1:b", "SENDGRID_FROM_WEBHOOK_PUBLIC_KEY": "x"}
    )
    assert container.draining() == ("sendgrid", "ses:b")  # no account can have the label `from`
    container.close()


def test_a_preference_for_an_account_that_is_not_there_is_logged(
    env: dict[str, str], queue: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    connect({**env, "DOMAIN_PREFERENCES": "example.org=mailgun:us,mailgun"}).close()
    (line,) = [record for record in caplog.records if record.message == "a preferred account is not in PROVIDERS"]
    assert line.__dict__["provider"] == "mailgun:us"
