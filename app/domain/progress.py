"""What moves a head: a claim, the outcome of a call, a webhook's event, time, a cancellation.

Every function returns a new head in which nothing is left undecided: whoever is queued in it has a provider to go to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from app.domain.aftermath import given_up
from app.domain.email import OnUncertain
from app.domain.event import Event
from app.domain.head import Attempt, Head, Recipient, Status
from app.domain.kinds import Cause, Kind
from app.domain.outcome import Outcome
from app.domain.repeat import carried, planned, reconsidered
from app.domain.rescue import rescued
from app.domain.rounds import Terms, settle
from app.domain.route import Leg, next_leg
from app.domain.standing import Circumstances
from app.domain.transitions import Doubt, News, fold

LAPSED = "the worker did not come back with an answer"


class Rules:
    """The settings the rules depend on.

    The configured order, how long evidence is waited for, and how long which providers know an idempotency key.
    """

    def __init__(
        self, providers: Sequence[str], uncertain_wait_ms: int, keys_known_for_ms: Mapping[str, int] | None = None
    ) -> None:
        self.providers = tuple(providers)
        self._uncertain_wait_ms = uncertain_wait_ms
        self._keys_known_for_ms = keys_known_for_ms or {}

    def settled(self, head: Head, now_ms: int, around: Circumstances | None = None) -> Head:
        """The head with everything decided that only time and circumstances decide.

        An ended lease, ended waits, expiry, no provider left. Who does not know the circumstances takes them for
        fair: that decides too little at most, and the next attempt, which knows, decides the rest.
        """
        if head.lease_until_ms is not None and now_ms >= head.lease_until_ms:
            head = self._lapse(head, now_ms)
        terms = Terms.of(head, around or self._fair(head), now_ms)
        head = reconsidered(head, terms)
        if head.critical:
            head = _each(head, rescued(head, terms))
        held = carried(head)
        return _each(head, {key: settle(r, terms) for key, r in head.recipients.items() if key not in held})

    def next_leg(self, head: Head, now_ms: int, around: Circumstances | None = None) -> Leg | None:
        """The next call for a settled head; None: there is nobody to send to, or nobody to ask."""
        return next_leg(head, Terms.of(head, around or self._fair(head), now_ms).askable)

    def claimed(self, head: Head, leg: Leg, lease_until_ms: int, now_ms: int) -> Head:
        """The head with the next attempt under way: the claim uses the number up."""
        number = head.next_attempt
        attempt = Attempt(number, leg.provider, leg.recipients, now_ms, repeats=leg.repeats)
        taken = {
            key: replace(
                head.recipients[key],
                status=Status.SENDING,
                wait_until_ms=None,
                attempt=attempt.copy,
                tried={**head.recipients[key].tried, leg.provider: False},
            )
            for key in leg.recipients
        }
        return replace(
            _each(head, taken),
            attempts=(*head.attempts, attempt),
            next_attempt=number + 1,
            to_repeat=0,
            lease_attempt=number,
            lease_until_ms=lease_until_ms,
        )

    def with_outcome(self, head: Head, number: int, outcome: Outcome, duration_ms: int, now_ms: int) -> Head:
        """The head with the outcome of attempt `number`: as the holder of the lease, or late, then as evidence."""
        attempt = head.attempts[number - 1]
        told = replace(
            attempt,
            outcome=outcome.kind,
            cause=outcome.cause,
            status_code=outcome.status_code,
            reply=outcome.reply,
            message_id=outcome.message_id,
            duration_ms=duration_ms,
        )
        head = _release(_tell(head, told), number)
        news = News.called(attempt, outcome)
        if head.is_repeated(number) and news.kind is not Kind.ACCEPTED:
            return self.settled(head, now_ms)  # late: what has become of the call is up to its repetition by now
        return self.settled(self._end(head, told, news, now_ms), now_ms)

    def with_event(self, head: Head, event: Event, now_ms: int) -> Head:
        """The head with a provider's event; the same head if the event is about nothing that this head knows."""
        if not (event.recipient and belongs(head, event)):
            return head
        folded = self._fold(head, (event.recipient,), News.of(event), now_ms)
        return head if folded == head else self.settled(folded, now_ms)

    def canceled(self, head: Head) -> Head:
        """The head with everybody canceled who is still queued; the same head if nobody is."""
        return _each(
            head,
            {
                key: given_up(recipient, Status.CANCELED)
                for key, recipient in head.recipients.items()
                if recipient.status is Status.QUEUED
            },
        )

    def _fair(self, head: Head) -> Circumstances:
        return Circumstances.fair([name for name in self.providers if not head.providers or name in head.providers])

    def _lapse(self, head: Head, now_ms: int) -> Head:
        """An ended lease is an uncertain outcome: its holder may have sent the email and died before saying so."""
        number = head.lease_attempt
        attempt = head.attempts[number - 1]
        if attempt.outcome is None:
            head = _tell(head, replace(attempt, outcome=Kind.UNCERTAIN, cause=Cause.UNKNOWN, reply=LAPSED))
        news = News(attempt.copy, attempt.provider, Kind.UNCERTAIN, Cause.UNKNOWN, LAPSED)
        return self._end(_release(head, number), attempt, news, now_ms)

    def _end(self, head: Head, attempt: Attempt, news: News, now_ms: int) -> Head:
        """A call is over. If nobody knows what came of it, it is repeated where that is safe."""
        known_for_ms = self._keys_known_for_ms.get(attempt.provider, 0)
        if known_for_ms and news.kind is Kind.UNCERTAIN:
            waiting = self._fold(head, attempt.recipients, news, now_ms, OnUncertain.WAIT)
            again = planned(waiting, attempt.number, known_for_ms, now_ms)
            if again.to_repeat:
                return again
        return self._fold(head, attempt.recipients, news, now_ms)

    def _fold(
        self, head: Head, keys: Sequence[str], news: News, now_ms: int, policy: OnUncertain | None = None
    ) -> Head:
        """The news told to those recipients; `policy` in place of the email's own."""
        doubt = Doubt(policy or head.on_uncertain, now_ms + self._uncertain_wait_ms)
        return _each(head, {key: fold(head.recipients[key], news, doubt) for key in keys})


def belongs(head: Head, event: Event) -> bool:
    """Is the event about an attempt of this head, through this provider, and about a recipient that it carried?"""
    attempt = head.attempt(event.attempt)
    if attempt is None or attempt.provider != event.provider:
        return False
    return not event.recipient or event.recipient in attempt.recipients  # an open at SES names none


def _each(head: Head, changed: dict[str, Recipient]) -> Head:
    recipients = {**head.recipients, **changed}
    return head if recipients == head.recipients else replace(head, recipients=recipients)


def _tell(head: Head, attempt: Attempt) -> Head:
    at = attempt.number - 1
    return replace(head, attempts=(*head.attempts[:at], attempt, *head.attempts[at + 1 :]))


def _release(head: Head, number: int) -> Head:
    if head.lease_attempt != number:
        return head
    return replace(head, lease_attempt=0, lease_until_ms=None, lease_holder="")
