"""What becomes live of a deployment: Zappa is kept from it, and SnapStart and provisioned concurrency are made."""

import json
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import botocore.session
import pytest
from botocore.stub import Stubber

from infra import hooks, provisioned, release, settings_check, versions
from infra.stages import ENTRY_POINTS, SETTINGS, Stage
from infra.versions import ALIAS, VersionError
from tests.infra.lambda_functions import A, B, C, call, fail, make, settle, update
from tests.support.aws import REGION, Aws, client

KEPT: dict[str, Any] = {"aws_region": REGION, "num_retained_versions": 5}


@pytest.fixture
def function(aws: Aws) -> tuple[Any, Stage]:
    """Lambda, and an API that nothing was published of, with its alias."""
    found, stage = client(aws.endpoint_url, "lambda"), Stage(f"x{uuid4().hex[:8]}", "api")
    make(found, stage)
    versions.require_alias(found, stage.function)
    return found, stage


def deploy(found: Any, stage: Stage, deployment: str, *, is_shifted: bool = False, **settings: Any) -> None:
    update(found, stage, DEPLOYMENT=deployment)
    settle(found, stage)
    release.release(found, stage, deployment, KEPT | settings, is_shifted=is_shifted)


def test_what_was_deployed_is_live(function: tuple[Any, Stage]) -> None:
    found, stage = function
    deploy(found, stage, A)
    assert call(found, stage)["deployment"] == A


@pytest.mark.full
def test_environments_that_run_are_left_behind_by_the_next_deployment(function: tuple[Any, Stage]) -> None:
    """What they have read at their start, as a secret, is read again: by new ones."""
    found, stage = function
    deploy(found, stage, A)
    started = call(found, stage)["started"]
    assert call(found, stage)["started"] == started, "one environment answers as long as nothing is deployed"
    deploy(found, stage, B)
    assert call(found, stage)["started"] != started


