import re
from pathlib import Path

import httpx
import pytest
from botocore.session import Session

from app.domain.account import prefix_of
from app.domain.event import Webhook
from app.errors import ConfigurationError, Unauthenticated
from app.local import aws, environment
from app.local.mode import LocalError
from app.local.paths import REPOSITORY, Paths
from app.local.simulator.accounts import open_account
from app.providers import registry
from app.providers.sdk.contract import Outside
from app.providers.sdk.variables import Need
from app.providers.sdk.web import internet
from app.settings import Settings
from tests.providers.sendgrid.simulator_case import signed_webhook

LAPTOP = {
    "AWS_PROFILE": "production",
    "AWS_SESSION_TOKEN": "a-real-session",
    "AWS_ACCESS_KEY_ID": "AKIAREAL",
    "AWS_ENDPOINT_URL_DYNAMODB": "https://dynamodb.us-east-1.amazonaws.com",
    "AWS_REGION": "eu-west-1",
}


def test_nothing_of_a_laptops_aws_is_left(env: dict[str, str]) -> None:
    made = environment.deployed({**LAPTOP, **env})
    assert made["AWS_ENDPOINT_URL"] == f"http://127.0.0.1:{env['AWS_PORT']}"
    assert (made["AWS_ACCESS_KEY_ID"], made["AWS_SECRET_ACCESS_KEY"], made["AWS_REGION"]) == (
        "test",
        "test",
        "us-east-1",
    )
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_DYNAMODB"} & set(made)
    assert made["AWS_PORT"] == env["AWS_PORT"]


