"""Made Up's other end."""

import hashlib
import hmac
import json

import httpx

from app.domain.event import Webhook
from tests.providers.case import Carried, Case
from tests.providers.made_up.provider.provider import MadeUp

KEYS = ("first-key", "second-key")
TIME, SIGNATURE = "made-up-time", "made-up-signature"


def make(base_url: str) -> MadeUp:
    return MadeUp("made_up", "mu_secret", KEYS, base_url)


def sign(key: str, timestamp: str, body: bytes) -> str:
    return hmac.new(key.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def webhook(payload: object, at_s: float, key: int = 0) -> Webhook:
    body, timestamp = json.dumps(payload).encode(), str(int(at_s))
    return Webhook(body, {TIME: timestamp, SIGNATURE: sign(KEYS[key], timestamp, body)})


def report(email_id: str, attempt: int, recipient: str, at_s: float) -> list[dict[str, object]]:
    ours = {"em_email_id": email_id, "em_attempt": str(attempt)}
    return [{"id": "e1", "type": "delivered", "to": recipient, "at": at_s, "message_id": "m-1", "data": ours}]


def forge(genuine: Webhook) -> list[Webhook]:
    headers = genuine.headers
    return [
        Webhook(genuine.body + b" ", headers),
        Webhook(b"", headers),
        Webhook(genuine.body, {}),
        Webhook(genuine.body, headers | {TIME: str(int(headers[TIME]) + 1)}),
        Webhook(genuine.body, headers | {TIME: "soon"}),
        Webhook(genuine.body, headers | {SIGNATURE: "0" * 64}),
        Webhook(genuine.body, headers | {SIGNATURE: "é"}),
    ]


def read_request(request: httpx.Request) -> Carried:
    call = json.loads(request.content)
    data = dict(call["data"])
    return Carried(
        email_id=data.pop("em_email_id"),
        attempt=int(data.pop("em_attempt")),
        recipients=frozenset(one["address"] for role in ("to", "cc", "bcc") for one in call[role]),
        metadata=data,
    )


def signed(webhook: Webhook) -> object:
    return webhook.body, webhook.headers[TIME].strip(), webhook.headers[SIGNATURE].strip()


CASE = Case(
    make=make,
    missing_for_webhooks=MadeUp("made_up", "mu_secret", (), "https://api.made-up.example"),
    missing_variable="MADE_UP_WEBHOOK_KEY",
    malformed="k…y",
    secrets=("mu_secret", *KEYS),
    accepted=httpx.Response(202, json={"id": "m-1"}),
    message_id="m-1",
    keys=2,
    webhook=webhook,
    report=report,
    forge=forge,
    read_request=read_request,
    signed=signed,
    variables={"MADE_UP_API_KEY": "mu_test", "MADE_UP_WEBHOOK_KEY": ",".join(KEYS)},
)
