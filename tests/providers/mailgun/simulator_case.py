"""Mailgun as the simulator plays it, written from its documentation."""

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from tests.local.simulator.case import LOGO, PDF, Event, Heard, Request, SimulatorCase, credentials, encoded

Body = dict[str, Any]
FILES = [("attachment", ("a.pdf", PDF, "application/pdf")), ("inline", ("logo", LOGO, "image/png"))]
KEY, DOMAIN = "key-simulator", "mg.example.com"  # of the account without a label


def body(eid: str) -> Body:
    return {
        "from": "App <app@example.com>",
        "to": ["Bo Ödman <bo@example.com>"],
        "cc": "cy@example.com",
        "bcc": "di@example.com",
        "h:Reply-To": "Help <help@example.com>",
        "subject": "Grüße",
        "text": "Hello",
        "html": "<p>Hello</p>",
        "h:X-Kind": "receipt",
        "v:eid": eid,
        "v:att": "1",
    }


def message(base_url: str, form: Body, key: str = KEY, domain: str = DOMAIN, **more: Any) -> httpx.Request:
    """The call that sends an email."""
    return httpx.Request("POST", f"{base_url}/v3/{domain}/messages", data=form, headers=_basic(key), **more)


def domain(base_url: str, version: str, name: str = DOMAIN) -> httpx.Request:
    """The call that asks for a domain."""
    return httpx.Request("GET", f"{base_url}/{version}/domains/{name}", headers=_basic(KEY))


def _basic(key: str) -> dict[str, str]:
    return {"Authorization": f"Basic {encoded(f'api:{key}'.encode())}"}


def call(base_url: str, account: str, eid: str) -> httpx.Request:
    own = credentials(account)
    return message(base_url, body(eid), own["API_KEY"], own["DOMAIN"], files=FILES)


def message_id(answer: httpx.Response) -> str:
    assert (answer.status_code, answer.json()["message"]) == (200, "Queued. Thank you.")
    assert re.fullmatch(r"<.+@([a-z]+\.)?mg\.example\.com>", answer.json()["id"])
    return str(answer.json()["id"])


def said(answer: httpx.Response) -> str:
    is_json = answer.headers["content-type"].startswith("application/json")
    return f"{answer.status_code} {answer.json()['message'] if is_json else answer.text}"


def events(body: bytes) -> Sequence[Event]:
    return [json.loads(body)["event-data"]]


def is_genuine(webhook: Heard, variables: Mapping[str, str], _: Callable[[str], bytes]) -> bool:
    signature = json.loads(webhook.body)["signature"]
    told = f"{signature['timestamp']}{signature['token']}".encode()
    right = hmac.new(variables["WEBHOOK_SIGNING_KEY"].encode(), told, hashlib.sha256).hexdigest()
    return hmac.compare_digest(right, signature["signature"])


def changed(change: Callable[[Body], object]) -> Request:
    """A call whose form is changed so."""

    def make(base_url: str) -> httpx.Request:
        made = body("refused")
        change(made)
        return message(base_url, made)

    return make


def tracked(base_url: str, eid: str, opens: bool, clicks: bool) -> httpx.Request:
    told = {"o:tracking-opens": "yes" if opens else "no", "o:tracking-clicks": "htmlonly" if clicks else "no"}
    return message(base_url, body(eid) | told)


def nonsense(base_url: str) -> httpx.Request:
    url = f"{base_url}/v3/{DOMAIN}/messages"
    headers = {**_basic(KEY), "Content-Type": "multipart/form-data; boundary=x"}
    return httpx.Request("POST", url, content=b"\xff{nonsense", headers=headers)


CASE = SimulatorCase(
    call=call,
    message_id=message_id,
    answers={
        "unauthorized": (401, "Forbidden"),
        "forbidden": (403, "Domain mg.example.com is not allowed to send"),
        "payment_required": (402, '"message"'),
        "rate_limit": (429, '"message"'),
        "server_error": (500, '"message"'),
        "unavailable": (503, '"message"'),
        "bad_gateway_html": (502, "<html>"),
        "gateway_timeout": (504, '"message"'),
        "refuse_message": (400, "16 kB"),
    },
    said=said,
    tracked=tracked,
    refused={
        "400 o:tracking parameter": changed(lambda body: body.update({"o:tracking": "off"})),
        "400 o:tracking-clicks parameter": changed(lambda body: body.update({"o:tracking-clicks": ""})),
        "400 o:tracking-opens parameter": changed(lambda body: body.update({"o:tracking-opens": "htmlonly"})),
        "400 from parameter is missing": changed(lambda body: body.pop("from")),
        "400 to parameter is missing": changed(lambda body: body.pop("to")),
        "400 to parameter is not a valid address": changed(lambda body: body.update(to="bo")),
        "400 cc parameter is not a valid address": changed(lambda body: body.update(cc="cy@")),
        "400 Need at least one of 'text', 'html'": changed(lambda body: (body.pop("text"), body.pop("html"))),
        "400 Send options": changed(lambda body: body.update({"v:long": "x" * 16_384})),
        "400 too many tags": changed(lambda body: body.update({"o:tag": [f"t{n}" for n in range(11)]})),
        "400 from parameter is not a valid address": changed(lambda body: body.update({"from": "bücher@example.com"})),
        "400 cannot parse the form": nonsense,
        "401 Forbidden": lambda base_url: message(base_url, body("refused"), "key-other"),
        "404 Domain not found: a.": lambda base_url: message(base_url, body("refused"), domain="a.example.org"),
        "404 Domain not found: b.": lambda base_url: domain(base_url, "v4", "b.example.org"),
    },
    known={
        '"state": "active"': lambda base_url: domain(base_url, "v4"),
        '{"domain": {"name"': lambda base_url: domain(base_url, "v3"),
        # What a wrong path of sending gets, without a key.
        "Mailgun Magnificent API": lambda base_url: httpx.Request("POST", f"{base_url}/v3/messages"),
    },
    posts=3,
    posts_reordered=6,
    events=events,
    kind=lambda event: str(event["event"]),
    recipient=lambda event: str(event["recipient"]),
    accepted="accepted",
    delivered="delivered",
    is_genuine=is_genuine,
    failed={
        "accept_then_bounce": {"event": "failed", "severity": "permanent", "reason": "bounce"},
        "accept_then_block": {"event": "failed", "severity": "permanent"},
        "accept_then_bounce_unexplained": {"event": "failed", "severity": "permanent"},
    },
    complained={"event": "complained"},
    inline_name="logo",  # the file name is the content id
)
