"""The signature schemes of webhooks. Every check works on raw bytes and in constant time."""

import base64
import functools
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from app.domain.account import prefix_of
from app.errors import ServiceUnavailable, Unauthenticated
from app.providers.sdk.variables import is_plain

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

MAX_AGE_S: Final = 86_400  # providers retry a webhook for up to 24 hours; whether they sign it anew is not documented
MAX_AHEAD_S: Final = 300  # two clocks may differ by this much

_EPOCH: Final = re.compile(r"[0-9]{1,12}")


def no_key(account: str, variable: str) -> ServiceUnavailable:
    """The error if the webhooks of `account` cannot be verified, because `variable` is not set."""
    return ServiceUnavailable(f"{prefix_of(account)}{variable} is not set: webhooks cannot be verified")


def unreadable(account: str, variable: str) -> ServiceUnavailable:
    """The error if nothing in `variable` of `account` proves a webhook, and a part of it cannot be read."""
    return ServiceUnavailable(f"{prefix_of(account)}{variable} holds a text that cannot be read as what it must be")


def prove(account: str, variable: str, secrets: Iterable[str], proves: Callable[[str], bool]) -> None:
    """Return if one of `secrets`, which `variable` of `account` holds, proves the webhook, in whatever order they are.

    `proves` raises ValueError for a secret that cannot be read. Raises Unauthenticated if none proves the webhook, but
    ServiceUnavailable if one of them cannot be read: that one might have.
    """
    is_unreadable = False
    for secret in secrets:
        try:
            if proves(secret):
                return
        except ValueError:
            is_unreadable = True
    if is_unreadable:
        raise unreadable(account, variable)
    raise Unauthenticated("the signature does not fit")


def check_age(timestamp: str, now_s: float, max_age_s: float = MAX_AGE_S) -> None:
    """Raise Unauthenticated unless `timestamp` (epoch seconds) is at most `max_age_s` old and not in the future."""
    if not _EPOCH.fullmatch(timestamp):
        raise Unauthenticated("the signature's timestamp cannot be read")
    age_s = now_s - int(timestamp)
    if age_s > max_age_s:
        raise Unauthenticated("the signature is too old")
    if age_s < -MAX_AHEAD_S:
        raise Unauthenticated("the signature is of the future")


def signs_hmac(key: str, signed: bytes, signatures: Iterable[str]) -> bool:
    """Whether one of `signatures` (hex) is the HMAC-SHA256 of `signed` under `key`.

    Raises ValueError if `key` has a control or non-ASCII character.
    """
    if not is_plain(key):
        raise ValueError("not a key")
    right = hmac.new(key.encode(), signed, hashlib.sha256).hexdigest().encode()
    return any(hmac.compare_digest(right, given.encode(errors="replace")) for given in signatures)


def signs_svix(secret: str, signed: bytes, header: str) -> bool:
    """Whether `header` holds the HMAC-SHA256 of `signed` under `secret`.

    The header is one `v1,<base64>`, or several with spaces between them. Raises ValueError if `secret` is no such one.
    """
    right = b"v1," + base64.b64encode(hmac.digest(svix_key(secret), signed, hashlib.sha256))
    return any(hmac.compare_digest(right, given.encode(errors="replace")) for given in header.split())


def svix_key(secret: str) -> bytes:
    """The key in a secret of Svix. Raises ValueError if it is not `whsec_` and base64."""
    prefix, marked, encoded = secret.partition("whsec_")
    if prefix or not marked:  # so much else is base64 by chance
        raise ValueError("it does not begin with whsec_")
    key = base64.b64decode(encoded, validate=True)
    if not key:
        raise ValueError("an empty key would be everybody's")
    return key


def signs_ecdsa(key: str, signed: bytes, signature: str) -> bool:
    """Whether `signature` (base64 of DER) is the ECDSA-SHA256 of `signed` under `key` (base64 of DER SPKI).

    Raises ValueError if `key` is not such a key.
    """
    # Imported here because the sending worker verifies nothing, and would otherwise load this library at every cold
    # start: 11 ms and 13 MB, measured on a laptop.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    public = public_key(key)
    try:
        public.verify(base64.b64decode(signature, validate=True), signed, ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


@functools.lru_cache(maxsize=8)
def public_key(key: str) -> "EllipticCurvePublicKey":
    """The public key in base64 of DER SPKI. Raises ValueError if `key` is none of an elliptic curve."""
    # Imported here because of the cold start, as above.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        public = load_der_public_key(base64.b64decode(key, validate=True))
    except UnsupportedAlgorithm as fault:
        raise ValueError(str(fault)) from fault
    if not isinstance(public, EllipticCurvePublicKey):
        raise ValueError("not an elliptic-curve key")  # noqa: TRY004 because the text is malformed, not its type
    return public
