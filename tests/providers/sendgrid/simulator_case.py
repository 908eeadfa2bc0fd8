"""SendGrid as the simulator plays it, written from its documentation."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.local.simulator.case import LOGO, PDF, Event, Heard, Request, SimulatorCase, credentials, encoded

Body = dict[str, Any]


def body(eid: str) -> Body:
    return {
        "personalizations": [
            {
                "to": [{"email": "bo@example.com", "name": "Bo Ödman"}],
                "cc": [{"email": "cy@example.com"}],
                "bcc": [{"email": "di@example.com"}],
            }
        ],
        "from": {"email": "app@example.com", "name": "App"},
        "reply_to_list": [{"email": "help@example.com", "name": "Help"}],
        "subject": "Grüße",
        "content": [{"type": "text/plain", "value": "Hello"}, {"type": "text/html", "value": "<p>Hello</p>"}],
        "headers": {"X-Kind": "receipt"},
        "attachments": [
            {"content": encoded(PDF), "type": "application/pdf", "filename": "a.pdf", "disposition": "attachment"},
            {
                "content": encoded(LOGO),
                "type": "image/png",
                "filename": "logo.png",
                "disposition": "inline",
                "content_id": "logo",
            },
        ],
        "custom_args": {"eid": eid, "att": "1"},
    }


def request(base_url: str, path: str = "/v3/mail/send", method: str = "POST", **changes: Any) -> httpx.Request:
    """A call of the account without a label; `changes` are headers, and `content` the body."""
    content = changes.pop("content", "")
    headers = {"Authorization": "Bearer SG.simulator", "Content-Type": "application/json", **changes}
    return httpx.Request(
        method, base_url + path, content=content, headers={name: value for name, value in headers.items() if value}
    )


def call(base_url: str, account: str, eid: str) -> httpx.Request:
    key = credentials(account)["API_KEY"]
    return request(base_url, content=json.dumps(body(eid)), Authorization=f"Bearer {key}", Accept="application/json")


def message_id(answer: httpx.Response) -> str:
    assert (answer.status_code, answer.content) == (202, b"")
    return answer.headers["x-message-id"]


def said(answer: httpx.Response) -> str:
    (error,) = answer.json()["errors"]
    assert list(error) == ["message", "field", "help"]
    return f"{answer.status_code} {error['field']}: {error['message']}"


def events(body: bytes) -> Sequence[Event]:
    found: list[Event] = json.loads(body)
    return found


def is_genuine(webhook: Heard, variables: Mapping[str, str], _: Callable[[str], bytes]) -> bool:
    key = serialization.load_der_public_key(base64.b64decode(variables["WEBHOOK_PUBLIC_KEY"]))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    signature = base64.b64decode(webhook.headers["x-twilio-email-event-webhook-signature"])
    timestamp = webhook.headers["x-twilio-email-event-webhook-timestamp"]
    try:
        key.verify(signature, timestamp.encode() + webhook.body, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def signed_webhook(key: bytes, events: Sequence[Event], at_s: int) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of a webhook that the account with this key signed at that time."""
    private = serialization.load_pem_private_key(key, None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    body = json.dumps(events).encode()
    signature = private.sign(str(at_s).encode() + body, ec.ECDSA(hashes.SHA256()))
    return body, {
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": str(at_s),
        "Content-Type": "application/json",
    }


def changed(change: Callable[[Body], object]) -> Request:
    """A call whose body is changed so."""

    def make(base_url: str) -> httpx.Request:
        made = body("refused")
        change(made)
        return request(base_url, content=json.dumps(made))

    return make


def tracked(base_url: str, eid: str, opens: bool, clicks: bool) -> httpx.Request:
    told = {"open_tracking": {"enable": opens}, "click_tracking": {"enable": clicks, "enable_text": False}}
    return request(base_url, content=json.dumps(body(eid) | {"tracking_settings": told}))


def envelope(body: Body) -> Body:
    found: Body = body["personalizations"][0]
    return found


CASE = SimulatorCase(
    call=call,
    message_id=message_id,
    answers={
        "unauthorized": (401, '"errors"'),
        "forbidden": (403, "access forbidden"),
        "payment_required": (402, '"errors"'),
        "rate_limit": (429, "too many requests"),
        "server_error": (500, '"errors"'),
        "unavailable": (503, '"errors"'),
        "bad_gateway_html": (502, "<html>"),
        "gateway_timeout": (504, '"errors"'),
        "refuse_message": (400, "attachments.0.type"),
    },
    said=said,
    tracked=tracked,
    refused={
        "400 tracking_settings:": changed(lambda body: body.update(tracking_settings=[])),
        "400 tracking_settings.open_tracking:": changed(
            lambda body: body.update(tracking_settings={"open_tracking": False})
        ),
        "400 tracking_settings.open_tracking.enable:": changed(
            lambda body: body.update(tracking_settings={"open_tracking": {"enable": "no"}})
        ),
        "400 tracking_settings.click_tracking.enable_text:": changed(
            lambda body: body.update(tracking_settings={"click_tracking": {"enable_text": 0}})
        ),
        "400 tracking_settings.subscription_tracking.text:": changed(
            lambda body: body.update(tracking_settings={"subscription_tracking": {"enable": False, "text": 7}})
        ),
        "400 tracking_settings.ganalytics.enable:": changed(
            lambda body: body.update(tracking_settings={"ganalytics": {"enable": None}})
        ),
        "400 mail_settings.footer.enable:": changed(
            lambda body: body.update(mail_settings={"footer": {"enable": "false"}})
        ),
        "400 personalizations:": changed(lambda body: body.pop("personalizations")),
        "400 personalizations.0.to:": changed(lambda body: envelope(body).update(to=[])),
        "400 personalizations.0.to.0.email:": changed(lambda body: envelope(body).update(to=[{"email": "bo"}])),
        "400 personalizations.0:": changed(lambda body: envelope(body).update(bcc=[{"email": "BO@example.com"}])),
        "400 from.email:": changed(lambda body: body.pop("from")),
        "400 subject:": changed(lambda body: body.pop("subject")),
        "400 content:": changed(lambda body: body.update(content=body["content"][::-1])),
        "400 content.0.value:": changed(lambda body: body.update(content=[{"type": "text/plain", "value": ""}])),
        "400 headers.Subject:": changed(lambda body: body.update(headers={"Subject": "another"})),
        "400 headers.X-Number:": changed(lambda body: body.update(headers={"X-Number": 1})),
        "400 reply_to:": changed(lambda body: body.update(reply_to={"email": "help@example.com"})),
        "400 attachments.0.content:": changed(lambda body: body["attachments"][0].update(content="?")),
        "400 attachments.0.type:": changed(lambda body: body["attachments"][0].update(type="text/csv; a=b")),
        "400 categories: At most 10": changed(lambda body: body.update(categories=[f"c{n}" for n in range(11)])),
        "400 attachments.0.filename:": changed(lambda body: body["attachments"][0].pop("filename")),
        "400 custom_args.att:": changed(lambda body: body["custom_args"].update(att=1)),
        "400 custom_args:": changed(lambda body: body["custom_args"].update(long="x" * 10_000)),
        "400 categories:": changed(lambda body: body.update(categories=["a", "a"])),
        "400 None: Bad": lambda base_url: request(base_url, content=b"\xff{nonsense"),
        "401 None: The provided": lambda base_url: request(base_url, Authorization="Bearer SG.other"),
        "401 None: Permission": lambda base_url: request(base_url, "/v3/scopes", "GET", Authorization=""),
        "404 None": lambda base_url: request(base_url, "/v3/nothing", "GET"),
        "405 None": lambda base_url: request(base_url, "/v3/mail/send", "GET"),
        "406 None": lambda base_url: request(base_url, content="{}", Accept="text/html"),
        "415 None": lambda base_url: request(base_url, content="{}", **{"Content-Type": "text/plain"}),
    },
    known={'"mail.send"': lambda base_url: request(base_url, "/v3/scopes", "GET")},
    posts=1,  # all events are in one array
    posts_reordered=1,
    events=events,
    kind=lambda event: str(event["event"]),
    recipient=lambda event: str(event["email"]),
    accepted="processed",
    delivered="delivered",
    is_genuine=is_genuine,
    failed={
        "accept_then_bounce": {"event": "bounce", "type": "bounce", "status": "5.1.1"},
        "accept_then_block": {"event": "bounce", "type": "blocked", "status": "5.7.1"},
        "accept_then_bounce_unexplained": {"event": "bounce", "type": "bounce"},
    },
    complained={"event": "spamreport"},
)
