"""What became of an email, as its application is told: from two successive heads, or from a provider's event.

Everything here follows from what is stored, so that whoever reads the same again tells the same under the same ids.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from app.domain.attempts import Attempt
from app.domain.change_types import REPORTS, STATUS_CHANGES, WORDS, ChangeType, word_of
from app.domain.email import Role
from app.domain.event import ProviderEvent
from app.domain.head import EmailStatus, Head, Recipient, status
from app.domain.ids import BYTES, id_of
from app.domain.kinds import Cause
from app.domain.written import EventStored

SEQUENCE_STEP: Final = 10_000  # more than one write of a head can change
REPORT_INDEX: Final = SEQUENCE_STEP - 1  # of a provider's event: behind what the head of that version tells


@dataclass(frozen=True, slots=True)
class EmailChange:
    """One thing that became of one recipient of an email, and what was known of both at that time.

    `id` is the same however often it is told. `recipient` is the address ("": a provider reports an open of one of
    several, and not whose). `status` and `was` are the recipient's, the latter before this change (None: the email is
    new). `attempt` and `provider` are those that brought it about (0 and "": none), and `previous_provider` is the one
    that a failover goes away from. `starts_at_ms` is when the email was to be sent at the earliest. `shard` is the
    email's, in which it is told, too.
    """

    id: str
    type: ChangeType
    email_id: str
    version: int
    index: int
    at_ms: int
    project: str
    shard: int
    recipient: str
    role: Role | None
    status: str
    was: str | None
    email_status: EmailStatus
    starts_at_ms: int
    created_at_ms: int
    provider: str = ""
    attempt: int = 0
    message_id: str = ""
    after_failover: bool = False
    previous_provider: str = ""
    cause: Cause | None = None
    detail: str = ""
    scope: str = ""
    tags: tuple[str, ...] = field(default=())

    @property
    def sequence(self) -> int:
        """Sorts the changes of one email. Events that were reported under one version share theirs."""
        return self.version * SEQUENCE_STEP + self.index


def changes(old: Head | None, new: Head, at_ms: int) -> tuple[EmailChange, ...]:
    """What became of the recipients by the write that made `new` of `old` (None: there was no email), at that time."""
    found = [change for key, recipient in new.recipients.items() for change in _of(old, new, key, recipient, at_ms)]
    return numbered(found)


def numbered(found: Iterable[EmailChange], first_index: int = 0) -> tuple[EmailChange, ...]:
    """These changes of one version, in their order, with the indexes and ids that they have from `first_index` on."""
    return tuple(
        replace(change, index=index, id=_id(change.email_id, change.version, index))
        for index, change in enumerate(found, start=first_index)
    )


def stored_over(event: ProviderEvent, head: Head, now_ms: int) -> EventStored:
    """The event as it is stored now, over that head of its email: never earlier than the head was."""
    email_status = status(head.recipients.values())
    recipient = head.recipients.get(_recipient_key(event, head))
    word = word_of(recipient.status) if recipient else email_status.value
    return EventStored(event, head.version, max(now_ms, head.written_at_ms), word, email_status)


def reported(stored: EventStored, head: Head) -> tuple[EmailChange, ...]:
    """What is told of a provider's event, beside what it does to the head.

    `head` is the email's as it is now. What is told is what it had come to when the event was stored, so that it does
    not matter when that is.
    """
    event = stored.event
    change_type = REPORTS[event.kind]
    if change_type is None:
        return ()
    key = _recipient_key(event, head)
    recipient = head.recipients.get(key)
    happened_ms = max(min(event.at_ms, stored.at_ms), head.created_at_ms)
    change = replace(
        _snapshot(head, change_type, recipient, stored.status, stored.status, happened_ms),
        id=_id(event.email_id, "event", event.key),
        version=stored.version,
        index=REPORT_INDEX,
        email_status=stored.email_status,
        recipient=recipient.address if recipient else "",
        cause=event.cause,
        detail=event.detail,
        scope=event.scope,
        **_call(head.attempt(event.attempt), key, head),
    )
    return (replace(change, provider=event.provider, attempt=event.attempt),)


def _of(old: Head | None, new: Head, key: str, recipient: Recipient, at_ms: int) -> Iterator[EmailChange]:
    before = old.recipients.get(key) if old else None
    was = word_of(before.status) if before else None
    call = _call(new.attempt(recipient.attempt), key, new)
    row = STATUS_CHANGES[before.status if before else None, recipient.status]
    for change_type in row:
        change = replace(_snapshot(new, change_type, recipient, WORDS[change_type], was, at_ms), **call)
        # Why it is so is known of the last one; the others were passed on the way.
        yield _with_reason(change, recipient) if change_type is row[-1] else change
        was = WORDS[change_type]
    for attempt in _begun(old, new, key):
        previous = _previous(old or new, new, key, attempt)
        if previous is not None and previous.provider != attempt.provider:
            word = word_of(recipient.status)
            change = _snapshot(new, ChangeType.FAILED_OVER, recipient, word, word, at_ms)
            change = replace(change, previous_provider=previous.provider, **_call(attempt, key, new))
            yield _with_reason(change, recipient)


def _begun(old: Head | None, new: Head, key: str) -> list[Attempt]:
    """The calls to this recipient that have begun since `old`."""
    if old is None:
        return []
    return [one for one in new.attempts if one.number >= old.next_attempt and key in one.recipients]


def _with_reason(change: EmailChange, recipient: Recipient) -> EmailChange:
    return replace(change, cause=recipient.cause, detail=recipient.detail)


def _snapshot(
    head: Head, change_type: ChangeType, recipient: Recipient | None, word: str, was: str | None, at_ms: int
) -> EmailChange:
    return EmailChange(
        id="",
        type=change_type,
        email_id=head.email_id,
        version=head.version,
        index=0,
        at_ms=at_ms,
        project=head.project,
        shard=head.shard,
        recipient=recipient.address if recipient else "",
        role=recipient.role if recipient else None,
        status=word,
        was=was,
        email_status=status(head.recipients.values()),
        starts_at_ms=max(head.created_at_ms, head.send_at_ms or 0),
        created_at_ms=head.created_at_ms,
        tags=head.tags,
    )


def _call(attempt: Attempt | None, key: str, head: Head) -> dict[str, Any]:
    """What a change says of the call that brought it about."""
    if attempt is None:
        return {}
    return {
        "provider": attempt.provider,
        "attempt": attempt.number,
        "message_id": attempt.message_id,
        "after_failover": any(
            one.number < attempt.number and key in one.recipients and one.provider != attempt.provider
            for one in head.attempts
        ),
    }


def _previous(old: Head, new: Head, key: str, attempt: Attempt) -> Attempt | None:
    """The call to this recipient before that one. None: there was none, or nobody knows any more through which account.

    `old` lists the last call to each recipient before its `next_attempt`. Later ones may only be counted by now
    (`history.fold`): those of the same account hide which account was called last.
    """
    kept = {one.number: one for one in (*old.attempts, *new.attempts) if one.number < attempt.number}
    number = max((one.number for one in kept.values() if key in one.recipients), default=0)
    later = range(max(number + 1, old.next_attempt), attempt.number)
    if attempt.provider in new.earlier and not kept.keys() >= set(later):
        return None
    return kept.get(number)


def _recipient_key(event: ProviderEvent, head: Head) -> str:
    """Whom the event is about: the only recipient of its attempt, if the provider names nobody; "" of several."""
    attempt = head.attempt(event.attempt)
    only = attempt.recipients[0] if attempt and len(attempt.recipients) == 1 else ""
    return event.recipient or only


def _id(*parts: object) -> str:
    digest = hashlib.sha256("\n".join(map(str, parts)).encode()).digest()
    return id_of("evt_", digest[:BYTES])
