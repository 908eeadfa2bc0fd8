"""Capacity: places and a breaker's probe, which are taken before a call and given back if the call is not made."""

from dataclasses import dataclass, replace

from app.delivery.monitor import Monitor
from app.delivery.places import PlaceTaker, Ticket
from app.domain.caps import Full
from app.domain.kinds import SURELY_NOT_SENT
from app.domain.outcome import Outcome
from app.domain.route import Availability, Candidate


@dataclass(frozen=True, slots=True)
class Reservation:
    """What one call has taken at its provider."""

    ticket: Ticket
    has_probe: bool

    def is_for(self, provider: str, recipients: int) -> bool:
        """Whether it is what a call through this provider to so many recipients needs."""
        return (self.ticket.account, self.ticket.recipients) == (provider, recipients)


@dataclass(frozen=True)
class Capacity:
    """Takes what a call needs, for all callers alike: the first choice, a probe, and the last round."""

    monitor: Monitor
    places: PlaceTaker

    def reserve(self, candidate: Candidate, recipients: int) -> Reservation | Candidate:
        """Take what a call through `candidate` needs. If it is not to be had: what the candidate is then."""
        ticket = self.places.take(candidate.provider, recipients)
        if isinstance(ticket, Full):
            return replace(candidate, availability=Availability.PAUSED, why=ticket.why, until_ms=ticket.until_ms)
        if candidate.probes and not self.monitor.lease_probe(candidate.provider):
            self.places.give_back(ticket)
            return replace(
                candidate, availability=Availability.UNAVAILABLE_FOR_NOW, why="another email probes it", probes=False
            )
        return Reservation(ticket, candidate.probes)

    def cancel(self, reservation: Reservation) -> None:
        """Give back everything, because the call is not made."""
        self.places.give_back(reservation.ticket)
        if reservation.has_probe:
            self.monitor.end_probe(reservation.ticket.account)

    def settle(self, reservation: Reservation, outcome: Outcome, keys: tuple[str, ...]) -> None:
        """Give back the places of those recipients of the call, named by their keys, to whom it surely sent nothing."""
        unused = sum(outcome.of(key).kind in SURELY_NOT_SENT for key in keys)
        self.places.give_back(reservation.ticket, unused)
