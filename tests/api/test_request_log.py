"""One log line per request, without anything personal."""

import asyncio
import json
import logging
import re
from types import SimpleNamespace
from typing import Any

import pytest

from app import logs
from app.api.request_log import RequestLog
from tests.api.conftest import Client

FIELDS = ("method", "route", "status", "request_id")


@pytest.fixture(autouse=True)
def _log_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "app.api")


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [vars(record) for record in caplog.records if record.name == "app.api.request_log"]


def test_the_line_has_the_route_and_not_the_address(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    answer = client.get("/v1/emails/eml_none?recipient=ann@example.com")
    [line] = lines(caplog)
    assert {name: line[name] for name in FIELDS} == {
        "method": "GET",
        "route": "/v1/emails/{email_id}",
        "status": 404,
        "request_id": answer.headers["X-Request-Id"],
    }
    assert 0 <= line["ms"] < 10_000
    assert "ann@example.com" not in str(line)
    assert "eml_none" not in str(line)


def test_nothing_personal_of_an_email_is_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    body = {"from": "app@example.com", "to": "ann@example.com", "subject": "Hello", "text": "Secret."}
    assert client.post("/v1/emails", json=body).status_code == 202
    assert client.post("/v1/emails", json=body | {"to": "broken@@example.com"}).status_code == 422
    assert [line["status"] for line in lines(caplog)] == [202, 422]
    everything = " ".join(str(vars(record)) for record in caplog.records)
    assert not re.search(r"@example\.com|Hello|Secret|em_[A-Za-z0-9_-]{20}", everything)


def test_a_path_that_is_none_of_ours_is_not_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    client.get("/nowhere/ann@example.com")
    assert [(line["route"], line["status"]) for line in lines(caplog)] == [("none", 404)]


def test_every_request_has_an_id_of_its_own(client: Client) -> None:
    ids = {client.get("/docs").headers["X-Request-Id"] for _ in range(3)}
    assert len(ids) == 3


def test_a_request_that_fails_is_logged_as_500(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    async def nothing(*_: object) -> Any:
        raise AssertionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(RequestLog(broken)({"type": "http", "method": "GET"}, nothing, nothing))
    assert [line.get("status") for line in lines(caplog)] == [None, 500]
    assert len({line["request_id"] for line in lines(caplog)}) == 1


def test_what_is_no_request_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    passed: list[Any] = []

    async def app(*given: object) -> None:
        passed.append(given)

    async def nothing(*_: object) -> Any:
        raise AssertionError

    asyncio.run(RequestLog(app)({"type": "lifespan"}, nothing, nothing))
    assert passed
    assert not lines(caplog)


def test_other_lines_of_a_request_have_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    async def app(*_: object) -> None:
        await asyncio.to_thread(logging.getLogger("app.delivery.accept").warning, "not published, the sweep will")

    async def nothing(*_: object) -> Any:
        raise AssertionError

    root = logging.getLogger()
    before = list(root.handlers), root.level
    logs.configure("INFO")
    context = SimpleNamespace(aws_request_id="5c1a")
    asyncio.run(RequestLog(app)({"type": "http", "method": "POST", "aws.context": context}, nothing, nothing))
    root.handlers, root.level = before
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["message"], line["request_id"]) for line in written] == [
        ("not published, the sweep will", "5c1a"),
        ("request", "5c1a"),
    ]
