"""Capacity: places and a breaker's probe, which are taken before a call and given back if the call is not made."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.delivery.places import PlaceTaker, Ticket
from app.delivery.watching import Watches
from app.domain.caps import Full
from app.domain.kinds import SURELY_NOT_SENT, Cause, Kind
from app.domain.lane import Lane
from app.domain.outcome import Outcome
from app.domain.route import Availability, Candidate

PAUSED = Outcome(Kind.UNAVAILABLE, Cause.LIMIT, reply="not called: an operator has just paused it")
NOT_CALLED = Outcome(Kind.THROTTLED, Cause.LIMIT, reply="not called: its cap per second left no place in time")


@dataclass(frozen=True, slots=True)
class Reservation:
    """What one call has taken at its provider."""

    ticket: Ticket
    has_probe: bool

    def is_for(self, recipients: int, now_s: float) -> bool:
        """Whether this reservation still fits a call to `recipients` people that begins at `now_s`."""
        return self.ticket.recipients == recipients and self.ticket.is_current(now_s)


@dataclass(frozen=True)
class Capacity:
    """Takes what a call needs, for all callers alike: the first choice, a probe, and the last round."""

    monitor: Watches
    places: PlaceTaker

    def reserve(
        self, candidate: Candidate, recipients: int, *, ahead: bool, has_turn: bool, lane: Lane
    ) -> Reservation | Candidate:
        """Reserve what a call through `candidate` needs. If it is not to be had, return the candidate as it is then.

        For `ahead` and `has_turn`, see `PlaceTaker.take`.
        """
        ticket = self.places.take(candidate.provider, recipients, ahead=ahead, has_turn=has_turn, lane=lane)
        if isinstance(ticket, Full):
            return _paused(candidate, ticket)
        if candidate.probes and not self.monitor.lease_probe(candidate.provider):
            self.places.give_back(ticket)
            why = "another email probes it"
            return replace(candidate, availability=Availability.UNAVAILABLE_FOR_NOW, why=why, probes=False)
        return Reservation(ticket, candidate.probes)

    def turns(self, refused: Mapping[str, tuple[Candidate, int]], known_ms: int | None, lane: Lane) -> list[Candidate]:
        """The candidates of `refused`, paused until the turn of the email, which is of `lane`.

        `refused` maps each provider to its candidate and to the number of recipients for whom it had no place. The turn
        is at `known_ms`; None: the email has none yet, and gets one.
        """
        counts = {name: recipients for name, (_, recipients) in refused.items()}
        fulls = self.places.turn(counts, known_ms, lane)
        return [_paused(candidate, fulls[name]) for name, (candidate, _) in refused.items()]

    def renew(self, reservation: Reservation) -> Reservation | None:
        """The reservation for a call that begins now. None: its second is over, and there was no other for a while.

        Then everything is given back, because the call is not made.
        """
        ticket = self.places.renew(reservation.ticket)
        if ticket is None and reservation.has_probe:
            self.monitor.end_probe(reservation.ticket.account)
        return None if ticket is None else replace(reservation, ticket=ticket)

    def cancel(self, reservation: Reservation) -> None:
        """Give back everything, because the call is not made."""
        self.places.give_back(reservation.ticket)
        if reservation.has_probe:
            self.monitor.end_probe(reservation.ticket.account)

    def give_back_unused(self, reservation: Reservation, outcome: Outcome, keys: tuple[str, ...]) -> None:
        """Give back the places of those of the recipients `keys` to whom the call surely sent nothing."""
        unused = sum(outcome.of(key).kind in SURELY_NOT_SENT for key in keys)
        self.places.give_back(reservation.ticket, unused)


def _paused(candidate: Candidate, full: Full) -> Candidate:
    return Candidate(candidate.provider, Availability.PAUSED, full.why, full.until_ms, limit=full.limit)
