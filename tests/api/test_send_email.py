"""POST /v1/emails: what is accepted, once and only once."""

import base64
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest

from app.domain.email import Attachment, Mailbox, OnUncertain
from app.wiring.parts import Container
from tests.api.conftest import Client
from tests.support.clock import Clock

SHORT: dict[str, Any] = {
    "from": "App <no-reply@example.com>",
    "to": "Ann@Example.com",
    "subject": "Hello",
    "text": "It works.",
}


def stored(parts: Container, email_id: str) -> Any:
    head = parts.read.story(email_id, None).head
    return head, parts.attempt.contents.open(email_id)[1]()


def test_an_email_is_accepted_and_can_be_read_where_location_says(client: Client) -> None:
    answer = client.post("/v1/emails", json=SHORT)
    assert answer.status_code == 202
    email = answer.json()
    assert answer.headers["Location"] == f"/v1/emails/{email['id']}"
    assert "Idempotent-Replayed" not in answer.headers
    assert {name: email[name] for name in ("status", "from", "to", "cc", "bcc", "subject")} == {
        "status": "queued",
        "from": "App <no-reply@example.com>",
        "to": ["Ann@example.com"],
        "cc": [],
        "bcc": [],
        "subject": "Hello",
    }
    assert client.get(answer.headers["Location"]).json()["id"] == email["id"]


def test_every_field_reaches_the_store(client: Client, parts: Container, clock: Clock) -> None:
    body = {
        "from": '"Smith, J." <j@example.com>',
        "to": ["Dr. Jürgen <j@exämple.de>", "b@example.com"],
        "cc": "c@example.com",
        "bcc": ["d@example.com"],
        "reply_to": ["Help <help@example.com>"],
        "subject": "Grüße",
        "text": "line one\r\nline two\ttabbed",
        "html": "<p>hello</p>",
        "headers": {"X-Campaign": "spring"},
        "attachments": [
            {"filename": "a.txt", "content": base64.b64encode(b"hello").decode()},
            {"filename": "l.png", "content": "iVBORw0KGgo=", "content_type": "image/png", "content_id": "logo"},
        ],
        "tags": ["receipt"],
        "metadata": {"order": "1"},
        "on_uncertain": "failover",
        "providers": ["mailgun"],
    }
    within = clock.now_ms + 3_600_000
    body["expires_at"] = datetime.fromtimestamp(within / 1000, timezone(timedelta(hours=2))).isoformat()
    answer = client.post("/v1/emails", json=body)
    assert answer.status_code == 202, answer.text
    head, content = stored(parts, answer.json()["id"])
    assert head.sender == Mailbox("j@example.com", "Smith, J.")
    assert answer.json()["from"] == '"Smith, J." <j@example.com>'
    assert answer.json()["to"] == ["j@xn--exmple-cua.de", "b@example.com"]
    assert content.names == {"j@xn--exmple-cua.de": "Dr. Jürgen"}
    assert head.expires_at_ms == within
    assert head.providers == ("mailgun",)
    assert head.on_uncertain is OnUncertain.FAILOVER
    assert content.subject == "Grüße"
    assert (content.text, content.html) == ("line one\r\nline two\ttabbed", "<p>hello</p>")
    assert content.reply_to == (Mailbox("help@example.com", "Help"),)
    assert content.headers == (("X-Campaign", "spring"),)
    assert content.attachments == (
        Attachment("a.txt", "text/plain", b"hello"),
        Attachment("l.png", "image/png", base64.b64decode("iVBORw0KGgo="), "logo"),
    )
    assert content.tags == ("receipt",)
    assert content.metadata == {"order": "1"}


def test_null_counts_as_left_out(client: Client) -> None:
    nulls = dict.fromkeys(["cc", "html", "headers", "attachments", "tags", "metadata", "expires_at", "providers"])
    assert client.post("/v1/emails", json=SHORT | nulls).status_code == 202


def test_50_recipients_are_not_too_many(client: Client) -> None:
    body = SHORT | {
        "to": [f"to{n}@example.com" for n in range(20)],
        "cc": [f"cc{n}@example.com" for n in range(20)],
        "bcc": [f"bcc{n}@example.com" for n in range(10)],
    }
    answer = client.post("/v1/emails", json=body)
    assert answer.status_code == 202
    assert len(answer.json()["recipients"]) == 50


def test_the_same_key_and_body_is_the_same_email(client: Client) -> None:
    headers = {"Idempotency-Key": uuid4().hex}
    first = client.post("/v1/emails", json=SHORT, headers=headers)
    second = client.post("/v1/emails", json=SHORT, headers=headers)
    assert (first.status_code, second.status_code) == (202, 200)
    assert second.json() == first.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["Location"] == first.headers["Location"]


