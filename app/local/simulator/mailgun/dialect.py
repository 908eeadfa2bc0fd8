"""Mailgun's v3 API (`POST /v3/{domain}/messages`) and its signed webhooks."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl, urlencode

from app.domain.account import label_of
from app.local.simulator.dialect import (
    BAD_GATEWAY_HTML,
    DELIVERY,
    RETRY_AFTER_S,
    Call,
    NotItsWebhook,
    Post,
    Refused,
    Reply,
    SimulatedEvent,
    json_in,
    json_reply,
    labelled,
)
from app.local.simulator.faults import Ending, Fault
from app.local.simulator.inbox import Entry
from app.local.simulator.mail import Mail, Mailbox
from app.local.simulator.mailgun import lists
from app.local.simulator.mailgun.request import message, read_mail
from app.local.simulator.own_lists import OwnLists

FAILURES: Final[Mapping[Fault, Reply]] = {
    Fault.UNAUTHORIZED: Reply(401, b"Forbidden", {"Content-Type": "text/plain"}),
    Fault.PAYMENT_REQUIRED: message(402, "The account has an unpaid invoice"),
    Fault.RATE_LIMIT: message(429, "Too many requests", {"Retry-After": str(RETRY_AFTER_S)}),
    Fault.SERVER_ERROR: message(500, "Internal Server Error"),
    Fault.UNAVAILABLE: message(503, "Service Unavailable"),
    Fault.BAD_GATEWAY_HTML: BAD_GATEWAY_HTML,
    Fault.GATEWAY_TIMEOUT: message(504, "Gateway Timeout"),
    Fault.REFUSE_MESSAGE: message(400, "Send options (parameters starting with o:, h:, or v:) are limited to 16 kB"),
}

_FAILED: Final = {"event": "failed", "severity": "permanent", "log-level": "error"}
_EVENTS: Final[Mapping[Ending, Mapping[str, object]]] = {
    Ending.DELIVERED: {
        "event": "delivered",
        "log-level": "info",
        "delivery-status": {
            "attempt-no": 1, "message": "OK", "code": 250, "description": "", "mx-host": "mx.example.com",
            "session-seconds": 0.1, "tls": True, "utf8": True, "certificate-verified": True,
        },
    },
    Ending.HARD_BOUNCE: {
        **_FAILED,
        "reason": "bounce",
        "delivery-status": {
            "attempt-no": 1, "message": "5.1.1 The email account that you tried to reach does not exist", "code": 550,
            "enhanced-code": "5.1.1", "description": "", "mx-host": "mx.example.com", "session-seconds": 0.1,
        },
    },
    Ending.UNEXPLAINED: {**_FAILED, "delivery-status": {"attempt-no": 1, "message": "", "description": ""}},
    Ending.BLOCKED: {
        **_FAILED,
        "reason": "bounce",
        "delivery-status": {
            "attempt-no": 1, "message": "5.7.1 Message blocked: the sending address has a poor reputation", "code": 550,
            "enhanced-code": "5.7.1", "description": "", "mx-host": "mx.example.com", "session-seconds": 0.1,
        },
    },
    Ending.COMPLAINED: {"event": "complained", "log-level": "warn"},
}  # fmt: skip


class Mailgun:
    """Mailgun's side of its wire protocol."""

    def __init__(self, account: str) -> None:
        label = label_of(account)
        self._domain: Final = f"{label}.mg.example.com" if label else "mg.example.com"
        self.credentials: Final = {"API_KEY": labelled("key-simulator", account), "DOMAIN": self._domain}
        self.own_lists: Final = OwnLists(*lists.ABSENT)
        disabled = f"Domain {self._domain} is not allowed to send: the account is disabled"
        self.failures: Final = {**FAILURES, Fault.FORBIDDEN: message(403, disabled)}

    def new_key(self) -> bytes:
        """A new webhook signing key, which is text."""
        return f"{secrets.token_hex(16)}\n".encode()

    def webhook_variables(self, key: bytes) -> Mapping[str, str]:
        """The same key, because the signature is symmetric."""
        return {"WEBHOOK_SIGNING_KEY": key.decode().strip()}

    def sends(self, call: Call) -> bool:
        """Whether this is the call that sends an email, even for a domain that the account does not have."""
        return call.method == "POST" and _domain(call) is not None

    def read(self, call: Call) -> Mail:
        """The email of a call that sends one. Raises Refused."""
        self._authenticate(call)
        if call.path != f"/v3/{self._domain}/messages":
            raise Refused(message(404, f"Domain not found: {_domain(call)}"))
        return read_mail(call.headers.get("content-type", ""), call.body)

    def answer_other(self, call: Call) -> Reply:
        """The answer to any other call: domain, own list, or a 200 in plain text on a path that does not exist."""
        if lists.is_about_lists(call):
            self._authenticate(call)
            return lists.answer(self.own_lists, self._domain, call)
        if call.method != "GET" or not call.path.startswith(("/v3/domains/", "/v4/domains/")):
            return Reply(200, b"Mailgun Magnificent API", {"Content-Type": "text/plain"})
        self._authenticate(call)
        if call.path not in (f"/v3/domains/{self._domain}", f"/v4/domains/{self._domain}"):
            return message(404, f"Domain not found: {call.path.rpartition('/')[2]}")
        domain = {"name": self._domain, "state": "active", "type": "custom", "is_disabled": False}
        return json_reply(200, {"domain": domain, "receiving_dns_records": [], "sending_dns_records": []})

    def message_id(self) -> str:
        """A new message id, with angle brackets as in the answer. Events show it without them."""
        return f"<{datetime.now(UTC):%Y%m%d%H%M%S}.{secrets.token_hex(8)}@{self._domain}>"

    def accept(self, _: Call, message_id: str) -> Reply:
        """A 200 with the message id."""
        return json_reply(200, {"id": message_id, "message": "Queued. Thank you."})

    def accepted(self, entry: Entry) -> list[SimulatedEvent]:
        """The events `accepted`, one per recipient."""
        extra = {"event": "accepted", "log-level": "info", "method": "HTTP"}
        return [_event(entry, mailbox, entry.received_at, extra) for mailbox in entry.mail.recipients]

    def final(self, entry: Entry, ending: Ending, recipients: Iterable[Mailbox]) -> list[SimulatedEvent]:
        """The events `delivered`, `failed` or `complained`, one per recipient."""
        at = entry.received_at + DELIVERY
        return [_event(entry, mailbox, at, _EVENTS[ending]) for mailbox in recipients]

    def bodies(self, events: Iterable[SimulatedEvent]) -> list[bytes]:
        """One webhook per event, still without its signature."""
        return [json.dumps({"event-data": event}).encode() for event in events]

    def sign(self, body: bytes, key: bytes) -> Post:
        """The body with a signature in it, which has a token of its own and does not cover the event.

        A legacy webhook is a form, in which the parts of the signature are fields ("Webhooks", 2024-07).
        """
        signed = _signature(key)
        if form := _legacy(body):
            unsigned = [(name, value) for name, value in form if name not in signed]
            return Post(urlencode([*unsigned, *signed.items()]).encode(), _headers("application/x-www-form-urlencoded"))
        webhook = json_in(body)
        if not isinstance(webhook, dict):
            raise NotItsWebhook("the body is not a JSON object with `event-data`")
        return Post(json.dumps(webhook | {"signature": signed}).encode(), _headers("application/json"))

    def _authenticate(self, call: Call) -> None:
        expected = base64.b64encode(f"api:{self.credentials['API_KEY']}".encode()).decode()
        if call.headers.get("authorization") != f"Basic {expected}":
            raise Refused(FAILURES[Fault.UNAUTHORIZED])


