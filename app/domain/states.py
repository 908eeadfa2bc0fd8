"""The state table, as data: what a signal about one attempt does to one recipient.

A signal is the outcome of a call or a provider's event. `TABLE` is total: every phase meets every kind, and the
recipient stays as it is unless a row says otherwise. `app.domain.resolution` applies it, and docs/states.md shows it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import product
from typing import Final

from app.domain.head import Evidence
from app.domain.kinds import Kind


class Phase(StrEnum):
    """A recipient's status, where `queued` and `sending` are two phases each, told apart by `wait_until_ms`.

    Without one, the next call is due or under way (`queued`, `sending`). With one, that moment is waited for
    (`waiting`), or evidence until then (`awaiting_evidence`).
    """

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    WAITING = "waiting"
    SENDING = "sending"
    AWAITING_EVIDENCE = "awaiting_evidence"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    SUPPRESSED = "suppressed"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


DESCRIPTIONS: Final[Mapping[Phase, str]] = {
    Phase.SCHEDULED: "In this state, the recipient waits for the email's `send_at`; no attempt was published before.",
    Phase.QUEUED: "In this state, the recipient waits for its next attempt, which has been or will be published.",
    Phase.WAITING: "In this state, the recipient is queued, but no attempt is made before the next round begins.",
    Phase.SENDING: "In this state, a worker holds the lease and calls a provider.",
    Phase.AWAITING_EVIDENCE: (
        "In this state, a call has ended without a known outcome, and a webhook may still say what became of it."
    ),
    Phase.SENT: "In this state, a provider has taken the email and has not yet reported how it ended.",
    Phase.DELIVERED: "In this state, the recipient's mail host has taken the email, as its provider reports.",
    Phase.BOUNCED: (
        "In this state, the mailbox does not exist or does not take this email from anybody, or its host returned an "
        "email that it had taken."
    ),
    Phase.COMPLAINED: "In this state, the recipient has got the email and has reported it as spam.",
    Phase.SUPPRESSED: "In this state, nothing was sent: the address is on our or on the provider's suppression list.",
    Phase.FAILED: "In this state, no provider is left to call, or too many calls are of unknown outcome.",
    Phase.CANCELED: "In this state, a client has canceled the email, or a newer one has replaced it.",
    Phase.EXPIRED: "In this state, `expires_at` passed before a provider took the email.",
}


class Transition(StrEnum):
    """What a signal does to a recipient."""

    STAY = "stay"
    SENT = "sent"
    DELIVERED = "delivered"
    COMPLAINED = "complained"
    RETRY = "retry"  # the attempt failed: the next provider, unless the evidence says otherwise
    UNCERTAIN = "uncertain"  # nobody knows: the email's `on_uncertain` decides
    RECIPIENT_FAULT = "recipient_fault"  # no provider can deliver: bounced or suppressed, as the evidence says
    RETURNED = "returned"  # delivered, then reported as failed: bounced, unless another copy is known to be delivered


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: a transition, and whether the address is suppressed from now on."""

    transition: Transition = Transition.STAY
    suppress: bool = False


Key = tuple[Phase, Kind, bool]  # True: the signal is about the recipient's current attempt; False: about an older one

_ENDED = (Phase.FAILED, Phase.EXPIRED, Phase.CANCELED)
_IN_PROGRESS = (Phase.SENDING, Phase.AWAITING_EVIDENCE, Phase.SENT)
_OPENED = (Kind.OPENED, Kind.CLICKED)
# A delay proves that the provider has the email, and so does any event of another kind, even one that we do not know.
# An open or a click proves no more: gateways fetch what is in an email while they still decide whether they take it.
_PROVIDER_HAS_IT = (Kind.ACCEPTED, Kind.DELAYED, *_OPENED, Kind.UNKNOWN, Kind.UNSUBSCRIBED, Kind.RESUBSCRIBED)
_RECIPIENT_FAULT = (Kind.HARD_BOUNCE, Kind.UNDELIVERABLE, Kind.SUPPRESSED)
COPY_FAILED: Final = (Kind.SOFT_BOUNCE, Kind.BLOCKED, Kind.DROPPED, Kind.VIRUS)
_NOT_SENT = (Kind.UNAVAILABLE, Kind.THROTTLED, Kind.REFUSED)
_EITHER = (True, False)


