"""attempt: one message of the queue, at most one provider call.

read → guard → settle → choose → claim → call → outcome → publish. Every write is conditional on what was read; the
write comes before the publish, always.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from secrets import token_hex

from app.delivery.monitor import Monitor
from app.delivery.ports import Clock, ContentStore, HeadStore, Publish, Send, Survey
from app.delivery.rewrite import announce, rewrite
from app.domain.email import Content, Mailbox, Message, Role
from app.domain.head import Head
from app.domain.outcome import Outcome
from app.domain.progress import Rules
from app.domain.route import Leg
from app.domain.standing import Circumstances
from app.domain.suppression import Suppression, from_news
from app.domain.transitions import News, rule

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Attempt:
    """Makes attempt number n of an email. Raises only for our own faults: then the message comes again."""

    heads: HeadStore
    contents: ContentStore
    send: Send
    publish: Publish
    clock: Clock
    rules: Rules
    survey: Survey
    monitor: Monitor
    suppress: Callable[[Suppression], None]
    lease_s: float  # longer than a worker may live, so that its holder is dead when it ends

    def __call__(self, email_id: str, number: int) -> None:
        """Make attempt `number` if it is what the email expects next; a redelivered message is normal and dropped."""
        head = self.heads.get(email_id)
        if head is None or not self._expected(head, number, self._now_ms()):
            log.info("not expected, dropped", extra={"email_id": email_id, "attempt": number})
            return
        content = self.contents.get(email_id, head.fingerprint)  # before the claim: if it fails, nothing is held
        bid = _Bid(number, self.survey(head))
        claimed = rewrite(self.heads, self.clock, email_id, lambda h, now: self._claim(h, bid, now), known=head)
        if claimed is None or claimed.lease_attempt != number:
            log.info("nothing to send", extra={"email_id": email_id, "attempt": number})
            return
        outcome, duration_ms = self._call(claimed, content)
        written = rewrite(
            self.heads,
            self.clock,
            email_id,
            lambda h, now: self.rules.with_outcome(h, number, outcome, duration_ms, now),
            known=claimed,
        )
        attempt = claimed.attempts[-1]
        if written is not None:
            announce(self.publish, self.clock, written)
            self._suppress(written, News.called(attempt, outcome))
        self.monitor.called(attempt.provider, outcome, len(attempt.recipients))
        self.monitor.flush()

    def _expected(self, head: Head, number: int, now_ms: int) -> bool:
        """The guard: this number is what the email expects next, and nobody is at it."""
        return head.next_attempt == number and not head.leased(now_ms)

    def _claim(self, head: Head, bid: "_Bid", now_ms: int) -> Head | None:
        """What time has decided, and in the same write the claim of the next call. None: not ours to make."""
        if head.lease_holder == bid.holder:
            return head  # our write went through, only its answer was lost: the store's client tried it again
        if not self._expected(head, bid.number, now_ms):
            return None
        settled, leg = self._plan(head, bid, now_ms)
        if leg is None:
            return settled
        claimed = self.rules.claimed(settled, leg, now_ms + int(self.lease_s * 1000), now_ms)
        return replace(claimed, lease_holder=bid.holder)

    def _plan(self, head: Head, bid: "_Bid", now_ms: int) -> tuple[Head, Leg | None]:
        """The settled head and the next call; where a provider is in for few only, with a place taken there."""
        around = bid.around
        while True:
            settled = self.rules.settled(head, now_ms, around)
            leg = self.rules.next_leg(settled, now_ms, around)
            if leg is None or leg.provider in bid.places or not around.standing(leg.provider).reserve:
                return settled, leg
            if self.monitor.reserve(leg.provider, len(leg.recipients)):
                bid.places.add(leg.provider)
                return settled, leg
            around = around.without(leg.provider, now_ms)

    def _call(self, claimed: Head, content: Content) -> tuple[Outcome, int]:
        provider = claimed.attempts[-1].provider
        began_ms = self._now_ms()
        outcome = self.send(provider, message(claimed, content))
        duration_ms = self._now_ms() - began_ms
        log.info(
            "attempt",
            extra={
                "email_id": claimed.email_id,
                "attempt": claimed.lease_attempt,
                "provider": provider,
                "outcome": outcome.kind.value,
                "cause": outcome.cause and outcome.cause.value,
                "status_code": outcome.status_code,
                "ms": duration_ms,
                "failover": provider != claimed.attempts[0].provider,
                "repeats": claimed.attempts[-1].repeats,
            },
        )
        return outcome, duration_ms

    def _suppress(self, written: Head, news: News) -> None:
        """Remember whom the provider itself refused for good, so that the next email does not ask it again."""
        for key in written.attempts[news.attempt - 1].recipients:
            if rule(written.recipients[key], news).suppress:
                self.suppress(from_news(written.email_id, key, news, self._now_ms()))

    def _now_ms(self) -> int:
        return int(self.clock() * 1000)


@dataclass(frozen=True)
class _Bid:
    """One worker's bid for one attempt: the same however often its write has to be made again."""

    number: int
    around: Circumstances
    holder: str = field(default_factory=lambda: token_hex(8))
    places: set[str] = field(default_factory=set)  # taken at these providers


def message(claimed: Head, content: Content) -> Message:
    """What the last attempt of `claimed` carries; a repetition carries exactly what the call it repeats did.

    As first sent if it carries everybody. Otherwise those who still need it are addressed in `to`: some providers
    insist on one, and a copy addressed to people who got theirs would be a second copy.
    """
    attempt = claimed.attempts[-1]
    whole = len(attempt.recipients) == len(claimed.recipients)
    carried = tuple(_mailbox(claimed, key) for key in attempt.recipients)
    return Message(
        email_id=claimed.email_id,
        attempt=attempt.copy,
        sender=claimed.sender,
        to=_with_role(claimed, Role.TO) if whole else carried,
        cc=_with_role(claimed, Role.CC) if whole else (),
        bcc=_with_role(claimed, Role.BCC) if whole else (),
        visible_to=_with_role(claimed, Role.TO),
        visible_cc=_with_role(claimed, Role.CC),
        content=content,
    )


def _mailbox(head: Head, key: str) -> Mailbox:
    return Mailbox(head.recipients[key].address, head.recipients[key].name)


def _with_role(head: Head, role: Role) -> tuple[Mailbox, ...]:
    return tuple(_mailbox(head, key) for key, recipient in head.recipients.items() if recipient.role is role)
