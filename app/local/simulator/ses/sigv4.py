"""Verifies calls that are signed with AWS Signature Version 4 (AWS General Reference, "Signing AWS API requests")."""

import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl, quote

from app.local.simulator.dialect import Call

MAX_SKEW: Final = timedelta(minutes=5)
_AUTHORIZATION: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<scope>[^,]+), ?"
    r"SignedHeaders=(?P<signed>[a-z0-9;_-]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


class BadSignature(Exception):
    """A call is not signed, or its signature is wrong: AWS's error code, and its message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def verify(call: Call, access_key_id: str, secret: str, region: str, service: str, now: datetime) -> None:
    """Check that `call` was signed with this key, for this region and service, within MAX_SKEW of `now`.

    Raises BadSignature.
    """
    authorization = call.headers.get("authorization")
    if authorization is None:
        raise BadSignature("MissingAuthenticationTokenException", "Missing Authentication Token")
    found = _AUTHORIZATION.fullmatch(authorization)
    if found is None:
        raise BadSignature("IncompleteSignatureException", "Authorization header is not in the expected form.")
    if found["key"] != access_key_id:
        raise BadSignature("UnrecognizedClientException", "The security token included in the request is invalid.")
    stamp = call.headers.get("x-amz-date", "")
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    if found["scope"] != scope:
        raise BadSignature("SignatureDoesNotMatch", f"Credential should be scoped to {scope}.")
    names = found["signed"].split(";")
    if not {"host", "x-amz-date"} <= set(names):
        raise BadSignature("SignatureDoesNotMatch", "'Host' and 'X-Amz-Date' must be signed headers.")
    _check_age(stamp, now)
    to_sign = "\n".join(
        ("AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(_canonical(call, names).encode()).hexdigest())
    )
    key = f"AWS4{secret}".encode()
    for step in scope.split("/"):
        key = _hmac(key, step)
    if not hmac.compare_digest(_hmac(key, to_sign).hex(), found["signature"]):
        raise BadSignature(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details.",
        )


def _check_age(stamp: str, now: datetime) -> None:
    try:
        signed_at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise BadSignature("IncompleteSignatureException", "X-Amz-Date is not an ISO 8601 basic date.") from None
    if abs(now - signed_at) > MAX_SKEW:
        raise BadSignature("SignatureDoesNotMatch", f"Signature expired: {stamp} is not within 5 minutes of now.")


def _canonical(call: Call, names: Iterable[str]) -> str:
    query = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in parse_qsl(call.query, True))
    return "\n".join(
        (
            call.method,
            # Every service but S3 encodes the path once more for the signature than in the request.
            quote(call.path, safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in query),
            *(f"{name}:{' '.join(call.headers.get(name, '').split())}" for name in names),
            "",
            ";".join(names),
            hashlib.sha256(call.body).hexdigest(),
        )
    )


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
