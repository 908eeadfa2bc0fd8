"""Versions and the alias: published, moved and pruned on the emulator, and what goes wrong on the way."""

from typing import Any
from uuid import uuid4

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from infra import versions
from infra.stages import Stage
from infra.versions import ALIAS, VersionError
from tests.infra.lambda_functions import A, B, C, D, call, fail, make, settle, update
from tests.support.aws import REGION, Aws, client


@pytest.fixture
def function(aws: Aws) -> tuple[Any, Stage]:
    """Lambda, and a function of our own that nothing was published of, with its alias."""
    found, stage = client(aws.endpoint_url, "lambda"), Stage(f"x{uuid4().hex[:8]}", "sweep")
    make(found, stage, DEPLOYMENT="first")
    versions.require_alias(found, stage.function)
    return found, stage


def deploy(found: Any, stage: Stage, deployment: str) -> str:
    update(found, stage, DEPLOYMENT=deployment)
    settle(found, stage)
    number = versions.publish(found, stage.function, deployment)
    versions.move(found, stage.function, number)
    return number


def labels(found: Any, stage: Stage) -> list[tuple[str, str, str]]:
    return [(one.number, one.deployment, one.after) for one in versions.published(found, stage.function)]


def test_before_anything_is_published_the_alias_is_of_what_is_there(function: tuple[Any, Stage]) -> None:
    found, stage = function
    versions.require_alias(found, stage.function)
    assert call(found, stage)["deployment"] == "first"
    assert versions.live_number(found, stage.function) == versions.LATEST
    assert versions.live(found, stage.function) is None


@pytest.mark.full
def test_a_version_keeps_code_and_settings_until_the_alias_moves(function: tuple[Any, Stage]) -> None:
    found, stage = function
    deploy(found, stage, A)
    update(found, stage, DEPLOYMENT=B)
    number = versions.publish(found, stage.function, B)
    assert call(found, stage)["deployment"] == A, "what is published is not live yet"
    versions.move(found, stage.function, number)
    assert call(found, stage)["deployment"] == B
    assert labels(found, stage) == [("1", A, ""), ("2", B, A)]


def test_an_update_under_way_is_waited_for(function: tuple[Any, Stage]) -> None:
    found, stage = function
    update(found, stage, DEPLOYMENT=A)
    assert found.get_function_configuration(FunctionName=stage.function)["LastUpdateStatus"] == "InProgress"
    versions.publish(found, stage.function, A)
    assert found.get_function_configuration(FunctionName=stage.function)["LastUpdateStatus"] == "Successful"


def test_an_update_of_somebody_else_that_begins_meanwhile_is_waited_for(function: tuple[Any, Stage]) -> None:
    found, stage = function
    fail(found, "PublishVersion", "ResourceConflictException", times=2)
    assert versions.publish(found, stage.function, A) == "1"


def test_a_function_that_never_comes_to_an_end_is_given_up(function: tuple[Any, Stage]) -> None:
    found, stage = function
    fail(found, "PublishVersion", "ResourceConflictException", times=versions.CONFLICTS)
    with pytest.raises(VersionError, match=rf"^{stage.function} is being changed by somebody else: wait until"):
        versions.publish(found, stage.function, A)


@pytest.mark.full
def test_what_cannot_be_moved_leaves_the_earlier_version_live_and_the_next_deployment_moves(
    function: tuple[Any, Stage],
) -> None:
    found, stage = function
    deploy(found, stage, A)
    fail(found, "UpdateAlias")
    with pytest.raises(ClientError, match="AccessDenied"):
        deploy(found, stage, B)
    assert call(found, stage)["deployment"] == A
    deploy(found, stage, B)
    assert call(found, stage)["deployment"] == B
    assert {after for _, deployment, after in labels(found, stage) if deployment == B} == {A}


@pytest.mark.full
def test_the_same_deployment_published_again_goes_back_to_the_same(function: tuple[Any, Stage]) -> None:
    """As the sweep's, which learns the API's address last."""
    found, stage = function
    for deployment in (A, B, B):
        deploy(found, stage, deployment)
    assert labels(found, stage) == [("1", A, ""), ("2", B, A), ("3", B, A)]


