"""Every line that a worker logs says which invocation wrote it, and about which email."""

import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app import logs
from app.store.head_items import PART, HeadItem
from tests.support.process import Process
from tests.support.samples import an_email
from workers import attempts, sweep

CONTEXT = SimpleNamespace(aws_request_id="5c1a", get_remaining_time_in_millis=lambda: 60_000)
TEMPLATE = json.loads((Path(__file__).parent / "events" / "sqs_raw.json").read_text())["Records"][0]


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def event(*messages: str) -> dict[str, Any]:
    return {"Records": [{**TEMPLATE, "messageId": str(n), "body": text} for n, text in enumerate(messages)]}


def test_a_line_of_the_worker_has_both_ids(process: Process, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    ids = [process.container.accept(an_email(), project="team", key=None).head.email_id for _ in range(2)]
    capsys.readouterr()
    attempts.handler(event(*(json.dumps({"email_id": one, "attempt": 1}) for one in ids)), CONTEXT)
    lines = told(capsys)
    assert {line["request_id"] for line in lines} == {"5c1a"}
    assert [line["email_id"] for line in lines if line["message"] == "message"] == ids
    assert all(line["email_id"] in ids for line in lines)
    assert {"attempt", "status", "message"} <= {line["message"] for line in lines}


def test_what_cannot_be_read_has_the_request_id_alone(process: Process, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    good = json.dumps({"email_id": "eml_unknown", "attempt": 1})
    attempts.handler(event("[]", good, "no json"), CONTEXT)
    lines = told(capsys)
    assert {line["request_id"] for line in lines} == {"5c1a"}
    messages = [line for line in lines if line["message"] == "message"]
    assert [line.get("email_id") for line in messages] == [None, "eml_unknown", None]


def test_a_line_of_the_sweep_has_the_request_id_whichever_thread_writes_it(
    process: Process, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("INFO")
    container = process.container
    email_id = container.accept(an_email(), project="team", key=None).head.email_id
    head = container.read.story(email_id, None).head
    assert container.cancel.heads.update(head, head.created_at_ms - 60_000)  # written a minute ago, never claimed
    item = HeadItem.get(email_id, PART, consistent_read=True)
    item.on_uncertain = "ask"  # a word that this version does not know
    item.save()
    capsys.readouterr()
    sweep.handler({}, CONTEXT)
    lines = told(capsys)
    assert {line["request_id"] for line in lines} == {"5c1a"}
    assert "head cannot be read" in {line["message"] for line in lines}


def test_ids_end_with_the_block_and_a_line_s_own_win(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    log = logging.getLogger("app")
    with logs.bound(request_id="1", email_id=""):
        with logs.bound(email_id="eml_2"):
            log.info("inner")
            log.info("own", extra={"email_id": "eml_3"})
        log.info("outer")
    log.info("after")
    ids = [(line.get("request_id"), line.get("email_id")) for line in told(capsys)]
    assert ids == [("1", "eml_2"), ("1", "eml_3"), ("1", None), (None, None)]
