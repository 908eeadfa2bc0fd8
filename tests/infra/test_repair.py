"""A deployment that failed is repaired by the same command, whatever it left behind."""

from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber

from infra import next_step, template
from infra.cloudformation import CloudFormation, StackError
from infra.stack import Stack
from infra.stack_states import REMEDIES, STEPS, Step
from infra.stages import Stage
from tests.infra.cloudformation_stub import CloudFormationStub
from tests.support.aws import REGION

NAME = "emailsminder-production-resources"
WANTED = {"DeletionProtection": "true", "AlarmEmail": "ann@example.com"}
RESOURCES = [name for name, found in template.load()["Resources"].items() if not found.get("Condition")]


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> CloudFormationStub:
    monkeypatch.setattr("infra.cloudformation.POLL_EVERY_S", 0.001)
    return CloudFormationStub()


def apply(account: CloudFormationStub, **changes: str) -> None:
    Stack(account, "production").apply({**WANTED, **changes}, {})  # type: ignore[arg-type] # because it is a stub


@pytest.mark.parametrize("name", RESOURCES)
def test_a_first_deployment_that_fails_at_any_resource_is_repaired(account: CloudFormationStub, name: str) -> None:
    account.fails = {name}
    with pytest.raises(StackError, match=rf"could not be brought up to date: {name}: no; when the cause is gone, run"):
        apply(account)
    assert (account.status, account.existing) == ("ROLLBACK_COMPLETE", {})
    account.fails = set()
    apply(account)
    assert account.status == "UPDATE_COMPLETE"
    assert account.calls == ["create", "delete", "create", "update"]
    assert sum(account.existing.values()) == len(template.tables()), "every table is protected in the end"


def test_a_failed_update_leaves_what_was_there_and_says_its_own_reason(account: CloudFormationStub) -> None:
    account.fails = {"bulkDelayQueue"}
    with pytest.raises(StackError, match="bulkDelayQueue"):
        apply(account)
    account.fails = set()
    apply(account)
    account.fails = {"ApiRole"}
    before = dict(account.existing)
    with pytest.raises(StackError, match=r"up to date: ApiRole: no"):
        apply(account, LogRetentionDays="7")
    assert account.existing == before
    account.fails = set()
    apply(account, LogRetentionDays="7")
    assert account.status == "UPDATE_COMPLETE"


def test_a_table_of_no_stack_is_named_with_what_to_do(account: CloudFormationStub) -> None:
    account.existing = {'{"Fn::Sub": "${TablePrefix}nonces"}': True}
    with pytest.raises(
        StackError,
        match=r"NoncesTable: .* already exists \(it is of no stack: if it is a table that was restored, run `",
    ):
        apply(account)


def test_what_cannot_be_deleted_is_told(account: CloudFormationStub) -> None:
    account.fails, account.stays = {"TicketTopic"}, {"PackageBucket"}
    with pytest.raises(StackError, match="TicketTopic"):
        apply(account)
    assert account.status == "ROLLBACK_FAILED"
    account.fails = set()
    with pytest.raises(StackError, match=r"PackageBucket: it is not empty; when the cause is gone"):
        apply(account)
    account.stays = set()
    with pytest.raises(StackError, match=rf"{NAME} is in the state DELETE_FAILED: look at its events .* delete-stack"):
        apply(account)


@pytest.mark.parametrize("status", [status for status, step in STEPS.items() if step is Step.WAIT])
def test_who_changes_the_stack_is_waited_for(account: CloudFormationStub, status: str) -> None:
    apply(account)
    account._then(status, "UPDATE_COMPLETE")
    apply(account, LogRetentionDays="7")
    assert account.calls[-1] == "update"


@pytest.mark.parametrize("status", [status for status, step in STEPS.items() if step is Step.STOP])
def test_a_stack_that_needs_somebody_is_left_alone(account: CloudFormationStub, status: str) -> None:
    apply(account)
    account.status, calls = status, list(account.calls)
    with pytest.raises(StackError, match=rf"{NAME} is in the state {status}: .*aws cloudformation .* {NAME}$"):
        apply(account)
    assert account.calls == calls


def test_a_stack_that_never_settles_is_given_up(account: CloudFormationStub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.cloudformation.SETTLES_WITHIN_S", 0.003)
    account.status = "UPDATE_IN_PROGRESS"
    with pytest.raises(StackError, match="is still being changed; run the same command again later"):
        apply(account)


def test_every_state_of_a_stack_has_its_step() -> None:
    client = botocore.session.get_session().create_client("cloudformation", region_name=REGION)
    assert set(STEPS) == set(client.meta.service_model.shape_for("StackStatus").enum)  # type: ignore[attr-defined] # because only some have it
    assert set(REMEDIES) == {status for status, step in STEPS.items() if step is Step.STOP}


def functions(*, is_there: bool, is_deleted: bool) -> tuple[Any, Stubber]:
    """A client of Lambda that knows the API's function or not, and is asked to delete it or not."""
    client = botocore.session.get_session().create_client(
        "lambda", region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
    )
    stub = Stubber(client)
    if is_there:
        stub.add_response("get_function_configuration", {})
    else:
        stub.add_client_error("get_function_configuration", "ResourceNotFoundException", http_status_code=404)
    if is_deleted:
        stub.add_response("delete_function", {}, {"FunctionName": "emailsminder-production"})
    return client, stub


@pytest.mark.parametrize(
    ("is_there", "status", "step", "is_deleted", "calls"),
    [
        (False, None, "deploy", False, []),
        (True, "CREATE_COMPLETE", "update", False, []),
        (True, "UPDATE_ROLLBACK_COMPLETE", "update", False, []),
        (False, "CREATE_COMPLETE", "deploy", False, []),
        (True, None, "deploy", True, []),
        (True, "ROLLBACK_COMPLETE", "deploy", True, ["delete"]),
        (False, "ROLLBACK_COMPLETE", "deploy", False, ["delete"]),
    ],
)
def test_the_api_s_stack_decides_what_zappa_does(
    account: CloudFormationStub, is_there: bool, status: str | None, step: str, is_deleted: bool, calls: list[str]
) -> None:
    account.status = status
    client, stub = functions(is_there=is_there, is_deleted=is_deleted)
    with stub:
        found = next_step.find(Stage("production", "api"), client, CloudFormation(account, "emailsminder-production"))
        stub.assert_no_pending_responses()
    assert (found, account.calls) == (step, calls)


@pytest.mark.parametrize(("is_there", "step"), [(True, "update"), (False, "deploy")])
def test_a_worker_has_no_stack(account: CloudFormationStub, is_there: bool, step: str) -> None:
    client, stub = functions(is_there=is_there, is_deleted=False)
    with stub:
        assert next_step.find(Stage("production", "attempts_normal"), client, CloudFormation(account, "none")) == step
