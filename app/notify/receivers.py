"""Who gets a change: the endpoints of its project that want it, and the `webhook_url` of its email."""

from collections.abc import Iterable, Iterator

from app.domain.change_payload import payload_of
from app.domain.changes import EmailChange
from app.domain.endpoint import Endpoint
from app.notify.notification import DEFAULT_ENDPOINT, Notification, as_json


def notifications_of(
    change: EmailChange, endpoints: Iterable[Endpoint], webhook_url: str, now_ms: int
) -> Iterator[Notification]:
    """A notification for each receiver of a change. `endpoints` are those of its project, whatever they want.

    `webhook_url` is the email's own ("": it has none), which gets everything.
    """
    wanting = [(one.id, "") for one in endpoints if one.id != DEFAULT_ENDPOINT and one.wants(change.type)]
    own = [(DEFAULT_ENDPOINT, webhook_url)] if webhook_url else []
    if not wanting and not own:
        return
    body = as_json(payload_of(change))
    for endpoint_id, url in (*wanting, *own):
        yield Notification(
            event_id=change.id,
            type=change.type,
            project=change.project,
            endpoint_id=endpoint_id,
            body=body,
            published_ms=now_ms,
            url=url,
            email_id=change.email_id,
        )
