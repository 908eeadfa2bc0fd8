"""A change as the application gets it: the same from the feed and in a webhook."""

from datetime import UTC, datetime
from typing import Any

from app.domain.changes import EmailChange
from app.domain.project import is_of_test_keys, plain


def payload_of(change: EmailChange) -> dict[str, Any]:
    """The body of a webhook: `type`, `timestamp` (when it happened) and `data`, of values that JSON has.

    What is not known is null. `test`, `previous_provider` and `scope` are there only if they say something.
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
        "created_at": _time(change.created_at_ms),
    }
    if is_of_test_keys(change.project):
        data["test"] = True
    optional = {"previous_provider": change.previous_provider, "scope": change.scope}
    data |= {name: value for name, value in optional.items() if value}
    return {"type": change.type, "timestamp": _time(change.at_ms), "data": data}


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
