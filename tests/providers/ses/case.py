"""SES's other end, and SNS in between: real keys, a real certificate, real signatures."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import httpx
from botocore.credentials import Credentials
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from app.domain.event import Webhook
from app.providers.ses.provider import Ses
from tests.providers.case import NOW_S, Carried, Case

TOPIC = "arn:aws:sns:us-east-1:123456789012:mx"
CERTIFICATE_URL = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123.pem"
SUBSCRIBE_URL = "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:x&Token=t"
KEY = rsa.generate_private_key(65537, 2048)
OTHER_KEY = rsa.generate_private_key(65537, 2048)
HASHES: dict[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303 because SNS does
UNSIGNED = {"Signature", "SignatureVersion", "SigningCertURL", "UnsubscribeURL"}


def certify(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, at_s: float = NOW_S, days: int = 365) -> bytes:
    """A self-signed certificate (PEM), valid `days` before and after `at_s`."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    at, span = datetime.fromtimestamp(at_s, UTC), timedelta(days=days)
    draft = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), at - span, at + span)
    return draft.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


class Web:
    """Gives certificates (or raises) by URL, and remembers what it was asked for."""

    def __init__(self, pages: Mapping[str, bytes | Exception]) -> None:
        self.pages = pages
        self.asked: list[str] = []

    def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        page = self.pages[url]
        if isinstance(page, Exception):
            raise page
        return page


CERTIFICATE = certify(KEY)


def iso(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def envelope(message: str, at_s: float = NOW_S, kind: str = "Notification", **changes: object) -> dict[str, object]:
    """What SNS posts, unsigned; a change to None leaves the field out."""
    told: dict[str, object] = {
        "Type": kind,
        "MessageId": "4d4dc071-ddbf-465d-bba8-08f81c89da64",
        "TopicArn": TOPIC,
        "Message": message,
        "Timestamp": iso(at_s),
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE_URL,
    }
    told |= {"Subject": "Amazon SES Email Event Notification"} if kind == "Notification" else {}
    told |= {"SubscribeURL": SUBSCRIBE_URL, "Token": "t"} if kind != "Notification" else {}
    return {name: value for name, value in (told | changes).items() if value is not None}


def sign(told: Mapping[str, object], key: rsa.RSAPrivateKey = KEY) -> dict[str, object]:
    """Signed as SNS does: the fields in the order of their names, each name and value on a line."""
    signed = "".join(f"{name}\n{told[name]}\n" for name in sorted(told) if name not in UNSIGNED)
    algorithm = HASHES.get(str(told.get("SignatureVersion")), hashes.SHA256())
    signature = key.sign(signed.encode(), padding.PKCS1v15(), algorithm)
    return {**told, "Signature": base64.b64encode(signature).decode()}


def post(told: Mapping[str, object], headers: Mapping[str, str] | None = None) -> Webhook:
    """As it arrives, with the headers that repeat the body unless others are given."""
    repeated = {
        "x-amz-sns-message-type": str(told.get("Type")),
        "x-amz-sns-message-id": str(told.get("MessageId")),
        "x-amz-sns-topic-arn": str(told.get("TopicArn")),
    }
    return Webhook(json.dumps(told).encode(), {**repeated} if headers is None else dict(headers))


def make(base_url: str = "https://email.us-east-1.amazonaws.com", token: str | None = None) -> Ses:
    credentials = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token)
    web = Web({CERTIFICATE_URL: CERTIFICATE})
    return Ses("ses", "us-east-1", "mx", (TOPIC,), lambda: credentials, web, base_url, lambda: NOW_S)


def webhook(payload: object, at_s: float, key: int = 0) -> Webhook:
    return post(sign(envelope(json.dumps(payload), at_s)))


def report(email_id: str, attempt: int, recipient: str, at_s: float) -> object:
    return {
        "eventType": "Delivery",
        "delivery": {"timestamp": iso(at_s), "recipients": [recipient], "smtpResponse": "250 OK"},
        "mail": mail(recipient, email_id=email_id, attempt=attempt),
    }


def mail(*destination: str, email_id: str = "em_1", attempt: int = 7) -> dict[str, object]:
    """The object that every event carries."""
    return {
        "timestamp": iso(NOW_S - 60),
        "messageId": "0100EXAMPLE-000000",
        "destination": list(destination),
        "tags": {"ses:configuration-set": ["mx"], "em_email_id": [email_id], "em_attempt": [str(attempt)]},
    }


def forge(genuine: Webhook) -> list[Webhook]:
    told, headers = json.loads(genuine.body), genuine.headers
    return [
        Webhook(genuine.body.replace(b"250 OK", b"550 no"), headers),
        Webhook(b"", headers),
        Webhook(b"{}", headers),
        Webhook(genuine.body, headers | {"x-amz-sns-topic-arn": TOPIC + "x"}),
        Webhook(genuine.body, headers | {"x-amz-sns-message-type": "SubscriptionConfirmation"}),
        Webhook(genuine.body, headers | {"x-amz-sns-message-id": "another"}),
        *[post({name: value for name, value in told.items() if name != left_out}) for left_out in told],
        *[post(told | {name: 7}) for name in told],
        post(told | {"Signature": "not base64"}),
        post(sign(told, OTHER_KEY)),
        post(told | {"SigningCertURL": "https://sns.us-east-1.amazonaws.com.evil.example/a.pem"}),
    ]


def read_request(request: httpx.Request) -> Carried:
    call = json.loads(request.content)
    told = {tag["Name"]: tag["Value"] for tag in call["EmailTags"]}
    return Carried(
        email_id=told.pop("em_email_id"),
        attempt=int(told.pop("em_attempt")),
        recipients=frozenset(address for addresses in call["Destination"].values() for address in addresses),
        metadata=told,
    )


def signed(webhook: Webhook) -> object:
    given = json.loads(webhook.body)
    covered = {name: given[name] for name in set(given) - UNSIGNED}
    known = {"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type", "SubscribeURL", "Token"}
    return {name: covered[name] for name in covered if name in known}, base64.b64decode(given["Signature"])


CASE = Case(
    make=make,
    missing_for_webhooks=Ses(
        "ses",
        "us-east-1",
        "mx",
        (),
        lambda: Credentials("AKID", "secret"),
        Web({}),
        "https://email.us-east-1.amazonaws.com",
    ),
    missing_variable="SES_TOPIC_ARN",
    malformed="my topic",
    secrets=("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",),
    accepted=httpx.Response(200, json={"MessageId": "0100EXAMPLE-000000"}),
    message_id="0100EXAMPLE-000000",
    keys=1,
    webhook=webhook,
    report=report,
    forge=forge,
    read_request=read_request,
    signed=signed,
    variables={"SES_TOPIC_ARN": TOPIC, "SES_CONFIGURATION_SET": "events"},
    certificate=CERTIFICATE,
)
