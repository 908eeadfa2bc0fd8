"""What does not answer is told in a sentence; what nobody expects, with its traceback."""

import logging

import pytest

from app.errors import ServiceUnavailable
from app.notify.faults import log_fault


def test_a_service_that_is_silent_is_an_error_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    log_fault(logging.getLogger("tested"), "not told", ServiceUnavailable("the table is silent"), email_id="eml_1")
    (line,) = map(vars, caplog.records)
    found = {name: line[name] for name in ("levelno", "message", "reason", "email_id", "exc_info")}
    assert found == {
        "levelno": logging.ERROR,
        "message": "not told",
        "reason": "the table is silent",
        "email_id": "eml_1",
        "exc_info": None,
    }


def test_what_nobody_expects_has_its_traceback_and_its_text_is_no_field(caplog: pytest.LogCaptureFixture) -> None:
    error = KeyError("ann@example.net")
    log_fault(logging.getLogger("tested"), "not told", error)
    (line,) = map(vars, caplog.records)
    assert line["reason"] == "KeyError"
    assert line["exc_info"][1] is error
