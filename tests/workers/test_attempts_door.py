"""The queue's door takes every shape in which a message may come, and fails by the rules of each."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from app import logs
from app.domain.head import Status
from app.domain.lane import Lane
from app.errors import Unreadable
from app.store.head_items import PART, HeadItem
from tests.support.process import Process
from tests.support.samples import an_email
from workers.attempts import TooLittleTime, handler, read

EVENTS = Path(__file__).parent / "events"
SHAPES = ["sns", "sqs", "sqs_raw"]


def rewrite(email_id: str, name: str, value: str) -> None:
    """Change an attribute of a stored head."""
    item = HeadItem.get(email_id, PART, consistent_read=True)
    setattr(item, name, value)
    item.save()


def load(shape: str, *messages: str) -> dict[str, Any]:
    """The event of that shape with these messages, one record each."""
    event: dict[str, Any] = json.loads((EVENTS / f"{shape}.json").read_text())
    (template,) = event["Records"]
    records = []
    for n, message in enumerate(messages):
        record = copy.deepcopy(template)
        if shape == "sns":
            record["Sns"]["Message"] = message
        else:
            record["messageId"] = f"message-{n}"
            envelope = {**json.loads(record["body"]), "Message": message}
            record["body"] = message if shape == "sqs_raw" else json.dumps(envelope)
        records.append(record)
    return {"Records": records or [template]}


def message(email_id: str, attempt: int = 1) -> str:
    return json.dumps({"email_id": email_id, "attempt": attempt})


def take(process: Process) -> str:
    return process.container.accept(an_email(), project="team", key=None).head.email_id


def status_of(process: Process, email_id: str) -> Status:
    (recipient,) = process.container.read.story(email_id, None).head.recipients.values()
    return recipient.status


@pytest.mark.parametrize("shape", SHAPES)
def test_an_event_as_aws_writes_it_is_read(shape: str) -> None:
    (record,) = load(shape)["Records"]
    assert read(record) == ("eml_2ywnx2zwetffukkarbqcxoimqq", 1)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_attempt_is_made(process: Process, shape: str) -> None:
    email_id = take(process)
    assert handler(load(shape, message(email_id)), object()) == {"batchItemFailures": []}
    assert [path for path, _ in process.providers.calls] == ["/v3/mail/send"]
    assert status_of(process, email_id) is Status.SENT


@pytest.mark.parametrize("raw", [False, True], ids=["in SNS's envelope", "raw"])
def test_what_the_queue_really_hands_over_is_read(process: Process, raw: bool) -> None:
    queue = process.aws.queue(raw=raw)
    queue.topic.publish("eml_queued", 7, Lane.NORMAL)
    (record,) = queue.records()
    assert read({"messageId": record["MessageId"], "body": record["Body"]}) == ("eml_queued", 7)


def test_a_message_that_is_for_later_makes_no_attempt_yet(process: Process) -> None:
    """There is no delay queue here, so the sweep would publish it."""
    email_id = take(process)
    at_ms = int(process.container.clock() * 1000) + 60_000
    later = json.dumps({"email_id": email_id, "attempt": 1, "at_ms": at_ms})
    assert handler(load("sqs_raw", later), object()) == {"batchItemFailures": []}
    assert process.providers.calls == []
    due = json.dumps({"email_id": email_id, "attempt": 1, "at_ms": at_ms - 60_000})
    assert handler(load("sqs_raw", due), object()) == {"batchItemFailures": []}
    assert status_of(process, email_id) is Status.SENT


@pytest.mark.parametrize("shape", ["sqs", "sqs_raw"])
def test_a_batch_is_worked_through(process: Process, shape: str) -> None:
    emails = [take(process) for _ in range(3)]
    assert handler(load(shape, *map(message, emails)), object()) == {"batchItemFailures": []}
    assert {status_of(process, email_id) for email_id in emails} == {Status.SENT}


@pytest.mark.parametrize("shape", ["sqs", "sqs_raw"])
@pytest.mark.parametrize("bad", ["no json", "{}", "null", '{"email_id": "eml_x"}', '{"email_id": "x", "attempt": "a"}'])
def test_a_bad_record_among_good_ones_is_the_only_one_that_comes_again(process: Process, shape: str, bad: str) -> None:
    first, last = take(process), take(process)
    answer = handler(load(shape, message(first), bad, message(last)), object())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-1"}]}
    assert status_of(process, first) is status_of(process, last) is Status.SENT


def test_an_attempt_that_fails_on_our_side_comes_again_and_is_logged(
    process: Process, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("INFO")
    email_id, other = take(process), take(process)
    rewrite(email_id, "on_uncertain", "ask")  # a word that this version does not know
    answer = handler(load("sqs", message(email_id), message(other)), object())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
    assert status_of(process, other) is Status.SENT
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "failed on our side" in line]
    logged = json.loads(line)
    assert logged["level"] == "ERROR"
    assert logged["reason"].startswith("this email was written by another version")
    rewrite(email_id, "on_uncertain", "wait")
    assert handler(load("sqs", message(email_id)), object()) == {"batchItemFailures": []}
    assert status_of(process, email_id) is Status.SENT


@pytest.mark.parametrize("bad", ["no json", "{}", "null", "[]", '"eml_x"', '{"email_id": "x", "attempt": null}'])
def test_a_malformed_sns_message_raises_so_that_lambda_tries_again(process: Process, bad: str) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        handler(load("sns", bad), object())
    assert process.providers.calls == []


def test_an_sns_record_that_fails_keeps_none_behind_it_from_being_attempted(process: Process) -> None:
    email_id = take(process)
    with pytest.raises(json.JSONDecodeError):
        handler(load("sns", "no json", message(email_id), "{}"), object())
    assert status_of(process, email_id) is Status.SENT


class TimeLeft:
    """Lambda's context object, of an invocation that has so many seconds left whenever it is asked."""

    def __init__(self, *seconds: float) -> None:
        self._seconds = iter(seconds)

    def get_remaining_time_in_millis(self) -> int:
        return int(next(self._seconds) * 1000)


