"""Accounts: found by name, read from variables of their own, and opened when they are needed."""

import subprocess
import sys
from pathlib import Path

import botocore.session
import pytest

from app.domain.event import Webhook
from app.domain.sandbox_accounts import ACCOUNTS
from app.errors import ConfigurationError, Unauthenticated
from app.providers import registry
from app.providers.registry import Accounts
from app.providers.sdk.contract import Outside
from app.providers.sdk.variables import Need

ROOT = Path(__file__).parents[2]
SECRETS = {"MAILGUN_API_KEY": "key", "MAILGUN_DOMAIN": "mg.example.com", "MAILGUN_WEBHOOK_SIGNING_KEY": "signing"}
EU = {name.replace("MAILGUN_", "MAILGUN_EU_"): f"{value}-eu" for name, value in SECRETS.items()}


def outside() -> Outside:
    return Outside(botocore.session.get_session(), lambda _: b"")


def test_a_provider_whose_api_has_no_list_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    account = registry.open_account("mailgun", SECRETS, outside())
    assert registry.own_list(account) is not None
    monkeypatch.setitem(registry.PROVIDERS, "mailgun", "app.providers.sdk.bounces")  # a package without such a module
    assert registry.own_list(account) is None


def test_the_part_that_only_operators_need_is_not_loaded_with_an_account() -> None:
    code = (
        "import sys; from app.wiring import process; from app.providers import registry;"
        f" [registry.open_account(name, {SECRETS!r}, None) for name in registry.PROVIDERS if name != 'ses'];"
        " print([name for name in sys.modules if name.endswith('own_list')])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", registry.PROVIDERS)
def test_what_a_provider_misses_is_told_by_the_whole_name_of_the_variable(name: str) -> None:
    for account, prefix in {name: f"{name.upper()}_", f"{name}:eu": f"{name.upper()}_EU_"}.items():
        values = registry.values(account, {})
        missing = values.missing(Need.SENDING) + values.missing(Need.WEBHOOKS)
        assert missing
        assert all(variable.startswith(prefix) for variable in missing)
        full = registry.values(account, dict.fromkeys(missing, "x"))
        assert full.missing(Need.SENDING) == full.missing(Need.WEBHOOKS) == ()


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("sendgrid", ("SENDGRID_API_KEY",)),
        ("mailgun", ("MAILGUN_API_KEY", "MAILGUN_DOMAIN")),
        ("ses", ()),  # the process's own credentials may do
        ("resend", ("RESEND_API_KEY",)),
    ],
)
def test_what_a_provider_needs_to_send(name: str, needed: tuple[str, ...]) -> None:
    assert registry.values(name, {}).missing(Need.SENDING) == needed


@pytest.mark.parametrize(
    ("env", "region"),
    [
        ({"SES_REGION": "eu-west-1", "AWS_REGION": "eu-west-3"}, "eu-west-1"),
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ({}, "us-east-1"),
    ],
)
def test_a_variable_may_fall_back_on_one_of_the_process(env: dict[str, str], region: str) -> None:
    assert registry.values("ses", env).text("REGION") == region


def test_nothing_is_inherited_from_the_account_without_a_label() -> None:
    assert registry.values("mailgun:eu", SECRETS).missing(Need.SENDING) == ("MAILGUN_EU_API_KEY", "MAILGUN_EU_DOMAIN")
    assert registry.values("mailgun", EU).missing(Need.SENDING) == ("MAILGUN_API_KEY", "MAILGUN_DOMAIN")


@pytest.mark.parametrize(
    "url",
    [
        *("api.example.com", "http://api.example.com", "ftp://x", "http://127.0.0.1.example.com", "https://"),
        *("https://api.example.com?version=3", "https://user@api.example.com", "https://api.example.com:eighty"),
    ],
)
@pytest.mark.parametrize("account", ["sendgrid", "mailgun:eu", "ses:eu", "resend"])
def test_a_malformed_url_is_named(account: str, url: str) -> None:
    variable = f"{account.upper().replace(':', '_')}_BASE_URL"
    with pytest.raises(ConfigurationError, match=f"^{variable}: must look like https://"):
        registry.open_account(account, {variable: url}, outside())


