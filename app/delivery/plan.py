"""The plan of one attempt: the next call of an email, for which all that it needs is reserved before the claim."""

from dataclasses import dataclass, field, replace
from secrets import token_hex

from app.delivery.capacity import Capacity, Reservation
from app.delivery.ports import Clock
from app.domain.caps import Limit
from app.domain.dispatch import Dispatch, DispatchContext
from app.domain.head import Head, Status
from app.domain.protocol import DeliveryProtocol
from app.domain.route import Candidate

EARLY_MS = 100  # an email that comes this much before its turn counts as on time


@dataclass
class Plan:
    """One worker's plan for one attempt. It stays the same however often its write has to be made again.

    `holder` is the random id of its claim. `reservations` are what is reserved for it, by provider. `turn_ms` is when
    the email is tried again if a provider had no place for it in this second.
    """

    number: int
    context: DispatchContext
    capacity: Capacity
    protocol: DeliveryProtocol
    clock: Clock
    holder: str = field(default_factory=lambda: token_hex(8))
    reservations: dict[str, Reservation] = field(default_factory=dict)
    turn_ms: int | None = None
    # By provider: the candidate, and the number of recipients for whom its cap per second left no place.
    _refused: dict[str, tuple[Candidate, int]] = field(default_factory=dict)

    def next_call(self, head: Head) -> tuple[Head, Dispatch | None, int]:
        """The settled head, its next call if there is one, and the time of both in ms."""
        self._refused = {}
        settled, dispatch, now_ms = self._reserve(head, ahead=False)
        if dispatch is None and self._refused:
            # An account that has a place in this second goes before one that has a place in the next.
            self._refused = {}
            settled, dispatch, now_ms = self._reserve(head, ahead=True)
        if not self._refused or not _somebody_waits(settled, dispatch):
            return settled if dispatch is None else replace(settled, turn_ms=None), dispatch, now_ms
        known_ms = head.turn_ms if head.turn_ms is not None and head.turn_ms > now_ms else None
        turns = self.capacity.turns(self._refused, self.turn_ms or known_ms, head.lane)
        self.turn_ms = min(candidate.until_ms or 0 for candidate in turns)
        for candidate in turns:
            self.context = self.context.changed(candidate)
        return replace(self.protocol.settle(head, now_ms, self.context), turn_ms=self.turn_ms), dispatch, now_ms

    @property
    def limited(self) -> list[Candidate]:
        """The candidates that a limit keeps from being called."""
        return [candidate for candidate in self.context.route if candidate.limit is not None]

    def _reserve(self, head: Head, *, ahead: bool) -> tuple[Head, Dispatch | None, int]:
        """As `next_call`. With `ahead`, an email that has its turn may book a later second, and so may a large call."""
        context = self.context
        while True:
            now_s = self.clock()
            now_ms = int(now_s * 1000)
            settled = self.protocol.settle(head, now_ms, context)
            dispatch = self.protocol.next_dispatch(settled, now_ms, context)
            if dispatch is None:
                return settled, None, now_ms
            provider, recipients = dispatch.provider, len(dispatch.recipients)
            held = self.reservations.get(provider)
            if held is not None and held.is_for(recipients, now_s):
                return settled, dispatch, now_ms
            if held is not None:  # another writer has changed whom the call carries, or its second is over
                self.capacity.cancel(self.reservations.pop(provider))
            is_its_turn = head.turn_ms is not None and head.turn_ms <= now_ms + EARLY_MS
            has_turn, candidate = is_its_turn or head.critical, context.candidate(provider)
            found = self.capacity.reserve(candidate, recipients, ahead=ahead, has_turn=has_turn, lane=head.lane)
            if isinstance(found, Reservation):
                self.reservations[provider] = found
                continue
            context = context.changed(found)
            if found.limit is Limit.PER_SECOND_CAP:
                self._refused[provider] = found, recipients
            else:
                self.context = self.context.changed(found)


def _somebody_waits(settled: Head, dispatch: Dispatch | None) -> bool:
    called = dispatch.recipients if dispatch else ()
    return any(
        recipient.status is Status.QUEUED and recipient.wait_until_ms is not None
        for key, recipient in settled.recipients.items()
        if key not in called
    )
