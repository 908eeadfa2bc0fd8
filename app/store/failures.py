"""Reads why DynamoDB did not do what a store asked of it."""

from pynamodb.exceptions import PynamoDBException

from app.faults import code_of

CONDITION_FAILED = "ConditionalCheckFailedException"
TRANSACTION_CANCELED = "TransactionCanceledException"


def is_condition_failed(error: PynamoDBException) -> bool:
    """Whether the write was not made because its condition did not hold."""
    return code_of(error) == CONDITION_FAILED
