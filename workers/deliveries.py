"""Entry point for messages of the queue of notifications: it posts webhooks to the endpoints of applications."""

import logging
from typing import Any

from app import logs
from app.faults import log_fault
from app.notification_queue import read_message
from app.notify.deliver import Deliver
from app.notify.notification import Notification
from app.wiring.deliveries import deliver
from workers.time_left import seconds_left

log = logging.getLogger(__name__)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda's entry point: `handle` with the parts of this process. Every line that it logs has the request id."""
    with logs.bound(request_id=getattr(context, "aws_request_id", "")):
        return handle(deliver(), event, context)


def handle(deliver: Deliver, event: dict[str, Any], context: object) -> dict[str, Any]:
    """Post the notifications of the event's records. `batchItemFailures` names those that must come again.

    A record that is no notification fails each time, so that the queue puts it on its dead-letter queue. What cannot be
    posted within the time of this invocation fails, too.
    """
    read = [(str(record["messageId"]), _read(record)) for record in event["Records"]]
    legible = [(name, notification) for name, notification in read if notification is not None]
    done = deliver([notification for _, notification in legible], seconds_left(context))
    settled = {name for (name, _), is_done in zip(legible, done, strict=True) if is_done}
    return {"batchItemFailures": [{"itemIdentifier": name} for name, _ in read if name not in settled]}


def _read(record: dict[str, Any]) -> Notification | None:
    try:
        return read_message(record["body"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:  # the last: JSON that is nested too deeply
        log_fault(log, "message is no notification", error, message_id=record["messageId"])
        return None