@pytest.mark.full
def test_settings_of_a_version_are_made_before_it_is_published(function: tuple[Any, Stage]) -> None:
    found, stage = function
    deploy(found, stage, A, snap_start="PublishedVersions")
    live = found.get_function_configuration(FunctionName=stage.function, Qualifier=ALIAS)
    assert live["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}
    deploy(found, stage, B)
    live = found.get_function_configuration(FunctionName=stage.function, Qualifier=ALIAS)
    assert live["SnapStart"]["ApplyOn"] == "None"


@pytest.mark.full
def test_provisioned_concurrency_moves_with_the_alias(function: tuple[Any, Stage]) -> None:
    found, stage = function

    def had() -> dict[str, int]:
        numbers = [one.number for one in versions.published(found, stage.function)]
        return {number: provisioned.of(found, stage.function, number) for number in numbers}

    deploy(found, stage, A, provisioned_concurrency=3)
    assert had() == {"1": 3}
    deploy(found, stage, B, provisioned_concurrency=4)
    assert had() == {"1": 0, "2": 4}
    deploy(found, stage, C)
    assert had() == {"1": 0, "2": 0, "3": 0}


def test_the_alias_waits_for_provisioned_concurrency(function: tuple[Any, Stage]) -> None:
    found, stage = function
    deploy(found, stage, A)
    fail(found, "GetProvisionedConcurrencyConfig", "ProvisionedConcurrencyConfigNotFoundException")
    fail(found, "PutProvisionedConcurrencyConfig", "InvalidParameterValueException")
    with pytest.raises(found.exceptions.InvalidParameterValueException):
        deploy(found, stage, B, provisioned_concurrency=3)
    assert call(found, stage)["deployment"] == A


@pytest.mark.parametrize(
    ("statuses", "waits", "reason"),
    [
        (["IN_PROGRESS", "READY"], 1, ""),
        (["IN_PROGRESS", "FAILED"], 1, "no capacity"),
        (["IN_PROGRESS"] * 3, 3, "it takes too long"),
    ],
)
def test_provisioned_concurrency_is_awaited(
    monkeypatch: pytest.MonkeyPatch, statuses: list[str], waits: int, reason: str
) -> None:
    """The statuses: GetProvisionedConcurrencyConfig, Lambda API Reference. The emulator's is ready at once."""
    monkeypatch.setattr("infra.provisioned.READY_WITHIN_S", 15)
    found: Any = botocore.session.get_session().create_client(
        "lambda", region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
    )
    waited: list[float] = []
    with Stubber(found) as stub:
        stub.add_response("put_provisioned_concurrency_config", {})
        for status in statuses:
            answer = {"Status": status, **({"StatusReason": "no capacity"} if status == "FAILED" else {})}
            stub.add_response("get_provisioned_concurrency_config", answer)
        if reason:  # what nobody calls is not paid for
            stub.add_response("get_alias", {"FunctionVersion": "1"})
            asked = {"FunctionName": "f", "Qualifier": "2"}
            stub.add_response("delete_provisioned_concurrency_config", {}, asked)
            with pytest.raises(VersionError, match=rf"^f: its provisioned concurrency of 3 cannot .* ready: {reason}$"):
                provisioned.prepare(found, "f", "2", 3, waited.append)
        else:
            provisioned.prepare(found, "f", "2", 3, waited.append)
        stub.assert_no_pending_responses()
    assert len(waited) == waits


@pytest.mark.full
def test_an_old_version_that_cannot_be_deleted_fails_no_deployment(
    function: tuple[Any, Stage], capsys: pytest.CaptureFixture[str]
) -> None:
    """It would be the eleventh: nobody deletes anything before, and whoever deploys may have no right to."""
    found, stage = function
    for deployment in (A, B):
        deploy(found, stage, deployment, num_retained_versions=2)
    fail(found, "DeleteFunction")
    deploy(found, stage, C, num_retained_versions=2)
    assert call(found, stage)["deployment"] == C
    assert f"Old versions of {stage.function} stay, and take up storage: " in capsys.readouterr().out


def test_what_codedeploy_shifts_stays_where_it_is_and_the_command_is_one_of_aws(
    function: tuple[Any, Stage], capsys: pytest.CaptureFixture[str]
) -> None:
    found, stage = function
    deploy(found, stage, A, is_shifted=True)
    assert call(found, stage)["deployment"] == A, "there is nothing to shift from"
    capsys.readouterr()
    deploy(found, stage, B, is_shifted=True)
    assert call(found, stage)["deployment"] == A
    *_, line = capsys.readouterr().out.splitlines()
    words = shlex.split(line)
    assert words[:3] == ["aws", "deploy", "create-deployment"]
    options = dict(zip(words[3::2], words[4::2], strict=True))
    codedeploy: Any = botocore.session.get_session().create_client(
        "codedeploy", region_name=options["--region"], aws_access_key_id="test", aws_secret_access_key="test"
    )
    with Stubber(codedeploy) as stub:  # it knows the form of every request
        stub.add_response("create_deployment", {"deploymentId": "d-1"})
        codedeploy.create_deployment(
            applicationName=options["--application-name"],
            deploymentGroupName=options["--deployment-group-name"],
            revision=json.loads(options["--revision"]),
        )
    content = json.loads(json.loads(options["--revision"])["appSpecContent"]["content"])
    (resource,) = content["Resources"][0].values()
    wanted = {"Name": stage.function, "Alias": ALIAS, "CurrentVersion": "1", "TargetVersion": "2"}
    assert resource == {"Type": "AWS::Lambda::Function", "Properties": wanted}


@pytest.mark.parametrize(("environment", "is_shifted"), [("production", True), ("dev", False)])
def test_codedeploy_shifts_the_api_and_where_the_settings_say_so(
    tmp_path: Path, environment: str, is_shifted: bool
) -> None:
    file, stages = tmp_path / "settings.json", json.loads(SETTINGS.read_text())
    stages["production"]["stack"]["CodeDeploy"] = "on"
    file.write_text(json.dumps(stages))
    zappa = SimpleNamespace(vargs={"settings_file": str(file)})
    settings_check.check(file)
    shifted = {door: hooks._is_shifted(zappa, Stage(environment, door)) for door in ENTRY_POINTS}
    assert shifted == dict.fromkeys(ENTRY_POINTS, False) | {"api": is_shifted}


class Core:
    """The part of Zappa that calls AWS: what it is asked is noted."""

    def __init__(self, found: Any, stage: Stage) -> None:
        self.lambda_client, self._stage = found, stage
        self.asked: list[dict[str, Any]] = []

    def create_lambda_function(self, **options: Any) -> str:
        make(self.lambda_client, self._stage)
        self.asked.append(options)
        return "arn"

    def update_lambda_function(self, **options: Any) -> str:
        self.asked.append(options)
        return "arn"


def test_zappa_publishes_moves_and_deletes_no_version(aws: Aws) -> None:
    found, stage = client(aws.endpoint_url, "lambda"), Stage(f"x{uuid4().hex[:8]}", "api")
    core = Core(found, stage)
    zappa = SimpleNamespace(zappa=core, command="deploy", lambda_name=stage.function)
    release.take_over(zappa)
    assert core.create_lambda_function(function_name=stage.function) == "arn"
    assert versions.live_number(found, stage.function) == versions.LATEST, "API Gateway's integration is made next"
    assert core.update_lambda_function(num_revisions=None) == "arn"
    assert core.asked == [
        {"publish": False, "function_name": stage.function},
        {"publish": False, "num_revisions": None},
    ]
    assert (zappa.num_retained_versions, zappa.apigateway_lambda_qualifier) == (None, ALIAS)
    assert (zappa.snap_start, zappa.provisioned_concurrency) == ("None", None)


def test_a_function_whose_first_deployment_broke_off_gets_its_alias_before_it_is_updated(aws: Aws) -> None:
    found, stage = client(aws.endpoint_url, "lambda"), Stage(f"x{uuid4().hex[:8]}", "api")
    make(found, stage)
    release.take_over(SimpleNamespace(zappa=Core(found, stage), command="update", lambda_name=stage.function))
    assert versions.live_number(found, stage.function) == versions.LATEST
