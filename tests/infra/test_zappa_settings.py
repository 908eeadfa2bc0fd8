"""zappa_settings.json: one Lambda per door, and nothing secret."""

import importlib
import json
import re

import pytest

from app.errors import ConfigurationError
from app.providers import registry
from app.settings import Settings
from app.wiring.variable_locations import OF_THE_STACK
from infra import hooks, mappings
from infra.stages import ENTRY_POINTS, SETTINGS, WORKERS, Stage, settings
from infra.variables import lines, variables
from tests.infra import template

STAGES = json.loads(SETTINGS.read_text())
ENVIRONMENTS = ("production", "dev")
OUTPUTS = {
    "TablePrefix": "emailsminder-dev-",
    "normalTopicArn": "arn:topic-normal",
    "normalDelayQueueUrl": "https://queue-normal",
    "ContentBucket": "bucket",
    "NotificationsTopicArn": "arn:notifications",
    "NotificationsQueueUrl": "https://notifications",
}


def door(name: str) -> str:
    """`api`, `attempts`, `deliveries`, `changes` or `sweep`: what the function of a stage does."""
    return Stage.of(name).entry_point.partition("_")[0]


def test_every_door_of_two_environments() -> None:
    assert set(STAGES) == {Stage(environment, door).name for environment in ENVIRONMENTS for door in ENTRY_POINTS}


@pytest.mark.parametrize("name", STAGES)
def test_stage_runs_its_own_handler(name: str) -> None:
    module, _, function = settings(name)["lambda_handler"].rpartition(".")
    assert module == {"api": "app.main"}.get(door(name), f"workers.{door(name)}")
    assert callable(getattr(importlib.import_module(module), function))


@pytest.mark.parametrize("name", STAGES)
def test_only_the_api_has_a_gateway_and_no_clock_is_zappa_s(name: str) -> None:
    found, door = settings(name), Stage.of(name).entry_point
    assert found.get("apigateway_enabled", True) is (door == "api")
    assert "events" not in found, "they would call the function itself, and not the alias"
    assert found["keep_warm"] is False
    assert found["cloudwatch_metrics_enabled"] is False, "metrics of each method cost, and nothing here reads them"
    assert found["manage_roles"] is False, "Zappa's own role may do anything"
    assert "environment_variables" not in found, "only Zappa's own handler would read them"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_api_is_called_where_it_is(environment: str) -> None:
    """An edge endpoint would send each call through CloudFront, which servers that call from the region do not need."""
    assert settings(environment)["endpoint_configuration"] == ["REGIONAL"]


@pytest.mark.parametrize("name", STAGES)
def test_function_ends_before_who_waits_for_it(name: str) -> None:
    hidden_s = template.load()["Resources"]["NotificationsQueue"]["Properties"]["VisibilityTimeout"]
    window_s = mappings.NOTIFICATIONS["MaximumBatchingWindowInSeconds"]
    limits_s = {"api": 29, "attempts": 60, "sweep": 60}  # API Gateway's; the next sweep's
    # AWS advises to hide the messages of a queue for six times as long as the function runs, and a batch's window.
    limits_s |= {"deliveries": (hidden_s - window_s) / 6, "changes": mappings.STREAM["MaximumRecordAgeInSeconds"]}
    assert settings(name)["timeout_seconds"] < limits_s[door(name)]


def test_slow_providers_cannot_take_all_of_the_account_s_concurrency() -> None:
    reserved = {name: settings(name).get("lambda_concurrency") for name in STAGES if name.startswith("production")}
    assert reserved == {
        "production": None,
        "production_attempts_urgent": 100,
        "production_attempts_normal": 200,
        "production_attempts_bulk": 100,
        "production_deliveries": 20,
        "production_changes": 50,
        "production_sweep": None,
    }
    assert mappings.NOTIFICATIONS["ScalingConfig"]["MaximumConcurrency"] <= reserved["production_deliveries"]


@pytest.mark.parametrize("name", STAGES)
def test_nothing_secret_is_in_the_file(name: str) -> None:
    names = " ".join(settings(name)["aws_environment_variables"])
    assert not re.search("KEY|SECRET|TOKEN|PASSWORD", names)


@pytest.mark.parametrize("name", STAGES)
def test_every_variable_is_text(name: str) -> None:
    assert all(isinstance(value, str) for value in settings(name)["aws_environment_variables"].values())


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_stack_parameters_exist(environment: str) -> None:
    assert set(settings(environment)["stack"]) <= set(template.load()["Parameters"])


