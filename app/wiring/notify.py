"""Builds what the API and the command line need of endpoints, of the feed, and of the log of deliveries.

Most processes register no endpoint, so that what makes calls and secrets is loaded when it is first needed.
"""

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Final

from botocore.session import Session

from app.domain.freshness import Clock
from app.errors import ServiceUnavailable
from app.notification_queue import NotificationTopic
from app.notify.endpoints import ManageEndpoints
from app.notify.feed import Entry, FeedPage, ReadChanges
from app.notify.notification import Notification
from app.notify.ports import PublishNotifications
from app.notify.read_deliveries import ReadDeliveries
from app.notify.replay import Replay, SendTest
from app.settings import Settings
from app.store.change_feed import ChangeFeed, FeedPosition
from app.store.delivery_log import DeliveryLog
from app.store.endpoints import Endpoints
from app.store.partitions import Partitions
from app.wiring import aws

LOOKED_UP_WITHIN_S: Final = 5.0  # the host of a new endpoint
NO_TOPIC: Final = "NOTIFICATIONS_TOPIC_ARN is not set here, so that nothing can be sent to endpoints"
NO_SECRET: Final = (
    "WEBHOOK_SECRET is not set here, and the secrets of endpoints follow from it: set it, and start again"  # noqa: S105 because it is a sentence
)

Lookup = Callable[[str, int], Sequence[str]]


@dataclass(frozen=True)
class Notify:
    """What an application is told, and how. `feed` reads a page of it for a caller."""

    endpoints: ManageEndpoints
    feed: ReadChanges
    replay: Replay
    send_test: SendTest
    deliveries: ReadDeliveries


def publish_nothing(some: Sequence[Notification]) -> list[tuple[Notification, str]]:
    """Take no notification: there is no topic."""
    return [(one, NO_TOPIC) for one in some]


def publishing(session: Session, settings: Settings) -> PublishNotifications:
    """How notifications are published. The client of AWS is made when it is first needed."""
    if not settings.notifications_topic_arn:
        return publish_nothing
    sns = cache(partial(aws.client, session, settings, "sns"))
    return NotificationTopic(sns, settings.notifications_topic_arn).publish_many


def build_notify(
    settings: Settings,
    clock: Clock,
    partitions: Partitions,
    publish: PublishNotifications,
    *,
    is_local: bool,
    lookup: Lookup | None = None,
) -> Notify:
    """The use cases. `is_local` lets endpoints be on this machine. `lookup` finds the addresses of a host."""
    read = _Feed(ChangeFeed(clock, settings.shards), partitions)
    return Notify(
        endpoints=ManageEndpoints(
            Endpoints(clock),
            partial(_check, is_local=is_local, lookup=lookup),
            partial(_secret, settings.webhook_secret),
            clock,
        ),
        feed=ReadChanges(read, lambda: partitions.known().projects),
        replay=Replay(read, publish, clock),
        send_test=SendTest(publish, clock),
        deliveries=ReadDeliveries(DeliveryLog(clock)),
    )


@dataclass(frozen=True)
class _Feed:
    """Reads the feed, of as many shards as any process has written to."""

    feed: ChangeFeed
    partitions: Partitions

    def __call__(
        self,
        projects: Sequence[str],
        after: str | None,
        limit: int,
        wanted: Callable[[Entry], bool] | None = None,
        *,
        from_ms: int | None = None,
        until_ms: int | None = None,
    ) -> FeedPage:
        """A page, as `app.notify.feed.ReadFeed` describes it."""
        position = FeedPosition.read(after) if after is not None else None
        if position is None and from_ms is not None:
            position = FeedPosition.at(from_ms)
        shards = self.partitions.known().shards
        page = self.feed.read(projects, position, limit, wanted, shards, until_ms)
        return FeedPage(page.entries, str(page.after), page.is_last)


def _check(url: str, *, is_local: bool, lookup: Lookup | None) -> None:
    """Raise ValueError, which says why, if this URL may not be called, as it is written or where it leads now."""
    # This is imported here and not at the top, because it loads a client of HTTP.
    from app.outgoing.network import look_up
    from app.outgoing.post import Poster

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # no call is made, so that no certificates need be loaded
    Poster(is_local=is_local, ssl_context=context, lookup=lookup or look_up, timeout_s=LOOKED_UP_WITHIN_S).check(url)


def _secret(master: str, owner: str, generation: int) -> str:
    """The secret of a generation. Raises ServiceUnavailable if there is nothing from which it follows."""
    if not master:
        raise ServiceUnavailable(NO_SECRET)
    from app.outgoing.signing import secret_of

    return secret_of(master, owner, generation)
