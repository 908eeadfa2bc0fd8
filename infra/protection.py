"""Keeps a stack from being deleted by mistake, and its tables from being deleted or replaced by an update of it."""

import json
from typing import Any, Final

_ALL: Final = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}
# CloudFormation would make a new, empty table if a change of the template asked for another name or other keys.
_TABLES: Final = {
    "Effect": "Deny",
    "Action": ["Update:Replace", "Update:Delete"],
    "Principal": "*",
    "Resource": "*",
    "Condition": {"StringEquals": {"ResourceType": ["AWS::DynamoDB::Table"]}},
}
ANYTHING: Final = json.dumps({"Statement": [_ALL]})
TABLES_STAY: Final = json.dumps({"Statement": [_ALL, _TABLES]})


def apply(client: Any, stack: str, *, is_on: bool) -> None:
    """Set both protections of the stack of this name, or take both away. `client` is one of CloudFormation."""
    client.set_stack_policy(StackName=stack, StackPolicyBody=TABLES_STAY if is_on else ANYTHING)
    client.update_termination_protection(StackName=stack, EnableTerminationProtection=is_on)
