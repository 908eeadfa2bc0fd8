"""Builds what posts notifications to their receivers. It loads no provider, and no HTTP client but the one below."""

import os
import ssl
import time
from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Final

import certifi

from app import vault
from app.delivery.ports import Clock
from app.errors import ConfigurationError
from app.notification_queue import NotificationDelay
from app.notify.deliver import Deliver
from app.notify.notification import Notification
from app.notify.ports import DelayNotifications, WaitingNotifications
from app.outgoing.post import Poster
from app.outgoing.signing import secret_of, signed_headers, signing_generations
from app.settings import Settings
from app.store import tables, waiting_notifications
from app.store.delivery_log import DeliveryLog
from app.store.endpoints import Endpoints
from app.wiring import aws

SECRET: Final = "WEBHOOK_SECRET"  # noqa: S105 because it is the name of a variable


def sign(
    master: str, owner: str, began_ms: Sequence[int], message_id: str, at_ms: int, body: bytes
) -> Mapping[str, str]:
    """The headers of a webhook, signed with every generation of the owner's secret that signs at that time."""
    secrets = [secret_of(master, owner, generation) for generation in signing_generations(began_ms, at_ms)]
    return signed_headers(secrets, message_id, at_ms // 1000, body)


def build_deliver(
    settings: Settings,
    clock: Clock,
    *,
    is_local: bool,
    publish_later: DelayNotifications,
    waiting: WaitingNotifications | None = None,
    deliveries: DeliveryLog | None = None,
) -> Deliver:
    """What posts notifications, over the tables. `is_local` allows http to this machine.

    `publish_later` keeps what is tried again soon, and `waiting` the rest (None: the table does, as it keeps
    `deliveries`). Certificates are verified with the authorities of certifi, as those of providers are. Raises
    ConfigurationError if no secret is set.
    """
    if not settings.webhook_secret:
        raise ConfigurationError("not set: WEBHOOK_SECRET")
    poster = Poster(is_local=is_local, ssl_context=ssl.create_default_context(cafile=certifi.where()))
    kept = waiting_notifications.WaitingNotifications(settings.shards, Notification.from_json)
    return Deliver(
        endpoints=Endpoints(clock),
        sign=partial(sign, settings.webhook_secret),
        post=poster.post,
        publish_later=publish_later,
        waiting=waiting or kept,
        deliveries=deliveries or DeliveryLog(clock),
        clock=clock,
    )


@cache
def deliver() -> Deliver:
    """That of a deployed process, built once, from the environment and its secret, at the first event."""
    session, settings = aws.deployed()
    if settings.secret_name:
        secrets = vault.read(aws.client(session, settings, "secretsmanager"), settings.secret_name)
        # What is no secret is not read from it, because the sweep would not know it.
        settings = Settings.from_env({SECRET: secrets.get(SECRET, ""), **os.environ})
    tables.connect(settings.table_prefix, settings.aws_region, settings.aws_endpoint_url)
    sqs = aws.client(session, settings, "sqs")  # now, because the first threads would each make one of their own
    queue = NotificationDelay(lambda: sqs, settings.notifications_queue_url)
    return build_deliver(settings, time.time, is_local=False, publish_later=queue.delay_all)