def test_a_profile_of_the_process_does_not_reach_our_clients(
    env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text(
        "[profile production]\naws_access_key_id=AKIAREAL\naws_secret_access_key=real\nregion=eu-west-1\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    client = aws.client("sqs", environment.deployed(env))
    assert client.meta.endpoint_url == f"http://127.0.0.1:{env['AWS_PORT']}"
    assert client._request_signer._credentials.access_key == "test"
    assert client.meta.region_name == "us-east-1"


def test_the_sweep_looks_at_the_api_of_this_machine(env: dict[str, str]) -> None:
    made = environment.deployed({**env, "API_URL": "https://mail.example.com"})
    assert Settings.from_env(made).api_url == f"http://127.0.0.1:{env['PORT']}"


def test_made_again_it_is_the_same(env: dict[str, str]) -> None:
    once = environment.deployed(env)
    assert environment.deployed(once) == once


def test_three_providers_are_ready_without_settings(env: dict[str, str]) -> None:
    made = environment.deployed(env)
    assert Settings.from_env(made).providers == ("sendgrid", "mailgun", "ses")
    assert environment.simulated(made) == ("sendgrid", "mailgun", "ses")
    assert "RESEND_API_KEY" not in made


def test_a_simulated_account_sends_any_from_unless_told_otherwise(env: dict[str, str]) -> None:
    made = environment.deployed({**env, "PROVIDERS": "mailgun,mailgun:eu", "MAILGUN_EU_FROM_DOMAINS": "example.com"})
    assert Settings.from_env(made).from_domains == {"mailgun": ("*",), "mailgun:eu": ("example.com",)}
    own = environment.deployed({**env, "PROVIDERS": "mailgun", "MAILGUN_API_KEY": "key-of-their-own"})
    assert Settings.from_env(own).from_domains == {"mailgun": ()}


def test_what_is_not_simulated_is_known(env: dict[str, str]) -> None:
    made = environment.deployed({**env, "PROVIDERS": "mailgun,mailgun:eu,ses", "MAILGUN_EU_API_KEY": "of-their-own"})
    assert environment.real(made) == ("mailgun:eu",)
    assert environment.real(environment.deployed(env)) == ()


@pytest.mark.parametrize("account", [name + label for name in registry.PROVIDERS for label in ("", ":eu")])
def test_an_account_is_ready_as_soon_as_providers_names_it(env: dict[str, str], account: str) -> None:
    made = environment.deployed({**env, "PROVIDERS": account.upper()})
    values = registry.values(account, made)
    assert [values.missing(need) for need in (Need.SENDING, Need.WEBHOOKS)] == [(), ()]
    assert account in environment.simulated(made)
    assert environment.deployed(made) == made


def test_an_account_with_a_label_has_variables_and_secrets_of_its_own(env: dict[str, str]) -> None:
    made = environment.deployed({**env, "PROVIDERS": "sendgrid,sendgrid:eu,ses:eu"})
    assert (made["SENDGRID_API_KEY"], made["SENDGRID_EU_API_KEY"]) == ("SG.simulator", "SG.simulator-eu")
    assert made["SENDGRID_WEBHOOK_PUBLIC_KEY"] != made["SENDGRID_EU_WEBHOOK_PUBLIC_KEY"]
    assert made["SES_EU_TOPIC_ARN"].endswith(":emailsminder-simulator-eu")


@pytest.mark.parametrize(
    ("account", "variable"),
    [(name, one.name) for name in registry.PROVIDERS for one in registry.declaration(name).variables],
)
@pytest.mark.parametrize("label", ["", ":eu"])
def test_one_setting_makes_an_account_the_teams_own(
    env: dict[str, str], account: str, variable: str, label: str
) -> None:
    own, other = account + label, account + ("" if label else ":eu")
    given = {registry.values(own, env).variable(variable): "https://own.example.com"}
    made = environment.deployed({**env, **given, "PROVIDERS": f"{own},{other}"})
    names = {f"{prefix_of(own)}{one.name}" for one in registry.declaration(account).variables}
    assert {name: made[name] for name in names if name in made} == given
    assert own not in environment.simulated(made)
    assert other in environment.simulated(made)
    assert own in environment.accounts(made)  # the simulator plays it nevertheless, for who stands between


def test_an_account_that_left_providers_is_drained(env: dict[str, str]) -> None:
    """Its key is kept, so its late webhooks verify."""
    before = environment.deployed({**env, "PROVIDERS": "sendgrid,sendgrid:eu"})
    after = environment.deployed({**env, "PROVIDERS": "sendgrid"})
    assert after["SENDGRID_EU_WEBHOOK_PUBLIC_KEY"] == before["SENDGRID_EU_WEBHOOK_PUBLIC_KEY"]
    # The keys of the local default are there, too, as if it had run before.
    assert registry.draining(["sendgrid"], after) == ("mailgun", "sendgrid:eu", "ses")
    assert environment.accounts(after) == ("sendgrid", "mailgun", "sendgrid:eu", "ses")
    key = open_account("sendgrid:eu", Paths.of(env).simulator).key
    body, headers = signed_webhook(key, [], at_s := 1_800_000_000)
    late = Webhook(body, {name.lower(): value for name, value in headers.items()})
    accounts = registry.Accounts(["sendgrid"], after, lambda _: Outside(Session(), internet().certificate))
    accounts["sendgrid:eu"].verify(late, at_s)
    with pytest.raises(Unauthenticated):
        accounts["sendgrid"].verify(late, at_s)


def test_a_key_of_no_account_is_passed_over(env: dict[str, str]) -> None:
    folder = Paths.of(env).simulator
    for name in ("postmark.key", "sendgrid:from.key", "sendgrid:E U.key", "sendgrid.pem"):
        (folder / name).touch()
    assert environment.accounts(env) == ("sendgrid", "mailgun", "ses")


@pytest.mark.parametrize("providers", ["postmark", "sendgrid:from", "sendgrid,sendgrid", "sendgrid:E-U"])
def test_providers_that_cannot_be_are_refused_and_get_no_key(env: dict[str, str], providers: str) -> None:
    with pytest.raises(ConfigurationError, match="PROVIDERS"):
        environment.deployed({**env, "PROVIDERS": f"ses:eu,{providers}"})
    assert not (Paths.of(env).simulator / "ses:eu.key").exists()


def test_an_empty_setting_is_none(env: dict[str, str]) -> None:
    made = environment.deployed({**env, "SENDGRID_API_KEY": "", "PROVIDERS": ""})
    assert made["SENDGRID_API_KEY"] == "SG.simulator"
    assert made["PROVIDERS"] == "sendgrid,mailgun,ses"


def test_a_proxy_is_not_asked_for_this_machine(env: dict[str, str]) -> None:
    made = environment.deployed({**env, "NO_PROXY": "intranet.example.com", "HTTP_PROXY": "http://proxy.example.com"})
    assert made["NO_PROXY"] == made["no_proxy"] == "intranet.example.com,127.0.0.1,localhost"


def test_adopting_changes_the_process_and_reads_the_file(env: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(f"LOG_LEVEL=DEBUG\nPORT=1\nRETRY_FOR_S=0\nDATA_DIR={tmp_path / 'elsewhere'}\n")
    environ = {**LAPTOP, **env, "LOG_LEVEL": "ERROR"}
    environment.adopt(environ, file)
    assert environ["LOG_LEVEL"] == "ERROR"
    assert environ["PORT"] == env["PORT"]
    assert environ["DATA_DIR"] == env["DATA_DIR"]
    assert environ["RETRY_FOR_S"] == "0"
    assert "AWS_PROFILE" not in environ


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("SENDGRID_APIKEY=SG.x", "SENDGRID_APIKEY: there is no such variable; SENDGRID_API_KEY is meant, perhaps"),
        ("DATA_DIRS=.data", "DATA_DIRS: there is no such variable; DATA_DIR is meant, perhaps"),
        ("MAILGUN_COLOUR=red", "MAILGUN_COLOUR: mailgun has no such variable"),
    ],
)
def test_a_mistyped_name_in_the_file_is_told(env: dict[str, str], tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / ".env"
    file.write_text(f"SENDGRID_EU_DAILY_CAP=5\nCOMPOSE_PROJECT_NAME=mail\n{line}\n")
    before = dict(env)
    with pytest.raises(LocalError, match=rf"^\.env: {said}$"):
        environment.adopt(env, file)
    assert env == before


def test_without_a_simulator_its_addresses_cannot_be_had(env: dict[str, str]) -> None:
    with pytest.raises(LocalError, match="does not answer on") as caught:
        environment.simulator_base_urls(env)
    assert isinstance(caught.value.__cause__, httpx.HTTPError)


def test_the_example_file_names_every_variable_that_is_read() -> None:
    example = set(re.findall(r"^#([A-Z_]+)=", (REPOSITORY / ".env.example").read_text(), re.MULTILINE))
    sources = [REPOSITORY / "app" / "settings.py", *(REPOSITORY / "app" / "local").glob("*.py")]
    read = {
        name
        for source in sources
        for name in re.findall(r'env(?:\.get\(|\[|, )"([A-Z][A-Z0-9_]+)"', source.read_text())
    }
    set_by_others = {
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_DEFAULT_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "UVICORN_PORT",
        "PATH",
        "PYTHONPATH",
        "NO_PROXY",
    }
    assert read - set_by_others <= example
