"""Entry point for the stream of the emails table: what became of emails is told."""

from typing import Any, Final

from app import logs
from app.notify.publish_changes import PublishChanges
from app.wiring.changes import publish_changes
from workers.time_left import seconds_left

STOP_BEFORE_S: Final = 12.0  # nothing is begun this long before Lambda's limit, so that what has begun can end


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda's entry point: `handle` with the parts of this process. Every line that it logs has the request id."""
    with logs.bound(request_id=getattr(context, "aws_request_id", "")):
        return handle(publish_changes(), event, context)


def handle(publish_changes: PublishChanges, event: dict[str, Any], context: object) -> dict[str, Any]:
    """Tell the event's records. `batchItemFailures` names the first that was not told; Lambda goes on from there.

    Lambda takes the lowest sequence number of those that are named for the one at which to go on, so one is enough
    (https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html, read 2026-11-30).
    """
    failed = publish_changes(event["Records"], seconds_left(context) - STOP_BEFORE_S)
    return {"batchItemFailures": [] if failed is None else [{"itemIdentifier": failed}]}
