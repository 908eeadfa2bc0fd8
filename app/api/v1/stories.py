"""Writes answers about an email from what is stored of it."""

from collections.abc import Iterable, Mapping, Sequence

from app.api import times
from app.api.v1 import views
from app.domain.attempts import Attempt, EarlierCalls
from app.domain.email import Content, Mailbox, Role
from app.domain.event import ProviderEvent
from app.domain.head import Head, Recipient, status
from app.domain.project import plain
from app.domain.sandbox_accounts import ACCOUNTS as SANDBOX
from app.domain.suppression import Notice
from app.domain.timeline import Placed, in_order, waiting_because


def summarize(head: Head) -> views.EmailSummary:
    """The summary of the email with this head."""
    return views.EmailSummary.model_validate(_summary(head))


def summarize_accepted(head: Head, configured: Sequence[str]) -> views.AcceptedEmail:
    """The summary of a new email, with those of the `configured` providers that it allows."""
    eligible = [name for name in (*configured, *SANDBOX) if head.may_use(name)]
    suppressed = list_suppressed(head.suppressed, head.recipients.values())
    return views.AcceptedEmail.model_validate(
        _summary(head) | {"eligible_providers": eligible, "suppressed": suppressed}
    )


def list_suppressed(
    suppressed: Mapping[str, Notice], recipients: Iterable[Recipient | Mailbox]
) -> list[views.SuppressedRecipient]:
    """The suppressed ones of `recipients`, in their order. `suppressed` is by address."""
    return [
        views.SuppressedRecipient(
            address=one.address, reason=suppressed[one.key].reason, until=times.write(suppressed[one.key].until_ms)
        )
        for one in recipients
        if one.key in suppressed
    ]


def write_story(head: Head, events: Iterable[ProviderEvent], details: Content | None) -> views.EmailStory:
    """The whole story of the email with this head and these events. `details` None: its content is lost."""
    return views.EmailStory.model_validate(
        _summary(head)
        | _details(details)
        | {
            "attempts": [_attempt(attempt, head) for attempt in head.attempts],
            "earlier_attempts": [_earlier(provider, calls) for provider, calls in head.earlier.items()],
            "events": [_event(placed, head) for placed in in_order(head.attempts, events)],
        }
    )


def _details(details: Content | None) -> dict[str, object]:
    if details is None:
        return dict.fromkeys(("reply_to", "headers", "tags", "metadata"))
    return {
        "reply_to": [str(mailbox) for mailbox in details.reply_to],
        "headers": dict(details.headers),
        "tags": list(details.tags),
        "metadata": dict(details.metadata),
    }


def _summary(head: Head) -> dict[str, object]:
    return {
        "id": head.email_id,
        "project": plain(head.project),
        "test": head.sandbox,
        "lane": head.lane,
        "status": status(head.recipients.values()),
        "from": str(head.sender),
        **{role: [r.address for r in head.recipients.values() if r.role is role] for role in Role},
        "subject": head.subject,
        "tracking": {"opens": head.tracking.opens, "clicks": head.tracking.clicks},
        "webhook_url": head.webhook_url or None,
        "created_at": times.write(head.created_at_ms),
        "send_at": times.write_optional(head.send_at_ms),
        "expires_at": times.write(head.expires_at_ms),
        "recipients": [_recipient(recipient, head) for recipient in head.recipients.values()],
    }


def _recipient(recipient: Recipient, head: Head) -> dict[str, object]:
    attempt = head.attempt(recipient.attempt)
    return {
        "address": recipient.address,
        "role": recipient.role,
        "status": recipient.status,
        "attempt": recipient.attempt or None,
        "provider": attempt.provider if attempt else None,
        "cause": recipient.cause,
        "detail": recipient.detail or None,
        "next_attempt_at": times.write_optional(recipient.wait_until_ms),
        "waiting_because": waiting_because(recipient),
    }


def _attempt(attempt: Attempt, head: Head) -> dict[str, object]:
    return {
        "number": attempt.number,
        "provider": attempt.provider,
        "recipients": [_as_given(key, head) for key in attempt.recipients],
        "outcome": attempt.outcome,
        "cause": attempt.cause,
        "status_code": attempt.status_code,
        "reply": attempt.reply or None,
        "message_id": attempt.message_id or None,
        "started_at": times.write(attempt.started_at_ms),
        "duration_ms": attempt.duration_ms,
        "repeats": attempt.repeats or None,
        "outcomes": _outcomes(attempt, head),
    }


def _outcomes(attempt: Attempt, head: Head) -> dict[str, str | None] | None:
    if not attempt.differing:
        return None
    return {_as_given(key, head): attempt.outcome_for(key) for key in attempt.recipients}


def _earlier(provider: str, calls: EarlierCalls) -> dict[str, object]:
    return {
        "provider": provider,
        "count": calls.count,
        "first_at": times.write(calls.first_at_ms),
        "last_at": times.write(calls.last_at_ms),
        "outcome": calls.outcome,
    }


def _event(placed: Placed, head: Head) -> dict[str, object]:
    event = placed.event
    return {
        "at": times.write(event.at_ms),
        "sort_at": times.write(placed.sort_ms),
        "provider": event.provider,
        "attempt": event.attempt or None,
        "recipient": _as_given(event.recipient, head) or None,
        "kind": event.kind,
        "cause": event.cause,
        "detail": event.detail or None,
        "scope": event.scope or None,
    }


def _as_given(key: str, head: Head) -> str:
    found = head.recipients.get(key)
    return found.address if found else key
