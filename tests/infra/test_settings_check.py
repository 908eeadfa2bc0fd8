"""What is wrong with a zappa_settings.json, and which rights of the roles follow from a right one."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.errors import ConfigurationError
from infra import settings_check, template
from infra.parameters import parameters
from infra.stages import SETTINGS
from infra.zappa_keys import FIXED, OURS, REFUSED, ZAPPA

IDENTITY = "arn:aws:ses:us-east-1:123456789012:identity/example.com"
OWN_SET = "arn:aws:ses:us-east-1:123456789012:configuration-set/own"

TO_XRAY = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://xray.us-east-1.amazonaws.com/v1/traces"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "zappa_settings.json"


def write(file: Path, changes: dict[str, Any], stage: str = "production") -> Path:
    """The settings as they are shipped, with `changes` to a stage."""
    stages = json.loads(SETTINGS.read_text())
    stages[stage] |= changes
    file.write_text(json.dumps(stages))
    return file


def test_the_settings_that_are_shipped_are_right() -> None:
    settings_check.check(SETTINGS)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"memory_sise": 512}, "production: there is no memory_sise; memory_size is meant, perhaps"),
        ({"lambda_concurency": 5}, "production: there is no lambda_concurency; lambda_concurrency is meant, perhaps"),
        ({"usage_plans": {}}, "production: there is no usage_plans; usage_plan is meant, perhaps"),
        ({"colour": "red"}, "production: there is no colour"),
        ({"stack": {"AlarmMail": "x"}}, "production: stack: there is no AlarmMail; AlarmEmail is meant, perhaps"),
        ({"stack": {"Environment": "x"}}, "production: stack: there is no Environment"),
        ({"throttle": {"rate": 1, "bursts": 1}}, "production: throttle: there is no bursts; burst is meant, perhaps"),
        ({"usage_plan": {"qouta": {}}}, "production: usage_plan: there is no qouta; quota is meant, perhaps"),
        (
            {"usage_plan": {"quota": {"limits": 1}}},
            "production: usage_plan.quota: there is no limits; limit is meant, perhaps",
        ),
        ({"aws_environment_variables": {"SHARDS": 4}}, "production: SHARDS: must be text, in quotes"),
        (
            {"aws_environment_variables": {"SENDGRID_FROM_DOMAINS": "a.example," * 310}},
            "production: aws_environment_variables has 3,128 bytes, and may have 3,072: Lambda takes 4,096 of all",
        ),
        ({"extends": "production"}, "zappa_settings.json: production extends itself"),
        ({"extends": "live"}, "zappa_settings.json has no stage live, only production, "),
        ({"role_arn": "arn"}, "production: role_arn may not be set: the roles are those of infra/template.yaml"),
        ({"environment_variables": {"A": "1"}}, "production: environment_variables may not be set: only Zappa's own"),
        ({"apigateway_lambda_qualifier": "x"}, "production: apigateway_lambda_qualifier may not be set: API Gateway"),
        ({"events": [{"name": "x"}]}, "production: events may not be set: infra/schedule.py makes the schedule"),
        ({"snap_start": True}, 'production: snap_start must be "PublishedVersions" or "None", is true'),
        ({"num_retained_versions": 1}, "production: num_retained_versions must be 2 or more, or there is nothing to"),
        ({"num_retained_versions": None}, "production: num_retained_versions must be 2 or more"),
        (
            {"lambda_concurrency": 19, "provisioned_concurrency": 10},
            "production: provisioned_concurrency may be half of lambda_concurrency at most",
        ),
        ({"manage_roles": True}, "production: manage_roles must be false: the roles are those of infra"),
        (
            {"architecture": "arm"},
            "production: architecture must be x86_64 or arm64, is arm: infra/package.py builds for",
        ),
        (
            {"runtime": "python3.11"},
            "production: runtime must be python3.13 or python3.14, is python3.11: infra/package",
        ),
        (
            {"stack": {"SesEvents": "on"}, "aws_environment_variables": {"SES_CONFIGURATION_SET": "own"}},
            "production: SesEvents makes a configuration set of SES: take it, or one of your own",
        ),
    ],
)
def test_a_mistake_is_named_with_what_may_be_meant(file: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        settings_check.check(write(file, changes))
    assert str(raised.value).startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"dev": {"memory_size": 512,}}', "zappa_settings.json is not JSON: .* line 1 column "),
        ("[]", "zappa_settings.json must be an object of stages, each of which is an object"),
        ('{"dev": 1}', "zappa_settings.json must be an object of stages"),
    ],
)
def test_what_is_no_settings_file_is_told_so(file: Path, text: str, said: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=f"^{said}"):
        settings_check.check(file)


@pytest.mark.parametrize("name", ["Dev", "pre-prod", "e" * 43, "2nd"])
def test_an_environment_has_a_name_of_which_everything_can_be_named(file: Path, name: str) -> None:
    """CloudFormation would refuse the template's parameter, or Lambda the function's name, deep in a deployment."""
    stages = json.loads(SETTINGS.read_text())
    stages[name] = {"extends": "dev"}
    file.write_text(json.dumps(stages))
    with pytest.raises(ConfigurationError, match=f"^{name}: an environment is named by small letters and digits, "):
        settings_check.check(file)


@pytest.mark.parametrize("changes", [{"architecture": "arm64"}, {"runtime": "python3.14"}])
def test_runtime_and_architecture_may_be_chosen(file: Path, changes: dict[str, Any]) -> None:
    settings_check.check(write(file, changes))


def test_a_file_without_a_runtime_is_refused_because_zappa_would_take_its_own(file: Path) -> None:
    stages = json.loads(SETTINGS.read_text())
    del stages["production"]["runtime"]
    file.write_text(json.dumps(stages))
    with pytest.raises(ConfigurationError, match=r"production: runtime is missing: python3\.13 or python3\.14"):
        settings_check.check(file)


def test_every_mistake_is_named_at_once(file: Path) -> None:
    write(file, {"memory_sise": 512})
    stages = json.loads(file.read_text())
    stages["dev_worker"] = {"extends": "dev", "colour": "red"}
    file.write_text(json.dumps(stages))
    with pytest.raises(ConfigurationError) as raised:
        settings_check.check(file)
    first, second, third = str(raised.value).splitlines()
    assert first.startswith("production: there is no memory_sise")
    assert second.startswith("dev_worker: a stage is ENVIRONMENT")
    assert third == "dev_worker: there is no colour"


def test_a_key_is_refused_or_fixed_or_free() -> None:
    assert set(REFUSED) <= ZAPPA
    assert set(FIXED) <= ZAPPA
    assert not set(REFUSED) & set(FIXED)
    assert not OURS & ZAPPA


def test_what_follows_from_other_settings_is_a_parameter_of_the_template() -> None:
    assert template.parameters() >= settings_check.DERIVED


@pytest.mark.parametrize(
    ("stage", "changes", "derived"),
    [
        ("production_attempts_bulk", {"vpc_config": {"SubnetIds": ["a"], "SecurityGroupIds": ["b"]}}, {"Vpc": "on"}),
        ("production", {"xray_tracing": True}, {"Tracing": "on"}),
        ("production_sweep", {"aws_kms_key_arn": "arn:key"}, {"VariablesKeyArn": "arn:key"}),
        ("production", {}, {}),
        ("production", {"aws_environment_variables": TO_XRAY}, {"Tracing": "on"}),
        ("production", {"aws_environment_variables": {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://otel.example.com"}}, {}),
    ],
)
def test_the_roles_get_the_rights_that_the_settings_need(
    file: Path, stage: str, changes: dict[str, Any], derived: dict[str, str]
) -> None:
    before = parameters("production", write(file, {}))
    assert parameters("production", write(file, changes, stage)) == {**before, **derived}
    settings_check.check(file)


def test_an_own_configuration_set_of_ses_may_be_used(file: Path) -> None:
    variables = {"PROVIDERS": "ses", "SES_CONFIGURATION_SET": "own", "SES_EU_CONFIGURATION_SET": "own"}
    write(file, {"stack": {"SesIdentityArns": f" {IDENTITY} "}, "aws_environment_variables": variables})
    settings_check.check(file)
    assert parameters("production", file)["SesIdentityArns"] == [IDENTITY, OWN_SET]


def test_without_identities_ses_needs_no_right(file: Path) -> None:
    write(file, {"aws_environment_variables": {"PROVIDERS": "ses", "SES_CONFIGURATION_SET": "own"}})
    assert "SesIdentityArns" not in parameters("production", file)


def test_settings_of_versions_are_checked_with_those_that_a_stage_inherits(
    file: Path,
) -> None:
    stages = json.loads(SETTINGS.read_text())
    stages["production"] |= {"snap_start": "PublishedVersions"}
    stages["production_attempts_bulk"] |= {"provisioned_concurrency": 10, "lambda_concurrency": 20}
    stages["production_sweep"] |= {"ephemeral_storage": {"Size": 1024}}
    stages["dev"] |= {"snap_start": "None"}
    file.write_text(json.dumps(stages))
    with pytest.raises(ConfigurationError) as raised:
        settings_check.check(file)
    assert str(raised.value).splitlines() == [
        "production_attempts_bulk: snap_start and provisioned_concurrency exclude each other: Lambda takes one of them",
        "production_sweep: snap_start takes no ephemeral_storage above 512",
    ]


def test_the_workers_of_all_lanes_have_the_same_time(file: Path) -> None:
    """A lease is as long as a worker may live, and a message may come in another lane than its email's."""
    stages = json.loads(SETTINGS.read_text())
    stages["dev_attempts_bulk"] |= {"timeout_seconds": 60}
    file.write_text(json.dumps(stages))
    with pytest.raises(
        ConfigurationError, match=r"^dev: timeout_seconds must be the same for the workers of all lanes$"
    ):
        settings_check.check(file)
