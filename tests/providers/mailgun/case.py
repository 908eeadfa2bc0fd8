"""Mailgun's other end."""

import email
import email.policy
import hashlib
import hmac
import json
from uuid import uuid4

import httpx

from app.domain.event import Webhook
from app.providers.mailgun.provider import Mailgun
from tests.providers.case import Carried, Case

KEYS = ("key-test", "key-next")
TOKEN = "a" * 50


def make(base_url: str) -> Mailgun:
    return Mailgun("mailgun", "key-secret", "mg.example.com", KEYS, base_url)


def sign(key: str, timestamp: str, token: str) -> str:
    return hmac.new(key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()


def envelope(payload: object, **signature: object) -> Webhook:
    return Webhook(json.dumps({"signature": signature, "event-data": payload}).encode(), {})


def webhook(payload: object, at_s: float, key: int = 0) -> Webhook:
    timestamp = str(int(at_s))
    return envelope(payload, timestamp=timestamp, token=TOKEN, signature=sign(KEYS[key], timestamp, TOKEN))


def report(email_id: str, attempt: int, recipient: str, at_s: float) -> object:
    return {
        "id": "G9Bn5sl1TC6nu79C8C0bwg",
        "timestamp": at_s,
        "event": "delivered",
        "recipient": recipient,
        "message": {"headers": {"message-id": "2026.1@mg.example.com", "to": recipient}, "attachments": [], "size": 1},
        "delivery-status": {"code": 250, "message": "OK", "mx-host": "mx.example.com"},
        "tags": ["receipt"],
        "user-variables": {"em_email_id": email_id, "em_attempt": str(attempt)},
    }


def forge(genuine: Webhook) -> list[Webhook]:
    told = json.loads(genuine.body)
    signature, payload = told["signature"], told["event-data"]
    stamp = signature["timestamp"]
    return [
        Webhook(b"", {}),
        Webhook(b"null", {}),
        Webhook(b"[" * 100_000, {}),
        Webhook(json.dumps({"event-data": payload}).encode(), {}),
        Webhook(json.dumps({"signature": "x", "event-data": payload}).encode(), {}),
        envelope(payload, **signature | {"signature": signature["signature"].replace("a", "b").replace("1", "2")}),
        envelope(payload, **signature | {"signature": ""}),
        envelope(payload, **signature | {"signature": None}),
        envelope(payload, **signature | {"signature": "é\ud800"}),
        envelope(payload, **signature | {"token": "b" * 50}),
        envelope(payload, **signature | {"token": ""}),
        envelope(payload, **signature | {"timestamp": str(int(stamp) - 1)}),
        envelope(payload, **signature | {"timestamp": "now"}),
        # Digits moved between timestamp and token leave the signed text as it was.
        envelope(payload, **signature | {"timestamp": stamp[:-1], "token": stamp[-1] + signature["token"]}),
    ]


def form(request: httpx.Request) -> list[tuple[str, str, str, bytes]]:
    """The parts of a form: name, file name, content type, content."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    parsed = email.message_from_bytes(head + request.content, policy=email.policy.HTTP)
    parts = []
    for part in parsed.iter_parts():
        name, body = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        assert isinstance(body, bytes)
        parts.append((str(name), part.get_filename() or "", part.get_content_type(), body))
    return parts


def values(request: httpx.Request, name: str) -> list[str]:
    """Every value of one field, in order."""
    return [body.decode() for part, _, _, body in form(request) if part == name]


def read_request(request: httpx.Request) -> Carried:
    told = {name[2:]: body.decode() for name, _, _, body in form(request) if name.startswith("v:")}
    people = [value for role in ("to", "cc", "bcc") for value in values(request, role)]
    return Carried(
        email_id=told.pop("em_email_id"),
        attempt=int(told.pop("em_attempt")),
        recipients=frozenset(email.utils.parseaddr(one)[1] for one in people),
        metadata=told,
    )


def fresh(payload: object, at_s: float) -> Webhook:
    timestamp, token = str(int(at_s)), uuid4().hex
    return envelope(payload, timestamp=timestamp, token=token, signature=sign(KEYS[0], timestamp, token))


def signed(_: Webhook) -> object:
    raise ValueError("the token is used up: no body is genuine")


CASE = Case(
    make=make,
    missing_for_webhooks=Mailgun("mailgun", "key-secret", "mg.example.com", (), "https://api.mailgun.net"),
    missing_variable="MAILGUN_WEBHOOK_SIGNING_KEY",
    malformed="k…y",
    secrets=("key-secret", *KEYS),
    accepted=httpx.Response(200, json={"id": "<2026.1@mg.example.com>", "message": "Queued. Thank you."}),
    message_id="2026.1@mg.example.com",
    keys=2,
    webhook=webhook,
    report=report,
    forge=forge,
    read_request=read_request,
    signed=signed,
    fresh=fresh,
    variables={
        "MAILGUN_API_KEY": "test",
        "MAILGUN_DOMAIN": "mg.example.com",
        "MAILGUN_WEBHOOK_SIGNING_KEY": ",".join(KEYS),
    },
)
