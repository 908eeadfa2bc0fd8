"""Notifies applications of their emails on this machine: writes the feed and posts webhooks, in threads."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from functools import partial
from typing import Any, Final

from app.local import emulator
from app.local.change_reader import ChangeReader
from app.local.email_stream import SHARD, EmailStream, Record
from app.local.gathered_calls import FeedCalls
from app.local.invocation import Context, LambdaEvent
from app.local.notifications import Notifications, Stored, StoredNotifications
from app.local.queue_poller import LocalQueue
from app.local.waiting_sender import WaitingSender
from app.notify.rebuild import KNOWN_MS, Rebuild, Rebuilt
from app.settings import Settings
from app.store.change_feed import ChangeFeed
from app.store.delivery_log import DeliveryLog
from app.store.endpoints import Endpoints
from app.wiring.changes import build_publish_changes
from app.wiring.deliveries import build_deliver
from app.wiring.rebuild import build_rebuild
from workers import changes, deliveries

BUSY: Final = 8  # emails under way
ACCEPTED_BEFORE_MS: Final = 9 * 86_400_000  # an email that was written is not older, on a laptop

_log = logging.getLogger(__name__)


class Notifier:
    """Threads that read the stream of emails, post webhooks, and post those again that wait."""

    def __init__(
        self,
        env: Mapping[str, str],
        settings: Settings,
        queue: LocalQueue,
        shards: Iterable[int],
        under_way: Callable[[], int],
    ) -> None:
        """`env` is the environment that `environment.deployed` makes, `shards` those of what waits.

        `under_way` says of how many emails attempts are made or wait: telling many at once gives way to them.
        """
        self._stop = threading.Event()
        self._calls = FeedCalls()
        stored = StoredNotifications(settings.shards, self._note_stored, self._calls.put_all)
        deliver = build_deliver(
            settings,
            time.time,
            is_local=True,
            publish_later=stored.delay_all,
            waiting=stored,
            deliveries=DeliveryLog(time.time, self._calls.put_all),
        )
        self._close_deliver = deliver.close
        self._notifications = Notifications(
            partial(deliveries.handle, deliver), stored, lambda: self._reader.passing.opened(), queue.bury_text
        )
        feed = ChangeFeed(time.time, settings.shards, self._calls.put_all, self._calls.get_all)
        self._publish_changes = replace(
            build_publish_changes(settings, time.time, self._notifications.publish), feed=feed
        )
        self._reader = ChangeReader(
            EmailStream(env),
            self._handle,
            bury=lambda arn, record: queue.bury_text(_given_up(arn, record)),
            is_kept=partial(_is_kept, env["AWS_ENDPOINT_URL"]),
            heal=partial(_heal, build_rebuild(settings, time.time, self._notifications.publish)),
            is_busy=lambda: under_way() >= BUSY,
        )
        self._waiting = WaitingSender(stored, self._notifications.post_stored, shards)
        self._threads = [
            threading.Thread(target=self._reader.run, args=(self._stop,), name="changes"),
            threading.Thread(target=self._waiting.run, args=(self._stop,), name="waiting"),
        ]

    def start(self) -> None:
        """Start all threads."""
        self._notifications.start()
        for thread in self._threads:
            thread.start()

    def _handle(self, event: LambdaEvent, context: Context) -> Any:
        """Tell the records of an event to the endpoints as they are now: whoever tries it out has just made one."""
        return changes.handle(replace(self._publish_changes, endpoints=Endpoints(time.time)), event, context)

    def _note_stored(self, one: Stored) -> None:
        self._waiting.keep(one)
        self._notifications.note_stored(one)

    def note_written(self) -> None:
        """An email or an event was written."""
        self._reader.wake()

    def note_waiting(self, at_ms: int) -> None:
        """Another process has stored a notification that is due at this time, in epoch ms."""
        self._waiting.note(at_ms)

    def close(self) -> None:
        """End all threads. What was not posted is posted by the next worker."""
        self._stop.set()
        self._reader.wake()
        self._notifications.close()
        for thread in self._threads:
            thread.join()
        self._waiting.remove_done()
        self._close_deliver()
        self._calls.close()


def _heal(rebuild: Rebuild, from_ms: int, until_ms: int, before_ms: int) -> bool:
    """As `change_reader.Heal` describes it."""
    oldest_ms = max(from_ms - ACCEPTED_BEFORE_MS, int(time.time() * 1000) - KNOWN_MS + ACCEPTED_BEFORE_MS)
    done = Rebuilt()
    for part in rebuild(oldest_ms, until_ms, before_ms, notify=True):
        done += part
    _log.warning("the stream of emails was full; what it missed is told now", extra=asdict(done))
    return not done.left_alone and not done.unpublished


def _is_kept(url: str) -> bool:
    """Whether the emulator keeps what it is given."""
    try:
        return emulator.storage_trouble(url) is None
    except OSError:
        return False


def _given_up(arn: str, record: Record) -> str:
    """What Lambda puts on a dead-letter queue in place of a record of a stream.

    Its form is that of https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html (read 2026-11-30).
    """
    number = record["dynamodb"]["SequenceNumber"]
    info: dict[str, Any] = {
        "shardId": SHARD,
        "startSequenceNumber": number,
        "endSequenceNumber": number,
        "batchSize": 1,
        "streamArn": arn,
    }
    context = {"condition": "RetryAttemptsExhausted", "functionArn": "changes"}
    return json.dumps({"requestContext": context, "version": "1.0", "DDBStreamBatchInfo": info})
