"""Publishing one by one, where a test looks at each message."""

from collections.abc import Sequence

from app.delivery.ports import Publish, PublishMany
from app.errors import ServiceUnavailable


def one_by_one(publish: Publish) -> PublishMany:
    """Publishes many messages by as many calls of `publish`."""

    def publish_many(attempts: Sequence[tuple[str, int]]) -> Sequence[tuple[str, str]]:
        refused: list[tuple[str, str]] = []
        for email_id, attempt in attempts:
            try:
                publish(email_id, attempt)
            except ServiceUnavailable as error:
                refused.append((email_id, error.detail))
        return refused

    return publish_many
