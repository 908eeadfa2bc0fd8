"""A stack with protected tables cannot be deleted, and no update of it replaces or deletes a table."""

import json

import pytest
from botocore.exceptions import ClientError

from infra import protection
from infra.stack import Stack


def policy(stack: Stack) -> str:
    return str(stack.client("cloudformation").get_stack_policy(StackName=stack.name)["StackPolicyBody"])


def test_a_stack_is_protected_as_long_as_its_tables_are(new_stack: Stack) -> None:
    client = new_stack.client("cloudformation")
    new_stack.apply({"DeletionProtection": "true"}, {})
    assert policy(new_stack) == protection.TABLES_STAY
    with pytest.raises(ClientError, match="TerminationProtection"):
        client.delete_stack(StackName=new_stack.name)
    new_stack.apply({"DeletionProtection": "false"}, {})
    assert policy(new_stack) == protection.ANYTHING
    assert not client.describe_stacks(StackName=new_stack.name)["Stacks"][0]["EnableTerminationProtection"]


def test_what_is_deleted_on_purpose_goes_although_the_stack_is_protected(new_stack: Stack) -> None:
    new_stack.apply({"DeletionProtection": "true"}, {})
    dynamodb = new_stack.client("dynamodb")
    for name in dynamodb.list_tables()["TableNames"]:
        if new_stack.environment in name:
            dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
    new_stack.delete()
    assert new_stack.find() is None


def test_the_policy_denies_replacing_and_deleting_tables_and_nothing_else() -> None:
    """A statement that denies outweighs the one that allows everything; without one, everything would be denied."""
    allowed, denied = json.loads(protection.TABLES_STAY)["Statement"]
    assert (allowed["Effect"], allowed["Action"], allowed["Resource"]) == ("Allow", "Update:*", "*")
    assert (denied["Effect"], sorted(denied["Action"])) == ("Deny", ["Update:Delete", "Update:Replace"])
    assert denied["Condition"] == {"StringEquals": {"ResourceType": ["AWS::DynamoDB::Table"]}}
    assert json.loads(protection.ANYTHING)["Statement"] == [allowed]
