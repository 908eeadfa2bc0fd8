"""What a deployment checks before it changes anything, against the emulator's Secrets Manager."""

import json
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from app.errors import ConfigurationError
from app.settings import Process
from infra import credentials, hooks
from infra.stages import WORKERS
from tests.providers.case import CASES
from tests.support.aws import Aws, client
from tests.support.environment import ADDRESS_SECRET, WEBHOOK_SECRET

PUBLIC_KEY = CASES["sendgrid"].variables["SENDGRID_WEBHOOK_PUBLIC_KEY"]
SET = {"PROVIDERS": "sendgrid"}


def secret(aws: Aws, **values: str) -> str:
    name = f"test/{uuid4().hex}"
    text = json.dumps({"ADDRESS_SECRET": ADDRESS_SECRET, **values})
    client(aws.endpoint_url, "secretsmanager").create_secret(Name=name, SecretString=text)
    return name


def of(aws: Aws, process: Process, **values: str) -> str:
    """A secret of this process, with what is demanded of it."""
    made_once = {"ADDRESS_SECRET": ADDRESS_SECRET, "WEBHOOK_SECRET": WEBHOOK_SECRET}
    own = {name: made_once[name] if name in credentials.demanded(process) else "" for name in made_once}
    name = f"test/{uuid4().hex}"
    text = json.dumps({name: value for name, value in {**own, **values}.items() if value})
    client(aws.endpoint_url, "secretsmanager").create_secret(Name=name, SecretString=text)
    return name


def worker(name: str) -> dict[Process, str]:
    return {Process.WORKER: name}


@pytest.mark.parametrize(
    ("process", "variable"), [(Process.API, "SENDGRID_API_KEY"), (Process.WORKER, "SENDGRID_EU_WEBHOOK_PUBLIC_KEY")]
)
def test_a_variable_in_the_other_process_s_secret_stops_a_deployment(aws: Aws, process: Process, variable: str) -> None:
    values = {"SENDGRID_API_KEY": "SG.key", "SENDGRID_EU_WEBHOOK_PUBLIC_KEY": PUBLIC_KEY}
    manager, other = client(aws.endpoint_url, "secretsmanager"), next(one for one in Process if one is not process)
    name, others = (of(aws, one, **{variable: values[variable]}) for one in (process, other))
    with pytest.raises(
        ConfigurationError, match=rf"^{variable}: is not for the {process}, and may not be in .* {name}"
    ):
        credentials.check(manager, {process: name}, {"PROVIDERS": "sendgrid"})
    credentials.check(manager, {other: others}, {"PROVIDERS": "sendgrid"})


@pytest.mark.parametrize("variable", ["SENDGRID_API_KEY", "SENDGRID_WEBHOOK_PUBLIC_KEY", "ADDRESS_SECRET"])
def test_what_calls_webhooks_has_nothing_to_send_with_and_is_asked_for_no_key(aws: Aws, variable: str) -> None:
    manager, values = client(aws.endpoint_url, "secretsmanager"), {"PROVIDERS": "sendgrid,resend"}
    credentials.check(manager, {Process.DELIVERIES: of(aws, Process.DELIVERIES)}, values)
    bad = of(aws, Process.DELIVERIES, **{variable: ADDRESS_SECRET})
    with pytest.raises(ConfigurationError, match=rf"^{variable}: is not for the deliveries, and may not be in the sec"):
        credentials.check(manager, {Process.DELIVERIES: bad}, values)


def test_the_secrets_of_webhooks_follow_from_the_same_secret_where_they_are_shown_and_where_they_sign(aws: Aws) -> None:
    manager = client(aws.endpoint_url, "secretsmanager")
    names = {process: of(aws, process) for process in Process}
    credentials.check(manager, names, {"PROVIDERS": "ses"})
    names[Process.DELIVERIES] = of(aws, Process.DELIVERIES, WEBHOOK_SECRET=f"another-{WEBHOOK_SECRET}")
    with pytest.raises(
        ConfigurationError,
        match=rf"^WEBHOOK_SECRET: is not the same in {names[Process.API]} and {names[Process.DELIVERIES]}$",
    ):
        credentials.check(manager, names, {"PROVIDERS": "ses"})


@pytest.mark.parametrize("process", [Process.API, Process.DELIVERIES])
def test_without_the_secret_of_the_webhooks_nothing_is_deployed(aws: Aws, process: Process) -> None:
    manager, name = client(aws.endpoint_url, "secretsmanager"), of(aws, process, WEBHOOK_SECRET="")
    with pytest.raises(ConfigurationError, match=rf"^WEBHOOK_SECRET: is not set in the secret {name}; make one by"):
        credentials.check(manager, {process: name}, {"PROVIDERS": "ses"})


