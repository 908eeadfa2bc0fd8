"""The signature of an outgoing webhook, in the scheme of Standard Webhooks, and the secrets that it is made with.

No secret is stored. Each follows from a master secret, its owner (an endpoint, or a project) and a generation, which a
rotation counts up. So whoever reads the tables can forge nothing, and a restored table needs no new secrets.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from standardwebhooks import Webhook

from app.domain.endpoint import OVERLAP_MS

SHORTEST_MASTER: Final = 32  # characters: a generated secret has more, a word that somebody thought of has fewer
_PREFIX: Final = "whsec_"
_SALT: Final = b"emailsminder outgoing webhooks v1"


def secret_of(master: str, owner: str, generation: int) -> str:
    """The secret of `owner`, as its receiver is given it: `whsec_` and 32 bytes in base64.

    It is HKDF-SHA256 (RFC 5869) of the master secret. Generations count from 1. Raises ValueError if the master secret
    is too short to be one.
    """
    if len(master) < SHORTEST_MASTER:
        raise ValueError(
            f"has {len(master)} characters: a secret that others follow from has {SHORTEST_MASTER} or more"
        )
    extracted = hmac.digest(_SALT, master.encode(), hashlib.sha256)
    info = f"{owner}\n{generation}".encode()
    return _PREFIX + base64.b64encode(hmac.digest(extracted, info + b"\x01", hashlib.sha256)).decode()


def signing_generations(began_ms: Sequence[int], now_ms: int) -> tuple[int, ...]:
    """The generations that sign now, the newest first. `began_ms` tells of each generation, from 1, when it began.

    A generation signs until OVERLAP_MS after the next one began, also if there was another rotation meanwhile. Raises
    ValueError if there is no generation.
    """
    if not began_ms:
        raise ValueError("an endpoint has one generation at least")
    newest = len(began_ms)
    before = (number for number in range(newest - 1, 0, -1) if now_ms < began_ms[number] + OVERLAP_MS)
    return (newest, *before)


def signed_headers(secrets: Iterable[str], message_id: str, at_s: int, body: bytes) -> dict[str, str]:
    """The headers of a webhook: its id, the time of this try, and a signature under each of `secrets`.

    A receiver that knows any of them can verify it. `message_id` is the same in every try, so that a receiver knows
    what it has had already. `body` is what is sent, byte by byte, in UTF-8.
    """
    at = datetime.fromtimestamp(at_s, UTC)
    signatures = [Webhook(secret).sign(message_id, at, body.decode()) for secret in secrets]
    return {"webhook-id": message_id, "webhook-timestamp": str(at_s), "webhook-signature": " ".join(signatures)}