def _rows(
    phases: Iterable[Phase],
    kinds: Iterable[Kind],
    current: Iterable[bool],
    transition: Transition,
    *,
    suppress: bool = False,
) -> dict[Key, Row]:
    return dict.fromkeys(product(phases, kinds, current), Row(transition, suppress))


TABLE: Final[dict[Key, Row]] = {
    **_rows(Phase, Kind, _EITHER, Transition.STAY),
    # An acceptance of any attempt ends what is only waiting. It cannot stop the call of a newer attempt.
    **_rows(
        (Phase.QUEUED, Phase.WAITING, Phase.AWAITING_EVIDENCE, *_ENDED), _PROVIDER_HAS_IT, _EITHER, Transition.SENT
    ),
    **_rows((Phase.SENDING,), _PROVIDER_HAS_IT, (True,), Transition.SENT),
    # A delivery counts whichever attempt it is of: its report may come before our own write, or after we gave up.
    **_rows(
        (Phase.QUEUED, Phase.WAITING, *_IN_PROGRESS, Phase.BOUNCED, Phase.SUPPRESSED, *_ENDED),
        (Kind.DELIVERED,),
        _EITHER,
        Transition.DELIVERED,
    ),
    # The call is over and surely sent nothing. This row is missing for `sent`, which an event has proved meanwhile.
    **_rows((Phase.SENDING, Phase.AWAITING_EVIDENCE), _NOT_SENT, (True,), Transition.RETRY),
    **_rows((Phase.SENDING,), (Kind.UNCERTAIN,), (True,), Transition.UNCERTAIN),
    # A copy that failed after its acceptance goes to the next provider. Only the current attempt's failure counts:
    # that of an older one says nothing about the copy under way. A virus is in the email whoever sends it, so nobody is
    # asked who is not under way yet: `app.domain.rounds` ends the recipient, whichever attempt it was found in.
    **_rows(_IN_PROGRESS, COPY_FAILED, (True,), Transition.RETRY),
    # A hard bounce is never resent through another provider. An older attempt's report is kept as evidence, which
    # forbids every further claim, but does not end the copy under way.
    **_rows(_IN_PROGRESS, _RECIPIENT_FAULT, (True,), Transition.RECIPIENT_FAULT, suppress=True),
    **_rows(_IN_PROGRESS, _RECIPIENT_FAULT, (False,), Transition.STAY, suppress=True),
    **_rows((Phase.QUEUED, Phase.WAITING), _RECIPIENT_FAULT, _EITHER, Transition.RECIPIENT_FAULT, suppress=True),
    **_rows((Phase.BOUNCED, Phase.SUPPRESSED, *_ENDED), _RECIPIENT_FAULT, _EITHER, Transition.STAY, suppress=True),
    # The condition of a mailbox is the same for every provider, but it may pass: later emails are sent.
    **_rows(_IN_PROGRESS, (Kind.MAILBOX_CONDITION,), (True,), Transition.RECIPIENT_FAULT),
    **_rows((Phase.QUEUED, Phase.WAITING), (Kind.MAILBOX_CONDITION,), _EITHER, Transition.RECIPIENT_FAULT),
    # The mail host took the email and returned it afterwards, for whatever reason.
    **_rows((Phase.DELIVERED,), (*COPY_FAILED, Kind.MAILBOX_CONDITION), _EITHER, Transition.RETURNED),
    **_rows((Phase.DELIVERED,), (Kind.HARD_BOUNCE,), _EITHER, Transition.RETURNED, suppress=True),
    # Somebody who complains has got the email, unless the same attempt had a hard bounce: then a forwarder complained.
    **_rows(Phase, (Kind.COMPLAINED,), _EITHER, Transition.COMPLAINED, suppress=True),
    **_rows((Phase.COMPLAINED,), (Kind.COMPLAINED,), _EITHER, Transition.STAY, suppress=True),
}

