"""Entry point for messages of the processing queue.

They come from SNS directly, or through an SQS queue that is subscribed to the topic.
"""

import json
import logging
from datetime import datetime
from typing import Any

from app import logs
from app.delivery.places import FURTHEST_S
from app.domain.lane import Lane, read_lane
from app.faults import log_fault
from app.settings import Process
from app.wiring.parts import Container
from app.wiring.process import container
from workers.time_left import seconds_left

log = logging.getLogger(__name__)

BESIDE_THE_CALL_S = 2.0  # what reading, claiming and writing take beside the provider's call


class TooLittleTime(Exception):
    """A record was not attempted, because its call might not have ended in time."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Lambda's entry point: `handle` over the container of this process. Every line that it logs has the request id."""
    with logs.bound(request_id=getattr(context, "aws_request_id", "")):
        parts = container(Process.WORKER)
        try:
            return handle(parts, event, context)
        finally:
            parts.traces.flush()  # the process stands still from the answer to the next event


def handle(parts: Container, event: dict[str, Any], context: object) -> dict[str, Any]:
    """Make the attempts that the event's records ask for, each whatever became of those before it.

    If a record of SQS fails, the answer names it in `batchItemFailures`, so that only this record is delivered again.
    If one of SNS fails, or one that cannot be named, the first such exception is raised behind the last record: Lambda
    tries the event again, and then puts it on the dead-letter queue. A record whose call might not end in time fails
    before it is claimed; but the first one is always attempted, because a later invocation would have no more time.
    """
    needed_s = parts.settings.provider_timeout_s + BESIDE_THE_CALL_S
    if any(cap.per_second for cap in parts.settings.routing.caps.values()):
        needed_s += FURTHEST_S  # a call may wait for the second that it has booked
    failures: list[dict[str, str]] = []
    errors: list[Exception] = []
    for number, record in enumerate(event["Records"]):
        with logs.bound(email_id=_email_id(record)):
            error = _process(parts, record, is_late=number > 0 and seconds_left(context) < needed_s)
        if error is not None and (name := named(record)):
            failures.append({"itemIdentifier": name})
        elif error is not None:
            errors.append(error)
    if errors:
        raise errors[0]
    return {"batchItemFailures": failures}


def _process(parts: Container, record: dict[str, Any], *, is_late: bool) -> Exception | None:
    """Make the attempt of one record, unless it is too late for it. Returns why it is not made, or failed."""
    if is_late:
        log.warning("put back: too little time is left for its call")
        return TooLittleTime("for another provider call")
    error: Exception | None = None
    try:
        parts.attempt(*read(record), at_ms(record), lane_of(record))
    except Exception as raised:  # noqa: BLE001 because whatever it was, the other records are attempted
        log_fault(log, "attempt failed on our side", raised)
        error = raised
    age_ms = waited_ms(record, parts.clock())
    log.info("message", extra={"failed": error is not None, "age_ms": age_ms, "lane": lane_of(record)})
    return error


def _email_id(record: Any) -> str:
    """The email that a record is about; "" if it is not legible."""
    try:
        return read(record)[0]
    except (AttributeError, KeyError, TypeError, ValueError):
        return ""


def named(record: Any) -> str:
    """The name under which SQS delivers a record again; "" if it has none, as those of SNS."""
    name = record.get("messageId") if isinstance(record, dict) else None
    return name if isinstance(name, str) else ""


def read(record: dict[str, Any]) -> tuple[str, int]:
    """The email id and attempt number of a record.

    Raises KeyError, TypeError or ValueError if the record is not a message of `app.topic`.
    """
    message = _message(record)
    return str(message["email_id"]), int(message["attempt"])


def lane_of(record: Any) -> Lane:
    """The lane in which a message was published; the normal one if it says none, or is not legible."""
    try:
        return read_lane(_message(record).get("lane"))
    except (AttributeError, KeyError, TypeError, ValueError):
        return Lane.NORMAL


def at_ms(record: dict[str, Any]) -> int:
    """The time in ms for which the message of a record was published. 0: it is for at once."""
    return int(_message(record).get("at_ms", 0))


def waited_ms(record: dict[str, Any], now_s: float) -> int | None:
    """How many milliseconds ago the record was published, or was to come. None: it does not say so legibly."""
    try:
        if published := record.get("Sns", {}).get("Timestamp"):
            at_s = datetime.fromisoformat(published).timestamp()
        elif sent_ms := record.get("attributes", {}).get("SentTimestamp"):
            at_s = max(int(sent_ms), _for_ms(record)) / 1000
        else:
            return None
    except (AttributeError, TypeError, ValueError, OverflowError):
        return None
    return max(0, int((now_s - at_s) * 1000))


def _for_ms(record: dict[str, Any]) -> int:
    """As `at_ms`, also of a record that is not legible."""
    try:
        return at_ms(record)
    except (AttributeError, KeyError, TypeError, ValueError):
        return 0


def _message(record: dict[str, Any]) -> dict[str, Any]:
    if "Sns" in record:
        text = record["Sns"]["Message"]
    else:
        body = json.loads(record["body"])
        text = body["Message"] if "Message" in body else record["body"]  # SNS's raw delivery adds no envelope
    message: dict[str, Any] = json.loads(text)
    return message
