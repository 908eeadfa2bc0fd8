"""What decides about an email beside itself, gathered for one attempt or one explanation."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from app.delivery.monitor import Monitor
from app.delivery.ports import Clock, CollapseStore
from app.domain.head import OPEN, Head
from app.domain.health import Health
from app.domain.standing import Circumstances, Routing, Standing, route


class SuppressionLookup(Protocol):
    """Addresses that are not to be sent to."""

    def among(self, addresses: Iterable[str], now_ms: int) -> frozenset[str]:
        """Those that are suppressed."""


@dataclass(frozen=True)
class Surveyor:
    """Reads health through the monitor's cache; suppressions and collapse keys strongly enough to be obeyed."""

    monitor: Monitor
    routing: Routing
    suppressions: SuppressionLookup
    collapses: CollapseStore
    clock: Clock

    def __call__(self, head: Head) -> Circumstances:
        """The circumstances of an email right now."""
        # Not only of those who are queued: an ended lease or wait, or a webhook that comes in between, queues others.
        people = [key for key, recipient in head.recipients.items() if recipient.status in OPEN]
        now_ms = int(self.clock() * 1000)
        healths = self.monitor.healths()
        return Circumstances(
            route=self._route(healths, head.email_id, head.providers, people),
            suppressed=frozenset() if head.override_suppression else self.suppressions.among(people, now_ms),
            superseded=bool(head.collapse_scope) and self._is_superseded(head),
            silent=frozenset(name for name, health in healths.items() if health.silent),
        )

    def route(self, email_id: str, restrict: Iterable[str], addresses: Iterable[str]) -> tuple[Standing, ...]:
        """Every provider in the order in which it would be tried for these addresses, and where it stands."""
        return self._route(self.monitor.healths(), email_id, restrict, addresses)

    def _route(
        self, healths: Mapping[str, Health], email_id: str, restrict: Iterable[str], addresses: Iterable[str]
    ) -> tuple[Standing, ...]:
        return route(
            self.routing,
            healths,
            self.monitor.sent_today(),
            email_id=email_id,
            restrict=tuple(restrict),
            domains=frozenset(address.rpartition("@")[2].lower() for address in addresses),
            now_ms=int(self.clock() * 1000),
        )

    def _is_superseded(self, head: Head) -> bool:
        """Is there a newer one? One whose accept died before it said so may be newer than what is known as newest."""
        newest = self.collapses.newest(head.collapse_scope)
        return newest is not None and newest > (head.created_at_ms, head.email_id)
