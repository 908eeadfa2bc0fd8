"""Test mail: the same steps as for real mail, against two accounts that reach nobody and are watched by nobody.

The sandbox reports by itself, right after the outcome of a call is written, or some seconds later by a message that
comes with a delay. What it has to report follows from the head (`app.domain.sandbox`), and the head is due until it
knows all of it: after a crash, the sweep's message tells what is missing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from app.delivery.explain import Explanation
from app.delivery.ports import Clock, CollapseStore, EventStore, HeadStore, LoadContent
from app.delivery.queue_ports import PublishLater
from app.domain import sandbox
from app.domain.dispatch import DispatchContext
from app.domain.email import Email, Message
from app.domain.event import ProviderEvent
from app.domain.head import Head
from app.domain.outcome import Outcome
from app.domain.route import Availability, Candidate
from app.domain.sandbox_accounts import ACCOUNTS

WHY = "the sandbox, which reaches nobody"
EARLY_MS = 100  # a report that is due in less is told now

Objections = Callable[[Email], Mapping[str, str]]


def no_sandbox(head: Head, number: int, load: LoadContent) -> None:  # noqa: ARG001 because others have a sandbox
    """Refuse test mail: it must not be made through anything else."""
    raise RuntimeError(f"{head.email_id} is test mail, and this process has no sandbox")


def send(provider: str, message: Message) -> Outcome:
    """As `app.delivery.ports.Send`: what the sandbox answers."""
    keys = [mailbox.key for mailbox in (*message.to, *message.cc, *message.bcc)]
    return sandbox.answer(provider, keys, message.email_id, message.attempt)


def objections(of_real_accounts: Objections, email: Email) -> Mapping[str, str]:
    """What keeps every real account from carrying the email, whatever accounts of the sandbox it names."""
    return of_real_accounts(replace(email, providers=()))


def _route(named: Iterable[str], why_not: str = "") -> tuple[Candidate, ...]:
    named = tuple(named)
    return tuple(
        Candidate(account, Availability.EXCLUDED, "not among the email's providers")
        if named and account not in named
        else Candidate(account, Availability.EXCLUDED, why_not)
        if why_not
        else Candidate(account, Availability.AVAILABLE, WHY)
        for account in ACCOUNTS
    )


@dataclass(frozen=True)
class ReadSandbox:
    """As `app.delivery.ports.ReadContext`: every account is healthy, and the recipients say who is suppressed."""

    collapses: CollapseStore
    clock: Clock

    def __call__(self, head: Head) -> DispatchContext:
        """The context of a test email right now."""
        route = _route(head.allowed)
        return DispatchContext(
            route=route,
            suppressed=frozenset(sandbox.suppressed(head.recipients, int(self.clock() * 1000))),
            superseded=bool(head.collapse_scope)
            and self.collapses.newest(head.collapse_scope) not in (head.email_id, None),
            first_choice=next((one.provider for one in route if one.availability is Availability.AVAILABLE), ""),
        )


@dataclass(frozen=True)
class ExplainSandbox:
    """As `app.delivery.explain.Explain`, for a test key."""

    objections: Objections  # of the real accounts
    clock: Clock

    def __call__(self, email: Email) -> Explanation:
        """The sandbox's accounts. If no real account could carry the email, a real key would be refused: so is this."""
        found = objections(self.objections, email)
        why_not = "" if "" in found.values() else "; ".join(f"{name}: {why}" for name, why in found.items())
        keys = [mailbox.key for mailbox in (*email.to, *email.cc, *email.bcc)]
        begins_ms = max(int(self.clock() * 1000), email.send_at_ms or 0)
        return Explanation(list(_route(email.providers, why_not)), sandbox.suppressed(keys, begins_ms))


@dataclass(frozen=True)
class AttemptInSandbox:
    """What the message of a test email asks for: the next attempt, if there is one to make, and the reports."""

    make: Callable[[Head, int, LoadContent], None]  # an attempt through the sandbox
    heads: HeadStore
    events: EventStore
    record: Callable[[str, Sequence[ProviderEvent]], None]
    publish_later: PublishLater  # whatever goes wrong is left to the sweep
    clock: Clock

    def __call__(self, head: Head, number: int, load: LoadContent) -> None:
        """Do what is due for an email that expects attempt `number` next. Raises what the stores raise."""
        self.make(head, number, load)
        made = self.heads.get(head.email_id)
        if made is not None:
            self._report(made)

    def _report(self, head: Head) -> None:
        """Record what is due, and let a message come for what is not.

        The events are kept before the head knows of them: nobody tells them again once it does.
        """
        now_ms, pending = int(self.clock() * 1000), sandbox.pending(head)
        soon_ms = now_ms + EARLY_MS
        due = [one.event for one in pending if one.due_ms <= soon_ms]
        if due:
            self.events.put(due, {head.email_id: head}, now_ms)
        for account in ACCOUNTS:
            if of_account := [event for event in due if event.provider == account]:
                self.record(account, of_account)
        later_ms = min((one.due_ms for one in pending if one.due_ms > soon_ms), default=None)
        if later_ms is not None:
            self.publish_later(head.email_id, head.next_attempt, later_ms, head.lane)
