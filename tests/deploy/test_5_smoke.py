"""`make smoke`, as far as the emulator goes: a second environment is made, restored to a point in time, and removed.

What the emulator cannot show is left out: alarms, SES's reports, metrics, traces; and what CloudFormation does not do
there with a time to live and with backups is done by hand.
"""

import json
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.deploy.cloud import ROOT, Cloud, Team
from tests.deploy.conftest import _secrets

ENVIRONMENT = "dev"
NOTES = ROOT / "build" / f"smoke-{ENVIRONMENT}.json"


@pytest.fixture(scope="module")
def other_team(cloud: Cloud, simulator: tuple[httpx.Client, Path], tmp_path_factory: pytest.TempPathFactory) -> Team:
    """A team that stored the secrets of a second environment, and nothing else."""
    control, folder = simulator
    NOTES.unlink(missing_ok=True)
    team = Team(cloud, control)
    file = tmp_path_factory.mktemp("smoke") / "secrets.json"
    file.write_text(json.dumps(_secrets(control, folder)))
    team.run(sys.executable, "-m", "app.admin", "secrets", "store", str(file), "--stage", ENVIRONMENT)
    return team


def smoke(team: Team, *steps: str, fails: bool = False) -> str:
    """Run these steps; what was printed."""
    url = f"{team.cloud.url}/_aws/execute-api/{{id}}/{ENVIRONMENT}"
    command = (sys.executable, "-m", "infra.smoke", ENVIRONMENT, "--only", ",".join(steps), "--api-url", url)
    return team.run(*command, fails=fails)


def tables(team: Team) -> dict[str, Any]:
    dynamodb = team.cloud.client("dynamodb")
    names = [name for name in dynamodb.list_tables()["TableNames"] if f"-{ENVIRONMENT}-" in name]
    return {name: dynamodb.describe_table(TableName=name)["Table"] for name in names}


def test_an_environment_is_made_and_sends(other_team: Team) -> None:
    printed = smoke(other_team, "begin", "secrets", "deploy", "answer", "send")
    assert "FAILED" not in printed
    assert "Not shown, because they were left out: alarms, events" in printed
    assert f"function emailsminder-{ENVIRONMENT}-sweep" in printed, "what stays is told"
    assert "ARGS='--only remove'" in printed


def test_a_second_run_does_not_take_it_for_its_own(other_team: Team) -> None:
    printed = smoke(other_team, "begin", fails=True)
    assert f"FAILED: begin: {ENVIRONMENT} is there already" in printed


def test_its_tables_are_restored_and_it_goes_on_with_them(other_team: Team) -> None:
    dynamodb = other_team.cloud.client("dynamodb")
    for name in tables(other_team):
        dynamodb.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        if not name.endswith(("api-keys", "endpoints")):
            dynamodb.update_time_to_live(
                TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"}
            )
    printed = smoke(other_team, "restore")
    assert "FAILED" not in printed
    assert f"emailsminder-{ENVIRONMENT}-smoke-emails" in tables(other_team)


def test_everything_is_removed(other_team: Team) -> None:
    printed = smoke(other_team, "remove")
    assert "FAILED" not in printed
    assert tables(other_team) == {}
    assert not NOTES.exists()
