"""POST /v1/webhooks/{provider}: signed, or nothing."""

import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import pytest

from app.api.body import BODY_LIMIT_BYTES
from app.domain.attempts import Attempt
from app.domain.head import Evidence, Status
from app.domain.kinds import Kind
from app.wiring.parts import Container
from tests.api.conftest import Client
from tests.support.clock import Clock
from tests.support.samples import a_head


def mailgun(clock: Clock, email_id: str, recipient: str, event: str = "delivered") -> dict[str, Any]:
    """A webhook as Mailgun signs it (its key is set in conftest)."""
    timestamp, token = str(int(clock.now_s)), uuid4().hex
    signature = hmac.new(b"signing-key", f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
    return {
        "signature": {"timestamp": timestamp, "token": token, "signature": signature},
        "event-data": {
            "event": event,
            "id": uuid4().hex,
            "timestamp": clock.now_s,
            "recipient": recipient,
            "user-variables": {"em_email_id": email_id, "em_attempt": "1"},
            "message": {"headers": {"message-id": "m1@mg.example.com"}},
        },
    }


def sent(parts: Container, clock: Clock) -> tuple[str, str]:
    """An email that Mailgun has accepted, and its recipient."""
    head = a_head(clock.now_ms)
    [(key, recipient)] = head.recipients.items()
    attempt = Attempt(1, "mailgun", (key,), clock.now_ms, outcome=Kind.ACCEPTED, message_id="m1@mg.example.com")
    claimed = replace(recipient, status=Status.SENT, attempt=1, evidence={1: frozenset({Evidence.ACCEPTED})})
    head = replace(head, recipients={key: claimed}, attempts=(attempt,), next_attempt=2)
    assert parts.read.heads.create(head, clock.now_ms)
    return head.email_id, recipient.address


def post(client: Client, webhook: dict[str, Any], content_type: str = "application/json") -> Any:
    headers = {"Content-Type": content_type}
    return client.post("/v1/webhooks/mailgun", key=None, content=json.dumps(webhook), headers=headers)


@pytest.mark.parametrize("content_type", ["application/json", "text/plain; charset=UTF-8", "application/x-foo"])
def test_a_signed_webhook_is_recorded_whatever_it_is_called(
    client: Client, parts: Container, clock: Clock, content_type: str
) -> None:
    email_id, recipient = sent(parts, clock)
    answer = post(client, mailgun(clock, email_id, recipient), content_type)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"status": "recorded"}
    story = client.get(f"/v1/emails/{email_id}").json()
    assert story["status"] == "delivered"
    assert [(event["kind"], event["recipient"]) for event in story["events"]] == [("delivered", recipient)]


def test_a_forged_webhook_is_refused(client: Client, parts: Container, clock: Clock) -> None:
    email_id, recipient = sent(parts, clock)
    webhook = mailgun(clock, email_id, recipient)
    webhook["signature"]["signature"] = "0" * 64
    answer = post(client, webhook)
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"
    story = client.get(f"/v1/emails/{email_id}").json()
    assert (story["status"], story["events"]) == ("sent", [])


@pytest.mark.parametrize("provider", ["sendgrid", "mailgun", "ses"])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b"null", b"[" * 50_000, b'{"signature": 7}'])
def test_what_cannot_be_authenticated_is_refused_malformed_or_not(client: Client, provider: str, body: bytes) -> None:
    answer = client.post(f"/v1/webhooks/{provider}", key=None, content=body)
    assert answer.status_code == 401, answer.text


def test_an_unknown_provider_is_not_found(client: Client) -> None:
    answer = client.post("/v1/webhooks/pigeon", key=None, content=b"{}")
    assert answer.status_code == 404


def test_the_limit_holds_here_too(client: Client) -> None:
    answer = client.post("/v1/webhooks/mailgun", key=None, content=b" " * (BODY_LIMIT_BYTES + 1))
    assert answer.status_code == 413


def test_the_body_is_verified_as_it_came(client: Client, parts: Container, clock: Clock) -> None:
    """Spaces and the order of keys count: what is verified is no copy that was parsed and written again."""
    webhook = mailgun(clock, *sent(parts, clock))
    assert post(client, webhook).status_code == 200
    spaced = json.dumps(webhook, indent=4)
    again = client.post("/v1/webhooks/mailgun", key=None, content=spaced)
    assert again.status_code == 401  # the token was used for a body of other bytes


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("is_multipart", [False, True])
def test_a_legacy_form_of_mailgun_gets_the_one_answer_that_makes_it_stop(
    client: Client, clock: Clock, *, is_multipart: bool
) -> None:
    signature = mailgun(clock, "eml_x", "bo@example.com")["signature"]
    form = {"event": "dropped", "recipient": "bo@example.com", **signature}
    request = httpx.Request("POST", "http://x.example", files={k: (None, v) for k, v in form.items()})
    body, kind = (request.read(), request.headers["content-type"]) if is_multipart else (urlencode(form).encode(), FORM)
    answer = client.post("/v1/webhooks/mailgun", key=None, content=body, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["type"]) == (406, "urn:emailsminder:problem:not-acceptable")


@pytest.mark.parametrize("spoiled", ["signature", "token", "timestamp", "event"])
def test_a_form_that_nobody_has_signed_is_refused(client: Client, clock: Clock, spoiled: str) -> None:
    form = {"event": "dropped", **mailgun(clock, "eml_x", "bo@example.com")["signature"]}
    form |= {} if spoiled == "event" else {spoiled: "0" * 64}
    if spoiled == "event":
        del form["event"]
    answer = client.post("/v1/webhooks/mailgun", key=None, content=urlencode(form), headers={"Content-Type": FORM})
    assert answer.status_code == 401


def test_a_text_that_looks_like_a_form_leaves_a_webhook_as_it_is(
    client: Client, parts: Container, clock: Clock
) -> None:
    webhook = mailgun(clock, *sent(parts, clock))
    webhook["event-data"]["user-variables"]["note"] = "&event=1&timestamp=1&token=1&signature=1&"
    assert post(client, webhook, FORM).status_code == 200
