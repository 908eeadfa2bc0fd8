"""Audits a chaos run: compares what the API promised, what the stories say, and what the providers took.

Each email is checked recipient by recipient against the guarantees. Every breach is a finding.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Any, Final

from app.domain.caps import Caps

ENDS: Final = {"delivered", "bounced", "complained", "suppressed", "failed", "canceled", "expired"}
# Events after which the recipient is sent to again, and those after which it never is (app/domain/states.py).
REPORTED_FAILED: Final = {"soft_bounce", "blocked", "dropped"}
AT_FAULT: Final = {"hard_bounce", "mailbox_condition", "suppressed", "virus"}
PROVIDERS: Final = {"sendgrid", "mailgun", "ses"}
# How many calls of unknown outcome a recipient may have, by `on_uncertain` (docs/guarantees.md).
MOST_UNKNOWN: Final = {"wait": 2, "failover": 4, "fail": 1}

WINDOW_S: Final = 10

Story = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Copy:
    """One call that a provider took: the provider, the attempt, and to whom it was addressed."""

    provider: str
    attempt: int
    recipients: frozenset[str]


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken guarantee: which rule was broken, and what was seen."""

    email_id: str
    rule: str
    seen: str


def read_copy(message: Mapping[str, Any]) -> Copy:
    """Make a Copy of one message of the simulator's inbox, as its control API answers it."""
    addresses = (address for role in ("to", "cc", "bcc") for address in message[role])
    return Copy(message["provider"], int(message["metadata"]["em_attempt"]), frozenset(addresses))


def examine(
    email_id: str,
    story: Story | None,
    copies: Sequence[Copy],
    on_uncertain: str,
    always_open: Collection[str] = PROVIDERS,
) -> list[Finding]:
    """What is wrong with one accepted email, after every email has settled.

    `always_open` are the providers without a daily cap: an email may fail without a call to the others.
    """
    if story is None:
        return [Finding(email_id, "lost", "the API knows no such email")]
    broken = [
        (rule, f"{address}: {seen}")
        for address in (recipient["address"] for recipient in story["recipients"])
        for rule, seen in _examine(_Case(story, address, copies, on_uncertain), always_open)
    ]
    return [Finding(email_id, rule, seen) for rule, seen in broken]


class _Case:
    """One recipient of an email: status, attempts, their events, and copies in the order of their attempts."""

    def __init__(self, story: Story, address: str, copies: Iterable[Copy], on_uncertain: str) -> None:
        (self.recipient,) = [each for each in story["recipients"] if each["address"] == address]
        self.status: str = self.recipient["status"]
        self.on_uncertain = on_uncertain
        self.attempts = {each["number"]: each for each in story["attempts"] if address in each["recipients"]}
        self.copies = sorted(copy.attempt for copy in copies if address in copy.recipients)
        self._events = [event for event in story["events"] if event["recipient"] == address]

    def kinds(self, number: int) -> set[str]:
        """The kinds of event that were reported of one attempt."""
        return {event["kind"] for event in self._events if event["attempt"] == number}

    def outcome(self, number: int) -> str | None:
        """The outcome of one attempt, or None if there was none for this recipient."""
        return str(self.attempts[number]["outcome"]) if number in self.attempts else None

    def called(self) -> set[str]:
        """The providers that were called for this recipient."""
        return {each["provider"] for each in self.attempts.values()}

    def uncertain(self) -> list[int]:
        """The attempts that ended without a known outcome. A repetition counts with the attempt that it repeats."""
        repeated = {each.get("repeats") for each in self.attempts.values()}
        originals = [n for n, each in self.attempts.items() if not each.get("repeats")]
        return [n for n in originals if self.outcome(n) == "uncertain" or n in repeated]

    def unknown(self) -> list[int]:
        """The attempts of `uncertain` on which no provider has reported anything by now."""
        return [n for n in self.uncertain() if not self.kinds(n)]

    def accepted(self) -> Collection[int]:
        """The attempts with a recorded acceptance: by the outcome, or by an event that reports no failure."""
        bad = REPORTED_FAILED | AT_FAULT
        return [n for n in self.attempts if self.outcome(n) == "accepted" or self.kinds(n) - bad]


def _examine(case: _Case, always_open: Collection[str]) -> Iterable[tuple[str, str]]:
    if case.status not in ENDS and case.status != "sent":
        yield "stuck", case.status
    if case.status == "sent" and not case.accepted():
        yield "sent without a recorded acceptance", str(case.attempts)
    if case.status in ("sent", "delivered") and not case.copies:
        yield "no provider took it", case.status
    if case.status == "failed":
        yield from _examine_failed(case, always_open)
    if len(case.unknown()) > MOST_UNKNOWN[case.on_uncertain]:
        yield "called again too often without an answer", str(case.attempts)
    if len(set(case.copies)) < len(case.copies):
        yield "one attempt, two calls", str(case.copies)
    for number in case.copies[:-1]:
        if not may_be_followed(case.outcome(number), case.kinds(number), case.on_uncertain):
            yield "a second copy without a reason", f"attempt {number} of copies {case.copies}"


def _examine_failed(case: _Case, always_open: Collection[str]) -> Iterable[tuple[str, str]]:
    if any(not case.kinds(n) & (REPORTED_FAILED | AT_FAULT) for n in case.accepted()):
        yield "failed against a recorded acceptance", str(case.attempts)
    says_so = case.recipient.get("cause") == "unknown"
    # What was reported after the end does not make the end wrong, so every uncertain attempt counts here.
    may_not_go_on = says_so and len(case.uncertain()) >= MOST_UNKNOWN[case.on_uncertain]
    if not may_not_go_on and not case.called() >= set(always_open):
        yield "gave up before every provider was called", str(case.attempts)
    if case.unknown() and not says_so:
        yield "failed without a word that it may have arrived", str(case.attempts)


def examine_caps(messages: Iterable[Mapping[str, Any]], caps: Mapping[str, Caps]) -> list[Finding]:
    """What the providers took beyond their accounts' caps, from the simulator's inbox.

    A call takes its time, so what begins within one second may arrive within another. Therefore a cap per second is
    checked over every WINDOW_S seconds, with one second's places more.
    """
    days: Counter[tuple[str, str]] = Counter()
    seconds: Counter[tuple[str, int]] = Counter()
    for message in messages:
        at, count = datetime.fromisoformat(message["received_at"]), len(read_copy(message).recipients)
        days[message["provider"], f"{at:%Y-%m-%d}"] += count
        for second in range(int(at.timestamp()), int(at.timestamp()) + WINDOW_S):
            seconds[message["provider"], second] += count
    over = [
        f"{provider}: {taken} on {day}" for (provider, day), taken in days.items() if taken > _daily(caps, provider)
    ]
    over += [
        f"{provider}: {taken} in {WINDOW_S} s"
        for (provider, _), taken in seconds.items()
        if taken > _per_second(caps, provider) * (WINDOW_S + 1)
    ]
    return [Finding("", "over a cap", seen) for seen in over]


def _daily(caps: Mapping[str, Caps], provider: str) -> float:
    cap = caps.get(provider, Caps()).daily
    return inf if cap is None else cap


def _per_second(caps: Mapping[str, Caps], provider: str) -> float:
    cap = caps.get(provider, Caps()).per_second
    return inf if cap is None else cap


def may_be_followed(outcome: str | None, kinds: Collection[str], on_uncertain: str) -> bool:
    """Whether another copy may follow one whose attempt has this outcome and these kinds of event."""
    if REPORTED_FAILED & set(kinds):
        return True
    return outcome == "uncertain" and on_uncertain != "fail"
