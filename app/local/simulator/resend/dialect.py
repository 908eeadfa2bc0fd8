"""Resend's API (`POST /emails`, with idempotency keys) and its webhooks, which Svix signs."""

import base64
import hashlib
import hmac
import json
import secrets
import time
import uuid
from collections.abc import Iterable, Mapping
from typing import Final

from app.local.simulator.dialect import (
    BAD_GATEWAY_HTML,
    DELIVERY,
    RETRY_AFTER_S,
    Call,
    Post,
    Refused,
    Reply,
    SimulatedEvent,
    json_in,
    json_reply,
    labelled,
)
from app.local.simulator.faults import Ending, Fault
from app.local.simulator.idempotency import Answers
from app.local.simulator.inbox import Entry, iso
from app.local.simulator.mail import Mail, Mailbox
from app.local.simulator.own_lists import OwnLists
from app.local.simulator.resend import lists
from app.local.simulator.resend.request import LIMITS, error, read_mail

KEY_LENGTH: Final = 256
# 10 a second for a team in the newest copies of the page on rate limits (2026); 2 and 5 before.
RATE_HEADERS: Final = {"ratelimit-limit": "10", "ratelimit-remaining": "0", "ratelimit-reset": str(RETRY_AFTER_S)}

FAILURES: Final[Mapping[Fault, Reply]] = {
    # `invalid_api_key` with a 403 is gone from the page on errors; seen on the wire on 2026-09-19.
    Fault.UNAUTHORIZED: error(401, "validation_error", "API key is invalid"),
    Fault.FORBIDDEN: error(403, "suspended_api_key", "The API key is suspended."),
    # The quota of the paid plan is used up.
    Fault.PAYMENT_REQUIRED: error(429, "monthly_quota_exceeded", "You have reached your monthly email sending quota."),
    Fault.RATE_LIMIT: error(
        429,
        "rate_limit_exceeded",
        "Too many requests. You can only make 10 requests per second.",
        {**RATE_HEADERS, "Retry-After": str(RETRY_AFTER_S)},
    ),
    Fault.SERVER_ERROR: error(500, "application_error", "An unexpected error occurred."),
    Fault.UNAVAILABLE: error(503, "service_unavailable", "The service is temporarily unavailable."),
    Fault.BAD_GATEWAY_HTML: BAD_GATEWAY_HTML,
    # Resend documents no 504 of its own, so this is the answer of a proxy in front of it.
    Fault.GATEWAY_TIMEOUT: Reply(
        504, BAD_GATEWAY_HTML.body.replace(b"502 Bad Gateway", b"504 Gateway Time-out"), BAD_GATEWAY_HTML.headers
    ),
    Fault.REFUSE_MESSAGE: error(422, "invalid_attachment", "The attachment's file type is not allowed."),
}  # fmt: skip

_BOUNCES: Final[Mapping[Ending, Mapping[str, object]]] = {
    Ending.HARD_BOUNCE: {
        "type": "Permanent",
        "subType": "General",
        "message": "The recipient's email provider sent a hard bounce message.",
        "diagnosticCode": ["smtp; 550 5.1.1 The email account that you tried to reach does not exist"],
    },
    Ending.UNEXPLAINED: {"type": "Permanent", "subType": "General", "message": ""},
    Ending.BLOCKED: {
        "type": "Transient",
        "subType": "ContentRejected",
        "message": "The recipient's email provider rejected the content of the message.",
        "diagnosticCode": ["smtp; 550 5.7.1 Message blocked: the sending address has a poor reputation"],
    },
}


