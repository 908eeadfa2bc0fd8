"""Every message is logged with how long it waited and whether it failed: what the queue's metrics are made of."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.process import Process
from workers.attempts import handler, waited_ms

EVENTS = Path(__file__).parent / "events"
UNKNOWN = json.dumps({"email_id": "eml_unknown", "attempt": 1})


def record(shape: str, text: str = UNKNOWN) -> dict[str, Any]:
    """A record as AWS writes it, with another message."""
    (template,) = json.loads((EVENTS / f"{shape}.json").read_text())["Records"]
    found: dict[str, Any] = copy.deepcopy(template)
    if shape == "sns":
        found["Sns"] |= {"Message": text, "Timestamp": "2026-11-24T12:00:00.000Z"}
    else:
        found |= {"body": text, "attributes": {"SentTimestamp": "1795521600000"}}
    return found


@pytest.mark.parametrize("shape", ["sns", "sqs"])
def test_a_record_says_how_long_it_waited(shape: str) -> None:
    published_s = 1_795_521_600  # 2026-11-24T12:00:00Z
    assert waited_ms(record(shape), published_s + 1.5) == 1500
    assert waited_ms(record(shape), published_s - 0.1) == 0, "clocks differ by a little"


def test_a_record_without_a_time_is_no_error() -> None:
    assert waited_ms({"Sns": {"Message": UNKNOWN}}, 0) is None
    assert waited_ms({"body": UNKNOWN}, 0) is None


ODD = ["", "soon", "1e3", "NaN", "9" * 400, [], {"at": 1}, True]


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_an_odd_time_is_no_time(odd: object) -> None:
    assert waited_ms({"Sns": {"Timestamp": odd}}, 0) is None
    assert waited_ms({"Sns": None}, 0) is None
    assert waited_ms({"attributes": None}, 0) is None
    if odd is not True:  # which Python takes for the number 1
        assert waited_ms({"attributes": {"SentTimestamp": odd}}, 0) is None


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_an_odd_time_fails_no_batch(process: Process, odd: object) -> None:
    event = {"Records": [record("sqs"), record("sqs")]}
    event["Records"][0]["attributes"]["SentTimestamp"] = odd
    assert handler(event, object()) == {"batchItemFailures": []}


@pytest.mark.usefixtures("process")
@pytest.mark.parametrize(("text", "failed"), [(UNKNOWN, False), ("no json", True)])
def test_a_message_is_logged_once(caplog: pytest.LogCaptureFixture, text: str, failed: bool) -> None:
    with caplog.at_level("INFO", "workers.attempts"):
        handler({"Records": [record("sqs", text)]}, object())
    (line,) = [line for line in caplog.records if line.message == "message"]
    assert vars(line)["failed"] is failed
    assert vars(line)["age_ms"] > 0
