"""The state table: what a piece of news about one attempt does to one recipient.

`TABLE` is total: `stay`, unless a row says otherwise. What is known is kept per attempt (`Fact`) before the table is
asked, so that no news is ever lost, whatever order it comes in.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import product

from app.domain.aftermath import alive, at, requeue
from app.domain.email import OnUncertain
from app.domain.event import Event
from app.domain.head import Attempt, Fact, Recipient, Status
from app.domain.kinds import PASSING, Cause, Kind
from app.domain.outcome import Outcome


class Phase(StrEnum):
    """A recipient's status, told apart by whether it waits."""

    QUEUED = "queued"
    WAITING = "waiting"  # queued, for the next round
    SENDING = "sending"
    UNSURE = "unsure"  # sending, for evidence after an uncertain outcome
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    SUPPRESSED = "suppressed"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


class Verdict(StrEnum):
    """What a rule does."""

    STAY = "stay"
    SENT = "sent"  # unless that attempt has reported a failure
    DELIVERED = "delivered"  # unless that attempt has reported a dead mailbox, or this is old news
    RETRY = "retry"
    DOUBT = "doubt"  # uncertain: by the email's on_uncertain
    END = "end"  # the recipient is at fault: bounced or suppressed, as the facts say
    RETURN = "return"  # delivered, then bounced: unless another copy is known delivered
    COMPLAINED = "complained"


@dataclass(frozen=True, slots=True)
class Rule:
    """A verdict, and whether the recipient is to be suppressed from now on."""

    verdict: Verdict = Verdict.STAY
    suppress: bool = False


_WAITING = {Status.QUEUED: Phase.WAITING, Status.SENDING: Phase.UNSURE}

Key = tuple[Phase, Kind, bool]  # True: the recipient's current attempt; False: an older one

_ENDED = (Phase.FAILED, Phase.EXPIRED, Phase.CANCELED)
_UNDER_WAY = (Phase.SENDING, Phase.UNSURE, Phase.SENT)
_GOOD = (Kind.ACCEPTED, Kind.DEFERRED)  # a deferral proves that the provider has the email
_FAULT = (Kind.DEAD, Kind.UNDELIVERABLE, Kind.SUPPRESSED)
_BAD = (Kind.BOUNCED, Kind.BLOCKED, Kind.DROPPED)
_NOT_SENT = (Kind.UNAVAILABLE, Kind.THROTTLED, Kind.REFUSED)
_SEEN = (Kind.DELIVERED, Kind.ENGAGED)  # an open or a click proves delivery
_EITHER = (True, False)


def _rows(
    phases: Iterable[Phase], kinds: Iterable[Kind], current: Iterable[bool], verdict: Verdict, *, suppress: bool = False
) -> dict[Key, Rule]:
    return dict.fromkeys(product(phases, kinds, current), Rule(verdict, suppress))


