"""A change as the application gets it: the same from the feed and in a webhook."""

from datetime import UTC, datetime
from typing import Any

from app.domain.change_types import ChangeType
from app.domain.changes import EmailChange
from app.domain.project import is_of_test_keys, plain


def payload_of(change: EmailChange) -> dict[str, Any]:
    """The body of a webhook: `type`, `timestamp` (when it happened) and `data`, of values that JSON has.

    What is not known is null. `test`, `previous_provider` and `scope` are there only if they say something, and so are
    `time_to_delivery_ms` (since the email was to be sent) and `after_failover`, which only a delivery has.
    """
    data = {
        "email_id": change.email_id,
        "sequence": change.sequence,
        "project": plain(change.project),
        "recipient": change.recipient or None,
        "role": change.role,
        "status": change.status,
        "previous_status": change.was,
        "email_status": change.email_status,
        "provider": change.provider or None,
        "attempt": change.attempt or None,
        "message_id": change.message_id or None,
        "cause": change.cause,
        "detail": change.detail or None,
        "tags": list(change.tags),
        "created_at": time_of(change.created_at_ms),
    }
    if is_of_test_keys(change.project):
        data["test"] = True
    optional = {"previous_provider": change.previous_provider, "scope": change.scope}
    data |= {name: value for name, value in optional.items() if value}
    if change.type is ChangeType.DELIVERED:
        data["time_to_delivery_ms"] = max(0, change.at_ms - change.starts_at_ms)
        if change.after_failover:
            data["after_failover"] = True
    return {"type": change.type, "timestamp": time_of(change.at_ms), "data": data}


def time_of(at_ms: int) -> str:
    """A time as a payload has it: RFC 3339, in UTC, with milliseconds."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
