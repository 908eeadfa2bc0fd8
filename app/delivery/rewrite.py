"""Read, fold, write: how every verb changes a head, and says that somebody is waiting for an attempt."""

import logging
from collections.abc import Callable

from app.delivery.ports import Clock, HeadStore, Publish
from app.domain.head import EmailStatus, Head, Status, ready, status
from app.errors import Contention, Unavailable

log = logging.getLogger(__name__)

TRIES = 20  # how often a write may lose to other writers of the same email


def rewrite(
    heads: HeadStore,
    clock: Clock,
    email_id: str,
    change: Callable[[Head, int], Head | None],
    known: Head | None = None,
) -> Head | None:
    """Write `change(head, now in ms)` under the version that was read; read again if somebody else wrote since.

    Returns the head as it now stands: written, or as read if the change changes nothing. Returns None if
    there is no such email or the change returned None. `known` saves the first read. Raises Contention.
    """
    head = known or heads.get(email_id)
    for _ in range(TRIES):
        if head is None:
            return None
        now_ms = int(clock() * 1000)
        changed = change(head, now_ms)
        if changed is None or changed == head:
            return changed
        written = heads.update(changed, now_ms)
        if written is not None:
            _note(head, written, now_ms)
            return written
        head = heads.get(email_id)
    raise Contention(f"{TRIES} writes of {email_id} lost to other writers")


def announce(publish: Publish, clock: Clock, head: Head) -> None:
    """Ask for the next attempt if somebody waits for it: a fold over all recipients, never a step's own opinion."""
    if ready(head, int(clock() * 1000)):
        ask(publish, head)


def ask(publish: Publish, head: Head) -> None:
    """Publish the next attempt. A topic that does not answer is no error: the head is due, so the sweep publishes."""
    try:
        publish(head.email_id, head.next_attempt)
    except Unavailable as error:
        log.warning("not published, the sweep will", extra={"email_id": head.email_id, "reason": error.detail})


def _note(before: Head, after: Head, now_ms: int) -> None:
    """Log what has become of the email, if anything has; not that it is under way."""
    was, now = status(before.recipients.values()), status(after.recipients.values())
    given_up = sum(
        recipient.status is Status.FAILED and before.recipients[key].status is not Status.FAILED
        for key, recipient in after.recipients.items()
    )
    if not given_up and (was is now or now in (EmailStatus.QUEUED, EmailStatus.SENDING)):
        return
    log.info(
        "status",
        extra={
            "email_id": after.email_id,
            "was": was.value,
            "is": now.value,
            "age_ms": now_ms - after.created_at_ms,
            "given_up": given_up,
        },
    )
