"""Keeps notifications until their next try: on the queue if that is soon, and in the table otherwise."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Final

from app.domain.freshness import Clock
from app.faults import log_fault
from app.notify.notification import Notification
from app.notify.ports import DelayNotifications, WaitingNotifications
from app.notify.tries import fields_of

log = logging.getLogger(__name__)

DELAYED_UP_TO_MS: Final = 900_000  # the queue keeps nothing for longer (SQS API reference, DelaySeconds, 2026-11-30)


@dataclass(frozen=True)
class NextTries:
    """Keeps notifications on the queue or in the table.

    What the queue does not take, the table keeps, and the sweep publishes it up to a minute later.
    """

    publish_later: DelayNotifications
    waiting: WaitingNotifications
    clock: Clock

    def keep(self, due: Sequence[tuple[Notification, int]]) -> list[bool]:
        """Keep each notification until it is due, in epoch ms. Returns for each whether it is kept; logs which is not.

        All of them are kept by few calls: while a receiver fails, nearly everything comes here.
        """
        now_ms = int(self.clock() * 1000)
        soon = [number for number, (_, due_ms) in enumerate(due) if due_ms - now_ms <= DELAYED_UP_TO_MS]
        delayed = [(due[number][0], max(0, -(-(due[number][1] - now_ms) // 1000))) for number in soon]
        refused = dict(self.publish_later(delayed)) if delayed else {}
        for index, reason in refused.items():
            log.warning("notification not delayed", extra={**fields_of(delayed[index][0]), "reason": reason})
        taken = {number for index, number in enumerate(soon) if index not in refused}
        to_store = [number for number in range(len(due)) if number not in taken]
        stored = dict(zip(to_store, self._store([due[number] for number in to_store]), strict=True))
        return [number in taken or stored[number] for number in range(len(due))]

    def _store(self, due: Sequence[tuple[Notification, int]]) -> list[bool]:
        if not due:
            return []
        try:
            self.waiting.put_all(due)
        except Exception as error:  # noqa: BLE001 because whatever it was, the others are kept
            if len(due) > 1:  # some may be stored: to store them again changes nothing
                return self._store_each(due)
            log_fault(log, "next try not kept", error, **fields_of(due[0][0]))
            return [False]
        return [True] * len(due)

    def _store_each(self, due: Sequence[tuple[Notification, int]]) -> list[bool]:
        """Store each by itself, at the same time: each may take as long as all have taken together."""
        with ThreadPoolExecutor(len(due), thread_name_prefix="next-tries") as pool:
            begun = [pool.submit(copy_context().run, self._store, [one]) for one in due]
            return [is_kept for one in begun for is_kept in one.result()]
