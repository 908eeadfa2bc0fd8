"""Amazon SES as the simulator plays it, written from its documentation."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509 import load_pem_x509_certificate

from tests.local.simulator.case import LOGO, PDF, Event, Heard, Request, SimulatorCase, credentials, encoded

Body = dict[str, Any]
SEND = "/v2/email/outbound-emails"
KEY, SECRET, REGION = "AKIASIMULATOR000000", "simulator-secret", "us-east-1"  # of the account without a label


def envelope(eid: str) -> Body:
    return {
        "Destination": {
            "ToAddresses": ["=?utf-8?q?Bo_=C3=96dman?= <bo@example.com>"],
            "CcAddresses": ["cy@example.com"],
            "BccAddresses": ["di@example.com"],
        },
        "ConfigurationSetName": "emailsminder",
        "EmailTags": [{"Name": "eid", "Value": eid}, {"Name": "att", "Value": "1"}],
    }


def body(eid: str) -> Body:
    attachments = [
        {
            "FileName": "a.pdf",
            "RawContent": encoded(PDF),
            "ContentType": "application/pdf",
            "ContentDisposition": "ATTACHMENT",
        },
        {
            "FileName": "logo.png",
            "RawContent": encoded(LOGO),
            "ContentType": "image/png",
            "ContentDisposition": "INLINE",
            "ContentId": "logo",
        },
    ]
    return {
        **envelope(eid),
        "FromEmailAddress": "App <app@example.com>",
        "ReplyToAddresses": ["Help <help@example.com>"],
        "Content": {
            "Simple": {
                "Subject": {"Data": "Grüße", "Charset": "UTF-8"},
                "Body": {"Text": {"Data": "Hello"}, "Html": {"Data": "<p>Hello</p>"}},
                "Headers": [{"Name": "X-Kind", "Value": "receipt"}],
                "Attachments": attachments,
            }
        },
    }


def signed(base_url: str, content: Any, key: str = KEY, secret: str = SECRET, path: str = SEND) -> httpx.Request:
    """A call with this JSON, or a GET if there is none."""
    method, text = ("POST", json.dumps(content)) if content is not None else ("GET", "")
    made = AWSRequest(method, base_url + path, {"Content-Type": "application/json"}, text)
    SigV4Auth(Credentials(key, secret), "ses", REGION).add_auth(made)
    return httpx.Request(method, base_url + path, content=text, headers=dict(made.headers.items()))


def call(base_url: str, account: str, eid: str) -> httpx.Request:
    own = credentials(account)
    return signed(base_url, body(eid), own["ACCESS_KEY_ID"], own["SECRET_ACCESS_KEY"])


def message_id(answer: httpx.Response) -> str:
    assert answer.status_code == 200
    return str(answer.json()["MessageId"])


def said(answer: httpx.Response) -> str:
    return f"{answer.status_code} {answer.headers['x-amzn-errortype']}: {answer.json()['message']}"


def events(body: bytes) -> Sequence[Event]:
    return [json.loads(json.loads(body)["Message"])]


def recipient(event: Event) -> str:
    if event["eventType"] == "Delivery":
        return str(event["delivery"]["recipients"][0])
    if event["eventType"] == "Complaint":
        return str(event["complaint"]["complainedRecipients"][0]["emailAddress"])
    return str(event["bounce"]["bouncedRecipients"][0]["emailAddress"])


def is_genuine(webhook: Heard, variables: Mapping[str, str], fetch: Callable[[str], bytes]) -> bool:
    message: dict[str, str] = json.loads(webhook.body)
    key = load_pem_x509_certificate(fetch(message["SigningCertURL"])).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    names = [name for name in sorted(message) if name not in ("Signature", "SignatureVersion", "SigningCertURL")]
    told = "".join(f"{name}\n{message[name]}\n" for name in names if name != "UnsubscribeURL")
    try:
        key.verify(base64.b64decode(message["Signature"]), told.encode(), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return message["TopicArn"] == variables["TOPIC_ARN"]


def changed(change: Callable[[Body], object]) -> Request:
    """A call whose body is changed so."""

    def make(base_url: str) -> httpx.Request:
        made = body("refused")
        change(made)
        return signed(base_url, made)

    return make


def overridden(tracking: object) -> Request:
    return changed(lambda body: body.update(ConfigurationOverrides={"Tracking": tracking}))


def tracked(base_url: str, eid: str, opens: bool, clicks: bool) -> httpx.Request:
    told = {"OpenTrackingEnabled": opens, "ClickTrackingEnabled": clicks}
    tracking = {name: "ENABLED" if is_on else "DISABLED" for name, is_on in told.items()}
    return signed(base_url, body(eid) | {"ConfigurationOverrides": {"Tracking": tracking}})


def altered(base_url: str) -> httpx.Request:
    """A call whose body was changed after it had been signed."""
    made = signed(base_url, body("refused"))
    headers = {name: value for name, value in made.headers.items() if name != "content-length"}
    return httpx.Request("POST", made.url, content=made.content.replace(b"Hello", b"Hullo"), headers=headers)


def unsigned(**headers: str) -> Request:
    return lambda base_url: httpx.Request("GET", f"{base_url}/v2/email/account", headers=headers)


BAD = "400 BadRequestException: "
CASE = SimulatorCase(
    call=call,
    message_id=message_id,
    answers={
        "unauthorized": (403, "UnrecognizedClientException"),
        "forbidden": (403, "AccessDeniedException"),
        "payment_required": (400, "AccountSuspendedException"),
        "rate_limit": (429, "TooManyRequestsException"),
        "server_error": (500, "InternalFailure"),
        "unavailable": (503, "ServiceUnavailable"),
        "bad_gateway_html": (502, "<html>"),
        "gateway_timeout": (504, "timed out"),
        "refuse_message": (400, "MessageRejected"),
    },
    said=said,
    tracked=tracked,
    refused={
        f"{BAD}1 validation error detected: Value 'OFF' at 'configurationOverrides.tracking.openTrackingEnabled'": (
            overridden({"OpenTrackingEnabled": "OFF"})
        ),
        "400 SerializationException: bool can not be converted": overridden({"ClickTrackingEnabled": False}),
        f"{BAD}The request does not match": overridden(["DISABLED"]),
        f"{BAD}Missing final": changed(lambda body: body.update(Destination={})),
        f"{BAD}Recipient count": changed(
            lambda body: body.update(Destination={"ToAddresses": [f"a{n}@example.com" for n in range(51)]})
        ),
        f"{BAD}Domain contains": changed(lambda body: body.update(FromEmailAddress="app@exämple.com")),
        f"{BAD}Tag names": changed(lambda body: body["EmailTags"].append({"Name": "what", "Value": "a b"})),
        f"{BAD}The body": changed(lambda body: body["Content"]["Simple"].update(Body={})),
        f"{BAD}At most 15 headers": changed(
            lambda body: body["Content"]["Simple"].update(Headers=[{"Name": "X", "Value": "ü"}])
        ),
        "400 MessageRejected: Illegal filename": changed(
            lambda body: body["Content"]["Simple"]["Attachments"][0].update(FileName="a.EXE")
        ),
        f"{BAD}FromEmailAddress": changed(lambda body: body.pop("FromEmailAddress")),
        f"{BAD}The request does not": changed(lambda body: body.update(EmailTags={"Name": "eid"})),
        "400 SerializationException": lambda base_url: signed(base_url, [1]),
        "404 NotFoundException": changed(lambda body: body.update(ConfigurationSetName="another")),
        "404 UnknownOperationException": lambda base_url: signed(base_url, None, path="/v2/email/nothing"),
        "403 SignatureDoesNotMatch: The request signature": lambda base_url: signed(
            base_url, body("refused"), secret="other"
        ),
        "403 SignatureDoesNotMatch": altered,
        "403 UnrecognizedClientException": lambda base_url: signed(base_url, body("refused"), key="AKIAOTHER"),
        "403 MissingAuthenticationTokenException": unsigned(),
        "403 IncompleteSignatureException": unsigned(Authorization="Bearer x"),
    },
    known={'"SendingEnabled": true': lambda base_url: signed(base_url, None, path="/v2/email/account")},
    posts=3,
    posts_reordered=4,  # one event reports the acceptance for all
    events=events,
    kind=lambda event: str(event["eventType"]),
    recipient=recipient,
    accepted="Send",
    delivered="Delivery",
    is_genuine=is_genuine,
    failed={
        "accept_then_bounce": {"eventType": "Bounce"},
        "accept_then_block": {"eventType": "Bounce"},
        "accept_then_bounce_unexplained": {"eventType": "Bounce"},
    },
    complained={"eventType": "Complaint"},
)
