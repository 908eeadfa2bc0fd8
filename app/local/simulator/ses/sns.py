"""The requests that Amazon SNS posts to an HTTPS endpoint: signed notifications, and requests to confirm."""

import base64
import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from app.local.simulator.dialect import Post
from app.local.simulator.inbox import iso

REGION: Final = "us-east-1"
HOST: Final = f"sns.{REGION}.amazonaws.com"
# The signed keys of each type of message, in this order. The signed text has each key and each value on a line of its
# own, without the keys that the message does not have (SNS Developer Guide, "Verifying message signatures").
SIGNED: Final[Mapping[str, tuple[str, ...]]] = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


@dataclass(frozen=True, slots=True)
class Signer:
    """What signs messages: a key, as `new_key` makes it, and the URL of its certificate."""

    key: bytes
    certificate_url: str

    def sign(self, text: str) -> str:
        """The signature of `text`, version 2, in base64."""
        return base64.b64encode(_private(self.key).sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()


class Topic:
    """A topic of SNS."""

    def __init__(self, name: str) -> None:
        self.arn: Final = f"arn:aws:sns:{REGION}:123456789012:{name}"

    def notification(self, subject: str, text: str, signer: Signer) -> Post:
        """A signed notification with the message `text`."""
        unsubscribe = urlencode({"Action": "Unsubscribe", "SubscriptionArn": f"{self.arn}:simulator"})
        return self._post(
            "Notification",
            {"Subject": subject, "Message": text, "UnsubscribeURL": f"https://{HOST}/?{unsubscribe}"},
            signer,
        )

    def confirmation_request(self, signer: Signer) -> tuple[str, Post]:
        """A signed request to confirm the subscription. The endpoint confirms by fetching the URL that comes first."""
        token = secrets.token_hex(64)  # proves that whoever confirms has received the request
        query = urlencode({"Action": "ConfirmSubscription", "TopicArn": self.arn, "Token": token})
        url = f"https://{HOST}/?{query}"
        content = {
            "Token": token,
            "Message": f"You have chosen to subscribe to the topic {self.arn}.\n"
            "To confirm the subscription, visit the SubscribeURL included in this message.",
            "SubscribeURL": url,
        }
        return url, self._post("SubscriptionConfirmation", content, signer)

    def _post(self, kind: str, content: Mapping[str, str], signer: Signer) -> Post:
        envelope = {
            "Type": kind,
            # A message that SNS posts again has the same id, so the same content has the same.
            "MessageId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.arn}\n{json.dumps(content)}")),
            "TopicArn": self.arn,
            **content,
            "Timestamp": iso(datetime.now(UTC)),
            "SignatureVersion": "2",
            "SigningCertURL": signer.certificate_url,
        }
        signed = (name for name in SIGNED[kind] if name in envelope)
        envelope["Signature"] = signer.sign("".join(f"{name}\n{envelope[name]}\n" for name in signed))
        headers = {
            "Content-Type": "text/plain; charset=UTF-8",
            "User-Agent": "Amazon Simple Notification Service Agent",
            "x-amz-sns-message-type": kind,
            "x-amz-sns-message-id": envelope["MessageId"],
            "x-amz-sns-topic-arn": self.arn,
        }
        if kind == "Notification":
            headers["x-amz-sns-subscription-arn"] = f"{self.arn}:simulator"
        return Post(json.dumps(envelope).encode(), headers)


def certificate_url(name: str) -> str:
    """The URL of the certificate with this name."""
    return f"https://{HOST}/SimpleNotificationService-{name}.pem"


def certificate(key: bytes) -> str:
    """The certificate of a key that `new_key` has made, as PEM."""
    return x509.load_pem_x509_certificate(key).public_bytes(serialization.Encoding.PEM).decode()


def new_key() -> bytes:
    """A new private key and its certificate, as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + made.public_bytes(serialization.Encoding.PEM)


@lru_cache
def _private(key: bytes) -> rsa.RSAPrivateKey:
    private = serialization.load_pem_private_key(key, None)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise TypeError("the key of Amazon SNS must be an RSA key")
    return private
