"""Credentials as people paste them: stripped, or named and never repeated."""

from collections.abc import Callable
from html import escape
from urllib.parse import quote

import botocore.session
import httpx
import pytest
from botocore.session import Session

from app.domain.kinds import Cause, Kind
from app.errors import ConfigurationError
from app.providers import registry
from app.providers.sdk.contract import AnyProvider, Outside
from app.providers.sdk.variables import Need
from tests.providers.calls import transport_of
from tests.providers.case import CASES, SAMPLE
from tests.providers.peer import answer, peer

KEYS = {
    "sendgrid": {"SENDGRID_API_KEY": "SG.s3cr3t"},
    "mailgun": {"MAILGUN_API_KEY": "s3cr3t", "MAILGUN_DOMAIN": "mg.example.com"},
    "ses": {"SES_ACCESS_KEY_ID": "AKIDs3cr3t", "SES_SECRET_ACCESS_KEY": "s3cr3t"},
    "resend": {"RESEND_API_KEY": "re_s3cr3t"},
}
EACH_KEY = [(name, variable) for name, env in KEYS.items() for variable in env if "KEY" in variable]


def account(name: str, env: dict[str, str], session: Session | None = None) -> AnyProvider:
    return registry.open_account(name, env, Outside(session or botocore.session.get_session(), lambda _: b""))


def process_with(**changed: str) -> Session:
    """A process with AWS credentials of its own, of which these are changed."""
    session = botocore.session.Session()
    session.set_credentials(**{"access_key": "AKIDs3cr3t", "secret_key": "s3cr3t", "token": "t0k3ns3cr3t"} | changed)
    return session


@pytest.mark.parametrize("around", ["{}\n", " {}\r\n", "\ufeff{}", "\u200b{}\u200d\u00a0", "\t\u2060{} "])
@pytest.mark.parametrize(("name", "variable"), EACH_KEY)
def test_what_is_around_a_key_is_not_a_part_of_it(name: str, variable: str, around: str) -> None:
    env = KEYS[name] | {variable: around.format(KEYS[name][variable])}
    assert registry.values(name, env).text(variable.partition("_")[2]) == KEYS[name][variable]
    with peer(answer(CASES[name].accepted)) as server, transport_of() as transport:
        opened = account(name, env | {f"{name.upper()}_BASE_URL": server.url})
        assert transport.send(opened, SAMPLE).kind is Kind.ACCEPTED


@pytest.mark.parametrize("written", ["mg.bücher.example", "MG.xn--bcher-kva.example"])
def test_a_domain_is_called_in_its_one_form(written: str) -> None:
    env = KEYS["mailgun"] | {"MAILGUN_DOMAIN": written}
    registry.check_values(["mailgun"], env)
    assert account("mailgun", env).build(SAMPLE).url.path == "/v3/mg.xn--bcher-kva.example/messages"


@pytest.mark.parametrize("written", ["https://mg.example.com", "mg", "@example.com", "mg.exa…mple.com", "♥.example"])
def test_a_domain_that_is_none_is_named_and_takes_only_its_account_out_of_use(written: str) -> None:
    env = KEYS["mailgun"] | {"MAILGUN_DOMAIN": written}
    with pytest.raises(ConfigurationError, match=r"^MAILGUN_DOMAIN: .* is not a domain such as example\.com$"):
        registry.check_values(["mailgun"], env)
    account("mailgun", env).build(SAMPLE)


def test_a_value_of_blanks_is_none() -> None:
    blank = registry.values("sendgrid", {"SENDGRID_API_KEY": " \n\ufeff"})
    assert blank.missing(Need.SENDING) == ("SENDGRID_API_KEY",)
    assert not blank.are_any_set()


@pytest.mark.parametrize("inside", ["{}…", "{}\nX", "{}\u200bX", "{}\x00", "é{}"])
@pytest.mark.parametrize(("name", "variable"), EACH_KEY)
def test_a_key_that_can_be_none_is_the_accounts_fault_and_is_not_repeated(
    name: str, variable: str, inside: str
) -> None:
    env = KEYS[name] | {variable: inside.format(KEYS[name][variable]) + ("X" if inside.endswith("\x00") else "")}
    with pytest.raises(ConfigurationError, match=f"^{variable}: has a control or non-ASCII character") as told:
        registry.check_values([name], env)
    with peer(answer(httpx.Response(200))) as server, transport_of() as transport:
        opened = account(name, env | {f"{name.upper()}_BASE_URL": server.url})
        outcome, check = transport.send(opened, SAMPLE), transport.check_credentials(opened)
        assert server.connections == 0
    assert (outcome.kind, outcome.cause) == (Kind.UNAVAILABLE, Cause.ACCOUNT)
    assert (check.works, check.status_code, check.reply) == (False, None, outcome.reply)
    assert outcome.reply == str(told.value)
    assert "s3cr3t" not in outcome.reply


