"""The examples of the OpenAPI document, mostly about one email."""

from typing import Any

# Local mode has these emails (delivered, canceled, failed, scheduled) and the suppression below (app/local/seeds.py).
ID = "eml_k5f2qj7wz3xn6c4vb2m7t5h3ae"
CANCELED_ID = "eml_t4x7mz2qk5wc3yn6bv2h5j7pie"
FAILED_ID = "eml_z5m7wk2xq4tc6yn3bv2j7h4pqe"
SCHEDULED_ID = "eml_n3c6yv2bt7xk5mq4wz2j6h7pae"
ACCOUNT = "sendgrid"
ELIGIBLE = ["ses"]

SHORT: dict[str, Any] = {
    "from": "App <no-reply@example.com>",
    "to": "ann@example.com",
    "subject": "Your receipt",
    "text": "Thank you.",
}

FULL: dict[str, Any] = {
    "from": "App <no-reply@example.com>",
    "to": ["Ann <ann@example.com>"],
    "cc": ["bob@example.com"],
    "bcc": ["audit@example.com"],
    "reply_to": "help@example.com",
    "subject": "Your invoice",
    "text": "Your invoice is attached.",
    "html": '<p>Your invoice is attached.</p><img src="cid:logo">',
    "headers": {"X-Campaign": "invoices"},
    "attachments": [
        {"filename": "invoice.pdf", "content": "JVBERi0xLjQK", "content_type": "application/pdf"},
        {"filename": "logo.png", "content": "iVBORw0KGgo=", "content_type": "image/png", "content_id": "logo"},
    ],
    "tags": ["invoice"],
    "metadata": {"order": "4711"},
    "on_uncertain": "wait",
    "providers": ["sendgrid", "mailgun"],
    "collapse_key": "invoice-4711",
    "critical": True,
    "lane": "urgent",
    "tracking": {"opens": True, "clicks": False},
}

# The same things in the forms that other APIs have for them.
OTHER_FORMS: dict[str, Any] = {
    "from": {"email": "no-reply@example.com", "name": "App"},
    "to": [{"email": "ann@example.com", "name": "Ann"}, "bob@example.com (Bob)"],
    "cc": "",
    "reply_to": None,
    "subject": "",
    "html": '<p>See you.</p><img src="cid:logo">',
    "headers": [{"name": "X-Campaign", "value": 7}],
    "attachments": [
        {"filename": "invite.ics", "content": "QkVHSU4", "content_type": "text/calendar; method=REQUEST"},
        {"filename": "logo.png", "content": "data:image/png;base64,iVBORw0KGgo=", "content_id": "<logo>"},
        {"filename": "empty.txt", "content": ""},
    ],
    "tags": ["Einladung für Ann", {"name": "order", "value": "4711"}],
    "metadata": {"paid": True, "price": 19.9},
}


def _summary(status: str, recipient: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": ID,
        "project": "default",
        "lane": "normal",
        "status": status,
        "from": "App <no-reply@example.com>",
        "to": ["ann@example.com"],
        "cc": [],
        "bcc": [],
        "subject": "Your receipt",
        "tracking": {"opens": False, "clicks": False},
        "created_at": "2030-01-31T18:00:00.000Z",
        "expires_at": "2030-02-01T18:00:00.000Z",
        "recipients": [
            {"address": "ann@example.com", "role": "to"}
            | {"attempt": None, "provider": None, "cause": None, "detail": None}
            | recipient
        ],
    }


