"""Resend as the simulator plays it, written from its documentation."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from tests.local.simulator.case import LOGO, PDF, Event, Heard, Request, SimulatorCase, credentials, encoded

Body = dict[str, Any]


def body(eid: str) -> Body:
    return {
        "from": "App <app@example.com>",
        "to": ["Bo Ödman <bo@example.com>"],
        "cc": "cy@example.com",
        "bcc": ["di@example.com"],
        "reply_to": "Help <help@example.com>",
        "subject": "Grüße",
        "text": "Hello",
        "html": "<p>Hello</p>",
        "headers": {"X-Kind": "receipt"},
        "attachments": [
            {"content": encoded(PDF), "filename": "a.pdf", "content_type": "application/pdf"},
            {"content": encoded(LOGO), "filename": "logo.png", "content_type": "image/png", "content_id": "logo"},
        ],
        "tags": [{"name": "eid", "value": eid}, {"name": "att", "value": "1"}],
    }


def request(
    base_url: str, path: str = "/emails", method: str = "POST", content: str | bytes = "", **changes: str
) -> httpx.Request:
    """A call of the account without a label; `changes` are headers."""
    headers = {"Authorization": "Bearer re_simulator", "User-Agent": "tests", "Content-Type": "application/json"}
    kept = {name: value for name, value in (headers | changes).items() if value}
    return httpx.Request(method, base_url + path, content=content, headers=kept)


def call(base_url: str, account: str, eid: str) -> httpx.Request:
    key = credentials(account)["API_KEY"]
    return request(base_url, content=json.dumps(body(eid)), Authorization=f"Bearer {key}")


def message_id(answer: httpx.Response) -> str:
    assert (answer.status_code, list(answer.json())) == (200, ["id"])
    return str(answer.json()["id"])


def said(answer: httpx.Response) -> str:
    if not answer.headers["content-type"].startswith("application/json"):
        return f"{answer.status_code} {answer.text}"
    assert answer.json()["statusCode"] == answer.status_code
    return f"{answer.status_code} {answer.json()['name']}: {answer.json()['message']}"


def events(body: bytes) -> Sequence[Event]:
    return [json.loads(body)]


def recipient(event: Event) -> str:
    (address,) = event["data"]["to"]
    return str(address)


def is_genuine(webhook: Heard, variables: Mapping[str, str], _: Callable[[str], bytes]) -> bool:
    told = f"{webhook.headers['svix-id']}.{webhook.headers['svix-timestamp']}.".encode() + webhook.body
    secret = base64.b64decode(variables["WEBHOOK_SECRET"].removeprefix("whsec_"))
    right = base64.b64encode(hmac.new(secret, told, hashlib.sha256).digest()).decode()
    return hmac.compare_digest(f"v1,{right}", webhook.headers["svix-signature"])


def changed(change: Callable[[Body], object]) -> Request:
    """A call whose body is changed so."""

    def make(base_url: str) -> httpx.Request:
        made = body("refused")
        change(made)
        return request(base_url, content=json.dumps(made))

    return make


def without_user_agent(base_url: str) -> httpx.Request:
    made = request(base_url, content=json.dumps(body("refused")))
    del made.headers["User-Agent"]
    return made


INVALID = "422 validation_error: "
CASE = SimulatorCase(
    call=call,
    message_id=message_id,
    answers={
        "unauthorized": (401, "validation_error"),
        "forbidden": (403, "suspended_api_key"),
        "payment_required": (429, "monthly_quota_exceeded"),
        "rate_limit": (429, "rate_limit_exceeded"),
        "server_error": (500, "application_error"),
        "unavailable": (503, "service_unavailable"),
        "bad_gateway_html": (502, "<html>"),
        "gateway_timeout": (504, "<html>"),
        "refuse_message": (422, "invalid_attachment"),
    },
    said=said,
    tracked=None,
    refused={
        "422 missing_required_field: Missing `from` field": changed(lambda body: body.pop("from")),
        "422 missing_required_field: Missing `to` field": changed(lambda body: body.pop("to")),
        "422 missing_required_field: Missing `html` or `text` field": changed(
            lambda body: (body.pop("text"), body.pop("html"))
        ),
        f"{INVALID}Invalid `to` field. There must be": changed(
            lambda body: body.update(to=[f"a{n}@example.com" for n in range(51)])
        ),
        f"{INVALID}Invalid `to` field. The email": changed(lambda body: body.update(to=["Ödman, Bo <bo@example.com>"])),
        f"{INVALID}Invalid `cc` field": changed(lambda body: body.update(cc="cy@example.com, di@example.com")),
        f"{INVALID}Invalid `from` field": changed(lambda body: body.update({"from": "app@"})),
        "451 security_error: The email payload contain invalid": changed(
            lambda body: body.update({"from": "=?utf-8?q?App?= <app@example.com>"})
        ),
        f"{INVALID}The `subject` field": changed(lambda body: body.update(subject=7)),
        f"{INVALID}The `bcc` field": changed(lambda body: body.update(bcc={})),
        f"{INVALID}The `headers` field": changed(lambda body: body.update(headers={"X-Number": 1})),
        f"{INVALID}Tags should only contain": changed(
            lambda body: body["tags"].append({"name": "what", "value": "a b"})
        ),
        "422 invalid_attachment: Attachment must have": changed(
            lambda body: body["attachments"][0].update(content="?")
        ),
        "422 invalid_attachment: Attachment has a file type": changed(
            lambda body: body["attachments"][0].update(filename="a.EXE")
        ),
        "400 validation_error": lambda base_url: request(base_url, content=b"\xff{nonsense"),
        "401 missing_api_key": lambda base_url: request(base_url, "/domains", "GET", Authorization=""),
        "401 validation_error": lambda base_url: request(base_url, Authorization="Bearer re_other"),
        "403 Forbidden": without_user_agent,
        "404 not_found": lambda base_url: request(base_url, "/nothing", "GET"),
    },
    known={'"status": "verified"': lambda base_url: request(base_url, "/domains", "GET")},
    posts=3,
    posts_reordered=6,
    events=events,
    kind=lambda event: str(event["type"]),
    recipient=recipient,
    accepted="email.sent",
    delivered="email.delivered",
    is_genuine=is_genuine,
    failed={
        "accept_then_bounce": {"type": "email.bounced"},
        "accept_then_block": {"type": "email.bounced"},
        "accept_then_bounce_unexplained": {"type": "email.bounced"},
    },
    complained={"type": "email.complained"},
)
