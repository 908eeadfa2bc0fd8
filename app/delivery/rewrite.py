"""How every use case changes a head (read, compute, write conditionally), and how it publishes the next attempt."""

import logging
import time
from collections.abc import Callable, Container, Iterable
from itertools import count

from app.delivery.marked import marked
from app.delivery.ports import Clock, HeadStore
from app.delivery.queue_ports import Publish, PublishMany
from app.domain.backoff import backoff_s
from app.domain.due import ready
from app.domain.head import EmailStatus, Head, Status, status
from app.errors import Contention, ServiceUnavailable

log = logging.getLogger(__name__)

GIVEN_UP = (Status.FAILED, Status.EXPIRED)  # no provider carried it, or none in time
TRIES = 20  # a write gives up after it has lost this often to other writers of the same email
FIRST_WAIT_S, LONGEST_WAIT_S = 0.005, 0.2  # before another try; a write takes some milliseconds


def rewrite(
    heads: HeadStore,
    clock: Clock,
    email_id: str,
    change: Callable[[Head, int], Head | None],
    known: Head | None = None,
    *,
    until_ms: int = 0,
    wait: Callable[[float], None] = time.sleep,
) -> Head | None:
    """Write `change(head, now in ms)` under the version that was read; read again if another writer wrote since.

    Returns the head as it now stands: written, or as read if the change changes nothing. Returns None if
    there is no such email or the change returned None. `known` saves the first read. Raises Contention after TRIES
    tries, but not before `until_ms`. `wait` lets a number of seconds pass.
    """
    head = known or heads.get(email_id)
    for number in count(1):
        if head is None:
            return None
        now_ms = int(clock() * 1000)
        changed = change(head, now_ms)
        if changed is None or changed == head:
            return changed
        written = heads.update(changed, now_ms)
        if written is not None:
            _log_status(head, written, now_ms)
            return written
        if number >= TRIES and now_ms >= until_ms:
            break
        wait(backoff_s(number, FIRST_WAIT_S, LONGEST_WAIT_S))
        head = heads.get(email_id)
    raise Contention(f"{number} writes of {email_id} lost to other writers")


def publish_if_ready(publish: Publish, clock: Clock, head: Head) -> None:
    """Publish the next attempt if it has something to do, for any recipient and not only for those just changed."""
    if ready(head, int(clock() * 1000)):
        publish_next_attempt(publish, head)


def publish_those_ready(
    publish_many: PublishMany, clock: Clock, heads: Iterable[Head], replaced: Container[str] = ()
) -> None:
    """As `publish_if_ready`, for many heads at once. What the topic does not take is left to the next sweep.

    Those in `replaced` (by id) are ended by an attempt of theirs, and do not wait for their time.
    """
    now_ms = int(clock() * 1000)
    attempts = [
        (head.email_id, head.next_attempt, head.lane)
        for head in heads
        if ready(head, now_ms) or head.email_id in replaced
    ]
    for email_id, reason in publish_many(attempts) if attempts else ():
        log.warning("not published, the sweep will", extra={"email_id": email_id, "reason": reason})


def publish_next_attempt(publish: Publish, head: Head) -> None:
    """Publish the next attempt. If the topic does not answer, the sweep does it later, because the head is due."""
    try:
        publish(head.email_id, head.next_attempt, head.lane)
    except ServiceUnavailable as error:
        log.warning("not published, the sweep will", extra={"email_id": head.email_id, "reason": error.detail})


def _log_status(before: Head, after: Head, now_ms: int) -> None:
    """Log the email's new status, unless it is one of those on the way (`queued`, `sending`)."""
    was, now = status(before.recipients.values()), status(after.recipients.values())
    given_up = sum(
        recipient.status in GIVEN_UP and before.recipients[key].status not in GIVEN_UP
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
            "age_ms": now_ms - after.lives_from_ms,
            "given_up": given_up,
            **marked(after),
        },
    )
