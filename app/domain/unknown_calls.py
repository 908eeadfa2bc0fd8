"""Calls of unknown outcome: each may be a copy, so their number decides how often a recipient may be sent to again."""

from collections.abc import Mapping, Sequence
from typing import Final

from app.domain.attempts import Attempt
from app.domain.email import OnUncertain
from app.domain.head import Evidence, Recipient
from app.domain.kinds import TRANSIENT, Kind

_PASSED: Final = frozenset({Evidence.RETRIED})

# How many such calls one recipient may have. A recipient who has them all is not sent to again without evidence.
AT_MOST: Final[Mapping[OnUncertain, int]] = {OnUncertain.WAIT: 2, OnUncertain.FAILOVER: 4, OnUncertain.FAIL: 1}


def unknown_calls(recipient: Recipient, attempts: Sequence[Attempt]) -> list[int]:
    """The numbers of the calls to this recipient of which nobody knows whether the provider took the email.

    These are the calls that ended as `uncertain`, also because their worker did not come back, and of which nothing is
    known since. A repetition is no call of its own here: it counts with the call that it repeats.
    """
    repeated = {attempt.repeats for attempt in attempts}
    return [
        attempt.number
        for attempt in attempts
        if recipient.key in attempt.recipients
        and not attempt.repeats
        # What a repeated call itself came to does not matter any more: only an acceptance would, which is evidence.
        and (attempt.outcome_for(recipient.key) is Kind.UNCERTAIN or attempt.number in repeated)
        and not recipient.evidence.get(attempt.number, frozenset()) - _PASSED
    ]


def counted_calls(recipient: Recipient, attempts: Sequence[Attempt]) -> list[int]:
    """Those of unknown outcome that count under AT_MOST: a client who asks for a retry has allowed for the earlier."""
    return [n for n in unknown_calls(recipient, attempts) if not recipient.evidence.get(n)]


def providers_of_unknown_calls(recipient: Recipient, attempts: Sequence[Attempt]) -> frozenset[str]:
    """The providers whose last call to this recipient is of unknown outcome.

    They may be called again in a later round, behind all others.
    """
    unknown = unknown_calls(recipient, attempts)
    last = _last_calls(recipient, attempts)
    return frozenset(provider for provider, attempt in last.items() if attempt.original_number in unknown)


def late_transient_failures(recipient: Recipient, attempts: Sequence[Attempt]) -> frozenset[str]:
    """The providers whose last call to this recipient failed for a transient reason, whenever that was learned.

    A worker that outlives its lease may say so only after the next provider was called.
    """
    return frozenset(
        provider
        for provider, attempt in _last_calls(recipient, attempts).items()
        if attempt.outcome_for(recipient.key) in TRANSIENT
        and not attempt.repeats
        and not recipient.evidence.get(attempt.number)
    )


def called_again(recipient: Recipient, attempts: Sequence[Attempt]) -> frozenset[str]:
    """The providers of this round that the next one calls again."""
    transient = {provider for provider, is_transient in recipient.tried.items() if is_transient}
    unknown = providers_of_unknown_calls(recipient, attempts)
    late = late_transient_failures(recipient, attempts)
    return frozenset(recipient.tried) & (transient | unknown | late)


def _last_calls(recipient: Recipient, attempts: Sequence[Attempt]) -> dict[str, Attempt]:
    return {attempt.provider: attempt for attempt in attempts if recipient.key in attempt.recipients}


def may_have_arrived(unknown: Sequence[int]) -> str:
    """What a recipient with these calls of unknown outcome is told when nothing more is sent."""
    calls, them = ("1 call", "it") if len(unknown) == 1 else (f"{len(unknown)} calls", "them")
    return f"it may have arrived: nobody knows what became of {calls}, and no provider has reported on {them}"
