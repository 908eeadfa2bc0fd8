"""SendGrid's other end."""

import base64
import json

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.domain.event import Webhook
from app.providers.sendgrid.provider import SendGrid
from tests.providers.case import Carried, Case

KEYS = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
PUBLIC_KEYS = tuple(
    base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    for key in KEYS
)
SIGNATURE, TIMESTAMP = "x-twilio-email-event-webhook-signature", "x-twilio-email-event-webhook-timestamp"


def make(base_url: str) -> SendGrid:
    return SendGrid("sendgrid", "SG.secret", PUBLIC_KEYS, base_url)


def webhook(payload: object, at_s: float, key: int = 0) -> Webhook:
    body = json.dumps(payload).encode() + b"\r\n"
    timestamp = str(int(at_s))
    signature = KEYS[key].sign(timestamp.encode() + body, ec.ECDSA(SHA256()))
    return Webhook(body, {SIGNATURE: base64.b64encode(signature).decode(), TIMESTAMP: timestamp})


def report(email_id: str, attempt: int, recipient: str, at_s: float) -> object:
    event = {
        "email": recipient,
        "timestamp": int(at_s),
        "event": "delivered",
        "sg_event_id": "ZGVsaXZlcmVk",
        "sg_message_id": "euo2iKxdSayPF4YE4.recvd-5f54-1-67BA-6.0",
        "response": "250 OK",
        "em_email_id": email_id,
        "em_attempt": str(attempt),
    }
    return [event]


def forge(genuine: Webhook) -> list[Webhook]:
    headers = genuine.headers
    return [
        Webhook(genuine.body.replace(b"delivered", b"delivereD"), headers),
        Webhook(genuine.body.rstrip(), headers),  # the line end is signed, too
        Webhook(b"", headers),
        Webhook(genuine.body, {}),
        Webhook(genuine.body, {TIMESTAMP: headers[TIMESTAMP]}),
        Webhook(genuine.body, {SIGNATURE: headers[SIGNATURE]}),
        Webhook(genuine.body, headers | {TIMESTAMP: str(int(headers[TIMESTAMP]) + 1)}),
        Webhook(genuine.body, headers | {TIMESTAMP: "soon"}),
        Webhook(genuine.body, headers | {SIGNATURE: "not base64"}),
        Webhook(genuine.body, headers | {SIGNATURE: "bm90IGFuIEVDRFNBIHNpZ25hdHVyZQ=="}),
    ]


def read_request(request: httpx.Request) -> Carried:
    (personalization,) = json.loads(request.content)["personalizations"]
    told = dict(personalization["custom_args"])
    return Carried(
        email_id=told.pop("em_email_id"),
        attempt=int(told.pop("em_attempt")),
        recipients=frozenset(
            one["email"] for role in ("to", "cc", "bcc") for one in personalization.get(role, []) if set(one)
        ),
        metadata=told,
    )


def signed(webhook: Webhook) -> object:
    return webhook.body, webhook.headers[TIMESTAMP].strip(), base64.b64decode(webhook.headers[SIGNATURE])


CASE = Case(
    make=make,
    missing_for_webhooks=SendGrid("sendgrid", "SG.secret", (), "https://api.sendgrid.com"),
    missing_variable="SENDGRID_WEBHOOK_PUBLIC_KEY",
    malformed="MFkw",
    secrets=("SG.secret",),
    accepted=httpx.Response(202, headers={"X-Message-Id": "euo2iKxdSayPF4YE4"}),
    message_id="euo2iKxdSayPF4YE4",
    keys=2,
    webhook=webhook,
    report=report,
    forge=forge,
    read_request=read_request,
    signed=signed,
    variables={"SENDGRID_API_KEY": "SG.test", "SENDGRID_WEBHOOK_PUBLIC_KEY": ",".join(PUBLIC_KEYS)},
)
