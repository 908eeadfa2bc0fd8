"""The name of a deployment, which changes with all that it is made of, on the emulator's Secrets Manager."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra import deployment
from infra.stages import SETTINGS, secret_names
from tests.support.aws import Aws, client

ENVIRONMENT = "dev"


@pytest.fixture
def secrets(aws: Aws) -> Any:
    """Secrets Manager with both secrets of the environment."""
    found = client(aws.endpoint_url, "secretsmanager")
    for name in secret_names(ENVIRONMENT).values():
        found.create_secret(Name=name, SecretString="{}")
    yield found
    for name in secret_names(ENVIRONMENT).values():
        found.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


def named(found: Any, file: Path = SETTINGS, code: str = "package") -> str:
    return deployment.name(found, ENVIRONMENT, file, code)


def test_the_same_is_named_the_same(secrets: Any) -> None:
    assert named(secrets) == named(secrets)
    assert len(named(secrets)) == 12


@pytest.mark.parametrize("process", ["api", "worker"])
def test_a_changed_secret_is_another_deployment(secrets: Any, process: str) -> None:
    before = named(secrets)
    secrets.put_secret_value(SecretId=f"emailsminder/{ENVIRONMENT}/{process}", SecretString='{"a": "b"}')
    assert named(secrets) != before


@pytest.mark.parametrize("stage", ["dev", "dev_attempts_bulk", "dev_sweep", "production"])
def test_a_changed_setting_of_any_function_is_another_deployment(secrets: Any, tmp_path: Path, stage: str) -> None:
    """So that every function has a version of it, and all go back together."""
    file, stages = tmp_path / "settings.json", json.loads(SETTINGS.read_text())
    stages[stage]["lambda_description"] = "another"
    file.write_text(json.dumps(stages))
    assert named(secrets, file) != named(secrets)


def test_another_package_is_another_deployment(secrets: Any) -> None:
    assert named(secrets, code="other") != named(secrets)


def test_another_environment_changes_nothing(secrets: Any, tmp_path: Path) -> None:
    file, stages = tmp_path / "settings.json", json.loads(SETTINGS.read_text())
    stages["production_sweep"]["memory_size"] = 1024
    file.write_text(json.dumps(stages))
    assert named(secrets, file) == named(secrets)


def test_a_secret_without_a_value_is_none_and_its_first_value_is_another_deployment(secrets: Any) -> None:
    """As one that was made by another tool, or by hand, and is filled later."""
    name = f"emailsminder/{ENVIRONMENT}/api"
    secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    secrets.create_secret(Name=name)
    secrets.meta.events.register(  # the emulator gives it a version, which AWS does not
        "after-call.secrets-manager.DescribeSecret",
        lambda parsed, **_: parsed.pop("VersionIdsToStages") if parsed["Name"] == name else None,
    )
    empty = named(secrets)
    assert len(empty) == 12


def test_a_secret_that_may_not_be_described_is_named(secrets: Any, capsys: pytest.CaptureFixture[str]) -> None:
    secrets.delete_secret(SecretId=f"emailsminder/{ENVIRONMENT}/api", ForceDeleteWithoutRecovery=True)
    assert len(named(secrets)) == 12
    said = capsys.readouterr().out
    assert said.startswith("Whether the secret emailsminder/dev/api has changed is not known (ResourceNotFound")
    secrets.create_secret(Name=f"emailsminder/{ENVIRONMENT}/api", SecretString="{}")