# Whoever unsubscribes from everything gets no further email, whatever else the event proves about this one.
TABLE.update({key: replace(row, suppress=True) for key, row in TABLE.items() if key[1] is Kind.UNSUBSCRIBED})

# Of a scheduled recipient there is no attempt yet, so no signal can be about one.
TABLE.update({key: Row() for key in TABLE if key[0] is Phase.SCHEDULED})

# What a signal of each kind proves about its attempt. Kinds that are not listed prove nothing.
PROVES: Final[Mapping[Kind, frozenset[Evidence]]] = {
    **dict.fromkeys(_PROVIDER_HAS_IT, frozenset({Evidence.ACCEPTED})),
    Kind.DELAYED: frozenset({Evidence.ACCEPTED, Evidence.DELAYED}),
    **dict.fromkeys(_OPENED, frozenset({Evidence.ACCEPTED, Evidence.OPENED})),
    **dict.fromkeys((Kind.DELIVERED, Kind.COMPLAINED), frozenset({Evidence.ACCEPTED, Evidence.DELIVERED})),
    **dict.fromkeys(COPY_FAILED, frozenset({Evidence.FAILED})),
    Kind.HARD_BOUNCE: frozenset({Evidence.FAILED, Evidence.HARD_BOUNCE}),
    Kind.UNDELIVERABLE: frozenset({Evidence.FAILED, Evidence.HARD_BOUNCE}),
    Kind.MAILBOX_CONDITION: frozenset({Evidence.FAILED, Evidence.MAILBOX_CONDITION}),
    Kind.VIRUS: frozenset({Evidence.FAILED, Evidence.VIRUS}),
    Kind.SUPPRESSED: frozenset({Evidence.FAILED, Evidence.SUPPRESSED}),
}

# What is wrong with the recipient or the email, at whichever provider: no attempt is claimed once any of it is known.
AT_FAULT: Final = (Evidence.HARD_BOUNCE, Evidence.MAILBOX_CONDITION, Evidence.SUPPRESSED, Evidence.VIRUS)

# The mark of what was known of an attempt when a client asked for a retry. What is learned later counts again.
PASSED: Final = frozenset({Evidence.RETRIED})

# Evidence after which no report of a delivery of the same attempt counts any more.
OUTWEIGHS_DELIVERY: Final = frozenset({*AT_FAULT, Evidence.RETURNED}) - {Evidence.VIRUS}

# A transition does not happen if this is already known of the same attempt: the signal contradicts stronger evidence,
# or it has come before.
IGNORED_IF_KNOWN: Final[dict[tuple[Transition, Kind], frozenset[Evidence]]] = {
    **{
        # A copy that was given up as silent is known to be accepted: to hear it again does not stop its rescue.
        (Transition.SENT, kind): frozenset({Evidence.FAILED, Evidence.SILENT})
        for kind in _PROVIDER_HAS_IT
    },
    (Transition.DELIVERED, Kind.DELIVERED): OUTWEIGHS_DELIVERY,
    (Transition.COMPLAINED, Kind.COMPLAINED): OUTWEIGHS_DELIVERY,
    **{(Transition.RETURNED, kind): frozenset({Evidence.FAILED}) for kind in COPY_FAILED},
    (Transition.RETURNED, Kind.HARD_BOUNCE): frozenset({Evidence.HARD_BOUNCE}),
    (Transition.RETURNED, Kind.MAILBOX_CONDITION): frozenset({Evidence.MAILBOX_CONDITION}),
}
