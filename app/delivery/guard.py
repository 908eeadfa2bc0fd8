"""The runaway guard: slows an API key that sends far more than it usually does, or the same email again and again."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from app.delivery.ports import Clock
from app.domain.head import Head
from app.domain.runaway import ALWAYS, HOUR_S, MEDIAN_OF_HOURS, SAME, left_of_hour_s, most_an_hour
from app.errors import Runaway
from app.faults import log_fault

log = logging.getLogger(__name__)

NAMED_BY: Final = 12  # characters of a fingerprint that name an email among those of one key and hour
# An item of an hour counts so many emails that came again; beyond, only those that this process has seen ten times.
COUNTED: Final = 100
OFTEN: Final = 10
REMEMBERED: Final = 20_000  # different emails of all keys that a process remembers of an hour


class HourStore(Protocol):
    """Counts what keys send by the hour."""

    def count_hour(
        self, key_id: str, hour: int, count: int, most: int, same: Mapping[str, int], now_s: float
    ) -> Mapping[str, int] | None:
        """Count emails, and how many of them are the `same` as others. None: there would be more than `most`."""

    def hours(self, key_id: str, first: int, last: int) -> Iterable[int]:
        """How many emails were counted in each of these hours that has a count."""


@dataclass(slots=True)
class _Hour:
    """What this process knows of one key in one hour."""

    most: int = ALWAYS
    has_read_history: bool = False
    own: Counter[str] = field(default_factory=Counter)  # seen here and not counted in the store yet
    shared: dict[str, int] = field(default_factory=dict)  # as counted in the store

    def seen(self, name: str) -> int:
        return self.shared.get(name, 0) + self.own[name]

    def to_count(self, names: Iterable[str]) -> dict[str, int]:
        """What the store is to be told: an email that came once is nothing to tell, unless others have told of it."""
        enough = 2 if len(self.shared) < COUNTED else OFTEN
        return {
            name: self.own[name]
            for name in names
            if self.own[name] and (name in self.shared or self.own[name] >= enough)
        }


@dataclass(frozen=True)
class RunawayGuard:
    """Counts each email of a key before it is stored, by one small write a call.

    A store that does not answer lets everything pass. An email that this process sees for the first time is told to the
    others when it comes again; so one that comes through several processes may pass once more for each.
    """

    store: HourStore
    clock: Clock
    _known: dict[tuple[str, int], _Hour] = field(default_factory=dict, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def __call__(self, heads: Sequence[Head], key_id: str) -> list[Exception | None]:
        """Count these emails of a key. Returns for each why it must wait, or None."""
        now_s = self.clock()
        hour = int(now_s // HOUR_S)
        names = [head.fingerprint[:NAMED_BY] for head in heads]
        with self._lock:
            known = self._hour(key_id, hour)
            passes = [_note(known, name) for name in names]
            to_add = known.to_count(dict.fromkeys(name for name, one in zip(names, passes, strict=True) if one))
            known.own.subtract(to_add)
        count = sum(passes)
        try:
            shared = self._count(known, key_id, hour, count, to_add, now_s) if count else known.shared
        except (BotoCoreError, ClientError, PynamoDBException) as error:
            log_fault(log, "runaway guard not counted", error, logging.WARNING, key_id=key_id[:12])
            with self._lock:
                known.own.update(to_add)
            return [None] * len(heads)
        wait_s = left_of_hour_s(now_s)
        if shared is None:
            _alarm(key_id, "hour", len(heads))
            why = f"this API key may send {known.most:,} emails in this hour, which is far more than it usually does"
            return [Runaway(why, wait_s) for _ in heads]
        with self._lock:
            known.shared = {**known.shared, **shared}
            over = Counter({name: known.seen(name) - SAME for name in set(names)})
        answers: list[Exception | None] = []
        for name, one in reversed(list(zip(names, passes, strict=True))):  # the last ones are too many
            is_too_many = not one or over[name] > 0
            over[name] -= one
            why = f"this API key has sent this same email to the same recipients {SAME} times in this hour"
            answers.append(Runaway(why, wait_s) if is_too_many else None)
        if refused := sum(answer is not None for answer in answers):
            _alarm(key_id, "same", refused)
        return answers[::-1]

    def _hour(self, key_id: str, hour: int) -> _Hour:
        if (key_id, hour) not in self._known:
            for other in [one for one in self._known if one[1] != hour]:
                del self._known[other]
        elif sum(len(one.own) for one in self._known.values()) > REMEMBERED:
            for one in self._known.values():  # those of a key that is quiet now would keep the memory full
                one.own.clear()
        return self._known.setdefault((key_id, hour), _Hour())

    def _count(
        self, known: _Hour, key_id: str, hour: int, count: int, to_add: Mapping[str, int], now_s: float
    ) -> Mapping[str, int] | None:
        shared = self.store.count_hour(key_id, hour, count, known.most, to_add, now_s)
        if shared is None and not known.has_read_history:
            known.most = most_an_hour(self.store.hours(key_id, hour - MEDIAN_OF_HOURS, hour - 1))
            known.has_read_history = True
            if known.most > ALWAYS:
                shared = self.store.count_hour(key_id, hour, count, known.most, to_add, now_s)
        return shared


def _note(known: _Hour, name: str) -> bool:
    """Note that this email comes. Returns False if it surely came too often; then it is not counted any more."""
    if known.seen(name) >= SAME:
        return False
    known.own[name] += 1
    return True


def _alarm(key_id: str, rule: str, refused: int) -> None:
    log.error("runaway", extra={"key_id": key_id[:12], "rule": rule, "refused": refused})
