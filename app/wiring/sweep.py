"""Builds the sweep. It calls no provider, so this module loads no HTTP client and no provider."""

import time
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from types import MappingProxyType
from typing import Final

from app.delivery.monitor import Monitor
from app.delivery.ports import Clock, CursorStore, HeadStore, HealthStore
from app.delivery.queue_ports import PublishMany
from app.delivery.sweep import Sweep
from app.delivery.wake import Wake
from app.delivery.watchdog import Watchdog
from app.notification_queue import NotificationTopic
from app.notify.notification import Notification
from app.notify.ports import PublishNotifications
from app.notify.send_waiting import SendWaiting
from app.settings import Settings
from app.store import tables
from app.store.cursors import Cursors
from app.store.heads import Heads
from app.store.health import Healths
from app.store.partitions import Partitions
from app.store.waiting_notifications import WaitingNotifications
from app.topic import Topic
from app.wiring import aws, own_api
from app.wiring.stats import build_count

NOTHING_ELSE: Final[Mapping[str, Callable[[float], object]]] = MappingProxyType({})


def always() -> bool:
    """True: where API_URL is not set, our own API is taken to answer."""
    return True


def look_at_own_api(settings: Settings) -> Callable[[], bool]:
    """A function that says whether our own API answers at API_URL. Without that setting, it is taken to answer."""
    return partial(own_api.answers, settings.api_url) if settings.api_url else always


def build_sweep(
    heads: HeadStore,
    cursors: CursorStore,
    publish_many: PublishMany,
    clock: Clock,
    monitor: Monitor,
    healths: HealthStore,
    partitions: Partitions,
    answers: Callable[[], bool] = always,
    others: Mapping[str, Callable[[float], object]] = NOTHING_ELSE,
) -> Sweep:
    """The sweep over all shards that there are. `answers` says whether our own API answers.

    `others` is what it does last (`notification_jobs`), before it counts for the statistics.
    """
    shards = partitions.shards
    watchdog = Watchdog(healths, heads, monitor, clock, partitions.created, answers)
    wake = Wake(heads, monitor, clock, shards)
    jobs: dict[str, Callable[[float], object]] = {**others, "count": build_count(partitions, clock)}
    return Sweep(heads, cursors, publish_many, clock, shards, watchdog, wake, jobs)


def notification_jobs(
    settings: Settings, publish: PublishNotifications, clock: Clock, shards: Iterable[int]
) -> dict[str, Callable[[float], object]]:
    """What the sweep does for notifications, each with the time that is left in seconds. Needs the tables."""
    waiting = WaitingNotifications(settings.shards, Notification.from_json)
    return {"waiting": SendWaiting(waiting, publish, clock, shards)}


@cache
def sweep() -> Sweep:
    """The sweep of a deployed process. It needs no secret, and its role may read none."""
    session, settings = aws.deployed()
    tables.connect(settings.table_prefix, settings.aws_region, settings.aws_endpoint_url)
    sns = aws.client(session, settings, "sns")
    topic = Topic(sns, settings.topic_arn)
    healths = Healths()
    monitor = Monitor(healths, settings.providers, time.time)
    answers = look_at_own_api(settings)
    partitions = Partitions(time.time, shards=settings.shards)
    others = NOTHING_ELSE
    if settings.notifications_topic_arn:
        notifications = NotificationTopic(lambda: sns, settings.notifications_topic_arn)
        others = notification_jobs(settings, notifications.publish_many, time.time, partitions.shards)
    publish_many = topic.publish_many
    return build_sweep(Heads(), Cursors(), publish_many, time.time, monitor, healths, partitions, answers, others)