class Resend:
    """Resend's side of its wire protocol."""

    failures: Final = FAILURES

    def __init__(self, account: str) -> None:
        self.credentials: Final = {"API_KEY": labelled("re_simulator", account)}
        self.own_lists: Final = OwnLists(*lists.NAMES)
        conflict = "Same idempotency key used with a different request payload."
        self._answers = Answers(error(409, "invalid_idempotent_request", conflict), LIMITS.idempotent_for_s.value)

    def new_key(self) -> bytes:
        """A new signing secret as Resend shows it: `whsec_` and the base64 of the key."""
        return f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}\n".encode()

    def webhook_variables(self, key: bytes) -> Mapping[str, str]:
        """The same secret, because the signature is symmetric."""
        return {"WEBHOOK_SECRET": key.decode().strip()}

    def sends(self, call: Call) -> bool:
        """Whether this is the call that sends an email."""
        return (call.method, call.path) == ("POST", "/emails")

    def read(self, call: Call) -> Mail:
        """The email of a call that sends one. Raises Refused, and Repeated for a call that was accepted before."""
        self._authenticate(call)
        key = call.headers.get("idempotency-key")
        if key is not None:
            if not 1 <= len(key) <= KEY_LENGTH:
                raise Refused(error(400, "invalid_idempotency_key", "The key must be between 1-256 chars."))
            self._answers.check(key, call.body)
        return read_mail(call.body)

    def answer_other(self, call: Call) -> Reply:
        """The answer to any other call: the domains, the team's own list, or a 404."""
        self._authenticate(call)
        if (found := lists.answer(self.own_lists, call)) is not None:
            return found
        if (call.method, call.path) != ("GET", "/domains"):
            return error(404, "not_found", "The requested endpoint does not exist.")
        domain = {"id": "d91cd9bd-1176-453e-8fc1-35364d380206", "name": "example.com", "status": "verified"}
        return json_reply(200, {"object": "list", "has_more": False, "data": [domain]})

    def message_id(self) -> str:
        """A new message id, as in the answer. Events have it as `email_id`."""
        return str(uuid.uuid4())

    def accept(self, call: Call, message_id: str) -> Reply:
        """A 200 with the message id. The answer is remembered if the call has an idempotency key."""
        reply = json_reply(200, {"id": message_id})
        if "idempotency-key" in call.headers:
            self._answers.keep(call.headers["idempotency-key"], call.body, reply)
        return reply

    def accepted(self, entry: Entry) -> list[SimulatedEvent]:
        """The events `email.sent`, one per recipient."""
        at = iso(entry.received_at)
        return [_event("email.sent", at, entry, mailbox.address) for mailbox in entry.mail.recipients]

    def final(self, entry: Entry, ending: Ending, recipients: Iterable[Mailbox]) -> list[SimulatedEvent]:
        """The events `email.delivered`, `email.bounced` or `email.complained`, one per recipient."""
        at = iso(entry.received_at + DELIVERY)
        if ending in _BOUNCES:
            bounce = _BOUNCES[ending]
            return [_event("email.bounced", at, entry, mailbox.address, bounce=bounce) for mailbox in recipients]
        kind = "email.complained" if ending is Ending.COMPLAINED else "email.delivered"
        return [_event(kind, at, entry, mailbox.address) for mailbox in recipients]

    def bodies(self, events: Iterable[SimulatedEvent]) -> list[bytes]:
        """One webhook per event."""
        return [json.dumps(event).encode() for event in events]

    def sign(self, body: bytes, key: bytes) -> Post:
        """The body as it is. The signature covers id, time and body; the id stays the same for the same body."""
        json_in(body)
        post_id, timestamp = f"msg_{hashlib.sha256(body).hexdigest()[:28]}", str(int(time.time()))
        secret = base64.b64decode(key.strip().removeprefix(b"whsec_"))
        signature = hmac.new(secret, f"{post_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
        return Post(
            body,
            {
                "Content-Type": "application/json",
                "User-Agent": "Svix-Webhooks",
                "svix-id": post_id,
                "svix-timestamp": timestamp,
                "svix-signature": f"v1,{base64.b64encode(signature).decode()}",
            },
        )

    def _authenticate(self, call: Call) -> None:
        if "user-agent" not in call.headers:
            raise Refused(Reply(403, b"Forbidden", {"Content-Type": "text/plain"}))
        given = call.headers.get("authorization", "")
        if not given:
            raise Refused(error(401, "missing_api_key", "Missing API key in the authorization header."))
        if given != f"Bearer {self.credentials['API_KEY']}":
            raise Refused(FAILURES[Fault.UNAUTHORIZED])


DIALECT: Final = Resend


def _event(kind: str, at: str, entry: Entry, address: str, **more: object) -> SimulatedEvent:
    mail = entry.mail
    headers = [{"name": name, "value": value} for name, value in mail.headers.items()]
    data = {
        "email_id": entry.id,
        "created_at": iso(entry.received_at),
        "from": str(mail.sender),
        "to": [address],  # Resend documents this field as the "impacted recipients"
        "subject": mail.subject,
        "tags": dict(mail.metadata),
        **({"headers": headers} if headers else {}),
        **more,
    }
    return {"type": kind, "created_at": at, "data": data}
