"""What a provider that knows idempotency keys remembers of its calls."""

import hashlib
from collections import OrderedDict
from typing import Final

from app.local.simulator.dialect import Refused, Repeated, Reply

KEYS: Final = 10_000  # the newest ones are remembered; a real provider forgets by age


class Answers:
    """The answer to the accepted call of each key, in memory."""

    def __init__(self, conflict: Reply, limit: int = KEYS) -> None:
        """`conflict` is the answer to a key that comes again with another body."""
        self._conflict = conflict
        self._limit = limit
        self._known: OrderedDict[str, tuple[bytes, Reply]] = OrderedDict()

    def check(self, key: str, body: bytes) -> None:
        """Raises Repeated if a call of this key and body was accepted, Refused if one of this key and another body."""
        if key in self._known:
            digest, reply = self._known[key]
            raise Repeated(reply) if digest == _digest(body) else Refused(self._conflict)

    def keep(self, key: str, body: bytes, reply: Reply) -> None:
        """Remember an answer; the oldest one makes room."""
        self._known[key] = (_digest(body), reply)
        if len(self._known) > self._limit:
            self._known.popitem(last=False)


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()
