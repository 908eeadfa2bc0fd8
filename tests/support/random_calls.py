"""The calls of a random run: what a provider or the sandbox is asked to send, and whether it may be sent."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.delivery import sandbox
from app.delivery.health_cache import CACHE_FOR_S
from app.domain.email import Message, OnUncertain
from app.domain.head import Evidence, Head, Recipient, Status
from app.domain.kinds import Kind
from app.domain.outcome import Outcome
from app.domain.sandbox import REPORTS, SUPPRESSED, behaviour
from app.domain.sandbox_accounts import ACCOUNTS
from app.domain.unknown_calls import unknown_calls
from tests.support.crash import Crash
from tests.support.harness import UNCERTAIN_WAIT_S
from tests.support.proved import BAD

if TYPE_CHECKING:
    from tests.support.random_run import RandomRun

DuringCall = Kind | float | str | None  # what happens during a call: a webhook, seconds that pass, or DEATH
DEATH = "death"  # the worker dies during the call, after the provider has taken the email
MOST_UNKNOWN = {OnUncertain.WAIT: 2, OnUncertain.FAILOVER: 4, OnUncertain.FAIL: 1}  # calls to one recipient
WAITS_MS = UNCERTAIN_WAIT_S * 1000
RECEIVED = (Status.DELIVERED, Status.COMPLAINED)


@dataclass(frozen=True)
class Copy:
    """A call after which the provider has the email."""

    attempt: int
    provider: str
    keys: frozenset[str]
    at_ms: int


class Calls:
    """Every call of one run. `outcome`, `has_copy` and `during_call` are of the next one to a provider."""

    def __init__(self, run: "RandomRun") -> None:
        self.run = run
        self.outcome = Outcome(Kind.ACCEPTED, message_id="m")
        self.has_copy = True
        self.during_call: DuringCall = None
        self.made: set[tuple[str, int]] = set()
        self.copies: dict[str, list[Copy]] = defaultdict(list)
        self.first: dict[tuple[str, int], tuple[str, Message]] = {}  # what was sent under a key, and through whom
        self.outcomes: Counter[Kind] = Counter()  # of the calls to providers that were answered
        self.to_providers = self.to_sandbox = 0

    def of_providers(self) -> list[tuple[str, int]]:
        """Emails and their attempts through a provider, of which it may report."""
        return sorted(call for call, (provider, _) in self.first.items() if provider not in ACCOUNTS)

    def send(self, provider: str, message: Message) -> Outcome:
        """As `app.delivery.ports.Send`: what a provider answers."""
        run, keys = self.run, self._begin(provider, message, ACCOUNTS, is_among=False)
        self.to_providers += 1
        run.cap_check.count_call(provider, len(keys), run.clock())
        if self.has_copy and self._has_new_copy(provider, message, keys):
            run.cap_check.count_copy(provider, len(keys), run.clock())
        outcome, during_call, self.during_call = self.outcome, self.during_call, None
        if during_call is not None:
            self._happen(during_call, message.email_id, message.attempt)
        self.outcomes[outcome.signal_kind] += 1
        return outcome

    def send_in_sandbox(self, account: str, message: Message) -> Outcome:
        """The same of the sandbox, which decides for itself. It may die as well."""
        keys = self._begin(account, message, ACCOUNTS, is_among=True)
        self.to_sandbox += 1
        outcome = sandbox.send(account, message)
        if outcome.kind is Kind.ACCEPTED and self._has_new_copy(account, message, keys - outcome.differing.keys()):
            for key in keys - outcome.differing.keys():
                kinds = {report.kind for report in REPORTS[behaviour(key)]}
                self.run.reported[message.email_id, message.attempt, key] |= kinds
        during_call, self.during_call = self.during_call, None
        if during_call == DEATH:
            raise Crash
        return outcome

    def _begin(self, account: str, message: Message, of_sandbox: tuple[str, ...], *, is_among: bool) -> frozenset[str]:
        """Check that this call may be made. Returns to whom it goes."""
        run, now_ms = self.run, self.run.clock.now_ms
        head = run.harness.head(message.email_id)
        keys = frozenset(mailbox.key for mailbox in (*message.to, *message.cc, *message.bcc))
        assert head.sandbox is (account in of_sandbox) is is_among, "test mail and real mail are mixed up"
        assert (message.email_id, head.lease_attempt) not in self.made, "two calls of one attempt"
        self.made.add((message.email_id, head.lease_attempt))
        if head.lease_attempt != message.attempt:
            assert account in (*run.idempotent, *of_sandbox), "repeated where no key is known"
        first = self.first.setdefault((message.email_id, message.attempt), (account, message))
        assert first == (account, message), "repeated, but not the same"
        assert now_ms < head.expires_at_ms, "sent after expires_at"
        assert now_ms >= (head.send_at_ms or 0), "sent before its time"
        allowed = [head.through] if head.through else head.providers
        assert not allowed or account in allowed, "sent through a provider it does not allow"
        since_s = run.paused_since_s.get(account)
        assert since_s is None or run.clock() < since_s + CACHE_FOR_S, "sent through a paused provider"
        assert head.email_id not in run.canceled, "sent although it was canceled"
        for key in keys:
            self._may_be_sent(head, key, message.attempt)
        return keys

    def _has_new_copy(self, account: str, message: Message, keys: frozenset[str]) -> bool:
        """Note that `keys` have a copy. Returns whether it is a new one, and not that of an earlier call."""
        if any(copy.attempt == message.attempt for copy in self.copies[message.email_id]):
            return False
        self.copies[message.email_id].append(Copy(message.attempt, account, keys, self.run.clock.now_ms))
        return True

    def _happen(self, during_call: Kind | float | str, email_id: str, attempt: int) -> None:
        """Let something happen during a call."""
        if during_call == DEATH:
            raise Crash
        run = self.run
        calls_left, mode = run.faults.calls_left, run.faults.mode
        if isinstance(during_call, Kind):
            run.report_on(email_id, attempt, 0, during_call, None)
        elif isinstance(during_call, float):
            run.clock.advance(during_call)
            run.sweep()
            for message in [message for message in run.messages if message[0] == email_id]:
                run.attempt_to(None, run.harness.attempt, *message)
        run.faults.arm((calls_left, mode))

    def _may_be_sent(self, head: Head, key: str, attempt: int) -> None:
        recipient = head.recipients[key]
        assert self.run.seen.get((head.email_id, key)) not in RECEIVED, "sent to somebody who has it"
        if not head.override_suppression:
            assert not self._is_suppressed(head, key), "sent to somebody who is suppressed"
        earlier = {attempt, *self.run.asks.passed[head.email_id, key]}
        unknown = [number for number in unknown_calls(recipient, head.attempts) if number not in earlier]
        assert len(unknown) < MOST_UNKNOWN[head.on_uncertain], "sent again too often without an answer"
        for copy in self.copies[head.email_id]:
            if key in copy.keys and copy.attempt != attempt:
                self._may_have_another(head, recipient, copy)

    def _is_suppressed(self, head: Head, key: str) -> bool:
        if head.sandbox:
            return behaviour(key) == SUPPRESSED
        return bool(self.run.harness.suppressions.among([key], self.run.clock.now_ms, head.project))

    def _may_have_another(self, head: Head, recipient: Recipient, copy: Copy) -> None:
        """Check that another copy is allowed: this one was reported as failed, or its outcome could not be known."""
        evidence = recipient.evidence.get(copy.attempt, frozenset())
        if Evidence.FAILED in evidence:
            reported = self.run.reported[head.email_id, copy.attempt, recipient.key]
            assert reported & BAD, "a failure that nobody reported"
        elif Evidence.SILENT in evidence:
            assert head.critical, "rescued, but not critical"
            assert head.on_uncertain is not OnUncertain.FAIL, "rescued, which was forbidden"
        else:
            assert Evidence.ACCEPTED not in evidence, "a second copy beside an accepted one"
            assert head.made(copy.attempt).outcome is Kind.UNCERTAIN, "a second copy without any doubt"
            assert head.on_uncertain is not OnUncertain.FAIL, "a second copy that was forbidden"
            waited_ms = self.run.clock.now_ms - copy.at_ms
            assert head.on_uncertain is OnUncertain.FAILOVER or waited_ms >= WAITS_MS, "evidence was not waited for"