TABLE: dict[Key, Rule] = {
    **_rows(Phase, Kind, _EITHER, Verdict.STAY),
    # Good news of any attempt stops what is only waiting; a live call of a newer attempt it cannot stop.
    **_rows((Phase.QUEUED, Phase.WAITING, Phase.UNSURE, *_ENDED), _GOOD, _EITHER, Verdict.SENT),
    **_rows((Phase.SENDING,), _GOOD, (True,), Verdict.SENT),
    # Any event of that attempt is evidence that it was sent, also one we have no word for.
    **_rows((Phase.SENDING, Phase.UNSURE), (Kind.UNKNOWN,), (True,), Verdict.SENT),
    # Delivered is delivered, whichever attempt: the receipt may beat our own write, or come after we gave up.
    **_rows(
        (Phase.QUEUED, Phase.WAITING, *_UNDER_WAY, Phase.BOUNCED, Phase.SUPPRESSED, *_ENDED),
        _SEEN,
        _EITHER,
        Verdict.DELIVERED,
    ),
    # The call is over and surely sent nothing. Not from `sent`: there an event has already proved the contrary.
    **_rows((Phase.SENDING, Phase.UNSURE), _NOT_SENT, (True,), Verdict.RETRY),
    **_rows((Phase.SENDING,), (Kind.UNCERTAIN,), (True,), Verdict.DOUBT),
    # The original architecture's rule: a failed status puts the email back on the queue. Only the current attempt's
    # may: the failure of an older one says nothing about the copy under way.
    **_rows(_UNDER_WAY, _BAD, (True,), Verdict.RETRY),
    # The recipient is at fault: never another provider. An older attempt's word is remembered (`Fact.DEAD`) and
    # forbids every further claim, but does not deny the copy under way.
    **_rows(_UNDER_WAY, _FAULT, (True,), Verdict.END, suppress=True),
    **_rows(_UNDER_WAY, _FAULT, (False,), Verdict.STAY, suppress=True),
    **_rows((Phase.QUEUED, Phase.WAITING), _FAULT, _EITHER, Verdict.END, suppress=True),
    **_rows((Phase.BOUNCED, Phase.SUPPRESSED, *_ENDED), _FAULT, _EITHER, Verdict.STAY, suppress=True),
    # The host said yes, then no.
    **_rows((Phase.DELIVERED,), (Kind.BOUNCED,), _EITHER, Verdict.RETURN),
    **_rows((Phase.DELIVERED,), (Kind.DEAD,), _EITHER, Verdict.RETURN, suppress=True),
    # Who complains has got it, unless the same attempt reported a dead mailbox: that complaint is a forwarder's.
    **_rows(Phase, (Kind.COMPLAINED,), _EITHER, Verdict.COMPLAINED, suppress=True),
    **_rows((Phase.COMPLAINED,), (Kind.COMPLAINED,), _EITHER, Verdict.STAY, suppress=True),
    **_rows(Phase, (Kind.UNSUBSCRIBED,), _EITHER, Verdict.STAY, suppress=True),
    **_rows((Phase.SENDING, Phase.UNSURE), (Kind.UNSUBSCRIBED,), (True,), Verdict.SENT, suppress=True),
}

_LEARNED: dict[Kind, frozenset[Fact]] = {
    Kind.ACCEPTED: frozenset({Fact.ACCEPTED}),
    Kind.DEFERRED: frozenset({Fact.ACCEPTED}),
    Kind.DELIVERED: frozenset({Fact.ACCEPTED, Fact.DELIVERED}),
    Kind.ENGAGED: frozenset({Fact.ACCEPTED, Fact.DELIVERED}),
    Kind.COMPLAINED: frozenset({Fact.ACCEPTED, Fact.DELIVERED}),
    Kind.BOUNCED: frozenset({Fact.FAILED}),
    Kind.BLOCKED: frozenset({Fact.FAILED}),
    Kind.DROPPED: frozenset({Fact.FAILED}),
    Kind.DEAD: frozenset({Fact.FAILED, Fact.DEAD}),
    Kind.UNDELIVERABLE: frozenset({Fact.FAILED, Fact.DEAD}),
    Kind.SUPPRESSED: frozenset({Fact.FAILED, Fact.LISTED}),
}
_ENDS = frozenset({Fact.DEAD, Fact.LISTED, Fact.RETURNED})
# What, already known of that attempt, makes the news void: it contradicts stronger evidence, or it is old.
_BARS: dict[tuple[Verdict, Kind], frozenset[Fact]] = {
    **{(Verdict.SENT, kind): frozenset({Fact.FAILED}) for kind in (*_GOOD, Kind.UNKNOWN, Kind.UNSUBSCRIBED)},
    **{(Verdict.DELIVERED, kind): _ENDS for kind in _SEEN},
    (Verdict.COMPLAINED, Kind.COMPLAINED): _ENDS,
    (Verdict.RETURN, Kind.BOUNCED): frozenset({Fact.FAILED}),
    (Verdict.RETURN, Kind.DEAD): frozenset({Fact.DEAD}),
}


