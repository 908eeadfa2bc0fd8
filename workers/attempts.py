"""Entry point for messages of the processing queue.

They come from SNS directly, or through an SQS queue that is subscribed to the topic.
"""

import json
import logging
from datetime import datetime
from typing import Any

from app.wiring.process import container

log = logging.getLogger(__name__)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 because Lambda passes it
    """Make the attempts that the event's records ask for.

    If a record of SQS fails, the answer names it in `batchItemFailures`, so that only this record is delivered again.
    If a record of SNS fails, the exception is raised: Lambda tries the event again, and then puts it on the
    dead-letter queue.
    """
    parts = container()
    failures = []
    for record in event["Records"]:
        age_ms, failed = waited_ms(record, parts.clock()), True
        try:
            parts.attempt(*read(record))
            failed = False
        except Exception:
            if "Sns" in record:
                raise
            log.exception("attempt failed on our side")
            failures.append({"itemIdentifier": record["messageId"]})
        finally:
            log.info("message", extra={"failed": failed, "age_ms": age_ms})
    return {"batchItemFailures": failures}


def read(record: dict[str, Any]) -> tuple[str, int]:
    """The email id and attempt number of a record.

    Raises KeyError, TypeError or ValueError if the record is not a message of `app.topic`.
    """
    if "Sns" in record:
        text = record["Sns"]["Message"]
    else:
        body = json.loads(record["body"])
        text = body["Message"] if "Message" in body else record["body"]  # SNS's raw delivery adds no envelope
    message = json.loads(text)
    return str(message["email_id"]), int(message["attempt"])


def waited_ms(record: dict[str, Any], now_s: float) -> int | None:
    """How many milliseconds ago the record was published. Returns None if the record does not say."""
    if published := record.get("Sns", {}).get("Timestamp"):
        at_s = datetime.fromisoformat(published).timestamp()
    elif sent_ms := record.get("attributes", {}).get("SentTimestamp"):
        at_s = int(sent_ms) / 1000
    else:
        return None
    return max(0, int((now_s - at_s) * 1000))