def test_a_password_in_a_malformed_url_is_not_shown() -> None:
    with pytest.raises(ConfigurationError) as told:
        registry.open_account("resend", {"RESEND_BASE_URL": "https://me:s3cret@api.example.com/v1"}, outside())
    assert str(told.value).endswith("is 'https://…@api.example.com/v1'")


@pytest.mark.parametrize("account", ["postmark", "postmark:eu"])
def test_an_unknown_provider_is_named(account: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^PROVIDERS: '{account}' is not one of sendgrid, mailgun"):
        registry.check([account])


@pytest.mark.parametrize("account", ["sendgrid:from", "sendgrid:webhook", "mailgun:daily", "ses:secret", "resend:base"])
def test_a_label_that_makes_two_variables_one_is_refused(account: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^PROVIDERS: the label of '{account}' .* choose another label$"):
        registry.check(["sendgrid", account])


def test_only_the_packages_of_the_configured_accounts_are_imported() -> None:
    code = (
        "import sys, botocore.session; from app.providers.registry import Accounts;"
        "from app.providers.sdk.contract import Outside;"
        "accounts = Accounts(['mailgun', 'mailgun:eu'], {'SENDGRID_WEBHOOK_PUBLIC_KEY': 'x'},"
        " lambda _: Outside(botocore.session.get_session(), lambda _: b''));"
        "print(sorted({name.split('.')[2] for name in sys.modules if name.startswith('app.providers.')}));"
        "accounts['sendgrid'];"
        "print(sorted({name.split('.')[2] for name in sys.modules if name.startswith('app.providers.')}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "['mailgun', 'registry', 'sdk']",
        "['mailgun', 'registry', 'sdk', 'sendgrid']",  # its account is draining, and its first webhook has come
    ]


def test_an_account_that_left_is_draining_while_its_webhooks_can_be_verified() -> None:
    accounts = Accounts(["sendgrid"], {**SECRETS, **EU, "SENDGRID_API_KEY": "x"}, lambda _: outside())
    assert list(accounts) == ["sendgrid"]
    assert accounts.draining() == ("mailgun", "mailgun:eu")
    with pytest.raises(Unauthenticated):
        accounts["mailgun:eu"].verify(Webhook(b"{}", {}), 0)
    assert accounts["mailgun:eu"].account == "mailgun:eu"
    assert accounts["mailgun:eu"] is accounts["mailgun:eu"]


@pytest.mark.parametrize(
    "account", ["mailgun", "mailgun:us", "ses", "postmark", "", ":", "mailgun:eu:eu", "mailgun:EU"]
)
def test_nothing_else_is_taken_for_an_account(account: str) -> None:
    accounts = Accounts(["sendgrid"], {**EU, "MAILGUN_API_KEY": "x", "SES_REGION": "x"}, lambda _: outside())
    assert account not in accounts
    assert accounts.draining() == ("mailgun:eu",)


def test_a_secret_is_not_in_what_is_printed() -> None:
    for name in registry.PROVIDERS:
        variables = registry.declaration(name).variables
        env = {f"{name.upper()}_{one.name}": "https://s3cr3t" for one in variables if one.is_secret}
        assert "s3cr3t" not in repr(registry.values(name, env)) + repr(registry.open_account(name, env, outside()))


def test_no_account_can_have_the_variables_of_another_provider() -> None:
    """Providers `a` and `a_b` could: the account `a:b` and the account `a_b` would both read A_B_API_KEY."""
    names = list(registry.PROVIDERS)
    assert [(name, other) for name in names for other in names if other.startswith(f"{name}_")] == []


@pytest.mark.parametrize("account", ACCOUNTS)
def test_the_sandbox_is_no_provider_to_configure(account: str) -> None:
    with pytest.raises(ConfigurationError, match="is always there, for test keys only"):
        registry.check(["sendgrid", account])
    assert registry.can_verify(account, {}) is False
    assert not registry.PROVIDERS.keys() & set(ACCOUNTS)
