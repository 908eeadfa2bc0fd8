"""The delivery protocol: every way in which a head changes.

A head changes by a claim, by the outcome of a call, by a webhook's event, by the passing of time, by a cancellation, by
another time for its schedule, or by a retry that a client asks for.
Every function returns a new head that is settled: each queued recipient in it has a provider to go to, or waits.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from app.domain import limits
from app.domain.attempts import Attempt
from app.domain.dispatch import Dispatch, DispatchContext, next_dispatch
from app.domain.email import OnUncertain
from app.domain.event import ProviderEvent
from app.domain.head import Head, Recipient, Status, Stop
from app.domain.history import fold
from app.domain.kinds import Cause, Kind
from app.domain.outcome import Outcome
from app.domain.repeat import plan_repetition, recipients_to_repeat, reconsider_repetition
from app.domain.resolution import Signal, UncertainPolicy, apply_signal
from app.domain.retry import Again, retry
from app.domain.retry_context import RetryContext
from app.domain.rounds import give_up, rescue, settle_recipient
from app.domain.sandbox import KEY_KNOWN_FOR_MS
from app.domain.sandbox_accounts import ACCOUNTS as SANDBOX
from app.domain.schedule import reschedule

CONTENT_LOST = "the stored content of this email is missing or damaged"
LEASE_EXPIRED = "the worker did not come back with an answer"


class DeliveryProtocol:
    """The rules of delivery with the settings that they depend on.

    `providers` is the configured order, `uncertain_wait_ms` how long evidence is waited for, and `keys_known_for_ms`
    how long each provider promises to know an idempotency key (a provider that is not in it documents none).
    """

    def __init__(
        self, providers: Sequence[str], uncertain_wait_ms: int, keys_known_for_ms: Mapping[str, int] | None = None
    ) -> None:
        self.providers = tuple(providers)
        self._uncertain_wait_ms = uncertain_wait_ms
        self._keys_known_for_ms = {**(keys_known_for_ms or {}), **dict.fromkeys(SANDBOX, KEY_KNOWN_FOR_MS)}

    def settle(self, head: Head, now_ms: int, context: DispatchContext | None = None) -> Head:
        """The head with everything decided that only time and the context decide.

        That is: an ended lease, ended waits, expiry, a rescue, no provider left. Without a context, ended waits are
        left to the next attempt, which has one; for all else every provider counts as available.
        """
        if head.lease_until_ms is not None and now_ms >= head.lease_until_ms:
            head = self._expire_lease(head, now_ms)
        is_informed = context is not None
        head = limits.put_off(head, now_ms) if is_informed else head
        retry = RetryContext.of(head, context or self._all_available(head), now_ms, is_informed=is_informed)
        head = _passing_lists(head, retry.dispatch_context)
        head = reconsider_repetition(head, retry, self._keys_known_for_ms)
        if head.critical:
            head = _with_recipients(head, rescue(head, retry))
        on_hold = recipients_to_repeat(head)
        settled = {key: settle_recipient(r, retry) for key, r in head.recipients.items() if key not in on_hold}
        if head.stopped is None and any(recipient.status is Status.CANCELED for recipient in settled.values()):
            head = replace(head, stopped=retry.stop)
        head = _with_recipients(head, settled)
        return limits.noted(head, retry) if is_informed else head

    def next_dispatch(self, head: Head, now_ms: int, context: DispatchContext | None = None) -> Dispatch | None:
        """The next call for a settled head. Returns None if there is nobody to send to, or no provider to call."""
        retry = RetryContext.of(head, context or self._all_available(head), now_ms)
        return next_dispatch(head, retry.available_providers)

    def claim(self, head: Head, dispatch: Dispatch, lease_until_ms: int, now_ms: int) -> Head:
        """The head with the next attempt under way. Its number is used up: no other worker can claim it.

        Raises ValueError if test mail would go through a real account, or real mail through the sandbox.
        """
        if (dispatch.provider in SANDBOX) is not head.sandbox:
            raise ValueError(f"{head.email_id} may not go through {dispatch.provider}: sandbox {head.sandbox}")
        number = head.next_attempt
        attempt = Attempt(number, dispatch.provider, dispatch.recipients, now_ms, repeats=dispatch.repeats)
        claimed = {
            key: replace(
                head.recipients[key],
                status=Status.SENDING,
                wait_until_ms=None,
                attempt=attempt.original_number,
                tried={**head.recipients[key].tried, dispatch.provider: False},
            )
            for key in dispatch.recipients
        }
        return fold(
            replace(
                _with_recipients(head, claimed),
                attempts=(*head.attempts, attempt),
                next_attempt=number + 1,
                to_repeat=0,
                lease_attempt=number,
                lease_until_ms=lease_until_ms,
            )
        )

    def record_outcome(self, head: Head, number: int, outcome: Outcome, duration_ms: int, now_ms: int) -> Head:
        """The head with the outcome of attempt `number`.

        An outcome that comes after its lease has ended is treated as evidence, like an event of the provider.
        """
        attempt = head.made(number)
        recorded = replace(
            attempt,
            outcome=outcome.kind,
            cause=outcome.cause,
            status_code=outcome.status_code,
            reply=outcome.reply,
            message_id=outcome.message_id,
            duration_ms=duration_ms,
            differing={key: own.kind for key, own in outcome.differing.items()},
        )
        head = _release_lease(_with_attempt(head, recorded), number)
        signals = {key: Signal.from_outcome(attempt, outcome, key) for key in attempt.recipients}
        if head.is_repeated(number):  # otherwise too late to matter: the repetition of this call decides
            signals = {key: signal for key, signal in signals.items() if signal.kind is Kind.ACCEPTED}
        return self.settle(self._end_call(head, recorded, signals, now_ms), now_ms)

    def record_event(self, head: Head, event: ProviderEvent, now_ms: int) -> Head:
        """The head with a provider's event. Returns the same head if the event is not about it or says nothing new."""
        if not (event.recipient and is_about(head, event)):
            return head
        changed = self._apply(head, {event.recipient: Signal.from_event(event)}, now_ms)
        return head if changed == head else self.settle(changed, now_ms)

    def cancel(self, head: Head) -> Head:
        """The head with every scheduled or queued recipient canceled, and stopped: no call is made for it from then on.

        Returns the same head if no recipient is scheduled or queued: then the cancellation is refused, and changes
        nothing.
        """
        canceled = {
            key: give_up(recipient, Status.CANCELED, recipient.detail, head.attempts)
            for key, recipient in head.recipients.items()
            if recipient.status in (Status.SCHEDULED, Status.QUEUED)
        }
        if not canceled:
            return head
        return replace(_with_recipients(head, canceled), stopped=head.stopped or Stop.CANCELED)

    def reschedule(self, head: Head, send_at_ms: int, now_ms: int, retry_for_s: int) -> Head:
        """The head of a scheduled email that is sent at that time instead. Raises Conflict or Invalid if it may not."""
        return reschedule(head, send_at_ms, now_ms, retry_for_s)

    def retry(self, head: Head, again: Again, suppressed: Collection[str], now_ms: int, retry_for_s: int) -> Head:
        """The head whose recipients are tried anew. Raises Conflict or Invalid if they may not be."""
        return self.settle(retry(head, again, suppressed, now_ms, retry_for_s), now_ms)

    def lose_content(self, head: Head) -> Head:
        """The head with every queued recipient failed, because what would be sent to them cannot be read any more.

        Whoever waits for evidence goes on waiting for it; a repetition is not made.
        """
        failed = {
            key: give_up(replace(recipient, cause=Cause.CONTENT), Status.FAILED, CONTENT_LOST, head.attempts)
            for key, recipient in head.recipients.items()
            if recipient.status is Status.QUEUED
        }
        return replace(_with_recipients(head, failed), to_repeat=0)

    def _all_available(self, head: Head) -> DispatchContext:
        allowed = [name for name in (*self.providers, *SANDBOX) if head.may_use(name)]
        return DispatchContext.all_available(allowed)

    def _expire_lease(self, head: Head, now_ms: int) -> Head:
        """The head after its lease has ended. The outcome is uncertain: the worker may have sent the email and died."""
        number = head.lease_attempt
        attempt = head.made(number)
        if attempt.outcome is None:
            expired = replace(attempt, outcome=Kind.UNCERTAIN, cause=Cause.UNKNOWN, reply=LEASE_EXPIRED)
            head = _with_attempt(head, expired)
        signal = Signal(attempt.original_number, attempt.provider, Kind.UNCERTAIN, Cause.UNKNOWN, LEASE_EXPIRED)
        return self._end_call(_release_lease(head, number), attempt, dict.fromkeys(attempt.recipients, signal), now_ms)

    def _end_call(self, head: Head, attempt: Attempt, signals: Mapping[str, Signal], now_ms: int) -> Head:
        """The head after the call of `attempt` has ended, with a signal for each recipient.

        A call that is uncertain for all of them is repeated if its provider knows idempotency keys; otherwise the state
        table decides.
        """
        key_known_for_ms = self._keys_known_for_ms.get(attempt.provider, 0)
        if key_known_for_ms and signals and all(signal.kind is Kind.UNCERTAIN for signal in signals.values()):
            waiting = self._apply(head, signals, now_ms, OnUncertain.WAIT)
            repeating = plan_repetition(waiting, attempt.number, key_known_for_ms, now_ms)
            if repeating.to_repeat:
                return repeating
        return self._apply(head, signals, now_ms)

    def _apply(
        self,
        head: Head,
        signals: Mapping[str, Signal],
        now_ms: int,
        on_uncertain: OnUncertain | None = None,
    ) -> Head:
        """The head with each recipient's signal applied; `on_uncertain` replaces the email's own choice."""
        policy = UncertainPolicy(on_uncertain or head.on_uncertain, now_ms + self._uncertain_wait_ms)
        return _with_recipients(
            head, {key: apply_signal(head.recipients[key], signal, policy) for key, signal in signals.items()}
        )


def is_about(head: Head, event: ProviderEvent) -> bool:
    """Whether the event is about an attempt of this head, through this provider, and about a recipient of that call."""
    attempt = head.attempt(event.attempt)
    if attempt is None or attempt.provider != event.provider:
        return False
    return not event.recipient or event.recipient in attempt.recipients  # some providers' opens name no recipient


def _passing_lists(head: Head, context: DispatchContext) -> Head:
    """The head that remembers for whom no provider's own list ends anything, for reports that come later."""
    found = {key: replace(head.recipients[key], passes_lists=True) for key in context.passes_lists}
    return _with_recipients(head, found)


def _with_recipients(head: Head, changed: Mapping[str, Recipient]) -> Head:
    recipients = {**head.recipients, **changed}
    return head if recipients == head.recipients else replace(head, recipients=recipients)


def _with_attempt(head: Head, attempt: Attempt) -> Head:
    return replace(head, attempts=tuple(attempt if one.number == attempt.number else one for one in head.attempts))


def _release_lease(head: Head, number: int) -> Head:
    if head.lease_attempt != number:
        return head
    return replace(head, lease_attempt=0, lease_until_ms=None, lease_holder="")
