"""The log in a terminal: a line for an ordinary email, and one for whatever went wrong."""

import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest

from app import logs
from app.local import terminal_log
from app.local.mode import LocalError

TIME = r"\d\d:\d\d:\d\d  "
ATTEMPT: dict[str, Any] = {
    "email_id": "eml_1",
    "attempt": 1,
    "provider": "acme",
    "outcome": "accepted",
    "cause": None,
    "status_code": 202,
    "ms": 31,
    "failover": False,
    "repeats": 0,
}
REQUEST: dict[str, Any] = {"method": "POST", "route": "/v1/emails", "status": 202, "ms": 9.5, "request_id": "r"}
STATUS: dict[str, Any] = {"email_id": "eml_1", "was": "sending", "is": "sent", "age_ms": 9, "given_up": 0}

WEBHOOK: dict[str, Any] = {
    "event_id": "evt_1",
    "endpoint_id": "ep_1",
    "email_id": "eml_1",
    "type": "email.sent",
    "outcome": "taken",
    "is_called": True,
    "status_code": 204,
    "fault": "",
    "ms": 4,
    "number": 1,
}


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def begin(level: str = "INFO", **env: str) -> logging.Logger:
    logs.configure(level)
    terminal_log.use(env)
    return logging.getLogger("app.anything")


def test_an_ordinary_email_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """These are all the lines that it has as JSON."""
    log = begin()
    log.info("request", extra=REQUEST)
    log.info("attempt", extra=ATTEMPT)
    log.info("status", extra=STATUS)
    log.info("message", extra={"failed": False, "age_ms": 157})
    log.info("status", extra={**STATUS, "is": "delivered"})
    log.info("event", extra={"email_id": "eml_1", "kind": "delivered"})
    log.info("request", extra={**REQUEST, "route": "/v1/webhooks/{provider}", "status": 200})
    (line,) = lines(capsys)
    assert re.fullmatch(f"{TIME}eml_1  acme accepted it in 31 ms", line)


def test_a_failover_is_a_line_for_each_provider(capsys: pytest.CaptureFixture[str]) -> None:
    log = begin()
    failed = {"outcome": "unavailable", "cause": "outage", "status_code": 503}
    log.info("attempt", extra=ATTEMPT | failed)
    log.info("attempt", extra=ATTEMPT | {"attempt": 2, "provider": "other"})
    first, second = lines(capsys)
    assert first.endswith("  eml_1  acme is unavailable (outage, 503) after 31 ms")
    assert second.endswith("  eml_1  attempt 2: other accepted it in 31 ms")


def test_a_webhook_that_was_called_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    log = begin()
    log.info("notification", extra=WEBHOOK)
    log.info("notification", extra=WEBHOOK | {"outcome": "later", "status_code": 500, "number": 2})
    log.info("notification", extra=WEBHOOK | {"outcome": "later", "status_code": None, "fault": "timeout"})
    log.info("notification", extra=WEBHOOK | {"outcome": "held_back", "is_called": False})
    log.info("notification", extra=WEBHOOK | {"type": "webhook.test", "email_id": ""})
    taken, refused, silent, test = lines(capsys)
    assert re.fullmatch(f"{TIME}eml_1  email.sent was taken by ep_1 in 4 ms", taken)
    assert refused.endswith("  eml_1  try 2: email.sent was not taken by ep_1 (500) after 4 ms")
    assert silent.endswith("  eml_1  email.sent was not taken by ep_1 (timeout) after 4 ms")
    assert re.fullmatch(f"{TIME}webhook.test was taken by ep_1 in 4 ms", test)


@pytest.mark.parametrize(
    ("message", "fields", "words"),
    [
        ("status", STATUS | {"is": "failed", "given_up": 1}, "eml_1  failed; recipients given up: 1"),
        ("status", STATUS | {"is": "expired"}, "eml_1  expired; recipients given up: 0"),
        ("request", REQUEST | {"status": 422}, "POST /v1/emails was answered 422 in 9.5 ms"),
    ],
)
def test_what_ended_badly_is_a_line(
    capsys: pytest.CaptureFixture[str], message: str, fields: dict[str, Any], words: str
) -> None:
    begin().info(message, extra=fields)
    (line,) = lines(capsys)
    assert re.fullmatch(TIME + re.escape(words), line)


def test_a_page_that_there_is_not_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    """A browser asks for its icon with every page."""
    begin().info("request", extra=REQUEST | {"route": "none", "status": 404})
    assert lines(capsys) == []


def test_warnings_have_their_fields_and_errors_their_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    log = begin()
    log.warning("health", extra={"provider": "acme", "weight": 90, "breaker": None})
    try:
        int("odd")
    except ValueError:
        log.exception("failed on\nour side")
    first, second, *trace = lines(capsys)
    assert re.fullmatch(f"{TIME}WARNING  health  provider='acme'  weight=90", first)
    assert re.fullmatch(f"{TIME}ERROR  failed on our side", second)
    assert (trace[0], trace[-1]) == (
        "Traceback (most recent call last):",
        "ValueError: invalid literal for int() with base 10: 'odd'",
    )


def test_a_line_of_that_name_with_other_fields_is_written_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    begin().warning("attempt", extra={"other": 1})
    (line,) = lines(capsys)
    assert line.endswith("WARNING  attempt  other=1")


def test_debug_shows_everything(capsys: pytest.CaptureFixture[str]) -> None:
    log = begin("DEBUG")
    log.info("message", extra={"failed": False})
    log.debug("detail")
    assert [line[10:] for line in lines(capsys)] == ["INFO  message  failed=False", "DEBUG  detail"]


def test_json_is_what_a_deployed_process_writes(capsys: pytest.CaptureFixture[str]) -> None:
    begin(LOG_FORMAT="json").info("message", extra={"failed": False})
    (line,) = lines(capsys)
    assert line.startswith('{"level":"INFO"')


def test_another_format_is_refused_by_name() -> None:
    with pytest.raises(LocalError, match="LOG_FORMAT must be text or json, is 'xml'"):
        terminal_log.use({"LOG_FORMAT": "xml"})
