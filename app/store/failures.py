"""Reads why DynamoDB did not do what a store asked of it."""

from pynamodb.exceptions import PynamoDBException

CONDITION_FAILED = "ConditionalCheckFailedException"
TRANSACTION_CANCELED = "TransactionCanceledException"


def code_of(error: PynamoDBException) -> str | None:
    """The code of DynamoDB's answer, or None if there was no answer: a timeout, or a connection that was closed.

    PynamoDB's own property of this kind fails without an answer, because botocore then leaves the response empty.
    """
    answer = getattr(error.cause, "response", None)
    if not isinstance(answer, dict):
        return None
    code = answer.get("Error", {}).get("Code")
    return None if code is None else str(code)


def is_condition_failed(error: PynamoDBException) -> bool:
    """Whether the write was not made because its condition did not hold."""
    return code_of(error) == CONDITION_FAILED
