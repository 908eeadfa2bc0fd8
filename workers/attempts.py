"""Door: messages of the processing queue, from SNS directly or through an SQS queue subscribed to the topic."""

import json
import logging
from datetime import datetime
from typing import Any

from app.wiring.process import container

log = logging.getLogger(__name__)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 because Lambda passes it
    """Make the attempts that the event's records ask for.

    A failing SQS record is named in `batchItemFailures`, so that only it is delivered again. A failing SNS record
    raises, which is how Lambda delivers it again and then puts it on the dead-letter queue.
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
    """The email id and attempt number of a record; raises KeyError, TypeError or ValueError if it is no message."""
    if "Sns" in record:
        text = record["Sns"]["Message"]
    else:
        body = json.loads(record["body"])
        text = body["Message"] if "Message" in body else record["body"]  # raw delivery has no envelope
    message = json.loads(text)
    return str(message["email_id"]), int(message["attempt"])


def waited_ms(record: dict[str, Any], now_s: float) -> int | None:
    """How long ago the record was published; None if it does not say."""
    if published := record.get("Sns", {}).get("Timestamp"):
        at_s = datetime.fromisoformat(published).timestamp()
    elif sent_ms := record.get("attributes", {}).get("SentTimestamp"):
        at_s = int(sent_ms) / 1000
    else:
        return None
    return max(0, int((now_s - at_s) * 1000))
