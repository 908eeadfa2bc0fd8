"""What becomes of a recipient whose current attempt is over, or no longer counted on."""

from dataclasses import replace
from typing import Any

from app.domain.head import Fact, Recipient, Status


def at(recipient: Recipient, status: Status, attempt: int) -> Recipient:
    """That status, by the copy of that attempt."""
    return replace(recipient, status=status, attempt=attempt, wait_until_ms=None, cause=None, detail="")


def alive(recipient: Recipient) -> list[int]:
    """The attempts whose copy was accepted, is not reported failed, and is counted on."""
    return recipient.attempts_with(Fact.ACCEPTED, without=(Fact.FAILED, Fact.SILENT))


def requeue(recipient: Recipient) -> Recipient:
    """The current attempt is over without success: what now?

    A recipient at fault ends; a copy known to be accepted and not reported failed counts; else back to the queue.
    """
    if recipient.attempts_with(Fact.DEAD):
        return replace(recipient, status=Status.BOUNCED, wait_until_ms=None)
    if recipient.attempts_with(Fact.LISTED):
        return replace(recipient, status=Status.SUPPRESSED, wait_until_ms=None)
    copies = alive(recipient)
    if copies:
        return at(recipient, Status.SENT, copies[-1])
    return replace(recipient, status=Status.QUEUED, wait_until_ms=None)


def forsaken(recipient: Recipient) -> Recipient:
    """Sent by a provider that has fallen silent: its copy is no longer counted on, and the recipient is queued."""
    known = recipient.facts.get(recipient.attempt, frozenset())
    facts = {**recipient.facts, recipient.attempt: known | {Fact.SILENT}}
    return requeue(replace(recipient, facts=facts, wait_until_ms=None))


def given_up(recipient: Recipient, status: Status, **why: Any) -> Recipient:
    """Queued, and nobody is asked any more: `status`, or `sent` again by the copy that a silent provider took."""
    copies = recipient.attempts_with(Fact.ACCEPTED, without=(Fact.FAILED,))
    if copies:
        return at(recipient, Status.SENT, copies[-1])
    return replace(recipient, status=status, wait_until_ms=None, **why)
