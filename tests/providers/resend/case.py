"""Resend's other end."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import httpx

from app.domain.event import Webhook
from app.providers.resend.provider import Resend
from tests.providers.case import Carried, Case

SECRETS = ("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3", "whsec_" + base64.b64encode(b"the next one").decode())
ID, TIMESTAMP, SIGNATURE = "svix-id", "svix-timestamp", "svix-signature"
EMAIL_ID = "56761188-7520-42d8-8898-ff6fc54ce618"


def make(base_url: str) -> Resend:
    return Resend("resend", "re_secret", SECRETS, base_url)


def sign(secret: str, post_id: str, timestamp: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{post_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def webhook(payload: object, at_s: float, key: int = 0) -> Webhook:
    body, timestamp, post_id = json.dumps(payload).encode(), str(int(at_s)), "msg_2mWTb7AvqXQ"
    headers = {ID: post_id, TIMESTAMP: timestamp, SIGNATURE: sign(SECRETS[key], post_id, timestamp, body)}
    return Webhook(body, headers)


def report(email_id: str, attempt: int, recipient: str, at_s: float) -> object:
    at = datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "type": "email.delivered",
        "created_at": at,
        "data": {
            "email_id": EMAIL_ID,
            "created_at": "2025-10-09T08:53:10.000Z",
            "from": "App <no-reply@example.com>",
            "to": [recipient],
            "subject": "Hi",
            "tags": {"em_email_id": email_id, "em_attempt": str(attempt)},
        },
    }


def forge(genuine: Webhook) -> list[Webhook]:
    headers = genuine.headers
    signature = headers[SIGNATURE]
    other = sign("whsec_c29tZWJvZHkgZWxzZQ==", headers[ID], headers[TIMESTAMP], genuine.body)
    return [
        Webhook(genuine.body.replace(b"delivered", b"delivereD"), headers),
        Webhook(genuine.body + b"\n", headers),
        Webhook(b"", headers),
        Webhook(genuine.body, {}),
        *[
            Webhook(genuine.body, {name: value for name, value in headers.items() if name != missing})
            for missing in headers
        ],
        Webhook(genuine.body, headers | {ID: "msg_other"}),
        Webhook(genuine.body, headers | {ID: "msg_é"}),
        Webhook(genuine.body, headers | {TIMESTAMP: str(int(headers[TIMESTAMP]) + 1)}),
        Webhook(genuine.body, headers | {TIMESTAMP: "soon"}),
        # A dot moved from the id into the time would leave the signed text as it was.
        Webhook(genuine.body, headers | {ID: f"{headers[ID]}.{headers[TIMESTAMP]}", TIMESTAMP: ""}),
        Webhook(genuine.body, headers | {SIGNATURE: ""}),
        Webhook(genuine.body, headers | {SIGNATURE: "v1,"}),
        Webhook(genuine.body, headers | {SIGNATURE: signature.removeprefix("v1,")}),
        Webhook(genuine.body, headers | {SIGNATURE: signature.replace("v1,", "v1a,")}),
        Webhook(genuine.body, headers | {SIGNATURE: other}),
        Webhook(genuine.body, headers | {SIGNATURE: "v1,é"}),
    ]


def read_request(request: httpx.Request) -> Carried:
    call = json.loads(request.content)
    told = {tag["name"]: tag["value"] for tag in call["tags"]}
    return Carried(
        email_id=told.pop("em_email_id"),
        attempt=int(told.pop("em_attempt")),
        recipients=frozenset(
            one.rpartition("<")[2].rstrip(">") for role in ("to", "cc", "bcc") for one in call.get(role, [])
        ),
        metadata=told,
    )


def signed(webhook: Webhook) -> object:
    post_id, timestamp = webhook.headers[ID].strip(), webhook.headers[TIMESTAMP].strip()
    right = sign(SECRETS[0], post_id, timestamp, webhook.body)
    return webhook.body, post_id, timestamp, right in webhook.headers[SIGNATURE].split()


CASE = Case(
    make=make,
    missing_for_webhooks=Resend("resend", "re_secret", (), "https://api.resend.com"),
    missing_variable="RESEND_WEBHOOK_SECRET",
    malformed="whsec_not base64!",
    secrets=("re_secret", *SECRETS),
    accepted=httpx.Response(200, json={"id": EMAIL_ID}),
    message_id=EMAIL_ID,
    keys=2,
    webhook=webhook,
    report=report,
    forge=forge,
    read_request=read_request,
    signed=signed,
    variables={"RESEND_API_KEY": "re_test", "RESEND_WEBHOOK_SECRET": ",".join(SECRETS)},
)
