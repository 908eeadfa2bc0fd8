"""Reads the log of deliveries."""

from dataclasses import dataclass
from typing import Final

from app.domain.endpoint import Endpoint
from app.domain.tried import Tried
from app.notify.ports import DeliveryLog

MOST_READS: Final = 20  # of the log for one page, if few of its tries are wanted


def is_taken(tried: Tried) -> bool:
    """Whether the receiver has taken the webhook."""
    return tried.status_code is not None and 200 <= tried.status_code < 300


@dataclass(frozen=True, slots=True)
class ReadDeliveries:
    """Reads what became of the tries to post notifications to an endpoint."""

    log: DeliveryLog

    def __call__(
        self, endpoint: Endpoint, before: str | None, limit: int, *, only_failed: bool
    ) -> tuple[list[Tried], str | None]:
        """At most `limit` tries, the newest first, and the cursor to go on with (None: there are no more).

        There may be fewer although there are more. Raises ValueError if `before` is no cursor of the log.
        """
        found: list[Tried] = []
        for _ in range(MOST_READS):
            tries, before = self.log.read(endpoint.project, endpoint.id, before, limit - len(found))
            found += [one for one in tries if not (only_failed and is_taken(one))]
            if before is None or len(found) == limit:
                break
        return found, before