@pytest.mark.full
def test_a_deployment_after_a_rollback_follows_what_is_live_and_not_what_was_wrong(function: tuple[Any, Stage]) -> None:
    found, stage = function
    numbers = [deploy(found, stage, deployment) for deployment in (A, B)]
    versions.move(found, stage.function, numbers[0])
    deploy(found, stage, C)
    assert labels(found, stage)[-1] == ("3", C, A)


def test_a_move_ends_a_shift(function: tuple[Any, Stage]) -> None:
    found, stage = function
    numbers = [deploy(found, stage, deployment) for deployment in (A, B)]
    weights = {"AdditionalVersionWeights": {numbers[1]: 0.1}}
    found.update_alias(FunctionName=stage.function, Name=ALIAS, FunctionVersion=numbers[0], RoutingConfig=weights)
    versions.move(found, stage.function, numbers[0])
    assert "RoutingConfig" not in found.get_alias(FunctionName=stage.function, Name=ALIAS)


@pytest.mark.full
def test_versions_of_old_deployments_are_deleted(function: tuple[Any, Stage]) -> None:
    found, stage = function
    for deployment in (A, B, C, C, D):
        deploy(found, stage, deployment)
    versions.prune(found, stage.function, 2)
    assert labels(found, stage) == [("4", C, B), ("5", D, C)]
    assert call(found, stage)["deployment"] == D


@pytest.mark.full
def test_what_is_live_and_what_it_goes_back_to_is_kept_however_old(function: tuple[Any, Stage]) -> None:
    found, stage = function
    numbers = [deploy(found, stage, deployment) for deployment in (A, B, C, D)]
    versions.move(found, stage.function, numbers[1])
    versions.prune(found, stage.function, 1)
    assert labels(found, stage) == [("1", A, ""), ("2", B, A), ("4", D, C)]


@pytest.mark.full
def test_versions_and_aliases_of_somebody_else_stay(function: tuple[Any, Stage]) -> None:
    found, stage = function
    found.publish_version(FunctionName=stage.function, Description="by hand")
    numbers = [deploy(found, stage, deployment) for deployment in (A, B, C)]
    found.create_alias(FunctionName=stage.function, Name="theirs", FunctionVersion=numbers[0])
    versions.prune(found, stage.function, 1)
    everything = found.list_versions_by_function(FunctionName=stage.function)["Versions"]
    assert [one["Version"] for one in everything] == ["$LATEST", "1", *numbers]


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([{"LastUpdateStatus": "Failed", "LastUpdateStatusReason": "the role is gone"}], "the role is gone"),
        ([{"LastUpdateStatus": "Successful"}, {"State": "Failed", "StateReason": "no snapshot"}], "no snapshot"),
    ],
)
def test_what_aws_cannot_run_is_not_made_live_and_the_reason_is_given(
    answers: list[dict[str, str]], reason: str
) -> None:
    """The states: "Lambda function states", Lambda Developer Guide. The emulator's functions never fail."""
    found: Any = botocore.session.get_session().create_client(
        "lambda", region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
    )
    with Stubber(found) as stub:
        stub.add_response("get_alias", {"FunctionVersion": "1"})
        stub.add_response("list_versions_by_function", {"Versions": [{"Version": "1", "Description": A}]})
        stub.add_response("get_function", {"Configuration": answers[0]})
        if len(answers) > 1:
            asked = {"FunctionName": "f", "Description": f"{B} after {A}"}
            stub.add_response("publish_version", {"Version": "2"}, asked)
            stub.add_response("get_function_configuration", answers[1], {"FunctionName": "f", "Qualifier": "2"})
        with pytest.raises(VersionError, match=rf"^f: AWS cannot run what was deployed: {reason}$"):
            versions.publish(found, "f", B)
        stub.assert_no_pending_responses()
