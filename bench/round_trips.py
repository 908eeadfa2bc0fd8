"""How many calls of AWS come one after the other: what a user waits for, whatever a call takes.

Each call is held back for some milliseconds and noted. Of calls that overlap, one counts; the others run beside it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any, Final
from unittest.mock import patch
from urllib.parse import parse_qs

from botocore.httpsession import URLLib3Session

HELD_BACK_S: Final = 0.005


@dataclass(frozen=True, slots=True)
class Call:
    """One call: the operation, and when it began and ended, in seconds of a clock that only goes on."""

    operation: str
    began_s: float
    ended_s: float


@dataclass(frozen=True, slots=True)
class Trips:
    """The calls of one run, in the order of their ends."""

    calls: Sequence[Call]

    @property
    def one_after_another(self) -> int:
        """The most calls of which each began after the one before had ended."""
        count, ended_s = 0, 0.0
        for call in self.calls:
            if call.began_s >= ended_s:
                count, ended_s = count + 1, call.ended_s
        return count

    @property
    def operations(self) -> list[str]:
        """The operations, in the order of their ends."""
        return [call.operation for call in self.calls]


@contextmanager
def held_back(by_s: float = HELD_BACK_S) -> Iterator[list[Call]]:
    """The calls that botocore makes meanwhile, of whatever client and thread. Each is held back by so much."""
    calls: list[Call] = []
    send = URLLib3Session.send

    def slowly(session: Any, request: Any) -> Any:
        began_s = monotonic()
        sleep(by_s)
        try:
            return send(session, request)
        finally:
            calls.append(Call(_operation(request), began_s, monotonic()))

    with patch.object(URLLib3Session, "send", slowly):
        yield calls


def shortest(run: Callable[[], object], runs: int = 5, by_s: float = HELD_BACK_S) -> Trips:
    """The trips of the run in which the fewest calls came one after the other. Each call is held back by `by_s`.

    On a busy machine, a thread may begin so late that its call does not overlap another one any more.
    """
    found = []
    for _ in range(runs):
        with held_back(by_s) as calls:
            run()
        found.append(Trips(calls))
    return min(found, key=lambda trips: trips.one_after_another)


def _operation(request: Any) -> str:
    """The name of the operation: in a header of DynamoDB's protocol, in the form of SNS's."""
    target = request.headers.get("X-Amz-Target", b"")
    if target:
        return (target.decode() if isinstance(target, bytes) else str(target)).rpartition(".")[2]
    body = request.body.decode() if isinstance(request.body, bytes) else str(request.body)
    return parse_qs(body).get("Action", ["?"])[0]