QUEUED = _summary("queued", {"status": "queued"})
CANCELED = _summary("canceled", {"status": "canceled"}) | {"id": CANCELED_ID}
# Local mode's email has this time already: to move it there changes nothing, however often that is tried.
TO_MOVE: dict[str, Any] = {"send_at": "2030-01-31T20:00:00.000Z"}
_TO_COME = {"status": "scheduled", "next_attempt_at": TO_MOVE["send_at"], "waiting_because": "schedule"}
MOVED = _summary("scheduled", _TO_COME) | {
    "id": SCHEDULED_ID,
    "send_at": TO_MOVE["send_at"],
    "expires_at": "2030-02-01T20:00:00.000Z",
}
TO_RETRY: dict[str, Any] = {"recipients": ["ann@example.com"], "provider": "mailgun", "allow_second_copy": False}
FAILED = _summary("failed", {"status": "failed", "cause": "outage", "detail": "Service Unavailable"}) | {
    "id": FAILED_ID
}
RETRIED = QUEUED | {"id": FAILED_ID, "expires_at": "2030-02-02T09:00:00.000Z"}
DELIVERED = _summary("delivered", {"status": "delivered", "attempt": 2, "provider": "mailgun"})
ACCEPTED: dict[str, Any] = QUEUED | {"eligible_providers": ["sendgrid", "mailgun"], "suppressed": []}
REPLAYED: dict[str, Any] = DELIVERED | {"eligible_providers": ["sendgrid", "mailgun"], "suppressed": []}
BATCH: list[dict[str, Any]] = [
    SHORT | {"idempotency_key": "receipt-4711"},
    SHORT | {"to": "bob@example.com", "idempotency_key": "receipt-4712"},
]
BATCH_ANSWER: dict[str, Any] = {
    "data": [
        ACCEPTED | {"lane": "bulk", "replayed": False},
        {
            "type": "urn:emailsminder:problem:invalid",
            "errors": [{"field": "to[0]", "message": "is not an email address: it must have an @-sign."}],
        },
    ]
}
PAGE: dict[str, Any] = {"emails": [DELIVERED], "after": None}
STORY: dict[str, Any] = DELIVERED | {
    "reply_to": ["help@example.com"],
    "headers": {"X-Campaign": "receipts"},
    "tags": ["receipt"],
    "metadata": {"order": "4711"},
    "attempts": [
        {
            "number": 1,
            "provider": "sendgrid",
            "recipients": ["ann@example.com"],
            "outcome": "unavailable",
            "cause": "outage",
            "status_code": 503,
            "reply": "Service Unavailable",
            "message_id": None,
            "started_at": "2030-01-31T18:00:00.210Z",
            "duration_ms": 95,
            "repeats": None,
        },
        {
            "number": 2,
            "provider": "mailgun",
            "recipients": ["ann@example.com"],
            "outcome": "accepted",
            "cause": None,
            "status_code": 200,
            "reply": "Queued. Thank you.",
            "message_id": "20300131180000.1.5F3A@mg.example.com",
            "started_at": "2030-01-31T18:00:00.350Z",
            "duration_ms": 120,
            "repeats": None,
        },
    ],
    "earlier_attempts": [],
    "events": [
        {
            "at": "2030-01-31T18:00:02.000Z",
            "sort_at": "2030-01-31T18:00:02.000Z",
            "provider": "mailgun",
            "attempt": 2,
            "recipient": "ann@example.com",
            "kind": "delivered",
            "cause": None,
            "detail": "OK",
            "scope": None,
        }
    ],
}

CONTENT: dict[str, Any] = {
    "id": ID,
    "subject": STORY["subject"],
    "text": SHORT["text"],
    "html": "<p>Thank you.</p>",
    "attachments": [
        {
            "number": 1,
            "filename": "receipt.txt",
            "content_type": "text/plain",
            "size_bytes": 12,
            "content_id": None,
            "url": f"/v1/emails/{ID}/attachments/1",
        }
    ],
}

EXPLANATION: dict[str, Any] = {
    "lane": "normal",
    "route": [
        {
            "provider": "sendgrid",
            "state": "unavailable_for_now",
            "why": "breaker open: Service Unavailable",
            "until": "2030-01-31T18:01:00.000Z",
            "notes": [],
        },
        {"provider": "mailgun", "state": "available", "why": "healthy", "until": None, "notes": []},
        {"provider": "ses", "state": "excluded", "why": "may not send from example.com", "until": None, "notes": []},
    ],
    "suppressed": [{"address": "bob@example.com", "reason": "hard_bounce", "until": "2030-02-01T09:00:00.000Z"}],
}


def _provider(name: str, **changes: object) -> dict[str, Any]:
    return {
        "name": name,
        "weight": 100,
        "paused": False,
        "breaker": {"open": False, "reason": None, "until": None},
        "cooldown_until": None,
        "silent": False,
        "webhooks_failing": False,
        "usual_share": 0.98,
        "epoch": 0,
        "recent": {"calls": 12, "failures": 0, "last_error": None},
    } | changes


_OPEN = {"open": True, "reason": "Service Unavailable", "until": "2030-01-31T18:01:00.000Z"}
_IN_FORCE = {"in_force_since": "2030-01-31T18:00:02.500Z"}
PAUSED = _provider("sendgrid", paused=True) | _IN_FORCE
RESUMED = _provider("sendgrid", epoch=1) | _IN_FORCE
_LAST = {"at": "2030-01-31T18:00:00.000Z", "kind": "unavailable", "cause": "outage", "status_code": 503}
_FAILING = {"calls": 9, "failures": 6, "last_error": _LAST}
PROVIDERS: dict[str, Any] = {
    "providers": [_provider("sendgrid", weight=70, breaker=_OPEN, recent=_FAILING), _provider("mailgun")]
}

# Nobody to whom another example sends.
TO_SUPPRESS: dict[str, Any] = {"address": "unwanted@example.com", "note": "asked us by phone, ticket 4711"}
_MANUAL = {
    "reason": "manual",
    "note": TO_SUPPRESS["note"],
    "since": "2030-01-31T18:00:00.000Z",
    "until": "2032-01-31T18:00:00.000Z",
}
SUPPRESSION: dict[str, Any] = {
    "id": "sup_1f566811733590fc8cd7d676c5f7836d7842c18c7a062ee74a97597036f12b20",
    "address": TO_SUPPRESS["address"],
    "project": None,
    **_MANUAL,
    "reasons": [_MANUAL],
}
SUPPRESSIONS: dict[str, Any] = {"suppressions": [SUPPRESSION], "after": None}

# Local mode has this key, whose secret nobody knows: the examples read, rotate and revoke it.
