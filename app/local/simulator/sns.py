"""Amazon SNS posting to an HTTPS endpoint: signed notifications, and the handshake that comes before them."""

import base64
import json
import secrets
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from app.local.simulator.credentials import SES_REGION, SES_TOPIC_ARN
from app.local.simulator.dialect import Post
from app.local.simulator.inbox import iso
from app.local.simulator.keys import Keys

HOST: Final = f"sns.{SES_REGION}.amazonaws.com"
CERTIFICATE_URL: Final = f"https://{HOST}/SimpleNotificationService-simulator.pem"
# What is signed, in this order, each key and value on a line of its own (SNS Developer Guide, "Verifying message
# signatures"). A key that the message does not have is left out.
SIGNED: Final[Mapping[str, tuple[str, ...]]] = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


def notification(subject: str, text: str, keys: Keys) -> Post:
    """A message of the topic."""
    unsubscribe = urlencode({"Action": "Unsubscribe", "SubscriptionArn": f"{SES_TOPIC_ARN}:simulator"})
    return _post(
        "Notification",
        {"Subject": subject, "Message": text, "UnsubscribeURL": f"https://{HOST}/?{unsubscribe}"},
        keys,
    )


def confirmation_request(token: str, keys: Keys) -> Post:
    """The question whether the endpoint wants the topic; the answer is to fetch its SubscribeURL."""
    return _post(
        "SubscriptionConfirmation",
        {
            "Token": token,
            "Message": f"You have chosen to subscribe to the topic {SES_TOPIC_ARN}.\n"
            "To confirm the subscription, visit the SubscribeURL included in this message.",
            "SubscribeURL": subscribe_url(token),
        },
        keys,
    )


def subscribe_url(token: str) -> str:
    """Where the subscription with `token` is confirmed."""
    query = urlencode({"Action": "ConfirmSubscription", "TopicArn": SES_TOPIC_ARN, "Token": token})
    return f"https://{HOST}/?{query}"


def new_token() -> str:
    """What proves that who confirms a subscription has read the question."""
    return secrets.token_hex(64)


def _post(kind: str, content: Mapping[str, str], keys: Keys) -> Post:
    envelope = {
        "Type": kind,
        "MessageId": str(uuid.uuid4()),
        "TopicArn": SES_TOPIC_ARN,
        **content,
        "Timestamp": iso(datetime.now(UTC)),
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE_URL,
    }
    to_sign = "".join(f"{name}\n{envelope[name]}\n" for name in SIGNED[kind] if name in envelope)
    signature = keys.sns.sign(to_sign.encode(), padding.PKCS1v15(), hashes.SHA256())
    envelope["Signature"] = base64.b64encode(signature).decode()
    headers = {
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
        "x-amz-sns-message-type": kind,
        "x-amz-sns-message-id": envelope["MessageId"],
        "x-amz-sns-topic-arn": SES_TOPIC_ARN,
    }
    if kind == "Notification":
        headers["x-amz-sns-subscription-arn"] = f"{SES_TOPIC_ARN}:simulator"
    return Post(json.dumps(envelope).encode(), headers)
