"""Errors are in the words of the API: the field, the fault, the remedy; never in those of Python or a library."""

import asyncio
import json
import re
from typing import Any, get_args
from urllib.parse import quote

import pytest
from pydantic_core.core_schema import ErrorType
from starlette.exceptions import HTTPException

from app.api.problems import on_http, words
from tests.api.conftest import Client

# What Python 3.11 to 3.14, pydantic 2 and Starlette 1 say in such cases.
FOREIGN = re.compile(
    r"set_int_max_str|utf-8-sig|Extra inputs|Input should|Unable to parse|validation error|Expecting|codec|Exceeds"
    r"|recursion|Not Found|Not Allowed|NoneType|\bdict\b|\bstr\b|\bint\b|Python|pydantic|exceeded maximum"
)
BODIES: dict[bytes, str] = {
    b"": "the body is empty; send a JSON object",
    b" \r\n": "the body is empty; send a JSON object",
    b"{": "the body is not JSON: see line 1, column 2",
    b"\xef\xbb\xbf\xef\xbb\xbf{}": "the body is not JSON: see line 1, column 1",
    '{"from": "ü"}'.encode("utf-16"): "the body is not UTF-8; send the JSON in UTF-8",
    b'{"from": "\xff"}': "the body is not UTF-8; send the JSON in UTF-8",
    b'{"to": "a@example.com", "subject": "a", "to": "b@example.com"}': (
        'the key "to" is there twice in one object; keep one of them'
    ),
    b'{"metadata": {"order": 1, "\\ud800": 1, "\\ud800": 2}}': (
        'the key "\\ud800" is there twice in one object; keep one of them'
    ),
    b'{"from": NaN}': "NaN is not JSON; write null, or leave the field out",
    b'{"metadata": {"order": ' + b"9" * 5000 + b"}}": "a number has thousands of digits; write it in quotes, as text",
    b"[" * 100_000: "the body is nested too deeply: nothing here has so many levels",
}
QUERIES = {
    "limit=x": ("limit", "must be a whole number"),
    "limit=1.5": ("limit", "must be a whole number"),
    "limit=" + "9" * 5000: ("limit", "must be a whole number that is not so large"),
    "limit=0": ("limit", "must be at least 1"),
    "limit=101": ("limit", "must be at most 100"),
    "recipent=ann@example.com": ("recipent", "is no parameter of this call; did you mean recipient?"),
    "x=1": (
        "x",
        "is no parameter of this call; it takes recipient, tag, status, recipient_status, provider, from, to, project,"
        " after, limit",
    ),
    "from=yesterday": ("from", "must be an RFC 3339 time with an offset, like 2030-01-31T18:00:00Z"),
    "status=gone": ("status", None),
    "tag=" + "x" * 701: ("tag", "must have at most 700 characters"),
    "project=" + quote("a b"): ("project", None),
    "recipient=ann": ("recipient", None),
}


@pytest.mark.parametrize(("body", "detail"), BODIES.items(), ids=range(len(BODIES)))
def test_a_body_that_cannot_be_read(client: Client, body: bytes, detail: str) -> None:
    answer = client.post("/v1/emails", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["detail"]) == (400, detail)


@pytest.mark.parametrize(("query", "fault"), QUERIES.items(), ids=range(len(QUERIES)))
def test_a_parameter_that_is_wrong(client: Client, query: str, fault: tuple[str, str | None]) -> None:
    answer = client.get(f"/v1/emails?{query}")
    [found] = answer.json()["errors"]
    assert (answer.status_code, found["field"]) == (422, fault[0])
    assert fault[1] in (None, found["message"])
    assert not FOREIGN.search(answer.text)


def test_many_parameters_are_no_work(client: Client) -> None:
    answer = client.get("/v1/emails?" + "&".join(f"x{number}=1" for number in range(5000)))
    assert len(answer.json()["errors"]) == 50


@pytest.mark.parametrize(
    "change",
    [
        {"to": 7},
        {"to": [[]]},
        {"to": [{"email": 7}]},
        {"to": [{}]},
        {"subject": None},
        {"subject": 1e400},
        {"text": ["a"]},
        {"headers": 7},
        {"headers": [{"name": "X-A"}, 7]},
        {"attachments": "a"},
        {"attachments": [{"filename": 7, "content": 7}]},
        {"tags": [[]]},
        {"metadata": {"a": []}},
        {"metadata": {"a": 1e400}},
        {"critical": "yes"},
        {"critical": 1},
        {"tracking": True},
        {"tracking": {"opens": 1, "links": True}},
        {"on_uncertain": "never"},
        {"providers": {"a": 1}},
        {"expires_at": 7},
        {"collapse_key": 7},
        {"unknown": {"deep": 1}},
    ],
)
def test_a_field_that_is_wrong(client: Client, change: dict[str, Any]) -> None:
    good = {"from": "app@example.com", "to": "ann@example.com", "subject": "Hello", "text": "It works."}
    body = json.dumps(good | change).replace("Infinity", "1e400")
    answer = client.post("/v1/emails", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert all(found["field"].startswith(next(iter(change))) for found in answer.json()["errors"])
    assert not FOREIGN.search(answer.text)


def test_no_kind_of_fault_has_pydantics_words() -> None:
    kinds = get_args(ErrorType)
    assert len(kinds) > 90
    numbers = dict.fromkeys(("ge", "le", "min_length", "max_length", "expected", "error"), "7")
    for kind in kinds:
        found = words({"type": kind, "msg": "Input should be a valid int", "ctx": numbers})
        assert found
        assert not FOREIGN.search(found)


@pytest.mark.parametrize(
    ("status", "kind"), [(400, "malformed"), (404, "malformed"), (500, "internal"), (503, "internal")]
)
def test_what_the_framework_raises_is_a_problem_of_ours(status: int, kind: str) -> None:
    request: Any = None
    answer = asyncio.run(on_http(request, HTTPException(status, "There was an error parsing the body")))
    assert f"urn:emailsminder:problem:{kind}".encode() in answer.body
    assert b"parsing" not in answer.body
