"""`python -m app.admin secrets`: one file in, and each process gets its own."""

import json
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from app.providers import registry
from app.settings import Process
from tests.admin.conftest import REGION, Run
from tests.providers.case import CASES
from tests.support.environment import ADDRESS_SECRET, WEBHOOK_SECRET

PUBLIC_KEY = CASES["sendgrid"].variables["SENDGRID_WEBHOOK_PUBLIC_KEY"]
SECRETS = {
    "ADDRESS_SECRET": ADDRESS_SECRET,
    "WEBHOOK_SECRET": WEBHOOK_SECRET,
    "SENDGRID_API_KEY": "SG.s3cr3t",
    "SENDGRID_WEBHOOK_PUBLIC_KEY": PUBLIC_KEY,
    "MAILGUN_EU_API_KEY": "key-s3cr3t",
    "MAILGUN_EU_DOMAIN": "mg.example.com",
    "MAILGUN_EU_WEBHOOK_SIGNING_KEY": "signing-s3cr3t",
    "SES_ACCESS_KEY_ID": "AKID",
    "SES_SECRET_ACCESS_KEY": "s3cr3t",
}
MADE_ONCE = {"ADDRESS_SECRET": ADDRESS_SECRET, "WEBHOOK_SECRET": WEBHOOK_SECRET}
FOR_API = {*MADE_ONCE, "SENDGRID_WEBHOOK_PUBLIC_KEY", "MAILGUN_EU_DOMAIN", "MAILGUN_EU_WEBHOOK_SIGNING_KEY"}
FOR_WORKER = (set(SECRETS) - FOR_API) | {"ADDRESS_SECRET", "MAILGUN_EU_DOMAIN"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "secrets.json"


def manager() -> Any:
    return botocore.session.get_session().create_client("secretsmanager", region_name=REGION)


def stored(stage: str, process: str) -> dict[str, str]:
    return dict(json.loads(manager().get_secret_value(SecretId=f"emailsminder/{stage}/{process}")["SecretString"]))


def store(run: Run, file: Path, stage: str, values: object) -> Any:
    file.write_text(json.dumps(values))
    return run("secrets", "store", str(file), "--stage", stage, AWS_DEFAULT_REGION=REGION)


def test_each_process_gets_what_it_reads_and_no_more(run: Run, file: Path) -> None:
    done = store(run, file, "one", SECRETS)
    assert done.exit_code == 0, done.output
    assert stored("one", "api") == {name: SECRETS[name] for name in FOR_API}
    assert stored("one", "worker") == {name: SECRETS[name] for name in FOR_WORKER}
    assert stored("one", "deliveries") == {"WEBHOOK_SECRET": WEBHOOK_SECRET}
    assert done.stdout.splitlines() == [
        "SECRET                       VARIABLES",
        f"emailsminder/one/api         {', '.join(sorted(FOR_API))}",
        f"emailsminder/one/worker      {', '.join(sorted(FOR_WORKER))}",
        "emailsminder/one/deliveries  WEBHOOK_SECRET",
    ]
    assert "s3cr3t" not in done.output


def test_stored_again_they_are_replaced_whole(run: Run, file: Path) -> None:
    assert store(run, file, "two", SECRETS).exit_code == 0
    fewer = {"ADDRESS_SECRET": ADDRESS_SECRET, "SENDGRID_API_KEY": "SG.another"}
    assert store(run, file, "two", MADE_ONCE | fewer).exit_code == 0
    assert stored("two", "api") == MADE_ONCE
    assert stored("two", "worker") == fewer


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ADDRESS_SECRET": ""}, "ADDRESS_SECRET: is missing; make one by"),
        ({"WEBHOOK_SECRET": ""}, "WEBHOOK_SECRET: is missing; make one by"),
        ({"WEBHOOK_SECRET": "short"}, "WEBHOOK_SECRET: must have at least 32 characters"),
        ({"ADDRESS_SECRET": "short"}, "ADDRESS_SECRET: must have at least 32 characters"),
        ({"SENDGRID_APIKEY": "SG.s3cr3t"}, "SENDGRID_APIKEY: there is no such variable; SENDGRID_API_KEY is meant"),
        ({"ACME_API_KEY": "s3cr3t"}, "ACME_API_KEY: no provider has such a variable"),
        ({"SENDGRID_DAILY_CAP": "100"}, "SENDGRID_DAILY_CAP: is no secret"),
        ({"LOG_LEVEL": "INFO"}, "LOG_LEVEL: is no secret; put it into aws_environment_variables"),
        ({"TOPIC_ARN": "arn"}, "TOPIC_ARN: the deployment sets it"),
        ({"SENDGRID_API_KEY": "SG.…"}, "SENDGRID_API_KEY: has a control or non-ASCII character"),
        ({"MAILGUN_EU_DOMAIN": "nowhere"}, "MAILGUN_EU_DOMAIN: it is not a domain"),
        ({"SES_REGION": 7}, "the file must be a JSON object of strings"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(run: Run, file: Path, change: dict[str, Any], said: str) -> None:
    done = store(run, file, "three", {**SECRETS, **change})
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(said), done.stderr
    assert "s3cr3t" not in done.stderr
    with pytest.raises(manager().exceptions.ClientError, match="ResourceNotFound"):
        stored("three", "api")


@pytest.mark.parametrize("text", ["{", "[]", ""])
def test_a_file_that_is_no_json_object_is_refused(run: Run, file: Path, text: str) -> None:
    file.write_text(text)
    done = run("secrets", "store", str(file), "--stage", "four", AWS_DEFAULT_REGION=REGION)
    assert (done.exit_code, done.stderr) == (1, "the file must be a JSON object of strings\n")


def test_the_secret_of_the_suppression_list_is_never_changed(run: Run, file: Path) -> None:
    assert store(run, file, "five", SECRETS).exit_code == 0
    done = store(run, file, "five", {**SECRETS, "ADDRESS_SECRET": f"another-{ADDRESS_SECRET}"})
    assert done.exit_code == 1
    assert (
        done.stderr == "ADDRESS_SECRET: emailsminder/five/api has another one, which must never change; take that one\n"
    )
    assert stored("five", "worker")["ADDRESS_SECRET"] == ADDRESS_SECRET


def test_the_secret_of_the_webhooks_is_changed_only_by_somebody_who_means_it(run: Run, file: Path) -> None:
    assert store(run, file, "six", SECRETS).exit_code == 0
    other = {**SECRETS, "WEBHOOK_SECRET": f"another-{WEBHOOK_SECRET}"}
    said = store(run, file, "six", other).stderr
    assert said.startswith(
        "WEBHOOK_SECRET: emailsminder/six/api has another one, from which the secrets of all webhooks"
    )
    for process in ("api", "deliveries"):
        without = {name: value for name, value in stored("six", process).items() if name != "WEBHOOK_SECRET"}
        manager().put_secret_value(SecretId=f"emailsminder/six/{process}", SecretString=json.dumps(without))
    assert store(run, file, "six", other).exit_code == 0
    assert stored("six", "deliveries") == {"WEBHOOK_SECRET": other["WEBHOOK_SECRET"]}


def test_every_secret_of_every_provider_is_read_by_one_process_only() -> None:
    """Such as the worker, which sends; both would be as if there were one secret."""
    for provider in registry.PROVIDERS:
        for one in registry.declaration(provider).variables:
            assert one.read_by, one.name
            assert not one.is_secret or len(one.read_by) == 1, one.name
            assert not one.verifies or one.read_by == {Process.API}, one.name


@pytest.mark.parametrize(
    ("name", "account"),
    [
        ("SENDGRID_API_KEY", "sendgrid"),
        ("SENDGRID_EU_API_KEY", "sendgrid:eu"),
        ("SES_SECRET_ACCESS_KEY", "ses"),
        ("SES_LAB2_SECRET_ACCESS_KEY", "ses:lab2"),
        *((name, None) for name in ("SENDGRID_eu_API_KEY", "SENDGRIDAPI_KEY", "SENDGRID_EUAPI_KEY", "API_KEY")),
        *((name, None) for name in ("SENDGRID_", "SENDGRID_EU_WEST_API_KEY", "POSTAL_API_KEY", "MAILGUN_FROM_DOMAIN")),
    ],
)
def test_a_variable_is_told_by_its_name(name: str, account: str | None) -> None:
    found = registry.find_variable(name)
    assert (found and found[0]) == account
    if found:
        assert registry.values(found[0], {}).variable(found[1].name) == name
