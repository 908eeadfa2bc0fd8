"""What can be done with a CloudFormation stack in each of its states, so that the same command repairs it."""

from enum import StrEnum
from typing import Final


class Step(StrEnum):
    """What a deployment does next with a stack."""

    UPDATE = "update"
    REPLACE = "replace"  # its creation failed: nothing is kept in it, and it cannot be updated
    WAIT = "wait"
    STOP = "stop"  # only somebody who looks at it can go on


# Every state that CloudFormation documents (API Reference, `Stack`, StackStatus, read 2026-11-29).
STEPS: Final[dict[str, Step]] = {
    "CREATE_IN_PROGRESS": Step.WAIT,
    "CREATE_FAILED": Step.REPLACE,
    "CREATE_COMPLETE": Step.UPDATE,
    "ROLLBACK_IN_PROGRESS": Step.WAIT,
    "ROLLBACK_FAILED": Step.REPLACE,
    "ROLLBACK_COMPLETE": Step.REPLACE,
    "DELETE_IN_PROGRESS": Step.WAIT,
    "DELETE_FAILED": Step.STOP,
    "DELETE_COMPLETE": Step.REPLACE,
    "UPDATE_IN_PROGRESS": Step.WAIT,
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": Step.WAIT,
    "UPDATE_COMPLETE": Step.UPDATE,
    "UPDATE_FAILED": Step.STOP,
    "UPDATE_ROLLBACK_IN_PROGRESS": Step.WAIT,
    "UPDATE_ROLLBACK_FAILED": Step.STOP,
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": Step.WAIT,
    "UPDATE_ROLLBACK_COMPLETE": Step.UPDATE,
    "REVIEW_IN_PROGRESS": Step.REPLACE,  # somebody made a change set of a new stack, which is empty
    "IMPORT_IN_PROGRESS": Step.WAIT,
    "IMPORT_COMPLETE": Step.UPDATE,
    "IMPORT_ROLLBACK_IN_PROGRESS": Step.WAIT,
    "IMPORT_ROLLBACK_FAILED": Step.STOP,
    "IMPORT_ROLLBACK_COMPLETE": Step.UPDATE,
}
_LOOK: Final = "look at its events for what is in the way, then"
_CONTINUE: Final = f"{_LOOK}: aws cloudformation continue-update-rollback --stack-name {{name}}"
REMEDIES: Final[dict[str, str]] = {
    "DELETE_FAILED": f"{_LOOK}: aws cloudformation delete-stack --stack-name {{name}}",
    "UPDATE_FAILED": "aws cloudformation rollback-stack --stack-name {name}",
    "UPDATE_ROLLBACK_FAILED": _CONTINUE,
    "IMPORT_ROLLBACK_FAILED": _CONTINUE,
}