def test_both_secrets_have_the_same_secret_of_the_suppression_list(aws: Aws) -> None:
    manager = client(aws.endpoint_url, "secretsmanager")
    both = (Process.API, Process.WORKER)
    names = {process: of(aws, process, ADDRESS_SECRET=f"{process}-{ADDRESS_SECRET}") for process in both}
    with pytest.raises(ConfigurationError, match=r"^ADDRESS_SECRET: is not the same in test/\w+ and test/\w+$"):
        credentials.check(manager, names, {"PROVIDERS": "ses"})


def test_a_key_that_can_be_none_stops_a_deployment(aws: Aws) -> None:
    manager, name = client(aws.endpoint_url, "secretsmanager"), secret(aws, SENDGRID_API_KEY="SG.…")
    with pytest.raises(ConfigurationError, match=r"^SENDGRID_API_KEY: has a control or non-ASCII character"):
        credentials.check(manager, worker(name), SET)
    credentials.check(manager, worker(name), SET | {"PROVIDERS": "mailgun"})


def test_without_the_secret_of_the_suppression_list_nothing_is_deployed(aws: Aws) -> None:
    manager = client(aws.endpoint_url, "secretsmanager")
    with pytest.raises(ConfigurationError, match=r"^ADDRESS_SECRET: is not set in the secret test/\w+; make one by"):
        credentials.check(manager, worker(secret(aws, ADDRESS_SECRET="")), {"PROVIDERS": "ses"})
    credentials.check(manager, worker(secret(aws)), {"PROVIDERS": "ses"})


@pytest.mark.parametrize("account", ["RESEND", "RESEND_OLD"])
def test_a_webhook_secret_that_cannot_be_read_stops_a_deployment(aws: Aws, account: str) -> None:
    """That of an account that left PROVIDERS, too: its last reports are still to be believed."""
    good, name = "whsec_c2VjcmV0", f"{account}_WEBHOOK_SECRET"
    manager = client(aws.endpoint_url, "secretsmanager")
    bad = of(aws, Process.API, **{name: f"{good},whsec_not base64"})
    with pytest.raises(ConfigurationError, match=rf"^{name}: text 2 of the 2 in it is not a signing secret"):
        credentials.check(manager, {Process.API: bad}, {"PROVIDERS": "resend"})
    good_ones = of(aws, Process.API, **{name: f"{good},{good}"})
    credentials.check(manager, {Process.API: good_ones}, {"PROVIDERS": "resend"})


def test_a_malformed_setting_stops_a_deployment(aws: Aws) -> None:
    manager, name = client(aws.endpoint_url, "secretsmanager"), secret(aws, SENDGRID_API_KEY="SG.key\n")
    with pytest.raises(ConfigurationError, match=r"^RETRY_FOR_S: "):
        credentials.check(manager, worker(name), SET | {"RETRY_FOR_S": "soon"})


def test_a_sampler_that_there_is_none_of_stops_a_deployment(aws: Aws) -> None:
    traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://otel.example.com", "OTEL_TRACES_SAMPLER": "ratio"}
    with pytest.raises(ConfigurationError, match=r"^OTEL_TRACES_SAMPLER: must be one of "):
        credentials.check(client(aws.endpoint_url, "secretsmanager"), {}, SET | traced)


def test_a_collector_s_headers_may_be_in_every_secret_and_not_in_the_settings(aws: Aws) -> None:
    manager, headers = client(aws.endpoint_url, "secretsmanager"), {"OTEL_EXPORTER_OTLP_HEADERS": "api-key=s3cr3t"}
    names = {process: of(aws, process, **headers) for process in Process}
    credentials.check(manager, names, SET | {"PROVIDERS": "ses"})
    with pytest.raises(ConfigurationError, match=r"^OTEL_EXPORTER_OTLP_HEADERS: is a secret; put it into"):
        credentials.check(manager, names, SET | headers)


@pytest.mark.parametrize(
    ("variable", "why"),
    [
        ("PROVIDERS", "is no secret; put it into aws_environment_variables of zappa_settings.json, which every"),
        ("LOG_LEVEL", "is no secret; put it into aws_environment_variables"),
        ("SENDGRID_EU_DAILY_CAP", "is no secret; put it into aws_environment_variables"),
        ("TABLE_PREFIX", r"the deployment sets it \(the stack says it\); delete it here"),
        ("SENDGRID_APIKEY", "there is no such variable; SENDGRID_API_KEY is meant, perhaps"),
        ("NOTE", "no provider has such a variable"),
    ],
)
def test_what_does_not_belong_in_a_secret_stops_a_deployment(aws: Aws, variable: str, why: str) -> None:
    name = secret(aws, **{variable: "1"})
    with pytest.raises(ConfigurationError, match=f"^{variable}: {why}"):
        credentials.check(client(aws.endpoint_url, "secretsmanager"), worker(name), SET)