def test_production_is_protected() -> None:
    assert settings("production")["stack"]["DeletionProtection"] == "true"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_callbacks_exist(environment: str) -> None:
    for path in settings(environment)["callbacks"].values():
        assert callable(getattr(hooks, path.removeprefix("infra.hooks.")))


def test_environment_is_what_the_application_reads() -> None:
    found = Settings.from_env({**variables(Stage("dev", "api"), OUTPUTS, 20), "PROVIDERS": "sendgrid"})
    assert (found.table_prefix, found.topic_arn, found.content_bucket) == (
        "emailsminder-dev-",
        "arn:topic-{lane}",
        "bucket",
    )
    assert found.worker_timeout_s == 20
    assert found.secret_name == "emailsminder/dev/api"
    assert found.metrics_namespace == "EmailsMinder"
    assert found.service_name == "emailsminder-dev"


def test_the_command_line_is_given_what_every_function_has() -> None:
    base = {
        "aws_region": "eu-west-1",
        "aws_environment_variables": {
            "PROVIDERS": "sendgrid, ses",
            "DOMAIN_PREFERENCES": "a.example=ses; b.example=ses",
        },
    }
    found = list(lines(base, variables(Stage("dev", "attempts_normal"), OUTPUTS, 20)))
    assert all(len(line.split()) == 1 for line in found), "a shell divides them at blanks"
    env = dict(line.strip().split("=", 1) for line in found)
    assert (env["AWS_REGION"], env["PROVIDERS"]) == ("eu-west-1", "sendgrid,ses")
    assert Settings.from_env(env).routing.preferences == {"a.example": ("ses",), "b.example": ("ses",)}
    assert env["SECRET_NAME"] == "emailsminder/dev/worker"


def test_each_function_reads_a_secret_of_its_own_and_the_sweep_none() -> None:
    named = {door: variables(Stage("dev", door), OUTPUTS, 20)["SECRET_NAME"] for door in ENTRY_POINTS}
    assert named == dict.fromkeys(WORKERS, "emailsminder/dev/worker") | {
        "api": "emailsminder/dev/api",
        "deliveries": "emailsminder/dev/deliveries",
        "changes": "",
        "sweep": "",
    }


def test_who_publishes_notifications_or_delivers_them_knows_where_they_are() -> None:
    names = ("NOTIFICATIONS_TOPIC_ARN", "NOTIFICATIONS_QUEUE_URL")
    found = {door: variables(Stage("dev", door), OUTPUTS, 20) for door in ENTRY_POINTS}
    for door, named in found.items():
        values = tuple(named.get(name) for name in names)
        assert values == ((None, None) if door in WORKERS else ("arn:notifications", "https://notifications"))


def test_what_names_a_thing_of_the_stack_is_listed_as_such() -> None:
    """A rollback does not go back beyond a restoration, after which some of it has another name."""
    others = {name: f"other-{value}" for name, value in OUTPUTS.items()}
    one, other = (variables(Stage("dev", "api"), outputs, 20) for outputs in (OUTPUTS, others))
    assert {name for name in one if one[name] != other[name]} == set(OF_THE_STACK)


def test_ses_events_come_with_their_topic() -> None:
    outputs = {**OUTPUTS, "SesTopicArn": "arn:ses", "SesConfigurationSet": "set"}
    found = registry.values("ses", variables(Stage("dev", "attempts_normal"), outputs, 20))
    assert found.texts("TOPIC_ARN") == ("arn:ses",)
    assert found.text("CONFIGURATION_SET") == "set"


@pytest.mark.parametrize(
    ("name", "stage", "function"),
    [
        ("production", Stage("production", "api"), "emailsminder-production"),
        ("dev_attempts_bulk", Stage("dev", "attempts_bulk"), "emailsminder-dev-attempts-bulk"),
        ("dev_deliveries", Stage("dev", "deliveries"), "emailsminder-dev-deliveries"),
        ("dev_changes", Stage("dev", "changes"), "emailsminder-dev-changes"),
        ("dev_sweep", Stage("dev", "sweep"), "emailsminder-dev-sweep"),
    ],
)
def test_names(name: str, stage: Stage, function: str) -> None:
    assert Stage.of(name) == stage
    assert stage.name == name
    assert stage.function == function


def test_unknown_door_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="dev_worker"):
        Stage.of("dev_worker")
