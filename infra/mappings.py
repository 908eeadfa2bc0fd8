"""Event source mappings: from which queue or stream Lambda reads for a function. Every call may be repeated.

A mapping belongs to the alias. It is none of the stack, because the function is none either, and it outlives its
function: what is read from a stream next is known to the mapping alone.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from app.domain.lane import Lane
from infra.cloudformation import StackError
from infra.stages import Stage
from infra.versions import ALIAS

_SOME_FAILED: Final = ["ReportBatchItemFailures"]  # the function says which, and only those come again

# One at a time, so that no message waits for another.
LANE: Final[Mapping[str, Any]] = {"BatchSize": 1, "FunctionResponseTypes": _SOME_FAILED}

# Several at a time, because most of a delivery is waiting for a receiver. A receiver gets four calls at once, of ten
# seconds each: with so many in a batch, the last one begins 20 s after the first, well within the function's 60 s.
NOTIFICATIONS: Final[Mapping[str, Any]] = {
    "BatchSize": 10,
    "MaximumBatchingWindowInSeconds": 1,
    "FunctionResponseTypes": _SOME_FAILED,
    "ScalingConfig": {"MaximumConcurrency": 10},
}

# Heads that were written, and events of providers. The keys name what is told; what has no new image was deleted.
# "DynamoDB event source mappings only support filtering on the dynamodb key" ("Using event filtering with a DynamoDB
# event source", Lambda Developer Guide, read 2026-11-30), so that no pattern asks for `eventName`. The function passes
# over events that are only written again. Rules: "Control which events Lambda sends to your function", ibid.
PATTERNS: Final = tuple(
    {"dynamodb": {"Keys": {"part": {"S": [part]}}, "NewImage": {"part": {"S": [part]}}}}
    for part in ("email", {"prefix": "event#"})
)
# A batch that fails is halved until the record at fault is alone. What has failed for twelve hours is said to the
# dead-letter queue, and what is behind it is told: the stream keeps a record for 24 hours ("Lambda parameters for
# Amazon DynamoDB event source mappings", Lambda Developer Guide, read 2026-11-30). 10,000 tries are the most there are:
# mostly it is a whole function that fails, which somebody mends, and then nothing is lost.
STREAM: Final[Mapping[str, Any]] = {
    "BatchSize": 100,
    "MaximumBatchingWindowInSeconds": 0,
    "BisectBatchOnFunctionError": True,
    "MaximumRecordAgeInSeconds": 12 * 3600,
    "MaximumRetryAttempts": 10_000,
    "ParallelizationFactor": 1,
    "FunctionResponseTypes": _SOME_FAILED,
    "FilterCriteria": {"Filters": [{"Pattern": json.dumps(pattern)} for pattern in PATTERNS]},
}


def poll(client: Any, stage: Stage, source_arn: str, wanted: Mapping[str, Any]) -> None:
    """Let Lambda hand what is in a queue to the alias, as `wanted` says. `client` is one of Lambda."""
    _apply(client, stage, source_arn, wanted, {})


def follow(client: Any, stage: Stage, stream_arn: str, dead_letters_arn: str) -> None:
    """Let Lambda hand the table's stream to the alias, from its beginning on, and end what reads an earlier stream.

    After tables were restored there is another stream, and an earlier one is of a table that nobody writes any more.
    Raises StackError if the table has no stream.
    """
    if not stream_arn:
        raise StackError(f"the table of the emails of {stage.environment} has no stream: was it switched off by hand?")
    destination = {"DestinationConfig": {"OnFailure": {"Destination": dead_letters_arn}}}
    _apply(client, stage, stream_arn, {**STREAM, **destination}, {"StartingPosition": "TRIM_HORIZON"})
    for mapping in _of(client, FunctionName=_alias(stage)):
        if mapping["EventSourceArn"] != stream_arn:
            client.delete_event_source_mapping(UUID=mapping["UUID"])


def stop(client: Any, source_arn: str) -> None:
    """Delete what reads this queue or stream: Lambda keeps it when a function is deleted."""
    for mapping in _of(client, EventSourceArn=source_arn):
        client.delete_event_source_mapping(UUID=mapping["UUID"])


def sources(outputs: Mapping[str, str], stream_arn: str) -> list[str]:
    """The ARNs of all that Lambda reads in an environment. `outputs` are the stack's."""
    queues = [outputs.get(f"{lane}DelayQueueArn", "") for lane in Lane]
    return [arn for arn in (*queues, outputs.get("NotificationsQueueArn", ""), stream_arn) if arn]


def stream_of(dynamodb: Any, prefix: str) -> str:
    """The ARN of the stream of the emails' table, whose name begins with `prefix`; "" if there is none."""
    try:
        found = dynamodb.describe_table(TableName=f"{prefix}emails")["Table"]
    except dynamodb.exceptions.ResourceNotFoundException:
        return ""
    return str(found.get("LatestStreamArn", ""))


def _apply(client: Any, stage: Stage, source_arn: str, wanted: Mapping[str, Any], at_first: Mapping[str, Any]) -> None:
    # It may be of an earlier function of this name, which was deleted. Nobody else reads from this.
    found = _of(client, EventSourceArn=source_arn)
    for mapping in found:
        client.update_event_source_mapping(UUID=mapping["UUID"], FunctionName=_alias(stage), Enabled=True, **wanted)
    if not found:
        client.create_event_source_mapping(EventSourceArn=source_arn, FunctionName=_alias(stage), **wanted, **at_first)


def _of(client: Any, **source: str) -> list[dict[str, Any]]:
    pages = client.get_paginator("list_event_source_mappings").paginate(**source)
    return [mapping for page in pages for mapping in page["EventSourceMappings"]]


def _alias(stage: Stage) -> str:
    return f"{stage.function}:{ALIAS}"