@pytest.mark.parametrize(
    ("variable", "why"),
    [
        ("SENDGRID_API_KEY", "is a secret; put it into the file that `python -m app.admin secrets store` divides"),
        ("ADDRESS_SECRET", "is a secret; put it into the file"),
        ("WORKER_TIMEOUT_S", r"the deployment sets it \(timeout_seconds of the stages ENVIRONMENT_attempts_LANE"),
        ("DATA_DIR", "only local mode reads it"),
        ("AWS_SECRET_ACCESS_KEY", "Lambda sets it, and keys are those of the function's role; delete it here"),
        ("_HANDLER", "Lambda sets it"),
        ("X-NOTE", "is no name that Lambda takes"),
        ("PROVIDER", "there is no such variable; PROVIDERS is meant, perhaps"),
        ("SENDGRID_EU_FROM_DOMAIN", "there is no such variable; SENDGRID_EU_FROM_DOMAINS is meant, perhaps"),
        ("SENDGRID_COLOUR", "sendgrid has no such variable"),
    ],
)
def test_what_does_not_belong_in_the_settings_stops_a_deployment(aws: Aws, variable: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{variable}: {why}"):
        credentials.check(client(aws.endpoint_url, "secretsmanager"), {}, SET | {variable: "1"})


def test_what_is_no_secret_and_what_others_read_may_be_in_the_settings(aws: Aws) -> None:
    mine = {"SENDGRID_EU_DAILY_CAP": "100", "SES_REGION": "eu-west-1", "OTEL_SERVICE_NAME": "mail", "TZ": "UTC"}
    credentials.check(client(aws.endpoint_url, "secretsmanager"), worker(secret(aws)), SET | mine)


@pytest.mark.parametrize(
    ("variables", "why"),
    [({}, "^PROVIDERS: is not set; put it into aws_environment"), ({"PROVIDERS": "acme"}, "^PROVIDERS: 'acme' is not")],
)
def test_without_a_known_provider_nothing_is_deployed(aws: Aws, variables: dict[str, str], why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        credentials.check(client(aws.endpoint_url, "secretsmanager"), {}, variables)


def test_a_secret_that_cannot_be_read_is_told_and_not_checked(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    manager = client(aws.endpoint_url, "secretsmanager")

    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetSecretValue")

    manager.meta.events.register("before-call.secrets-manager.GetSecretValue", refuse)
    credentials.check(manager, worker("emailsminder/x/worker"), SET)
    said = capsys.readouterr().out
    assert "not checked: the secret emailsminder/x/worker cannot be read: AccessDeniedException" in said


def test_a_secret_that_there_is_not_stops_a_deployment_whose_functions_could_do_nothing(aws: Aws) -> None:
    """It was forgotten, or the credentials are those of another account."""
    manager = client(aws.endpoint_url, "secretsmanager")
    with pytest.raises(ConfigurationError, match=r"^there is no secret emailsminder/x/worker, .* FILE --stage x`, "):
        credentials.check(manager, worker("emailsminder/x/worker"), SET)


def test_the_first_hook_checks_before_there_is_a_stack(
    aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", "")  # the hook sets it
    stage = f"x{uuid4().hex[:8]}"
    manager = client(aws.endpoint_url, "secretsmanager")
    both = {"ADDRESS_SECRET": ADDRESS_SECRET, "WEBHOOK_SECRET": WEBHOOK_SECRET}
    manager.create_secret(Name=f"emailsminder/{stage}/api", SecretString=json.dumps(both))
    manager.create_secret(Name=f"emailsminder/{stage}/worker", SecretString=json.dumps({"SENDGRID_API_KEY": "SG.…"}))
    file = tmp_path / "zappa_settings.json"
    api = {"runtime": "python3.13", "timeout_seconds": 29}
    worker = {**api, "timeout_seconds": 20}
    file.write_text(json.dumps({stage: api, **dict.fromkeys((f"{stage}_{door}" for door in WORKERS), worker)}))
    zappa = SimpleNamespace(
        command="deploy",
        api_stage=stage,
        vargs={"settings_file": str(file)},
        aws_environment_variables=SET,
        stage_config=api,
        zappa=SimpleNamespace(boto_session=SimpleNamespace(client={"secretsmanager": manager}.__getitem__)),
    )
    with pytest.raises(SystemExit, match=rf"^{stage}: SENDGRID_API_KEY: "):
        hooks.prepare(zappa)
