"""Builds the sweep. It calls no provider, so this module loads no HTTP client and no provider."""

import time
from collections.abc import Callable
from functools import cache, partial

from app.delivery.monitor import Monitor
from app.delivery.ports import Clock, CursorStore, HeadStore, HealthStore
from app.delivery.queue_ports import PublishMany
from app.delivery.sweep import Sweep
from app.delivery.wake import Wake
from app.delivery.watchdog import Watchdog
from app.settings import Settings
from app.store import tables
from app.store.cursors import Cursors
from app.store.heads import Heads
from app.store.health import Healths
from app.store.partitions import Partitions
from app.topic import Topic
from app.wiring import aws, own_api


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
) -> Sweep:
    """The sweep over all shards that there are. `answers` says whether our own API answers."""
    shards = partitions.shards
    watchdog = Watchdog(healths, heads, monitor, clock, partitions.created, answers)
    return Sweep(heads, cursors, publish_many, clock, shards, watchdog, Wake(heads, monitor, clock, shards))


@cache
def sweep() -> Sweep:
    """The sweep of a deployed process. It needs no secret, and its role may read none."""
    session, settings = aws.deployed()
    tables.connect(settings.table_prefix, settings.aws_region, settings.aws_endpoint_url)
    topic = Topic(aws.client(session, settings, "sns"), settings.topic_arn)
    healths = Healths()
    monitor = Monitor(healths, settings.providers, time.time)
    answers = look_at_own_api(settings)
    partitions = Partitions(time.time, shards=settings.shards)
    return build_sweep(Heads(), Cursors(), topic.publish_many, time.time, monitor, healths, partitions, answers)
