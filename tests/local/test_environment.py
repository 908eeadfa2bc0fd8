import re
from pathlib import Path

import httpx
import pytest

from app.local import aws, environment
from app.local.mode import LocalError
from app.local.paths import REPOSITORY
from app.local.simulator import credentials
from app.providers import registry
from app.providers.sdk.variables import Need
from app.settings import Settings

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


def test_made_again_it_is_the_same(env: dict[str, str]) -> None:
    once = environment.deployed(env)
    assert environment.deployed(once) == once


def test_every_provider_is_ready_without_settings(env: dict[str, str]) -> None:
    settings = Settings.from_env(environment.deployed(env))
    assert settings.providers == ("sendgrid", "mailgun", "ses")
    # The others, too, as soon as PROVIDERS names them.
    ready = [registry.values(name, environment.deployed(env)) for name in registry.PROVIDERS]
    assert [values.missing(need) for values in ready for need in Need if need is not Need.NOTHING] == [()] * 8
    assert environment.simulated(environment.deployed(env)) == set(registry.PROVIDERS)


@pytest.mark.parametrize("variable", [name for names in environment.VARIABLES.values() for name in names])
def test_one_setting_makes_a_provider_the_teams_own(env: dict[str, str], variable: str) -> None:
    own = next(name for name, variables in environment.VARIABLES.items() if variable in variables)
    made = environment.deployed({**env, variable: "https://own.example.com"})
    assert {name: made[name] for name in environment.VARIABLES[own] if name in made} == {
        variable: "https://own.example.com"
    }
    assert environment.simulated(made) == set(registry.PROVIDERS) - {own}


def test_an_empty_setting_is_none(env: dict[str, str]) -> None:
    made = environment.deployed({**env, "SENDGRID_API_KEY": "", "PROVIDERS": ""})
    assert made["SENDGRID_API_KEY"] == credentials.SENDGRID_API_KEY
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
