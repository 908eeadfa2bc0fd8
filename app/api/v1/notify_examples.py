"""The examples of the calls about what became of emails, in the OpenAPI document."""

from typing import Any

from app.api.v1 import examples

# Local mode has this endpoint (app/local/seeds.py). It wants what never happens to an email there by itself.
ENDPOINT: dict[str, Any] = {
    "id": "ep_c5xq7mz2wk4tn6yb3vj2h5pa7e",
    "project": "default",
    "test": False,
    "url": "http://localhost:9000/webhooks",
    "types": ["email.unsubscribed"],
    "description": "newsletter",
    "disabled": False,
    "disabled_because": None,
    "disabled_at": None,
    "failing_since": None,
    "created_at": "2030-01-31T18:00:00.000Z",
    "old_secret_until": None,
}
ENDPOINTS: dict[str, Any] = {"endpoints": [ENDPOINT], "after": None}
TO_CREATE_LOCAL: dict[str, Any] = {
    "url": "http://localhost:9000/webhooks",
    "types": ["email.bounced", "email.complained"],
}
TO_CREATE: dict[str, Any] = {
    "url": "https://hooks.example.com/emails",
    "types": ["email.delivered", "email.bounced", "email.complained"],
    "description": "the shop's order pages",
    "project": "shop",
}
_SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="  # noqa: S105 because it is an example, of digits
_NEW = {"id": "ep_q2w7tn5xk3mz6yb4vj2h5c7pae", "secret": _SECRET}
CREATED_ENDPOINT: dict[str, Any] = ENDPOINT | TO_CREATE | _NEW
TO_CHANGE: dict[str, Any] = {"types": ["email.unsubscribed"], "disabled": False}
ROTATED: dict[str, Any] = ENDPOINT | {"old_secret_until": "2030-02-01T18:00:00.000Z", "secret": _SECRET}

EVENT_ID = "evt_h5c7pae2w7tn5xk3mz6yb4vj2q"
EVENT: dict[str, Any] = {
    "id": EVENT_ID,
    "type": "email.bounced",
    "timestamp": "2030-01-31T18:00:02.125Z",
    "data": {
        "email_id": examples.ID,
        "sequence": 40000,
        "project": "default",
        "recipient": "ann@example.com",
        "role": "to",
        "status": "bounced",
        "previous_status": "sent",
        "email_status": "failed",
        "provider": examples.ACCOUNT,
        "attempt": 1,
        "message_id": "14c5d75ce93.dfd.64b469",
        "cause": "recipient",
        "detail": "550 5.1.1 no such user",
        "tags": ["receipt"],
        "created_at": "2030-01-31T18:00:00.000Z",
    },
}
EVENTS: dict[str, Any] = {
    "events": [EVENT],
    "after": "MTg5NTk5NDAwMjEyNSMw",
    "has_more": False,
}
DELIVERY: dict[str, Any] = {
    "event_id": EVENT_ID,
    "type": "email.bounced",
    "email_id": examples.ID,
    "at": "2030-01-31T18:00:03.410Z",
    "try_number": 1,
    "delivered": False,
    "status_code": 500,
    "fault": None,
    "reply": "database is locked",
    "duration_ms": 87,
    "next_try_at": "2030-01-31T18:00:08.410Z",
}
DELIVERIES: dict[str, Any] = {"deliveries": [DELIVERY], "after": None}
TESTED: dict[str, Any] = {"event_id": "evt_7tn5xk3mz6yb4vj2h5c7paeq2w"}
TO_REPLAY: dict[str, Any] = {"from": "2030-01-31T18:00:00Z", "to": "2030-01-31T19:00:00Z", "types": ["email.bounced"]}
TO_REPLAY_ONE: dict[str, Any] = {"event_id": EVENT_ID}
REPLAYED: dict[str, Any] = {"replayed": 12, "after": None}
