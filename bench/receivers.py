"""`make receivers`: how fast a receiver that is well gets its webhooks beside three that are not, as a ratio to alone.

    python -m bench.receivers [--emails 10000] [--rate 25] [--concurrency 10]
    python -m bench.receivers --local [--emails 10000] [--rate 10] [--pairs 2]

Each email is told to every receiver: one is well, one hangs, one answers 500 and one vanishes. The worker's entry point
runs as Lambda would run it: so many processes, each with one batch of ten at a time and a gate of its own, over the AWS
emulator's tables. All of it shares this process and its receivers are on loopback, so read the ratios: of the time that
the well one's last webhook took, and of how long a webhook took to come. What is not taken comes again: one email is a
dozen messages after five minutes, so at 50 emails a second, two busy cores have no time left. Nothing is asserted.
With `--local`, an installation on this machine tells, and its sending is measured, too (`bench.local_receivers`).
"""

import argparse
import heapq
import logging
import os
import ssl
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from statistics import median, quantiles
from threading import Condition, Thread
from time import monotonic, sleep, time
from typing import Any, Final

from app.domain.endpoint import Endpoint
from app.local.invocation import Context
from app.notify.deliver import Deliver
from app.notify.notification import Notification
from app.outgoing.post import Poster
from app.store import tables
from app.store.delivery_log import DeliveryLog
from app.store.endpoints import Endpoints
from app.store.waiting_notifications import WaitingNotifications
from app.wiring.deliveries import sign
from bench import local_receivers
from bench.backends import emulator
from bench.receiver_servers import ILL, WELL, Receivers
from workers.deliveries import handle

BATCH: Final = 10
INVOCATION_S: Final = 60.0
LEARNED_S: Final = 15.0  # a call that is never answered takes ten
LAST_WITHIN_S: Final = 120.0
SHARDS: Final = 4


