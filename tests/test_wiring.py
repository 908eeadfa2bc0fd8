"""The builder: everything it is told is used, and what is missing is named."""

import os

import httpx
import pytest

from app.domain.account import prefix_of
from app.domain.email import Content, Message
from app.domain.head import Status
from app.domain.health import pause
from app.domain.kinds import Cause, Kind
from app.domain.route import Availability
from app.errors import ConfigurationError, ServiceUnavailable
from app.providers.sdk.web import Web, internet
from app.settings import Process, Settings
from app.store.head_items import HeadItem
from app.wiring import process
from app.wiring.parts import LEASE_MARGIN_S, Container
from app.wiring.process import connect
from tests.providers.case import CASES, SAMPLE
from tests.support.aws import Aws, Queue
from tests.support.clock import Clock
from tests.support.environment import environment
from tests.support.harness import forget_health
from tests.support.provider_server import ProviderServer
from tests.support.samples import an_email, somebody


@pytest.fixture
def env(store: Aws, queue: Queue, server: ProviderServer, request: pytest.FixtureRequest) -> dict[str, str]:
    return environment(store, queue, server.url, f"{request.path.stem}-")


def built(env: dict[str, str]) -> Container:
    return connect(env)


@pytest.mark.parametrize(
    "name",
    [
        "PROVIDERS",
        "TOPIC_ARN",
        "CONTENT_BUCKET",
        "ADDRESS_SECRET",
        "SENDGRID_API_KEY",
        "MAILGUN_API_KEY",
        "MAILGUN_DOMAIN",
    ],
)
def test_a_missing_setting_is_named(env: dict[str, str], name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^not set: {name}$"):
        built({**env, name: ""})


def test_an_api_starts_without_what_only_the_worker_reads(env: dict[str, str], queue: Queue) -> None:
    """It accepts, and says what an account carries; whether it may send, the worker judges."""
    own = {"MAILGUN_DOMAIN": "mg.example.org"}
    names = ("SENDGRID_API_KEY", "MAILGUN_API_KEY", "SES_ACCESS_KEY_ID", "SES_SECRET_ACCESS_KEY")
    forget_health()
    api = connect({**env, **own, **dict.fromkeys(names, "")}, process=Process.API)
    assert api.accept(an_email(), project="team", key=None).head.excluded == ("mailgun",)  # its domain is another one
    ((email_id, number),) = queue.published()
    worker = connect({**env, "SENDGRID_WEBHOOK_PUBLIC_KEY": ""}, process=Process.WORKER)
    worker.attempt(email_id, number)
    (told,) = api.read.story(email_id, None).head.attempts
    assert (told.provider, told.outcome) == ("sendgrid", Kind.ACCEPTED)
    for built in (api, worker):
        built.close()


@pytest.mark.parametrize(
    ("process", "missing"),
    [
        (Process.API, "MAILGUN_DOMAIN, ADDRESS_SECRET"),
        (Process.WORKER, "SENDGRID_API_KEY, MAILGUN_API_KEY, MAILGUN_DOMAIN, ADDRESS_SECRET"),
    ],
)
def test_a_process_misses_what_it_reads_itself(env: dict[str, str], process: Process, missing: str) -> None:
    names = ("SENDGRID_API_KEY", "MAILGUN_API_KEY", "MAILGUN_DOMAIN", "ADDRESS_SECRET")
    with pytest.raises(ConfigurationError, match=rf"^not set: {missing}$"):
        connect({**env, **dict.fromkeys(names, "")}, process=process)


def test_a_key_that_can_be_none_stops_a_process_that_starts(env: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=r"^SENDGRID_API_KEY: has a control or non-ASCII character"):
        built({**env, "SENDGRID_API_KEY": "SG.…"})


def test_on_lambda_a_key_that_can_be_none_stops_its_account_alone(env: dict[str, str], queue: Queue) -> None:
    deployed = {**env, "AWS_LAMBDA_FUNCTION_NAME": "x", "PROVIDERS": "sendgrid,mailgun", "SENDGRID_API_KEY": "SG.…"}
    forget_health()
    container = built(deployed)
    head = container.accept(an_email(), project="team", key=None).head
    for number in (1, 2):
        container.attempt(head.email_id, number)
    first, second = container.read.story(head.email_id, None).head.attempts
    assert (first.provider, first.outcome, first.cause) == ("sendgrid", Kind.UNAVAILABLE, Cause.ACCOUNT)
    assert first.reply.startswith("SENDGRID_API_KEY: ")
    assert (second.provider, second.outcome) == ("mailgun", Kind.ACCEPTED)
    queue.published()
    forget_health()
    container.close()


def test_all_that_is_missing_is_named_at_once() -> None:
    missing = "SENDGRID_API_KEY, TOPIC_ARN, CONTENT_BUCKET, ADDRESS_SECRET"
    with pytest.raises(ConfigurationError, match=f"^not set: {missing}$"):
        built({"PROVIDERS": "sendgrid"})


def test_a_provider_that_is_not_used_misses_nothing(env: dict[str, str]) -> None:
    container = built({**env, "PROVIDERS": "ses", "SENDGRID_API_KEY": "", "MAILGUN_DOMAIN": ""})
    assert list(container.providers) == ["ses"]


@pytest.mark.parametrize("provider", CASES)
def test_an_email_goes_from_accept_to_each_real_provider(
    env: dict[str, str], queue: Queue, server: ProviderServer, provider: str
) -> None:
    case = CASES[provider]
    server.accepted = case.accepted
    own = {**case.variables, f"{prefix_of(provider)}BASE_URL": server.url}
    container = built({**env, "PROVIDERS": provider, **own})
    container.accept(an_email(), project="team", key=None)
    ((email_id, number),) = queue.published()
    container.attempt(email_id, number)
    (told,) = container.read.story(email_id, None).head.attempts
    assert (told.provider, told.outcome, told.message_id) == (provider, Kind.ACCEPTED, case.message_id)
    assert [path for path, _ in server.calls] == [case.make(server.url).build(SAMPLE).url.path]
    container.close()


def test_an_email_to_several_is_nothing_for_resend(env: dict[str, str], queue: Queue) -> None:
    container = built({**env, "PROVIDERS": "resend,mailgun"})
    email = an_email(cc=(somebody(),))
    assert container.accept(email, project="team", key=None).head.excluded == ("resend",)
    resend, _ = container.explain(email, "eml_dry", "team").route
    assert (resend.provider, resend.availability, resend.why) == (
        "resend",
        Availability.EXCLUDED,
        "takes 1 recipient at most, not 2",
    )
    container.close()


def test_the_settings_reach_the_rules(env: dict[str, str], queue: Queue, server: ProviderServer) -> None:
    clock = Clock()
    server.statuses = {"/v3/mail/send": 504}
    changes = {"PROVIDERS": "sendgrid", "RETRY_FOR_S": "7", "UNCERTAIN_WAIT_S": "5", "WORKER_TIMEOUT_S": "33"}
    container = connect({**env, **changes}, clock=clock)
    assert container.attempt.lease_s == 33 + LEASE_MARGIN_S
    head = container.accept(an_email(), project="team", key=None).head
    assert head.retry_until_ms == clock.now_ms + 7_000
    container.attempt(head.email_id, 1)
    (recipient,) = container.read.story(head.email_id, None).head.recipients.values()
    assert (recipient.status, recipient.wait_until_ms) == (Status.SENDING, clock.now_ms + 5_000)
    container.close()


def test_the_settings_reach_the_routes_and_the_checks_before(
    env: dict[str, str], queue: Queue, server: ProviderServer
) -> None:
    forget_health()
    container = built(
        {
            **env,
            "SENDGRID_FROM_DOMAINS": "example.org",
            "DOMAIN_PREFERENCES": "example.net=ses,mailgun",
            "SES_PER_SECOND_CAP": "1",
            "MAILGUN_DAILY_CAP": "5",
        }
    )
    container.monitor.update("mailgun", pause)
    told = [
        (candidate.provider, candidate.availability)
        for candidate in container.explain(an_email(), "eml_dry", "team").route
    ]
    assert told == [
        ("ses", Availability.AVAILABLE),
        ("mailgun", Availability.PAUSED),
        ("sendgrid", Availability.EXCLUDED),
    ]
    head = container.accept(an_email(), project="team", key=None).head
    assert head.excluded == ("sendgrid",)
    container.attempt(head.email_id, 1)
    assert [path for path, _ in server.calls] == ["/v2/email/outbound-emails"]
    assert container.attempt.capacity.places.left_today() == {"mailgun": 5}
    container.sweep(within_s=5)
    container.close()
    forget_health()


def test_a_ping_answers_when_the_table_does(env: dict[str, str]) -> None:
    built(env).ping()


def test_a_ping_says_that_there_is_no_table(env: dict[str, str]) -> None:
    container = built({**env, "TABLE_PREFIX": "nowhere-"})
    with pytest.raises(ServiceUnavailable):
        container.ping()


def test_a_ping_says_that_nobody_answers(env: dict[str, str]) -> None:
    container = built({**env, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    with pytest.raises(ServiceUnavailable):
        container.ping()
    HeadItem.Meta.table_name = ""  # so that the next test binds its own


def test_ses_is_signed_with_the_processs_own_credentials_where_it_has_none_of_its_own(
    env: dict[str, str], queue: Queue, server: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    container = built({**env, "PROVIDERS": "ses", "SES_ACCESS_KEY_ID": "", "SES_SECRET_ACCESS_KEY": ""})
    email_id = container.accept(an_email(), project="team", key=None).head.email_id
    container.attempt(email_id, 1)
    assert [path for path, _ in server.calls] == ["/v2/email/outbound-emails"]
    container.close()


def test_subscriptions_are_confirmed_by_a_plain_get(env: dict[str, str], server: ProviderServer) -> None:
    confirm = built(env).record.confirm
    confirm("ses", f"{server.url}/?Action=ConfirmSubscription&Token=abc")
    assert server.calls == [("/?Action=ConfirmSubscription&Token=abc", b"")]
    server.statuses = {"/": 500}
    for url in (f"{server.url}/", "http://127.0.0.1:9/"):
        with pytest.raises(ServiceUnavailable):
            confirm("ses", url)


def test_a_laptop_replaces_the_fetches_that_webhooks_cause(env: dict[str, str]) -> None:
    confirmed: list[str] = []
    web = Web(certificate=lambda _: b"", confirm=confirmed.append)
    asked: list[str] = []

    def web_of(account: str) -> Web:
        asked.append(account)
        return web

    container = connect(env, web_of=web_of)
    assert asked == list(container.providers)
    container.record.confirm("ses:eu", "https://sns.us-east-1.amazonaws.com/")
    assert confirmed == ["https://sns.us-east-1.amazonaws.com/"]
    assert asked[-1] == "ses:eu"


def test_a_probe_asks_the_provider_itself(env: dict[str, str], server: ProviderServer) -> None:
    assert process.check_credentials("sendgrid", env).works
    server.statuses = {"/": 401}
    told = process.check_credentials("mailgun", env)
    assert (told.works, told.status_code) == (False, 401)


def test_a_process_has_one_container_built_from_its_environment(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    process.container.cache_clear()
    try:
        first = process.container(Process.WORKER)
        assert process.container(Process.WORKER) is first
        assert first.settings == Settings.from_env(os.environ)
    finally:
        process.container.cache_clear()


def test_providers_are_tried_in_the_order_of_the_settings(env: dict[str, str]) -> None:
    container = connect({**env, "PROVIDERS": "ses,sendgrid"})
    assert list(container.providers) == ["ses", "sendgrid"]
    assert container.attempt.protocol.providers == ("ses", "sendgrid")


def test_without_any_credentials_ses_says_what_to_set(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    container = built({**env, "SES_ACCESS_KEY_ID": "", "SES_SECRET_ACCESS_KEY": ""})
    HeadItem.Meta.table_name = ""  # so that the next test binds with credentials again
    sender = an_email().sender
    message = Message("eml_1", 1, sender, (sender,), (), (), (sender,), (), Content("Hi", "there"))
    outcome = container.attempt.send("ses", message)
    assert (outcome.kind, outcome.cause) == (Kind.UNAVAILABLE, Cause.ACCOUNT)
    assert "SES_ACCESS_KEY_ID" in outcome.reply
    container.close()


def test_a_certificate_is_the_body_of_a_good_answer_and_of_no_other(server: ProviderServer) -> None:
    fetch = internet().certificate
    assert b"Queued" in fetch(f"{server.url}/SimpleNotificationService-1.pem")
    for status in (302, 404, 500):
        server.statuses = {"/": status}
        with pytest.raises(httpx.HTTPStatusError):
            fetch(f"{server.url}/SimpleNotificationService-1.pem")
