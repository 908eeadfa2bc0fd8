"""The memory of a provider that knows idempotency keys: its answers to the calls that it has accepted."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from app.local.simulator.dialect import Refused, Repeated, Reply

KEYS: Final = 10_000  # how many of the newest keys are remembered


class Answers:
    """The answers to accepted calls, by idempotency key. They are kept in memory."""

    def __init__(
        self, conflict: Reply, known_for_s: float, limit: int = KEYS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`conflict` is the answer to a call whose key was used with another body. Keys are known for `known_for_s`."""
        self._known_for_s = known_for_s
        self._clock = clock
        self._conflict = conflict
        self._limit = limit
        self._known: OrderedDict[str, tuple[bytes, Reply, float]] = OrderedDict()

    def check(self, key: str, body: bytes) -> None:
        """Check a new call. Returns if no call with this key was accepted.

        Raises Repeated if one with the same body was accepted, Refused if one with another body was.
        """
        if key in self._known:
            digest, reply, kept_at_s = self._known[key]
            if self._clock() - kept_at_s > self._known_for_s:
                del self._known[key]
                return
            raise Repeated(reply) if digest == _digest(body) else Refused(self._conflict)

    def keep(self, key: str, body: bytes, reply: Reply) -> None:
        """Remember the answer to an accepted call. If there are too many, the oldest answer is forgotten."""
        self._known[key] = (_digest(body), reply, self._clock())
        if len(self._known) > self._limit:
            self._known.popitem(last=False)


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()
