"""What decides about an email beside itself, gathered for one attempt or one explanation."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from app.delivery.monitor import Monitor
from app.delivery.ports import Clock, CollapseStore
from app.domain.head import Head, Status
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
        queued = [key for key, recipient in head.recipients.items() if recipient.status is Status.QUEUED]
        now_ms = int(self.clock() * 1000)
        return Circumstances(
            route=self.route(head.email_id, head.providers, queued),
            suppressed=frozenset() if head.override_suppression else self.suppressions.among(queued, now_ms),
            superseded=bool(head.collapse_scope) and self._is_superseded(head),
            silent=frozenset(name for name, health in self.monitor.healths().items() if health.silent),
        )

    def _is_superseded(self, head: Head) -> bool:
        newest = self.collapses.newest(head.collapse_scope)
        return newest is not None and newest != head.email_id  # none: its accept died before it said so

    def route(self, email_id: str, restrict: Iterable[str], addresses: Iterable[str]) -> tuple[Standing, ...]:
        """Every provider in the order in which it would be tried for these addresses, and where it stands."""
        return route(
            self.routing,
            self.monitor.healths(),
            self.monitor.sent_today(),
            email_id=email_id,
            restrict=tuple(restrict),
            domains=frozenset(address.rpartition("@")[2].lower() for address in addresses),
            now_ms=int(self.clock() * 1000),
        )
