"""The requests that Amazon SNS posts to an HTTPS endpoint: signed notifications, and requests to confirm."""

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
# The signed keys of each type of message, in this order. The signed text has each key and each value on a line of its
# own, without the keys that the message does not have (SNS Developer Guide, "Verifying message signatures").
SIGNED: Final[Mapping[str, tuple[str, ...]]] = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


def notification(subject: str, text: str, keys: Keys) -> Post:
    """A signed notification with the message `text`."""
    unsubscribe = urlencode({"Action": "Unsubscribe", "SubscriptionArn": f"{SES_TOPIC_ARN}:simulator"})
    return _post(
        "Notification",
        {"Subject": subject, "Message": text, "UnsubscribeURL": f"https://{HOST}/?{unsubscribe}"},
        keys,
    )


def confirmation_request(token: str, keys: Keys) -> Post:
    """A signed request to confirm the subscription to the topic. The endpoint confirms by fetching its SubscribeURL."""
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
    """The URL that confirms the subscription with this token."""
    query = urlencode({"Action": "ConfirmSubscription", "TopicArn": SES_TOPIC_ARN, "Token": token})
    return f"https://{HOST}/?{query}"


def new_token() -> str:
    """A new token for a request to confirm. It proves that whoever confirms has received that request."""
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
