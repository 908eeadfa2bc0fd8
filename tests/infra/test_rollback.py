"""Going back to an earlier deployment, on the emulator."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra import provisioned, rollback, versions
from infra.release import release
from infra.rollback import lines, roll_back
from infra.stages import ENTRY_POINTS, NOTIFIERS, WORKERS, Stage
from infra.versions import VersionError
from tests.infra.lambda_functions import A, B, C, D, environment, make, settle, update
from tests.support.aws import REGION, Aws, client

WORKER_FIRST = ENTRY_POINTS
DOORS = tuple(reversed(ENTRY_POINTS))
BEFORE_NOTIFIERS = tuple(door for door in ENTRY_POINTS if door not in NOTIFIERS)


class Team:
    """Somebody with an environment, which gets deployments in the order of their names."""

    def __init__(self, found: Any) -> None:
        self.client, self.environment = found, environment(found)
        self.begin(WORKER_FIRST)

    def stage(self, door: str) -> Stage:
        return Stage(self.environment, door)

    def begin(self, doors: tuple[str, ...]) -> None:
        for stage in map(self.stage, doors):
            versions.require_alias(self.client, stage.function)

    def deploy(self, deployment: str, doors: tuple[str, ...] = WORKER_FIRST) -> None:
        for stage in map(self.stage, doors):
            update(self.client, stage, DEPLOYMENT=deployment)
        for stage in map(self.stage, doors):
            settle(self.client, stage)
            number = versions.publish(self.client, stage.function, deployment)
            versions.move(self.client, stage.function, number)

    def release(self, deployment: str, doors: tuple[str, ...] = WORKER_FIRST, **options: Any) -> None:
        is_shifted = options.pop("is_shifted", False)
        for stage in map(self.stage, doors):
            update(self.client, stage, DEPLOYMENT=deployment)
            settle(self.client, stage)
            release(self.client, stage, deployment, {"aws_region": REGION, **options}, is_shifted=is_shifted)

    def live(self) -> dict[str, str]:
        found = {door: versions.live(self.client, self.stage(door).function) for door in DOORS}
        return {door: version.deployment if version else "" for door, version in found.items()}

    def roll_back(self, target: str = "") -> None:
        roll_back(self.client, self.environment, target)


@pytest.fixture
def team(aws: Aws) -> Team:
    return Team(client(aws.endpoint_url, "lambda"))


def every(deployment: str) -> dict[str, str]:
    return dict.fromkeys(DOORS, deployment)


@pytest.mark.full
def test_a_rollback_goes_back_by_one_deployment_and_the_next_by_one_more(team: Team) -> None:
    for deployment in (A, B, C):
        team.deploy(deployment)
    team.roll_back()
    assert team.live() == every(B)
    team.roll_back()
    assert team.live() == every(A)
    with pytest.raises(VersionError, match=f"^there is no deployment before {A}$"):
        team.roll_back()
    assert team.live() == every(A)


@pytest.mark.full
def test_a_deployment_after_a_rollback_goes_back_to_what_worked(team: Team) -> None:
    for deployment in (A, B):
        team.deploy(deployment)
    team.roll_back()
    team.deploy(C)
    assert team.live() == every(C)
    team.roll_back()
    assert team.live() == every(A), "B was what the first rollback left"


@pytest.mark.full
def test_a_rollback_goes_to_any_deployment_that_is_kept_and_forward_again(team: Team) -> None:
    for deployment in (A, B, C):
        team.deploy(deployment)
    team.roll_back(A)
    assert team.live() == every(A)
    team.roll_back(C)
    assert team.live() == every(C)


@pytest.mark.full
def test_the_api_goes_back_first_and_a_rollback_that_broke_off_is_finished_by_the_next(team: Team) -> None:
    for deployment in (A, B):
        team.deploy(deployment)
    moves: list[str] = []
    team.client.meta.events.register(
        "provide-client-params.lambda.UpdateAlias", lambda params, **_: moves.append(params["FunctionName"])
    )
    api, sweep, *others = (team.stage(door).function for door in DOORS)
    team.client.meta.events.register_first("before-call.lambda.UpdateAlias", refuse_at(team.client, moves, sweep))
    with pytest.raises(ClientError):
        team.roll_back()
    assert team.live() == dict.fromkeys(ENTRY_POINTS, B) | {"api": A}
    team.roll_back()
    assert team.live() == every(A)
    assert moves == [api, sweep, sweep, *others]


def refuse_at(found: Any, moves: list[str], function: str) -> Any:
    """A handler that lets the first move of this function fail."""

    def refuse(**_: Any) -> None:
        if moves.count(function) == 1 and moves[-1] == function:
            raise found.exceptions.from_code("ServiceException")({"Error": {"Code": "ServiceException"}}, "UpdateAlias")

    return refuse


@pytest.mark.full
def test_what_somebody_published_by_hand_is_left_for_a_deployment_that_is_named(team: Team) -> None:
    team.deploy(A)
    worker = team.stage("attempts_urgent")
    update(team.client, worker, DEPLOYMENT="by hand")
    settle(team.client, worker)
    versions.move(team.client, worker.function, team.client.publish_version(FunctionName=worker.function)["Version"])
    assert [line.split()[-1] for line in lines(team.client, team.environment)] == ["part"]
    with pytest.raises(VersionError, match=rf"^what is live of {worker.function} is of no deployment: deploy, or say"):
        team.roll_back()
    team.roll_back(A)
    assert team.live() == every(A)


@pytest.mark.full
def test_what_a_deployment_deployed_before_it_failed_is_taken_back(team: Team) -> None:
    team.deploy(A)
    team.deploy(B, ("attempts_urgent",))
    team.roll_back()
    assert team.live() == every(A)


@pytest.mark.full
@pytest.mark.parametrize("door", ["attempts_urgent", "changes"])
def test_a_deployment_that_is_gone_anywhere_is_refused_before_anything_moves(team: Team, door: str) -> None:
    """Nor is a function of `NOTIFIERS`, whose earlier versions were deleted, taken for a younger one."""
    for deployment in (A, B):
        team.deploy(deployment)
    function = team.stage(door).function
    team.client.delete_function(FunctionName=function, Qualifier="1")
    with pytest.raises(VersionError, match=rf"^{function} has no version of deployment {A} \(any more\): check out"):
        team.roll_back()
    assert team.live() == every(B)


@pytest.mark.full
def test_several_deployments_at_once_need_a_name(team: Team) -> None:
    for deployment in (A, B, C):
        team.deploy(deployment)
    versions.move(team.client, team.stage("api").function, "1")
    with pytest.raises(VersionError, match=rf"^say which deployment .* emailsminder-{team.environment} {A}, "):
        team.roll_back()
    team.roll_back(B)
    assert team.live() == every(B)


def test_without_a_deployment_there_is_nothing_to_go_back_to(team: Team) -> None:
    with pytest.raises(VersionError, match=rf"^what is live of emailsminder-{team.environment} is of no deployment: "):
        team.roll_back()
    with pytest.raises(VersionError, match=r"^nothing of emailsminder-nowhere is live: deploy first$"):
        roll_back(team.client, "nowhere")


def test_a_version_that_cannot_run_is_refused_before_anything_moves(team: Team) -> None:
    team.deploy(A)
    api = team.stage("api").function
    team.client.meta.events.register(
        "after-call.lambda.GetFunctionConfiguration", lambda parsed, **_: parsed.update(State="Failed")
    )
    with pytest.raises(VersionError, match=rf"^version 1 of {api} cannot run: check out its commit"):
        team.roll_back(A)


@pytest.mark.full
def test_only_the_aliases_and_provisioned_concurrency_move(team: Team) -> None:
    for deployment in (A, B):
        team.deploy(deployment)
    worker, api = team.stage("attempts_urgent").function, team.stage("api").function
    team.client.put_function_concurrency(FunctionName=worker, ReservedConcurrentExecutions=20)
    provisioned.prepare(team.client, api, "2", 3)
    before = team.client.get_function_configuration(FunctionName=worker)["RevisionId"]
    team.roll_back()
    assert team.client.get_function_concurrency(FunctionName=worker)["ReservedConcurrentExecutions"] == 20
    assert team.client.get_function_configuration(FunctionName=worker)["RevisionId"] == before
    assert [provisioned.of(team.client, api, number) for number in ("1", "2")] == [3, 0]


@pytest.mark.full
def test_what_can_be_gone_back_to_is_shown_the_newest_first(team: Team) -> None:
    for deployment in (A, B):
        team.deploy(deployment)
    team.deploy(D, ("attempts_urgent",))
    shown = [line.split() for line in lines(team.client, team.environment)]
    assert [(line[0], " ".join(line[2:])) for line in shown] == [
        (D, "versions none, none, none, none, none, none, 3 live in part"),
        (B, "versions 2, 2, 2, 2, 2, 2, 2 live in part"),
        (A, "versions 1, 1, 1, 1, 1, 1, 1"),
    ]


def test_the_command_says_what_is_wrong(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    for arguments in (["dev"], ["dev", A], ["dev", "--list"]):
        with pytest.raises(SystemExit, match=r"^dev: nothing of emailsminder-dev is live: deploy first$"):
            rollback.main(arguments)


@pytest.mark.full
def test_after_a_deployment_that_failed_halfway_the_next_one_goes_back_to_what_was_live(team: Team) -> None:
    """Each try has another name, because what is mended changes the settings or the code."""
    team.deploy(A)
    for deployment in (B, C):
        team.release(deployment, ("attempts_urgent",))
    team.roll_back()
    assert team.live() == every(A)
    team.release(B, ("attempts_urgent",))
    team.release(D)
    assert team.live() == every(D)
    team.roll_back()
    assert team.live() == every(A)


@pytest.mark.full
def test_failing_again_and_again_leaves_the_worker_s_version_to_go_back_to(team: Team) -> None:
    team.deploy(A)
    for deployment in (B, C, D):
        team.release(deployment, ("attempts_urgent",), num_retained_versions=2)
    team.roll_back()
    assert team.live() == every(A)


@pytest.mark.full
def test_a_rollback_ends_a_shift_and_says_how_codedeploy_is_stopped(
    team: Team, capsys: pytest.CaptureFixture[str]
) -> None:
    team.deploy(A)
    team.release(B, ENTRY_POINTS[:-1])
    api = team.stage("api").function
    team.release(B, ("api",), is_shifted=True)
    weights = {"AdditionalVersionWeights": {"2": 0.1}}
    team.client.update_alias(FunctionName=api, Name=versions.ALIAS, FunctionVersion="1", RoutingConfig=weights)
    team.roll_back()
    assert team.live() == every(A)
    assert not versions.is_shifting(team.client, api)
    assert f"list-deployments --application-name {api} " in capsys.readouterr().out


@pytest.mark.full
def test_what_has_the_tables_from_before_a_restoration_is_refused_before_anything_moves(team: Team) -> None:
    for deployment, prefix in ((A, "emailsminder-x-"), (B, "emailsminder-x-r1-")):
        for stage in map(team.stage, WORKER_FIRST):
            update(team.client, stage, DEPLOYMENT=deployment, TABLE_PREFIX=prefix)
            settle(team.client, stage)
            release(team.client, stage, deployment, {})
    with pytest.raises(VersionError, match=r"^version 1 of .* has the TABLE_PREFIX emailsminder-x-, which is .*-r1- "):
        team.roll_back()
    assert team.live() == every(B)


@pytest.fixture
def earlier(aws: Aws) -> Team:
    """Somebody whose environment an earlier version deployed, twice: without the functions that tell applications."""
    team = Team(client(aws.endpoint_url, "lambda"))
    for door in NOTIFIERS:
        team.client.delete_function(FunctionName=team.stage(door).function)
    for deployment in (A, B):
        team.deploy(deployment, BEFORE_NOTIFIERS)
    return team


def test_an_environment_of_an_earlier_version_goes_back_without_the_functions_that_it_has_not(
    earlier: Team, capsys: pytest.CaptureFixture[str]
) -> None:
    earlier.roll_back()
    assert earlier.live() == dict.fromkeys(BEFORE_NOTIFIERS, A) | dict.fromkeys(NOTIFIERS, "")
    capsys.readouterr()
    assert [line.split()[-1] for line in lines(earlier.client, earlier.environment)] == ["2", "live"]


def test_a_function_that_is_younger_than_what_is_gone_back_to_stays_and_is_no_reason_to_stop(
    earlier: Team, capsys: pytest.CaptureFixture[str]
) -> None:
    for door in NOTIFIERS:
        make(earlier.client, earlier.stage(door))
    earlier.begin(NOTIFIERS)
    earlier.deploy(C)
    earlier.roll_back()
    stays = dict.fromkeys(NOTIFIERS, C)
    assert earlier.live() == dict.fromkeys(BEFORE_NOTIFIERS, B) | stays
    changes = earlier.stage("changes").function
    assert f"{changes}: stays at version 1, because deployment {B} has no such function" in capsys.readouterr().out
    shown = {line.split()[0]: line.split()[-1] for line in lines(earlier.client, earlier.environment)}
    assert (shown[B], shown[C]) == ("live", "3"), "as a whole: nothing of it calls what stays"

    earlier.roll_back()
    assert earlier.live() == dict.fromkeys(BEFORE_NOTIFIERS, A) | stays
    earlier.roll_back(C)
    assert earlier.live() == every(C)


@pytest.mark.full
def test_a_first_deployment_of_such_a_function_that_failed_halfway_is_taken_back(earlier: Team) -> None:
    make(earlier.client, earlier.stage("deliveries"))
    earlier.begin(("deliveries",))
    earlier.deploy(C, (*WORKERS, "deliveries"))
    earlier.roll_back()
    assert earlier.live() == dict.fromkeys(BEFORE_NOTIFIERS, B) | {"deliveries": C, "changes": ""}


@pytest.mark.full
def test_after_a_shift_that_codedeploy_took_back_nothing_is_paid_for_that_nobody_calls(team: Team) -> None:
    team.deploy(A)
    api = team.stage("api").function
    provisioned.prepare(team.client, api, "1", 3)
    team.release(B, ENTRY_POINTS[:-1])
    team.release(B, ("api",), is_shifted=True, provisioned_concurrency=3)
    assert [provisioned.of(team.client, api, number) for number in ("1", "2")] == [3, 3]
    team.roll_back()
    assert team.live() == every(A)
    assert [provisioned.of(team.client, api, number) for number in ("1", "2")] == [3, 0]
