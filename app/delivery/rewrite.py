"""Read, fold, write: how every verb changes a head, and says that somebody is waiting for an attempt."""

import logging
from collections.abc import Callable

from app.delivery.ports import Clock, HeadStore, Publish
from app.domain.head import Head, ready
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

    Returns the head as it now stands: written, or as read if the change returned it untouched. Returns None if
    there is no such email or the change returned None. `known` saves the first read. Raises Contention.
    """
    head = known or heads.get(email_id)
    for _ in range(TRIES):
        if head is None:
            return None
        now_ms = int(clock() * 1000)
        changed = change(head, now_ms)
        if changed is None or changed is head:
            return changed
        written = heads.update(changed, now_ms)
        if written is not None:
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