@pytest.mark.parametrize("shape", ["sqs", "sqs_raw"])
def test_who_cannot_be_called_in_time_goes_back_unclaimed(process: Process, shape: str) -> None:
    """A worker has 20 s and a call may take 10 s: a batch of ten whose first call hung is over after that call."""
    emails = [take(process) for _ in range(10)]
    answer = handler(load(shape, *map(message, emails)), TimeLeft(*[9.7] * 9))
    assert answer == {"batchItemFailures": [{"itemIdentifier": f"message-{n}"} for n in range(1, 10)]}
    assert status_of(process, emails[0]) is Status.SENT
    heads = [process.container.read.story(email_id, None).head for email_id in emails[1:]]
    assert {(head.version, head.next_attempt, head.lease_until_ms) for head in heads} == {(1, 1, None)}
    assert handler(load(shape, message(emails[1])), TimeLeft()) == {"batchItemFailures": []}


def test_who_can_be_called_in_time_is(process: Process) -> None:
    emails = [take(process) for _ in range(3)]
    answer = handler(load("sqs", *map(message, emails)), TimeLeft(12.5, 11.5))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-2"}]}
    assert [status_of(process, email_id) for email_id in emails] == [Status.SENT, Status.SENT, Status.QUEUED]


@pytest.mark.parametrize("odd", [None, 5, "text", [], {}, {"Sns": None}, {"messageId": None, "body": "{}"}])
def test_a_record_that_cannot_be_named_keeps_none_behind_it_from_being_attempted(process: Process, odd: object) -> None:
    email_id = take(process)
    (good,) = load("sqs", message(email_id))["Records"]
    with pytest.raises((AttributeError, KeyError, TypeError, ValueError)):
        handler({"Records": [odd, good]}, object())
    assert status_of(process, email_id) is Status.SENT


def test_an_sns_record_that_comes_too_late_raises_so_that_lambda_tries_again(process: Process) -> None:
    emails = [take(process) for _ in range(2)]
    with pytest.raises(TooLittleTime):
        handler(load("sns", *map(message, emails)), TimeLeft(1))
    assert [status_of(process, email_id) for email_id in emails] == [Status.SENT, Status.QUEUED]


def test_an_sns_attempt_that_fails_on_our_side_raises(process: Process) -> None:
    email_id = take(process)
    rewrite(email_id, "on_uncertain", "ask")
    with pytest.raises(Unreadable):
        handler(load("sns", message(email_id)), object())


@pytest.mark.parametrize("shape", SHAPES)
def test_a_message_that_is_not_expected_is_done(process: Process, shape: str) -> None:
    email_id = take(process)
    handler(load(shape, message(email_id)), object())
    assert handler(load(shape, message(email_id)), object()) == {"batchItemFailures": []}
    assert handler(load(shape, message("eml_nobody")), object()) == {"batchItemFailures": []}
    assert len(process.providers.calls) == 1


def test_failover_goes_round_through_the_queue(process: Process) -> None:
    process.providers.statuses |= {"/v3/mail/send": 503, "/v3/mg.example.com/messages": 401}
    email_id = take(process)
    rounds = 0
    while records := process.queue.records():
        rounds += 1
        for record in records:
            handler({"Records": [{"messageId": record["MessageId"], "body": record["Body"]}]}, object())
    assert rounds == 3
    paths = [path for path, _ in process.providers.calls]
    assert paths == ["/v3/mail/send", "/v3/mg.example.com/messages", "/v2/email/outbound-emails"]
    assert status_of(process, email_id) is Status.SENT