@dataclass
class Queue:
    """The queue, and what is to come later, in this process."""

    _messages: list[tuple[float, int, str]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)
    _changed: Condition = field(default_factory=Condition)
    _is_closed: bool = False

    def put(self, notification: Notification, delay_s: float = 0) -> None:
        """Publish a notification that comes after so many seconds."""
        with self._changed:
            heapq.heappush(self._messages, (monotonic() + delay_s, next(self._numbers), notification.to_json()))
            self._changed.notify()

    def delay_all(self, delayed: Sequence[tuple[Notification, int]]) -> list[tuple[int, str]]:
        """Publish notifications, each so that it comes after so many seconds."""
        for notification, delay_s in delayed:
            self.put(notification, delay_s)
        return []

    def take(self) -> list[str]:
        """Up to a batch of messages; none when the queue is closed."""
        with self._changed:
            while not self._is_closed:
                taken: list[str] = []
                while self._messages and self._messages[0][0] <= monotonic() and len(taken) < BATCH:
                    taken.append(heapq.heappop(self._messages)[2])
                if taken:
                    return taken
                next_s = self._messages[0][0] - monotonic() if self._messages else 1.0
                self._changed.wait(max(0.001, next_s))
            return []

    def close(self) -> None:
        """Let nobody wait for it any more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()


def run_function(queue: Queue, deliver: Deliver) -> None:
    """One process of the function, which has one batch at a time."""
    while taken := queue.take():
        records = [{"messageId": str(number), "body": body} for number, body in enumerate(taken)]
        answer = handle(deliver, {"Records": records}, Context("deliveries", timeout_s=INVOCATION_S))
        for one in answer["batchItemFailures"]:
            queue.put(Notification.from_json(taken[int(one["itemIdentifier"])]), INVOCATION_S)


@contextmanager
def function(queue: Queue, concurrency: int) -> Iterator[None]:
    """The function, as many processes of it as may run at once, each knowing nothing of the others."""
    poster = Poster(is_local=True, ssl_context=ssl.create_default_context())
    processes = [
        Deliver(
            endpoints=Endpoints(time),
            sign=partial(sign, "b" * 32),
            post=poster.post,
            publish_later=queue.delay_all,
            waiting=WaitingNotifications(SHARDS, Notification.from_json),
            deliveries=DeliveryLog(time),
            clock=time,
        )
        for _ in range(concurrency)
    ]
    threads = [Thread(target=run_function, args=(queue, deliver)) for deliver in processes]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        queue.close()
        for thread in threads:
            thread.join()
        for deliver in processes:
            deliver.close()


@dataclass(frozen=True)
class Measured:
    """How long each of the well one's webhooks took, and how many came a second.

    `later_s` are those that were published when it was known who fails: after LEARNED_S.
    """

    took_s: list[float]
    later_s: list[float]
    per_second: float
    calls: dict[str, int]

    def __str__(self) -> str:
        calls = ", ".join(f"{name} {number:,}" for name, number in self.calls.items() if number)
        return (
            f"{self.per_second:.1f} a second; {_times(self.took_s)};"
            f" after {LEARNED_S:g} s: {_times(self.later_s)}; calls: {calls}"
        )


def _times(took_s: list[float]) -> str:
    return f"median {median(took_s) * 1000:,.0f} ms, p95 {quantiles(took_s, n=20)[-1]:.2f} s, most {max(took_s):.1f} s"


def measure(project: str, names: tuple[str, ...], emails: int, rate: float, concurrency: int) -> Measured:
    """Tell of so many emails, at that rate a second, to these receivers."""
    receivers, queue, endpoints = Receivers(), Queue(), Endpoints(time)
    for name in names:
        endpoints.put(Endpoint(name, project, receivers.urls[name], 0, (0,)))
    published_s: dict[str, float] = {}
    body = '{"type":"email.delivered","data":{"text":"' + 400 * "x" + '"}}'
    try:
        with function(queue, concurrency):
            began_s = monotonic()
            for number in range(emails):
                sleep(max(0.0, began_s + number / rate - monotonic()))
                event_id = f"evt_{project}_{number}"
                published_s[event_id] = monotonic()
                for name in names:
                    fields: dict[str, Any] = {"email_id": f"eml_{number}", "published_ms": int(time() * 1000)}
                    queue.put(Notification(event_id, "email.delivered", project, name, body, **fields))
            deadline_s = monotonic() + LAST_WITHIN_S
            while len(receivers.arrived_s) < emails and monotonic() < deadline_s:
                sleep(0.05)
            arrived_s = dict(receivers.arrived_s)
    finally:
        receivers.close()
    if len(arrived_s) < emails:
        raise RuntimeError(f"{len(arrived_s)} of {emails} webhooks came within {LAST_WITHIN_S:g} s of the last email")
    took_s = {event_id: arrived_s[event_id] - at_s for event_id, at_s in published_s.items()}
    later_s = [took_s[event_id] for event_id, at_s in published_s.items() if at_s > began_s + LEARNED_S]
    return Measured(list(took_s.values()), later_s, emails / (max(arrived_s.values()) - began_s), dict(receivers.calls))


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.receivers")
    parser.add_argument("--emails", type=int, default=10_000)
    parser.add_argument("--rate", type=float, help="emails a second; 25, with --local 10")
    parser.add_argument("--concurrency", type=int, default=10, help="processes of the function")
    parser.add_argument("--local", action="store_true", help="an installation on this machine, and its sending")
    parser.add_argument("--pairs", type=int, default=2, help="with --local: how often each way, in turns")
    options = parser.parse_args()
    rate = options.rate or (10 if options.local else 25)
    logging.disable()  # of each call, the product writes a line
    if options.local:
        alone, beside = local_receivers.compare(options.emails, rate, options.pairs)
        print(f"the well one alone:    {alone}\nbeside the other three: {beside}")
        print(f"ratios, beside to alone: {local_receivers.ratios(alone, beside)}")
    else:
        _queued(options.emails, rate, options.concurrency)
    return 0


def _queued(emails: int, rate: float, concurrency: int) -> None:
    """Measure the worker's entry point, and print."""
    with emulator() as url:
        os.environ.update(AWS_ACCESS_KEY_ID="bench", AWS_SECRET_ACCESS_KEY="bench")  # noqa: S106 because it is none
        tables.connect("bench-", "us-east-1", url)
        tables.create_all()
        numbers = (emails, rate, concurrency)
        measure("warm", (WELL,), int(rate * (LEARNED_S + 2)), rate, concurrency)
        alone = measure("alone", (WELL,), *numbers)
        print(f"the well one alone:    {alone}", flush=True)
        beside = measure("beside", (WELL, *ILL), *numbers)
        print(f"beside the other three: {beside}")
    print(
        f"ratios, beside to alone: webhooks a second {beside.per_second / alone.per_second:.2f}, "
        f"median time {median(beside.took_s) / median(alone.took_s):.2f}, "
        f"after {LEARNED_S:g} s {median(beside.later_s) / median(alone.later_s):.2f}"
    )


if __name__ == "__main__":
    sys.exit(main())