@pytest.mark.parametrize("part", ["access_key", "secret_key", "token"])
def test_the_credentials_of_the_process_are_stripped_or_the_accounts_fault(part: str) -> None:
    with peer(answer(CASES["ses"].accepted)) as server, transport_of() as transport:
        env = {"SES_BASE_URL": server.url}
        for around in ("{}\n", "\ufeff{} "):
            opened = account("ses", env, process_with(**{part: around.format("s3cr3t")}))
            assert transport.send(opened, SAMPLE).kind is Kind.ACCEPTED
        called = server.connections
        for inside in ("s3cr3t…", "s3cr3t\nX", "s3\u200bcr3t", "s3cr3t\x00X"):
            opened = account("ses", env, process_with(**{part: inside}))
            outcome, check = transport.send(opened, SAMPLE), transport.check_credentials(opened)
            assert (outcome.kind, outcome.cause) == (Kind.UNAVAILABLE, Cause.ACCOUNT)
            assert outcome.reply == check.reply
            assert outcome.reply.startswith("the AWS credentials of this process have a control or non-ASCII character")
        assert server.connections == called


@pytest.mark.parametrize("region", ["us-east-1…", "us-\neast-1", "us-\x00east-1"])
@pytest.mark.parametrize("url", [{}, {"SES_BASE_URL": "http://127.0.0.1:9"}])
def test_a_region_that_can_be_none_is_the_accounts_fault(region: str, url: dict[str, str]) -> None:
    with transport_of() as transport:
        outcome = transport.send(account("ses", KEYS["ses"] | url | {"SES_REGION": region}), SAMPLE)
    assert (outcome.kind, outcome.cause) == (Kind.UNAVAILABLE, Cause.ACCOUNT)
    assert outcome.reply.startswith("SES_REGION: has a control or non-ASCII character")


WRITTEN: dict[str, Callable[[str], bytes]] = {
    "JSON": lambda secret: secret.replace("/", "\\/").replace("+", "\\u002B").encode(),
    "HTML": lambda secret: escape(secret).replace("+", "&#43;").replace("/", "&#x2f;").encode(),
    "URL": lambda secret: quote(secret, safe="").encode(),
    "URL in small letters": lambda secret: secret.replace("/", "%2f").replace("+", "%2b").encode(),
    "UTF-16": lambda secret: secret.encode("utf-16"),
    "UTF-32": lambda secret: secret.encode("utf-32-be"),
}


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("name", KEYS)
def test_a_key_is_in_no_reply_however_it_is_written(name: str, written: str) -> None:
    key = "s3cr3t+a/b&c=="
    opened = account(name, {variable: key if "KEY" in variable else value for variable, value in KEYS[name].items()})
    body = WRITTEN[written](key)
    for status in (200, 400, 401, 403, 503):
        told = httpx.Response(status, content=b"key " + body + b" is wrong", request=opened.build(SAMPLE))
        assert "s3cr3t" not in opened.read(told).reply.replace("\0", "")


def test_a_fault_of_the_connection_repeats_no_header() -> None:
    for name, env in KEYS.items():
        with peer(lambda line: line.reset()) as server, transport_of() as transport:
            opened = account(name, env | {f"{name.upper()}_BASE_URL": server.url})
            outcome = transport.send(opened, SAMPLE)
        assert outcome.cause is Cause.OUTAGE
        assert outcome.reply.replace(": ", "").isalpha()


@pytest.mark.parametrize(
    "variable",
    ["SENDGRID_WEBHOOK_PUBLIC_KEY", "MAILGUN_WEBHOOK_SIGNING_KEY", "RESEND_WEBHOOK_SECRET", "SES_TOPIC_ARN"],
)
def test_a_rotation_without_any_secret_is_named(variable: str) -> None:
    name = variable.partition("_")[0].lower()
    with pytest.raises(ConfigurationError, match=f"^{variable}: holds nothing but commas$"):
        registry.check_values([name], KEYS[name] | {variable: " , ,"})


def test_several_faults_are_told_at_once() -> None:
    env = {"SENDGRID_API_KEY": "SG.…", "MAILGUN_WEBHOOK_SIGNING_KEY": "good,\nb\x00d"}
    with pytest.raises(ConfigurationError, match=r"SENDGRID_API_KEY: .*; MAILGUN_WEBHOOK_SIGNING_KEY: "):
        registry.check_values(["sendgrid", "mailgun"], env)
    registry.check_values(["mailgun"], {"MAILGUN_WEBHOOK_SIGNING_KEY": "one,\n two"})


def test_half_of_a_key_of_aws_is_missing_its_other_half() -> None:
    half = registry.values("ses", {"SES_ACCESS_KEY_ID": "AKID"})
    assert half.missing(Need.SENDING) == ("SES_SECRET_ACCESS_KEY",)
    other = registry.values("ses", {"SES_SECRET_ACCESS_KEY": "s3cr3t"})  # else the process's own key would count
    assert other.missing(Need.SENDING) == ("SES_ACCESS_KEY_ID",)
    assert registry.values("ses", {}).missing(Need.SENDING) == ()
