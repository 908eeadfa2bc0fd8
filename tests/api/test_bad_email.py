"""POST /v1/emails with what cannot be accepted: the status, the field, and nothing stored."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from app.api.body import BODY_LIMIT_BYTES
from app.api.v1.validation import read_email
from app.errors import Invalid
from tests.api.conftest import Client
from tests.support.clock import Clock

pytestmark = pytest.mark.usefixtures("nothing_stored")

GOOD: dict[str, Any] = {"from": "app@example.com", "to": "ann@example.com", "subject": "Hello", "text": "It works."}
JSON = {"Content-Type": "application/json"}
FILE = {"filename": "a.txt", "content": "aGVsbG8="}
ABSENT = object()


def changed(changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (GOOD | changes).items() if value is not ABSENT}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        # Recipients
        ({"to": []}, "to"),
        ({"to": ABSENT}, "to"),
        ({"to": None}, "to"),
        ({"to": ""}, "to"),
        ({"to": [""], "bcc": [""]}, "to"),
        ({"to": {"email": "ann"}}, "to[0].email"),
        ({"to": {"email": "a@example.com, b@example.com"}}, "to[0].email"),
        ({"to": {"email": "Ann <ann@example.com>"}}, "to[0].email"),
        ({"to": [{"email": "ann@example.com", "name": "A\r\nBcc: eve@example.com"}]}, "to[0].name"),
        ({"to": [{"email": "ann@example.com", "type": "to"}]}, "to[0].type"),
        ({"to": [{"name": "Ann"}]}, "to[0].email"),
        ({"cc": ["", "nobody"]}, "cc[1]"),
        ({"to": 7}, "to"),
        ({"to": ["ann@example.com", 7]}, "to[1]"),
        ({"to": [f"a{n}@example.com" for n in range(51)]}, "to"),
        ({"cc": [f"a{n}@example.com" for n in range(25)], "bcc": [f"b{n}@example.com" for n in range(25)]}, "to"),
        ({"to": ["ann@example.com", "ANN@example.com"]}, "to[1]"),
        ({"bcc": "Ann <ann@EXAMPLE.com>"}, "bcc[0]"),
        ({"cc": ["bob@example.com", "nobody"]}, "cc[1]"),
        ({"to": "ünn@example.com"}, "to[0]"),
        ({"to": "ann@example.com, bob@example.com"}, "to[0]"),
        ({"to": "Ann\r\nBcc: eve@example.com <ann@example.com>"}, "to[0]"),
        ({"to": "x" * 10_000}, "to[0]"),
        ({"from": ABSENT}, "from"),
        ({"from": ["app@example.com"]}, "from"),
        ({"from": "App"}, "from"),
        ({"reply_to": "nobody"}, "reply_to[0]"),
        # Content
        ({"subject": ABSENT}, "subject"),
        ({"subject": "Hello\r\nBcc: eve@example.com"}, "subject"),
        ({"subject": "Hello\u2028world"}, "subject"),
        ({"subject": "x" * 999}, "subject"),
        ({"subject": 7}, "subject"),
        ({"text": ABSENT}, "text"),
        ({"text": "", "html": ""}, "text"),
        ({"text": "a\0b"}, "text"),
        ({"html": ["<p>"]}, "html"),
        ({"text": "\ud800"}, "text"),
        ({"metadata": {"k": "\udfff"}}, "metadata.k"),
        ({"metadata": {"\ud800": "v"}}, "metadata.\\ud800"),
        ({"attachments": [FILE | {"filename": "\ud800"}]}, "attachments[0].filename"),
        # Headers
        ({"headers": {"X-A": "a\r\nBcc: eve@example.com"}}, "headers.X-A"),
        ({"headers": {"X-A\r\nBcc": "eve@example.com"}}, "headers.X-A\r\nBcc"),
        ({"headers": {"X A": "a"}}, "headers.X A"),
        ({"headers": {"X" * 127: "a"}}, "headers." + "X" * 80),
        ({"headers": {"": "a"}}, "headers."),
        ({"headers": {"X-A": "x" * 999}}, "headers.X-A"),
        ({"headers": {"X-A": ["a"]}}, "headers.X-A"),
        ({"headers": {"References": "<" + "x" * 995 + ">"}}, "headers.References"),
        ({"headers": {"References": "<a@example.com> " * 501}}, "headers.References"),
        ({"headers": {"List-Unsubscribe": "<https://example.com/ü>"}}, "headers.List-Unsubscribe"),
        ({"headers": {"X-A": "1", "x-a": "2"}}, "headers"),
        ({"headers": {f"X-{n}": "a" for n in range(51)}}, "headers"),
        ({"headers": "X-A: a"}, "headers"),
        ({"headers": [{"name": "X-A", "value": "a\r\nBcc: eve@example.com"}]}, "headers[0].value"),
        ({"headers": [{"name": "X-A\r\nBcc", "value": "eve@example.com"}]}, "headers[0].name"),
        ({"headers": [{"name": "To", "value": "eve@example.com"}]}, "headers[0].name"),
        ({"headers": [{"name": "X-A", "value": "1"}, {"name": "x-a", "value": "2"}]}, "headers"),
        ({"headers": [{"name": "X-A", "value": "1"}, {"name": "X-A", "value": "1"}]}, "headers"),
        ({"headers": [{"name": f"X-{n}", "value": "a"} for n in range(51)]}, "headers"),
        *(
            ({"headers": {name: "a"}}, f"headers.{name}")
            for name in ["From", "to", "CC", "Bcc", "Reply-To", "Subject", "Date", "Message-ID", "Sender"]
        ),
        *(
            ({"headers": {name: "a"}}, f"headers.{name}")
            for name in ["Return-Path", "Received", "DKIM-Signature", "MIME-Version", "Content-Type", "Content-Foo"]
        ),
        ({"headers": {"X-SES-Configuration-Set": "other"}}, "headers.X-SES-Configuration-Set"),
        # Attachments
        ({"attachments": [FILE | {"content": "not base64"}]}, "attachments[0].content"),
        ({"attachments": [FILE, FILE | {"content": "aGVsb"}]}, "attachments[1].content"),
        ({"attachments": [FILE | {"content": "aGVsbG8=="}]}, "attachments[0].content"),
        ({"attachments": [FILE | {"content": "aGk=aGk="}]}, "attachments[0].content"),
        ({"attachments": [FILE | {"content": "a+-a"}]}, "attachments[0].content"),
        ({"attachments": [FILE | {"content": "data:image/png;base64,?"}]}, "attachments[0].content"),
        ({"attachments": [FILE | {"content": "data:,grün"}]}, "attachments[0].content"),
        ({"attachments": [{"filename": "a.txt"}]}, "attachments[0].content"),
        ({"attachments": [{"filename": "a.txt", "content": None}]}, "attachments[0].content"),
        ({"attachments": [FILE | {"content": "ü"}]}, "attachments[0].content"),
        ({"attachments": [FILE | {"filename": "a\nb"}]}, "attachments[0].filename"),
        ({"attachments": [{"content": "aGVsbG8="}]}, "attachments[0].filename"),
        ({"attachments": [FILE | {"content_type": "pdf"}]}, "attachments[0].content_type"),
        ({"attachments": [FILE | {"content_type": "text/plain; charset"}]}, "attachments[0].content_type"),
        ({"attachments": [FILE | {"content_type": "text/plain; a=1; A=2"}]}, "attachments[0].content_type"),
        ({"attachments": [FILE | {"content_type": "text/plain; name=ü"}]}, "attachments[0].content_type"),
        ({"attachments": [FILE | {"content_type": "text/plain; a=b\r\nX-A: c"}]}, "attachments[0].content_type"),
        ({"attachments": [FILE | {"content_type": "text/plain" + "; a=b" * 100}]}, "attachments[0].content_type"),
        ({"attachments": [FILE | {"content_id": "<lo go>"}]}, "attachments[0].content_id"),
        ({"attachments": [FILE | {"content_id": "<>"}]}, "attachments[0].content_id"),
        ({"attachments": [FILE | {"size": 5}]}, "attachments[0].size"),
        ({"attachments": [FILE | {"content_id": "a"}] * 2}, "attachments"),
        ({"attachments": [FILE] * 21}, "attachments"),
        ({"attachments": ["a.txt"]}, "attachments[0]"),
        # Options
        ({"tags": ["a\nb"]}, "tags[0]"),
        ({"tags": [["a"]]}, "tags[0]"),
        ({"tags": [{"name": "a b", "value": "1"}]}, "tags[0].name"),
        ({"tags": [{"name": "a"}]}, "tags[0].value"),
        ({"tags": [{"name": "a", "value": "1\0"}]}, "tags[0].value"),
        ({"tags": [{"name": "em_id", "value": "1"}]}, "tags[0].name"),
        ({"tags": [{"name": "a", "value": "1"}], "metadata": {"a": "2"}}, "tags[0]"),
        ({"tags": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]}, "tags[1]"),
        ({"tags": [{"name": f"t{n}", "value": "x"} for n in range(21)]}, "metadata"),
        ({"tags": ["x" * 129]}, "tags[0]"),
        ({"tags": [f"t{n}" for n in range(11)]}, "tags"),
        ({"metadata": {"em_id": "x"}}, "metadata.em_id"),
        ({"metadata": {"a b": "x"}}, "metadata.a b"),
        ({"metadata": {"k": ["a"]}}, "metadata.k"),
        ({"metadata": [{"name": "k", "value": "v"}, {"name": "k", "value": "w"}]}, "metadata"),
        ({"metadata": {"k": "x" * 501}}, "metadata.k"),
        ({"metadata": {f"k{n}": "x" for n in range(21)}}, "metadata"),
        ({"on_uncertain": "hope"}, "on_uncertain"),
        ({"providers": []}, "providers"),
        ({"providers": ["sendgrid", "sendgrid"]}, "providers"),
        ({"providers": ["sendgrid", "pigeon"]}, "providers[1]"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "1970-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2999-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2999-01-01T00:00:00"}, "expires_at"),
        ({"expires_at": "2999-02-31T00:00:00Z"}, "expires_at"),
        ({"expires_at": "0001-01-01T00:00:00+23:59"}, "expires_at"),
        ({"expires_at": 1900000000}, "expires_at"),
        ({"collapse_key": "k" * 129}, "collapse_key"),
        ({"collapse_key": "reset\nann"}, "collapse_key"),
        ({"collapse_key": "grüße"}, "collapse_key"),
        ({"collapse_key": 7}, "collapse_key"),
        ({"critical": "true"}, "critical"),
        ({"critical": 1}, "critical"),
        ({"override_suppression": "yes"}, "override_suppression"),
        ({"tracking": True}, "tracking"),
        ({"tracking": "off"}, "tracking"),
        ({"tracking": ["opens"]}, "tracking"),
        ({"tracking": {"opens": "no"}}, "tracking.opens"),
        ({"tracking": {"clicks": 0}}, "tracking.clicks"),
        ({"tracking": {"unsubscribes": True}}, "tracking.unsubscribes"),
        ({"send_at": "2999-01-01T00:00:00Z"}, "send_at"),
        ({"scheduled_at": "2999-01-01T00:00:00Z"}, "scheduled_at"),
        ({"send_at": "tomorrow"}, "send_at"),
        ({"send_at": "2026-01-01T00:00:00"}, "send_at"),
        ({"send_at": "2026-01-01T00:00:00Z", "scheduled_at": "2026-01-01T00:00:00Z"}, "scheduled_at"),
        ({"webhook_url": "http://hooks.example.com"}, "webhook_url"),
        ({"webhook_url": f"https://hooks.example.com/{'x' * 2000}"}, "webhook_url"),
        ({"webhook_url": 7}, "webhook_url"),
        # Fields that are not there
        ({"subjct": "Hello"}, "subjct"),
        ({"sender": "app@example.com"}, "sender"),
        ({"": 1}, "body"),
    ],
)
def test_the_field_is_named(client: Client, changes: dict[str, Any], field: str) -> None:
    answer = client.post("/v1/emails", content=json.dumps(changed(changes)), headers=JSON)
    assert answer.status_code == 422, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == "urn:emailsminder:problem:invalid"
    assert problem["status"] == 422
    assert [error["field"] for error in problem["errors"]] == [field]


@pytest.mark.parametrize("field", ["headers.X-A", "metadata.k"])
def test_a_number_that_is_read_as_infinity_is_named(client: Client, field: str) -> None:
    name, key = field.split(".")
    body = json.dumps(GOOD | {name: {key: "[number]"}}).replace('"[number]"', "1e999")
    errors = client.post("/v1/emails", content=body, headers=JSON).json()["errors"]
    assert errors == [{"field": field, "message": "must be a string or a number that is not so large"}]


def test_every_fault_is_told_at_once(client: Client) -> None:
    answer = client.post("/v1/emails", json={"from": "App", "to": ["x", "ann@example.com", "y"], "txt": "Hello"})
    fields = [error["field"] for error in answer.json()["errors"]]
    assert fields == ["from", "to[0]", "to[2]", "subject", "txt"]


def test_now_is_not_in_the_future(client: Client, clock: Clock) -> None:
    now = datetime.fromtimestamp(clock.now_s, UTC).isoformat()
    answer = client.post("/v1/emails", json=GOOD | {"expires_at": now})
    assert answer.json()["errors"] == [{"field": "expires_at", "message": "must be in the future"}]


def test_of_many_faults_the_first_are_told(client: Client) -> None:
    answer = client.post("/v1/emails", json=GOOD | {f"field{n}": n for n in range(10_000)})
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == 50
    assert len(answer.content) < 10_000


def test_of_many_fields_that_are_not_unicode_the_first_are_told(client: Client) -> None:
    answer = client.post("/v1/emails", content=json.dumps(GOOD | {"to": ["\ud800"] * 60}), headers=JSON)
    assert len(answer.json()["errors"]) == 50


def test_no_time_is_spent_on_explaining_a_thousand_unknown_fields() -> None:
    body = json.dumps(GOOD | {f"field{n}": n for n in range(1000)}).encode()
    with pytest.raises(Invalid) as refused:
        read_email(body, now_ms=0)
    assert len(refused.value.errors) == 50


@pytest.mark.parametrize("body", ["[]", '"text"', "7", "null", "true"])
def test_a_body_that_is_no_object_is_named(client: Client, body: str) -> None:
    answer = client.post("/v1/emails", content=body, headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "body", "message": "must be an object"}]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"from": "a@example.com",}',
        b"from=a@example.com",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"to": "a@example.com", "to": "b@example.com"}',
        b'{"a": {"b": 1, "b": 2}}',
        b'{"a": "\xff"}',
        '{"a": 1}'.encode("utf-16"),
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    ],
)
def test_what_is_not_json_is_malformed(client: Client, body: bytes) -> None:
    answer = client.post("/v1/emails", content=body, headers=JSON)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:emailsminder:problem:malformed"


def test_a_deep_body_with_half_a_surrogate_pair_is_refused(client: Client) -> None:
    body = b'{"a":' * 500 + b'"\\ud800"' + b"}" * 500
    assert client.post("/v1/emails", content=body, headers=JSON).status_code == 422


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
def test_another_content_type_is_refused(client: Client, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    answer = client.post("/v1/emails", content=json.dumps(GOOD), headers=headers)
    assert answer.status_code == 415
    assert answer.json()["type"] == "urn:emailsminder:problem:unsupported-media-type"


def test_a_body_over_the_limit_is_refused(client: Client) -> None:
    body = b" " * (BODY_LIMIT_BYTES + 1)
    answer = client.post("/v1/emails", content=body, headers=JSON)
    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:emailsminder:problem:too-large"


def test_a_body_at_the_limit_is_read(client: Client) -> None:
    text = "x" * (BODY_LIMIT_BYTES - len(json.dumps(GOOD | {"text": "", "subject": 7})))
    answer = client.post("/v1/emails", content=json.dumps(GOOD | {"text": text, "subject": 7}), headers=JSON)
    assert [error["field"] for error in answer.json()["errors"]] == ["subject"]
