"""Reads what an email's next step depends on beside the email itself, for one attempt or one explanation."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.delivery.monitor import Monitor
from app.delivery.places import PlaceTaker
from app.delivery.ports import Clock, CollapseStore, SuppressionLookup
from app.domain.address import domain_of
from app.domain.dispatch import DispatchContext
from app.domain.head import OPEN, Head
from app.domain.health import Health
from app.domain.route import Availability, Candidate, Routing, route
from app.domain.suppression import Reason, Suppression


@dataclass(frozen=True)
class ContextReader:
    """Reads health through the monitor's cache; places, suppressions and collapse keys from the store."""

    monitor: Monitor
    places: PlaceTaker
    routing: Routing
    suppressions: SuppressionLookup
    collapses: CollapseStore
    clock: Clock

    def __call__(self, head: Head) -> DispatchContext:
        """The context of an email right now."""
        # All open recipients and not only the queued ones: the claim may queue others, because a lease or a wait has
        # ended or because a webhook comes in between.
        addresses = [key for key, recipient in head.recipients.items() if recipient.status in OPEN]
        healths, left_today = self.monitor.healths(), self.places.left_today()
        now_ms = int(self.clock() * 1000)
        entries = {} if head.override_suppression else self.suppressions.entries(addresses, head.project)
        lifted = (key for key, entry in entries.items() if entry.is_lifted(now_ms))
        return DispatchContext(
            route=self._route(healths, left_today, head.email_id, head.allowed, addresses, head.excluded),
            suppressed=frozenset(key for key, entry in entries.items() if entry.in_force(now_ms)),
            passes_lists=frozenset(addresses if head.override_suppression else lifted),
            superseded=bool(head.collapse_scope) and self._is_superseded(head),
            silent=frozenset(name for name, health in healths.items() if health.silent),
            first_choice=self._first_choice(healths, left_today, head, addresses),
        )

    def _first_choice(
        self, healths: Mapping[str, Health], left_today: Mapping[str, int], head: Head, addresses: Iterable[str]
    ) -> str:
        """The provider that would carry the email if all were healthy. One that is paused is no choice."""
        healthy = {name: Health(name, paused=health.paused) for name, health in healths.items()}
        for candidate in self._route(healthy, left_today, head.email_id, head.allowed, addresses, head.excluded):
            if candidate.availability is Availability.AVAILABLE:
                return candidate.provider
        return ""

    def suppressed(self, addresses: Iterable[str], project: str) -> Mapping[str, Suppression]:
        """Which of `addresses` (lower-case) are suppressed for `project` now, each with its suppression."""
        return self.suppressions.among(addresses, int(self.clock() * 1000), project)

    def meet_own_lists(self, addresses: Iterable[str], project: str) -> bool:
        """Whether a provider's own list may hold one of `addresses`: it was lifted from ours, or is known from one."""
        now_ms = int(self.clock() * 1000)
        return any(
            entry.is_lifted(now_ms) or Reason.PROVIDER_LIST in entry.suppressions
            for entry in self.suppressions.entries(addresses, project).values()
        )

    def route(
        self, email_id: str, restrict: Iterable[str], addresses: Iterable[str], recipients: int
    ) -> tuple[Candidate, ...]:
        """Every provider in the order in which it would be tried for a call to `recipients` of these addresses."""
        healths, left_today = self.monitor.healths(), self.places.left_today()
        return self._route(healths, left_today, email_id, restrict, addresses, recipients=recipients)

    def _route(
        self,
        healths: Mapping[str, Health],
        left_today: Mapping[str, int],
        email_id: str,
        restrict: Iterable[str],
        addresses: Iterable[str],
        excluded: Iterable[str] = (),
        recipients: int = 1,
    ) -> tuple[Candidate, ...]:
        return route(
            self.routing,
            healths,
            left_today,
            email_id=email_id,
            recipients=recipients,
            restrict=tuple(restrict),
            excluded=tuple(excluded),
            domains=frozenset(map(domain_of, addresses)),
            now_ms=int(self.clock() * 1000),
        )

    def _is_superseded(self, head: Head) -> bool:
        """Whether a newer email has the same collapse scope.

        An email that is stored with a scope was the newest of it at that moment, so any other id found now is newer.
        """
        return self.collapses.newest(head.collapse_scope) not in (head.email_id, None)
