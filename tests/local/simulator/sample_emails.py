"""One email in the words of each provider, written from their documentation and not from the product's code."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from app.local.simulator import credentials

PROVIDERS = ("sendgrid", "mailgun", "ses", "resend")
PDF = b"%PDF-1.7\r\n\x00\xff\r\n--not-the-boundary\r\n"
LOGO = b"\x89PNG\r\n\x1a\n\x00"


def sendgrid_body(eid: str) -> dict[str, Any]:
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
            {"content": _base64(PDF), "type": "application/pdf", "filename": "a.pdf", "disposition": "attachment"},
            {
                "content": _base64(LOGO),
                "type": "image/png",
                "filename": "logo.png",
                "disposition": "inline",
                "content_id": "logo",
            },
        ],
        "custom_args": {"eid": eid, "att": "1"},
    }


def sendgrid(base_url: str, body: object, key: str = credentials.SENDGRID_API_KEY) -> httpx.Request:
    return httpx.Request(
        "POST",
        f"{base_url}/v3/mail/send",
        content=json.dumps(body),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Accept": "application/json"},
    )


def mailgun_body(eid: str) -> dict[str, Any]:
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


MAILGUN_FILES = [("attachment", ("a.pdf", PDF, "application/pdf")), ("inline", ("logo", LOGO, "image/png"))]


def mailgun(
    base_url: str,
    body: Mapping[str, Any],
    key: str = credentials.MAILGUN_API_KEY,
    domain: str = credentials.MAILGUN_DOMAIN,
    files: Any = None,
) -> httpx.Request:
    basic = _base64(f"api:{key}".encode())
    url = f"{base_url}/v3/{domain}/messages"
    return httpx.Request("POST", url, data=dict(body), files=files, headers={"Authorization": f"Basic {basic}"})


def ses_body(eid: str) -> dict[str, Any]:
    return {
        **ses_envelope(eid),
        "FromEmailAddress": "App <app@example.com>",
        "ReplyToAddresses": ["Help <help@example.com>"],
        "Content": {
            "Simple": {
                "Subject": {"Data": "Grüße", "Charset": "UTF-8"},
                "Body": {"Text": {"Data": "Hello"}, "Html": {"Data": "<p>Hello</p>"}},
                "Headers": [{"Name": "X-Kind", "Value": "receipt"}],
                "Attachments": [
                    {
                        "FileName": "a.pdf",
                        "RawContent": _base64(PDF),
                        "ContentType": "application/pdf",
                        "ContentDisposition": "ATTACHMENT",
                    },
                    {
                        "FileName": "logo.png",
                        "RawContent": _base64(LOGO),
                        "ContentType": "image/png",
                        "ContentDisposition": "INLINE",
                        "ContentId": "logo",
                    },
                ],
            }
        },
    }


def ses_envelope(eid: str) -> dict[str, Any]:
    return {
        "Destination": {
            "ToAddresses": ["=?utf-8?q?Bo_=C3=96dman?= <bo@example.com>"],
            "CcAddresses": ["cy@example.com"],
            "BccAddresses": ["di@example.com"],
        },
        "ConfigurationSetName": credentials.SES_CONFIGURATION_SET,
        "EmailTags": [{"Name": "eid", "Value": eid}, {"Name": "att", "Value": "1"}],
    }


def ses(
    base_url: str,
    body: object,
    key: str = credentials.SES_ACCESS_KEY_ID,
    secret: str = credentials.SES_SECRET_ACCESS_KEY,
    method: str = "POST",
    path: str = "/v2/email/outbound-emails",
) -> httpx.Request:
    content = json.dumps(body) if method == "POST" else ""
    signed = AWSRequest(method, base_url + path, {"Content-Type": "application/json"}, content)
    SigV4Auth(Credentials(key, secret), "ses", credentials.SES_REGION).add_auth(signed)
    return httpx.Request(method, base_url + path, content=content, headers=dict(signed.headers.items()))


def resend_body(eid: str) -> dict[str, Any]:
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
            {"content": _base64(PDF), "filename": "a.pdf", "content_type": "application/pdf"},
            {"content": _base64(LOGO), "filename": "logo.png", "content_type": "image/png", "content_id": "logo"},
        ],
        "tags": [{"name": "eid", "value": eid}, {"name": "att", "value": "1"}],
    }


def resend(
    base_url: str, body: object, key: str = credentials.RESEND_API_KEY, idempotency_key: str | None = None
) -> httpx.Request:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "User-Agent": "tests"}
    if idempotency_key is not None:
        headers["Idempotency-Key"] = idempotency_key
    return httpx.Request("POST", f"{base_url}/emails", content=json.dumps(body), headers=headers)


Write = Callable[[str, str], httpx.Request]

# provider -> (base URL, our email id) -> a valid call
LETTERS: dict[str, Write] = {
    "sendgrid": lambda base_url, eid: sendgrid(base_url, sendgrid_body(eid)),
    "mailgun": lambda base_url, eid: mailgun(base_url, mailgun_body(eid), files=MAILGUN_FILES),
    "ses": lambda base_url, eid: ses(base_url, ses_body(eid)),
    "resend": lambda base_url, eid: resend(base_url, resend_body(eid)),
}


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
