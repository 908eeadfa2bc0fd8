"""Made Up as the simulator plays it, written from its documentation."""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from tests.local.simulator.case import LOGO, PDF, Event, Heard, Request, SimulatorCase, credentials, encoded

Body = dict[str, Any]


def mailbox(address: str, name: str = "") -> dict[str, str]:
    return {"address": address, "name": name}


def body(eid: str) -> Body:
    return {
        "from": mailbox("app@example.com", "App"),
        "to": [mailbox("bo@example.com", "Bo Ödman")],
        "cc": [mailbox("cy@example.com")],
        "bcc": [mailbox("di@example.com")],
        "reply_to": [mailbox("help@example.com", "Help")],
        "subject": "Grüße",
        "text": "Hello",
        "html": "<p>Hello</p>",
        "headers": {"X-Kind": "receipt"},
        "files": [
            {"name": "a.pdf", "type": "application/pdf", "data": encoded(PDF)},
            {"name": "logo.png", "type": "image/png", "data": encoded(LOGO), "content_id": "logo"},
        ],
        "tags": ["receipt"],
        "data": {"eid": eid, "att": "1"},
    }


def request(
    base_url: str, path: str = "/messages", method: str = "POST", content: str | bytes = "", key: str = "mu_simulator"
) -> httpx.Request:
    """A call of the account without a label."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    return httpx.Request(method, base_url + path, content=content, headers=headers)


def call(base_url: str, account: str, eid: str) -> httpx.Request:
    return request(base_url, content=json.dumps(body(eid)), key=credentials(account)["API_KEY"])


def message_id(answer: httpx.Response) -> str:
    assert (answer.status_code, list(answer.json())) == (202, ["id"])
    return str(answer.json()["id"])


def is_genuine(webhook: Heard, variables: Mapping[str, str], _: Callable[[str], bytes]) -> bool:
    signed = f"{webhook.headers['made-up-time']}.".encode() + webhook.body
    right = hmac.new(variables["WEBHOOK_KEY"].encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(right, webhook.headers["made-up-signature"])


def events(body: bytes) -> Sequence[Event]:
    found: Sequence[Event] = json.loads(body)
    return found


def tracked(base_url: str, eid: str, opens: bool, clicks: bool) -> httpx.Request:
    return request(base_url, content=json.dumps(body(eid) | {"track": {"opens": opens, "clicks": clicks}}))


def changed(**changes: object) -> Request:
    """A call with other values in its body."""
    return lambda base_url: request(base_url, content=json.dumps(body("refused") | changes))


CASE = SimulatorCase(
    call=call,
    message_id=message_id,
    answers={
        "unauthorized": (401, "unknown key"),
        "forbidden": (403, "suspended"),
        "payment_required": (402, "unpaid"),
        "rate_limit": (429, "too many calls"),
        "server_error": (500, "internal error"),
        "unavailable": (503, "try again later"),
        "bad_gateway_html": (502, "<html>"),
        "gateway_timeout": (504, "timeout"),
        "refuse_message": (422, "not allowed"),
    },
    said=lambda answer: f"{answer.status_code} {answer.json()['error']}",
    tracked=tracked,
    refused={
        "422 track: not an object of booleans": changed(track={"opens": "no"}),
        "422 from: not an address": changed(**{"from": mailbox("app@")}),
        "422 to: nobody": changed(to=[]),
        "422 to: more than 100": changed(to=[mailbox(f"a{n}@example.com") for n in range(101)]),
        "422 cc: not an array": changed(cc="cy@example.com"),
        "422 bcc: not an address": changed(bcc=["di@example.com"]),
        "422 nobody is left": changed(to=[mailbox("unknown@example.com")], cc=[], bcc=[]),
        "422 subject: not a string": changed(subject=7),
        "422 text: an email needs": changed(text="", html=""),
        "422 headers: not an object": changed(headers={"X-Number": 1}),
        "422 files: a file has no name": changed(files=[{"data": ""}]),
        "422 files: data is not base64": changed(files=[{"name": "a.pdf", "data": "?"}]),
        "400 the body is not": lambda base_url: request(base_url, content=b"\xff{nonsense"),
        "401 unknown key": lambda base_url: request(base_url, key="mu_other"),
        "404 no such path": lambda base_url: request(base_url, "/nothing", "GET"),
    },
    known={'"may_send": true': lambda base_url: request(base_url, "/account", "GET")},
    posts=1,
    posts_reordered=1,
    events=events,
    kind=lambda event: str(event["type"]),
    recipient=lambda event: str(event["to"]),
    accepted="queued",
    delivered="delivered",
    is_genuine=is_genuine,
    failed={
        "accept_then_bounce": {"type": "unknown_mailbox"},
        "accept_then_block": {"type": "filtered"},
        "accept_then_bounce_unexplained": {"type": "returned"},
    },
    complained={"type": "complaint"},
)
