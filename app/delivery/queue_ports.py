"""What the use cases need of the processing queue."""

from collections.abc import Sequence
from typing import Protocol

from app.domain.lane import Lane

Asked = tuple[str, int, Lane]
"""(email id, number, lane of the email): what a message asks for."""


class Publish(Protocol):
    """Publishes to the processing queue."""

    def __call__(self, email_id: str, attempt: int, lane: Lane) -> None:
        """Publish attempt number `attempt` in the email's lane. Raises ServiceUnavailable if it is not taken."""


class PublishMany(Protocol):
    """Publishes many messages to the processing queue by few calls."""

    def __call__(self, attempts: Sequence[Asked]) -> Sequence[tuple[str, str]]:
        """Publish these attempts, each in its email's lane, and what is urgent first.

        Returns the ids of the emails whose message the topic did not take, each with the reason. Never raises for it.
        """


class PublishLater(Protocol):
    """Publishes to the processing queue with a delay."""

    def __call__(self, email_id: str, attempt: int, at_ms: int, lane: Lane) -> None:
        """Publish attempt number `attempt` so that it comes at `at_ms`. Raises ServiceUnavailable if that fails."""
