"""Amazon SNS over HTTPS: reads the envelope of a webhook, and proves that SNS made it for one of our topics.

The signature (https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html) covers the body, so no
nonce is needed; the timestamp is part of it and limits how long a recorded message can be replayed. Anybody with an AWS
account gets validly signed messages, so only the list of our own topics shows that a message is ours.

The certificate is trusted because of its URL, so the URL is checked before anything is fetched. The host must be that
of SNS in the topic's own region. A looser `sns.*.amazonaws.com` would also match an S3 bucket named "sns": the host
sns.s3-us-west-2.amazonaws.com serves whatever the bucket's owner puts there.
"""

import base64
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NoReturn

import httpx

from app.domain.event import Webhook
from app.errors import ServiceUnavailable, Unauthenticated
from app.providers.sdk import payload

if TYPE_CHECKING:
    from cryptography import x509

NOTIFICATION: Final = "Notification"
SUBSCRIPTION: Final = "SubscriptionConfirmation"
UNSUBSCRIPTION: Final = "UnsubscribeConfirmation"

# SNS tries an HTTP endpoint again for an hour at most, between tries that may take 15 s each, and a message keeps its
# timestamp ("Amazon SNS message delivery retries", read 2026-11-29; infra/ses_reports.py asks for that hour).
MAX_AGE_MS: Final = 75 * 60_000
MAX_SKEW_MS: Final = 300_000
CACHE_SIZE: Final = 16
FAILURE_LASTS_S: Final = (
    5.0  # so long a certificate is not fetched again that could not be: forgeries cost no fetch each
)

# The keys that the signature covers, in order. `Subject` is covered only if the message has one.
_SIGNED: Final[dict[str, tuple[str, ...]]] = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    SUBSCRIPTION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    UNSUBSCRIPTION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
# Headers that repeat a key of the body. If a proxy has dropped one, only the signed body is read.
_HEADERS: Final = {
    "x-amz-sns-message-type": "Type",
    "x-amz-sns-message-id": "MessageId",
    "x-amz-sns-topic-arn": "TopicArn",
}
# https, no user, no port, and the name of a region (not of a bucket). It is one expression, because two parsers of a
# URL might disagree.
_URL: Final = re.compile(r"https://sns\.([a-z]{2,}(?:-[a-z]+)+-\d+)\.amazonaws\.com(?:\.cn)?/([!-~]*)")
# As in every message that the page above shows.
_CERTIFICATE_PATH: Final = re.compile(r"SimpleNotificationService-[A-Za-z0-9]{1,64}\.pem")


@dataclass(frozen=True, slots=True)
class Envelope:
    """What SNS wraps around a message. It is unproved until `Verifier.verify` has returned."""

    type: str
    message_id: str
    topic_arn: str
    message: str
    at_ms: int
    subscribe_url: str  # "" in a notification
    signature_version: str
    signature: bytes
    certificate_url: str
    signed: bytes  # what the signature is made over


def read(body: bytes) -> Envelope:
    """The envelope in `body`. Raises Unauthenticated if it is not one."""
    try:
        found = payload.decode(body)
    except ValueError:
        _refuse("the body is not JSON")
    if not isinstance(found, dict):
        _refuse("the body is not a JSON object")
    kind = _string(found, "Type")
    if kind not in _SIGNED:
        _refuse("no such type of SNS message")
    keys = [key for key in _SIGNED[kind] if key != "Subject" or found.get(key) is not None]
    at_ms = payload.iso_ms(_string(found, "Timestamp"))
    if at_ms is None:
        _refuse("the timestamp cannot be read")
    try:
        signed = "".join(f"{key}\n{_string(found, key)}\n" for key in keys).encode()
        signature = base64.b64decode(_string(found, "Signature"), validate=True)
    except ValueError:  # not base64, or half a surrogate pair, which UTF-8 cannot hold
        _refuse("the signature cannot be read")
    return Envelope(
        type=kind,
        message_id=_string(found, "MessageId"),
        topic_arn=_string(found, "TopicArn"),
        message=_string(found, "Message"),
        at_ms=at_ms,
        subscribe_url="" if kind == NOTIFICATION else _string(found, "SubscribeURL"),
        signature_version=_string(found, "SignatureVersion"),
        signature=signature,
        certificate_url=_string(found, "SigningCertURL"),
        signed=signed,
    )


def is_aws_sns_url(url: str) -> bool:
    """Whether `url` is an https URL of SNS in some region, so that a subscription may be confirmed there."""
    return _URL.fullmatch(url) is not None