FEW: dict[str, Any] = SHORT | {
    "to": ["ann@example.com", {"email": "bob@example.com", "name": "Bob"}],
    "cc": ["eve@example.com", "fay@example.com"],
    "bcc": ["dan@example.com", "gus@example.com"],
    "reply_to": ["help@example.com", "desk@example.com"],
    "headers": {"X-One": "1", "X-Two": "2"},
    "tags": ["one", "two", {"name": "shop", "value": "3"}],
    "metadata": {"order": "7", "user": "8"},
    "providers": ["ses", "mailgun"],
}
PAIRS = [{"name": "X-One", "value": "1"}, {"name": "X-Two", "value": "2"}]


@pytest.mark.parametrize(
    "same",
    [
        *[{name: FEW[name][::-1]} for name in ("to", "cc", "bcc", "reply_to", "tags", "providers")],
        *[{name: dict(reversed(FEW[name].items()))} for name in ("headers", "metadata")],
        {"headers": PAIRS},
        {"headers": PAIRS[::-1]},
        {"headers": {"x-two": "2", "X-ONE": 1}},
        {"metadata": FEW["metadata"] | {"shop": 3}, "tags": ["two", "one"]},
        {"from": FEW["from"].replace("example.com", "EXAMPLE.com")},
        {"to": ["ann@Example.COM", "Bob <bob@EXAMPLE.com>"]},
        {"cc": ["EVE@example.com", "fay@example.com"]},
        {"bcc": ["dan@example.COM", "gus@example.com"]},
        {"reply_to": ["help@example.COM", "desk@example.com"]},
        dict(reversed(FEW.items())),
    ],
)
def test_order_and_spelling_make_no_other_request(client: Client, same: dict[str, Any]) -> None:
    headers = {"Idempotency-Key": uuid4().hex}
    first = client.post("/v1/emails", json=FEW, headers=headers)
    second = client.post("/v1/emails", json=same | {name: FEW[name] for name in FEW.keys() - same}, headers=headers)
    assert (first.status_code, second.status_code) == (202, 200), second.text
    assert second.json() == first.json()


@pytest.mark.parametrize("field", ["from", "to", "cc", "bcc", "reply_to"])
def test_an_international_domain_and_its_ascii_form_are_one(client: Client, field: str) -> None:
    headers = {"Idempotency-Key": uuid4().hex}
    spellings = ["a@bücher.example", "a@BÜCHER.Example", "a@xn--bcher-kva.example", "a@XN--BCHER-KVA.example"]
    answers = [client.post("/v1/emails", json=SHORT | {field: one}, headers=headers) for one in spellings]
    assert [answer.status_code for answer in answers] == [202, 200, 200, 200]


@pytest.mark.parametrize(
    "other",
    [
        {"to": FEW["to"][:1]},
        {"to": FEW["cc"], "cc": FEW["to"]},
        {"headers": {"X-One": "2", "X-Two": "1"}},
        {"tags": ["one", "two", {"name": "shop", "value": "4"}]},
        {"metadata": {"order": "8", "user": "7"}},
        {"providers": ["ses"]},
    ],
)
def test_what_is_not_the_same_set_is_a_conflict(client: Client, other: dict[str, Any]) -> None:
    headers = {"Idempotency-Key": uuid4().hex}
    assert client.post("/v1/emails", json=FEW, headers=headers).status_code == 202
    assert client.post("/v1/emails", json=FEW | other, headers=headers).status_code == 409


def test_the_same_key_with_another_body_is_a_conflict(client: Client, parts: Container) -> None:
    headers = {"Idempotency-Key": uuid4().hex}
    first = client.post("/v1/emails", json=SHORT, headers=headers)
    second = client.post("/v1/emails", json=SHORT | {"text": "Something else."}, headers=headers)
    assert second.status_code == 409
    assert second.json()["type"] == "urn:emailsminder:problem:conflict"
    assert stored(parts, first.json()["id"])[1].text == "It works."


def test_the_keys_of_a_project_share_idempotency_keys_and_two_projects_do_not(client: Client, parts: Container) -> None:
    headers = {"Idempotency-Key": uuid4().hex}
    colleague = parts.api_keys.create("colleague", {"send"}, ())
    other = parts.api_keys.create("other", {"send"}, (), project="other")
    first = client.post("/v1/emails", json=SHORT, headers=headers)
    again = client.post("/v1/emails", json=SHORT, headers=headers, key=colleague)
    second = client.post("/v1/emails", json=SHORT, headers=headers, key=other)
    assert (first.status_code, again.status_code, second.status_code) == (202, 200, 202)
    assert first.json()["id"] == again.json()["id"] != second.json()["id"]


@pytest.mark.parametrize("key", ["", "k" * 257])
def test_an_idempotency_key_of_wrong_length_is_named(client: Client, key: str, nothing_stored: None) -> None:
    answer = client.post("/v1/emails", json=SHORT, headers={"Idempotency-Key": key})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["Idempotency-Key"]


def test_without_a_key_every_request_is_an_email_of_its_own(client: Client) -> None:
    first, second = (client.post("/v1/emails", json=SHORT).json()["id"] for _ in range(2))
    assert first != second
