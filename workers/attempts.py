"""Door: messages of the processing queue, from SNS directly or through an SQS queue subscribed to the topic."""

import json
import logging
from typing import Any

from app.wiring import container

log = logging.getLogger(__name__)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 because Lambda passes it
    """Make the attempts that the event's records ask for.

    A failing SQS record is named in `batchItemFailures`, so that only it is delivered again. A failing SNS record
    raises, which is how Lambda delivers it again and then puts it on the dead-letter queue.
    """
    attempt = container().attempt
    failures = []
    for record in event["Records"]:
        try:
            attempt(*read(record))
        except Exception:
            if "Sns" in record:
                raise
            log.exception("attempt failed on our side")
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


def read(record: dict[str, Any]) -> tuple[str, int]:
    """The email id and attempt number of a record; raises KeyError, TypeError or ValueError if it is no message."""
    if "Sns" in record:
        text = record["Sns"]["Message"]
    else:
        body = json.loads(record["body"])
        text = body["Message"] if "Message" in body else record["body"]  # raw delivery has no envelope
    message = json.loads(text)
    return str(message["email_id"]), int(message["attempt"])