class Verifier:
    """Proves that a webhook comes from SNS and from one of `topic_arns`.

    `fetch_certificate` takes a URL of SNS and returns the body of a 2xx answer. It raises httpx.HTTPStatusError for any
    other answer, and another httpx.HTTPError or an OSError if there is none. It must not follow redirects.
    """

    def __init__(self, topic_arns: Iterable[str], fetch_certificate: Callable[[str], bytes]) -> None:
        self._topic_arns = frozenset(topic_arns)
        self._fetch_certificate = fetch_certificate
        self._certificates: dict[str, x509.Certificate] = {}
        self._failed: dict[str, tuple[float, ServiceUnavailable]] = {}  # by URL: until when, and why

    def verify(self, webhook: Webhook, now_s: float) -> None:
        """Prove the webhook. Raises Unauthenticated, or ServiceUnavailable if the certificate cannot be had now.

        SNS takes an answer of the 4xx kind as final, and tries again after one of the 5xx kind only.
        """
        if webhook.headers.get("x-amz-sns-rawdelivery", "").lower() == "true":
            _refuse("raw message delivery carries no signature: turn it off")
        envelope = read(webhook.body)
        signed = {"Type": envelope.type, "MessageId": envelope.message_id, "TopicArn": envelope.topic_arn}
        for header, key in _HEADERS.items():
            if webhook.headers.get(header, signed[key]) != signed[key]:
                _refuse(f"{header} contradicts the body")
        if envelope.topic_arn not in self._topic_arns:
            _refuse("not one of our topics")
        if not -MAX_SKEW_MS <= now_s * 1000 - envelope.at_ms <= MAX_AGE_MS:
            _refuse("the timestamp is too far from now")
        if envelope.type != NOTIFICATION and not is_aws_sns_url(envelope.subscribe_url):
            _refuse("SubscribeURL does not lead to SNS")
        self._prove(envelope, now_s)

    def _prove(self, envelope: Envelope, now_s: float) -> None:
        # Imported here because the workers never verify, and would otherwise load this library at every cold start.
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding, rsa

        hash_by_version: dict[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303 because version 1 is what a topic signs with unless signed otherwise
        algorithm = hash_by_version.get(envelope.signature_version)
        if algorithm is None:
            _refuse("no such signature version")
        key = self._certificate(envelope, now_s).public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            _refuse("the certificate holds no RSA key")
        try:
            key.verify(envelope.signature, envelope.signed, padding.PKCS1v15(), algorithm)
        except InvalidSignature:
            _refuse("the signature is wrong")

    def _certificate(self, envelope: Envelope, now_s: float) -> "x509.Certificate":
        url = envelope.certificate_url
        parts = _URL.fullmatch(url)
        if parts is None or parts[1] != _region(envelope.topic_arn) or not _CERTIFICATE_PATH.fullmatch(parts[2]):
            _refuse("SigningCertURL does not lead to a certificate of SNS in the topic's region")
        now = datetime.fromtimestamp(now_s, UTC)
        certificate = self._certificates.get(url)
        if certificate is None or now > certificate.not_valid_after_utc:
            certificate = self._fetch_once(url, now_s)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            _refuse("the certificate is not valid now")
        if len(self._certificates) >= CACHE_SIZE:
            self._certificates.clear()  # SNS has one or two, so this hardly ever happens
        self._certificates[url] = certificate
        return certificate

    def _fetch_once(self, url: str, now_s: float) -> "x509.Certificate":
        """Fetch the certificate, unless that failed a moment ago."""
        until_s, why = self._failed.get(url, (0.0, None))
        if why is not None and 0 < until_s - now_s <= FAILURE_LASTS_S:
            raise why
        try:
            return self._fetch(url)
        except ServiceUnavailable as failure:
            if len(self._failed) >= CACHE_SIZE:
                self._failed.clear()
            self._failed[url] = now_s + FAILURE_LASTS_S, failure
            raise

    def _fetch(self, url: str) -> "x509.Certificate":
        from cryptography import x509  # imported here because of the cold start, as above

        try:
            return x509.load_pem_x509_certificate(self._fetch_certificate(url))
        except (httpx.HTTPError, OSError) as failure:
            raise ServiceUnavailable("The certificate of SNS cannot be fetched now") from failure
        except ValueError as failure:  # the page of a proxy, perhaps
            raise ServiceUnavailable("What is fetched now as the certificate of SNS is none") from failure


def _region(arn: str) -> str:
    parts = arn.split(":")
    return parts[3] if len(parts) > 3 else ""


def _string(found: dict[str, Any], key: str) -> str:
    value = found.get(key)
    if not isinstance(value, str):
        _refuse(f"{key} is missing or no string")
    return value


def _refuse(why: str) -> NoReturn:
    raise Unauthenticated(f"Not a message of our SNS topic: {why}")