DIALECT: Final = Mailgun


def _event(entry: Entry, mailbox: Mailbox, at: datetime, extra: Mapping[str, object]) -> SimulatedEvent:
    mail = entry.mail
    shown = {
        "to": ", ".join(str(to) for to in mail.to),
        "message-id": entry.id.strip("<>"),
        "from": str(mail.sender),
        "subject": mail.subject,
    }
    return {
        "id": secrets.token_urlsafe(16),
        "timestamp": at.timestamp(),
        **extra,
        "flags": {"is-routed": False, "is-authenticated": True, "is-system-test": False, "is-test-mode": False},
        "envelope": {"transport": "smtp", "sender": mail.sender.address, "targets": mailbox.address},
        "message": {"headers": shown, "attachments": [], "size": len(mail.text) + len(mail.html)},
        "recipient": mailbox.address,
        "recipient-domain": mailbox.address.rpartition("@")[2],
        "tags": list(mail.tags),
        "campaigns": [],
        "user-variables": dict(mail.metadata),
    }


def _signature(key: bytes) -> dict[str, str]:
    timestamp, token = str(int(time.time())), secrets.token_hex(25)
    signature = hmac.new(key.strip(), f"{timestamp}{token}".encode(), hashlib.sha256)
    return {"token": token, "timestamp": timestamp, "signature": signature.hexdigest()}


def _legacy(body: bytes) -> list[tuple[str, str]]:
    """The fields of a legacy webhook; none of anything else."""
    fields = parse_qsl(body.decode(errors="replace"), keep_blank_values=True)
    is_json = body.lstrip()[:1] in (b"{", b"[")  # in which an address of the web may look like fields
    return fields if not is_json and dict(fields).get("event") else []


def _headers(content_type: str) -> dict[str, str]:
    return {"Content-Type": content_type, "User-Agent": "mailgun/treq-22.11.0"}


def _domain(call: Call) -> str | None:
    match call.path.split("/"):
        case ["", "v3", domain, "messages"]:
            return domain
        case _:
            return None
