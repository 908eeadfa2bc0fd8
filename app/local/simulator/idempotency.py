"""The memory of a provider that knows idempotency keys: its answers to the calls that it has accepted."""

import hashlib
from collections import OrderedDict
from typing import Final

from app.local.simulator.dialect import Refused, Repeated, Reply

KEYS: Final = 10_000  # how many of the newest keys are remembered; a real provider forgets keys by age


class Answers:
    """The answers to accepted calls, by idempotency key. They are kept in memory."""

    def __init__(self, conflict: Reply, limit: int = KEYS) -> None:
        """`conflict` is the answer to a call whose key was used with another body."""
        self._conflict = conflict
        self._limit = limit
        self._known: OrderedDict[str, tuple[bytes, Reply]] = OrderedDict()

    def check(self, key: str, body: bytes) -> None:
        """Check a new call. Returns if no call with this key was accepted.

        Raises Repeated if one with the same body was accepted, Refused if one with another body was.
        """
        if key in self._known:
            digest, reply = self._known[key]
            raise Repeated(reply) if digest == _digest(body) else Refused(self._conflict)

    def keep(self, key: str, body: bytes, reply: Reply) -> None:
        """Remember the answer to an accepted call. If there are too many, the oldest answer is forgotten."""
        self._known[key] = (_digest(body), reply)
        if len(self._known) > self._limit:
            self._known.popitem(last=False)


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()
