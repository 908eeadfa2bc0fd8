"""The example of the call that reads numbers, in the OpenAPI document."""

from typing import Any

_NONE = dict.fromkeys(
    ("scheduled", "complained", "suppressed", "expired", "canceled", "delayed", "blocked", "clicked", "unsubscribed"), 0
)
STATISTICS: dict[str, Any] = {
    "from": "2030-01-31T18:00:00.000Z",
    "to": "2030-01-31T20:00:00.000Z",
    "counted_until": "2030-01-31T19:13:50.000Z",
    "rows": [
        {
            "from": "2030-01-31T18:00:00.000Z",
            "provider": None,
            "accepted": 1204,
            "queued": 1204,
            "sent": 1204,
            "delivered": 1189,
            "bounced": 12,
            "failed": 0,
            "failed_over": 31,
            "opened": 402,
            **_NONE,
            "bounced_by_cause": {"mailbox": 3, "recipient": 9},
            "delivered_after_failover": 31,
            "time_to_delivery_ms": {"p50": 1835, "p95": 5466},
        }
    ],
}
