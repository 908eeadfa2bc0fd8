"""Builds what tells of changes. It calls no provider, so this module loads no HTTP client and no provider."""

import time
from functools import cache

from app.domain.freshness import Clock
from app.notification_queue import NotificationTopic
from app.notify.ports import PublishNotifications
from app.notify.publish_changes import PublishChanges
from app.settings import Settings
from app.store import tables
from app.store.change_feed import ChangeFeed
from app.store.endpoints import Endpoints
from app.store.heads import Heads
from app.store.stream_images import read_record
from app.wiring import aws


def build_publish_changes(settings: Settings, clock: Clock, publish: PublishNotifications | None) -> PublishChanges:
    """What tells of changes, over the tables. Without `publish`, the feed is all that is told."""
    return PublishChanges(
        read=read_record,
        heads=Heads(),
        feed=ChangeFeed(clock, settings.shards),
        endpoints=Endpoints(clock),
        publish=publish,
        clock=clock,
    )


@cache
def publish_changes() -> PublishChanges:
    """That of a deployed process. It needs no secret, and its role may read none: who posts has it, and signs."""
    session, settings = aws.deployed()
    retries = tables.FEED_RETRIES
    tables.connect(settings.table_prefix, settings.aws_region, settings.aws_endpoint_url, retries=retries)
    if not settings.notifications_topic_arn:
        return build_publish_changes(settings, time.time, None)
    # Now, because the first threads would each make one of their own.
    sns = aws.client(session, settings, "sns")
    topic = NotificationTopic(lambda: sns, settings.notifications_topic_arn)
    return build_publish_changes(settings, time.time, topic.publish_many)
