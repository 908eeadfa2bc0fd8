"""Logs: one JSON object a line, and nothing in it that is nobody's business."""

import json
import logging
from typing import Any

import pytest

from app import logs


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    out, err = capsys.readouterr()
    assert err == ""
    return [json.loads(line) for line in out.split("\n")[:-1]]


def test_a_record_is_one_line_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    logging.getLogger("app.delivery.attempt").info("attempt", extra={"email_id": "eml_1", "attempt": 2, "ms": 31})
    (line,) = lines(capsys)
    assert line["message"] == "attempt"
    assert (line["level"], line["service"]) == ("INFO", "emailsminder")
    assert (line["email_id"], line["attempt"], line["ms"]) == ("eml_1", 2, 31)
    assert line["timestamp"].startswith("20")


def test_line_ends_stay_inside_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    logging.getLogger("app").warning("two\nlines", extra={"reason": 'a "quoted"\r\nreason \u2028 ü'})
    (line,) = lines(capsys)
    assert (line["message"], line["reason"]) == ("two\nlines", 'a "quoted"\r\nreason \u2028 ü')


def test_configuring_twice_does_not_double_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    logs.configure("INFO")
    logging.getLogger("app").info("once")
    assert len(lines(capsys)) == 1


@pytest.mark.parametrize(("level", "seen"), [("DEBUG", 3), ("INFO", 2), ("WARNING", 1), ("ERROR", 0)])
def test_the_level_decides_what_is_seen(capsys: pytest.CaptureFixture[str], level: str, seen: int) -> None:
    logs.configure(level)
    log = logging.getLogger("app.anything")
    log.debug("d")
    log.info("i")
    log.warning("w")
    assert len(lines(capsys)) == seen


@pytest.mark.parametrize(
    "library", ["httpx", "httpcore.connection", "botocore.auth", "urllib3.connectionpool", "pynamodb.connection.base"]
)
def test_libraries_do_not_chatter_even_at_debug(capsys: pytest.CaptureFixture[str], library: str) -> None:
    logs.configure("DEBUG")
    logging.getLogger(library).debug("every byte of every request")
    logging.getLogger(library).info("HTTP Request: POST https://api.example.com")
    assert lines(capsys) == []
    logging.getLogger(library).warning("something is wrong")
    assert len(lines(capsys)) == 1


def test_an_exception_is_told_with_its_name_and_place_in_the_same_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    secret = "SG.s3cr3t"
    try:
        json.loads(secret and "{")
    except ValueError:
        logging.getLogger("app").exception("failed on our side")
    (line,) = lines(capsys)
    assert line["exception_name"] == "JSONDecodeError"
    assert "test_logs.py" in line["exception"]
    assert secret not in json.dumps(line)  # a traceback shows lines of code, never values