@dataclass(frozen=True, slots=True)
class News:
    """A piece of news about one attempt: what the table is asked about, and why it happened."""

    attempt: int
    provider: str
    kind: Kind
    cause: Cause | None = None
    detail: str = ""

    @classmethod
    def of(cls, event: Event) -> "News":
        """What a provider's event is to the table."""
        return cls(event.attempt, event.provider, event.kind, event.cause, event.detail)

    @classmethod
    def called(cls, attempt: Attempt, outcome: Outcome) -> "News":
        """What the outcome of a call is to the table. One that several people shared does not say who is at fault.

        Nor does a repetition that was not accepted say what has become of the call that it repeats.
        """
        unnamed = outcome.kind is Kind.UNDELIVERABLE and len(attempt.recipients) > 1
        kind = Kind.REFUSED if unnamed else outcome.signal
        if attempt.repeats and kind is not Kind.ACCEPTED:
            kind = Kind.UNCERTAIN
        return cls(attempt.copy, attempt.provider, kind, outcome.cause, outcome.reply)


@dataclass(frozen=True, slots=True)
class Doubt:
    """What to do when a provider may or may not have sent: the email's policy, and when waiting for evidence ends."""

    policy: OnUncertain
    wait_until_ms: int


def phase(recipient: Recipient) -> Phase:
    """The recipient's status, told apart by whether it waits."""
    if recipient.wait_until_ms is not None and recipient.status in _WAITING:
        return _WAITING[recipient.status]
    return Phase(recipient.status.value)


def rule(recipient: Recipient, news: News) -> Rule:
    """The row of the table that `news` meets."""
    return TABLE[phase(recipient), news.kind, news.attempt == recipient.attempt]


def fold(recipient: Recipient, news: News, doubt: Doubt) -> Recipient:
    """The recipient after `news`. Whatever was folded before may come again at any time: it changes nothing."""
    verdict = rule(recipient, news).verdict
    before = recipient.facts.get(news.attempt, frozenset())
    recipient = _learn(recipient, news)
    if before & _BARS.get((verdict, news.kind), frozenset()):
        return recipient
    match verdict:
        case Verdict.SENT | Verdict.DELIVERED:
            return at(recipient, Status(verdict.value), news.attempt)
        case Verdict.COMPLAINED:
            return _because(at(recipient, Status.COMPLAINED, news.attempt), news)
        case Verdict.RETRY:
            return requeue(_because(_tried(recipient, news), news))
        case Verdict.END:
            return requeue(_because(recipient, news))
        case Verdict.DOUBT:
            return _doubted(_because(recipient, news), doubt)
        case Verdict.RETURN:
            return _returned(recipient, news)
        case Verdict.STAY:
            return recipient


def _learn(recipient: Recipient, news: News) -> Recipient:
    facts = recipient.facts.get(news.attempt, frozenset())
    learned = facts | _LEARNED.get(news.kind, frozenset())
    if news.kind is Kind.BOUNCED and Fact.DELIVERED in facts and Fact.FAILED not in facts:
        learned |= {Fact.RETURNED}
    if learned == facts:
        return recipient
    return replace(recipient, facts={**recipient.facts, news.attempt: learned})


def _tried(recipient: Recipient, news: News) -> Recipient:
    passing = {news.provider: True} if news.kind in PASSING else {}
    return replace(recipient, tried={**recipient.tried, **passing})


def _doubted(recipient: Recipient, doubt: Doubt) -> Recipient:
    # With another attempt's copy known to be accepted there is nothing to wait for.
    if doubt.policy is OnUncertain.FAILOVER or alive(recipient):
        return requeue(recipient)
    return replace(recipient, wait_until_ms=doubt.wait_until_ms)


def _returned(recipient: Recipient, news: News) -> Recipient:
    delivered = recipient.attempts_with(Fact.DELIVERED, without=_ENDS)
    if delivered:
        return replace(recipient, attempt=delivered[-1])
    return _because(at(recipient, Status.BOUNCED, news.attempt), news)


def _because(recipient: Recipient, news: News) -> Recipient:
    return replace(recipient, cause=news.cause, detail=news.detail)
