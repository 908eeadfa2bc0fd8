"""Publishing one by one, where a test looks at each message, and without lanes, where a test has no need of them."""

from collections.abc import Callable, Sequence

from app.delivery.queue_ports import Asked, Publish, PublishMany
from app.domain.lane import Lane
from app.errors import ServiceUnavailable

InNoLane = Callable[[str, int], object]


def each_in_its_lane(publish: Publish) -> PublishMany:
    """Publishes many messages by as many calls of `publish`."""

    def publish_many(attempts: Sequence[Asked]) -> Sequence[tuple[str, str]]:
        refused: list[tuple[str, str]] = []
        for email_id, attempt, lane in attempts:
            try:
                publish(email_id, attempt, lane)
            except ServiceUnavailable as error:
                refused.append((email_id, error.detail))
        return refused

    return publish_many


def one_by_one(publish: InNoLane) -> PublishMany:
    """The same by a `publish` that knows no lanes."""
    return each_in_its_lane(in_no_lane(publish))


def in_no_lane(publish: InNoLane) -> Publish:
    """Publishes what is of any lane by `publish`."""

    def published(email_id: str, attempt: int, lane: Lane) -> None:
        publish(email_id, attempt)

    return published
