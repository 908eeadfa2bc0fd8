"""What a deployment checks before it changes anything, against the emulator's Secrets Manager."""

import json
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest

from app.errors import ConfigurationError
from app.settings import Process
from infra import credentials, hooks
from tests.providers.case import CASES
from tests.support.aws import Aws, client
from tests.support.environment import ADDRESS_SECRET

PUBLIC_KEY = CASES["sendgrid"].variables["SENDGRID_WEBHOOK_PUBLIC_KEY"]
SET = {"PROVIDERS": "sendgrid", "ADDRESS_SECRET": ADDRESS_SECRET}


def secret(aws: Aws, **values: str) -> str:
    name = f"test/{uuid4().hex}"
    client(aws.endpoint_url, "secretsmanager").create_secret(Name=name, SecretString=json.dumps(values))
    return name


def worker(name: str) -> dict[Process, str]:
    return {Process.WORKER: name}


@pytest.mark.parametrize(
    ("process", "variable"), [(Process.API, "SENDGRID_API_KEY"), (Process.WORKER, "SENDGRID_EU_WEBHOOK_PUBLIC_KEY")]
)
def test_a_variable_in_the_other_process_s_secret_stops_a_deployment(aws: Aws, process: Process, variable: str) -> None:
    values = {"SENDGRID_API_KEY": "SG.key", "SENDGRID_EU_WEBHOOK_PUBLIC_KEY": PUBLIC_KEY}
    name = secret(aws, ADDRESS_SECRET=ADDRESS_SECRET, **{variable: values[variable]})
    manager, other = client(aws.endpoint_url, "secretsmanager"), next(one for one in Process if one is not process)
    with pytest.raises(
        ConfigurationError, match=rf"^{variable}: is not for the {process}, and may not be in .* {name}"
    ):
        credentials.check(manager, {process: name}, {"PROVIDERS": "sendgrid"})
    credentials.check(manager, {other: name}, {"PROVIDERS": "sendgrid"})


def test_both_secrets_have_the_same_secret_of_the_suppression_list(aws: Aws) -> None:
    manager = client(aws.endpoint_url, "secretsmanager")
    names = {process: secret(aws, ADDRESS_SECRET=f"{process}-{ADDRESS_SECRET}") for process in Process}
    with pytest.raises(ConfigurationError, match=r"^ADDRESS_SECRET: is not the same in test/\w+ and test/\w+$"):
        credentials.check(manager, names, {"PROVIDERS": "ses"})
    credentials.check(manager, names, SET)  # one of the functions' own variables wins over both


def test_a_key_that_can_be_none_stops_a_deployment(aws: Aws) -> None:
    manager, name = client(aws.endpoint_url, "secretsmanager"), secret(aws, SENDGRID_API_KEY="SG.…")
    with pytest.raises(ConfigurationError, match=r"^SENDGRID_API_KEY: has a control or non-ASCII character"):
        credentials.check(manager, worker(name), SET)
    credentials.check(manager, worker(name), SET | {"PROVIDERS": "mailgun"})
    credentials.check(manager, worker(name), SET | {"SENDGRID_API_KEY": "SG.key"})


def test_without_the_secret_of_the_suppression_list_nothing_is_deployed(aws: Aws) -> None:
    manager = client(aws.endpoint_url, "secretsmanager")
    with pytest.raises(ConfigurationError, match=r"^ADDRESS_SECRET: is not set in the secret test/\w+; make one by"):
        credentials.check(manager, worker(secret(aws)), {"PROVIDERS": "ses"})
    credentials.check(manager, worker(secret(aws, ADDRESS_SECRET=ADDRESS_SECRET)), {"PROVIDERS": "ses"})


@pytest.mark.parametrize("account", ["RESEND", "RESEND_OLD"])
def test_a_webhook_secret_that_cannot_be_read_stops_a_deployment(aws: Aws, account: str) -> None:
    """That of an account that left PROVIDERS, too: its last reports are still to be believed."""
    good, name = "whsec_c2VjcmV0", f"{account}_WEBHOOK_SECRET"
    manager = client(aws.endpoint_url, "secretsmanager")
    bad = secret(aws, **{name: f"{good},whsec_not base64"})
    with pytest.raises(ConfigurationError, match=rf"^{name}: text 2 of the 2 in it is not a signing secret"):
        credentials.check(manager, {Process.API: bad}, {"PROVIDERS": "resend"})
    good_ones = secret(aws, ADDRESS_SECRET=ADDRESS_SECRET, **{name: f"{good},{good}"})
    credentials.check(manager, {Process.API: good_ones}, {"PROVIDERS": "resend"})


def test_a_malformed_setting_stops_a_deployment(aws: Aws) -> None:
    manager, name = client(aws.endpoint_url, "secretsmanager"), secret(aws, SENDGRID_API_KEY="SG.key\n")
    with pytest.raises(ConfigurationError, match=r"^RETRY_FOR_S: "):
        credentials.check(manager, worker(name), SET | {"RETRY_FOR_S": "soon"})


def test_a_secret_that_cannot_be_read_is_told_and_not_checked(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    credentials.check(client(aws.endpoint_url, "secretsmanager"), worker("test/nowhere"), SET)
    assert "not checked: the secret test/nowhere cannot be read" in capsys.readouterr().out


def test_the_first_hook_checks_before_there_is_a_stack(
    aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", "")  # the hook sets it
    stage = f"x{uuid4().hex[:8]}"
    manager = client(aws.endpoint_url, "secretsmanager")
    manager.create_secret(Name=f"emailsminder/{stage}/worker", SecretString=json.dumps({"SENDGRID_API_KEY": "SG.…"}))
    file = tmp_path / "zappa_settings.json"
    file.write_text(json.dumps({stage: {"timeout_seconds": 29}, f"{stage}_attempts": {"timeout_seconds": 20}}))
    zappa = SimpleNamespace(
        command="deploy",
        api_stage=stage,
        vargs={"settings_file": str(file)},
        aws_environment_variables=SET,
        zappa=SimpleNamespace(boto_session=SimpleNamespace(client={"secretsmanager": manager}.__getitem__)),
    )
    with pytest.raises(ConfigurationError, match=r"^SENDGRID_API_KEY: "):
        hooks.prepare(zappa)
