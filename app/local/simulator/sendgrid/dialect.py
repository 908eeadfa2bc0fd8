"""SendGrid's v3 API (`POST /v3/mail/send`) and its signed event webhook."""

import base64
import json
import secrets
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

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
from app.local.simulator.inbox import Entry
from app.local.simulator.mail import Mail, Mailbox
from app.local.simulator.own_lists import OwnLists
from app.local.simulator.sendgrid import lists
from app.local.simulator.sendgrid.request import errors, read_mail

FAILURES: Final[Mapping[Fault, Reply]] = {
    Fault.UNAUTHORIZED: errors(401, "The provided authorization grant is invalid, expired, or revoked"),
    Fault.FORBIDDEN: errors(403, "access forbidden"),
    Fault.PAYMENT_REQUIRED: errors(402, "payment required"),
    Fault.RATE_LIMIT: errors(
        429, "too many requests", headers={"Retry-After": str(RETRY_AFTER_S), "X-RateLimit-Remaining": "0"}
    ),
    Fault.SERVER_ERROR: errors(500, "An internal server error has occurred"),
    Fault.UNAVAILABLE: errors(503, "Service unavailable"),
    Fault.BAD_GATEWAY_HTML: BAD_GATEWAY_HTML,
    Fault.GATEWAY_TIMEOUT: errors(504, "Gateway timeout"),
    Fault.REFUSE_MESSAGE: errors(
        400, "The attachment content type is not allowed.", "attachments.0.type"
    ),
}  # fmt: skip

_EVENTS: Final[Mapping[Ending, Mapping[str, object]]] = {
    Ending.DELIVERED: {"event": "delivered", "response": "250 2.0.0 OK"},
    Ending.HARD_BOUNCE: {
        "event": "bounce",
        "type": "bounce",
        "reason": "550 5.1.1 The email account that you tried to reach does not exist",
        "status": "5.1.1",
        "bounce_classification": "Invalid Address",
    },
    Ending.UNEXPLAINED: {"event": "bounce", "type": "bounce"},
    Ending.BLOCKED: {
        "event": "bounce",
        "type": "blocked",
        "reason": "550 5.7.1 Message blocked: the sending address has a poor reputation",
        "status": "5.7.1",
        "bounce_classification": "Reputation",
    },
    Ending.COMPLAINED: {"event": "spamreport"},
}


class SendGrid:
    """SendGrid's side of its wire protocol."""

    failures: Final = FAILURES

    def __init__(self, account: str) -> None:
        self.credentials: Final = {"API_KEY": labelled("SG.simulator", account)}
        self.own_lists: Final = OwnLists(*lists.NAMES)

    def new_key(self) -> bytes:
        """A new private key, as PEM."""
        return ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def webhook_variables(self, key: bytes) -> Mapping[str, str]:
        """The public key as SendGrid shows it: the base64 of its DER SubjectPublicKeyInfo, without PEM lines."""
        der = (
            _private(key)
            .public_key()
            .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        return {"WEBHOOK_PUBLIC_KEY": base64.b64encode(der).decode()}

    def sends(self, call: Call) -> bool:
        """Whether this is the call that sends an email."""
        return (call.method, call.path) == ("POST", "/v3/mail/send")

    def read(self, call: Call) -> Mail:
        """The email of a call that sends one. Raises Refused."""
        self._authenticate(call)
        if "json" not in call.headers.get("content-type", ""):
            raise Refused(errors(415, "Content-Type should be application/json."))
        accept = call.headers.get("accept", "*/*")
        if not any(kind in accept for kind in ("*/*", "application/*", "application/json")):
            raise Refused(errors(406, "The requested content type is not available. Use application/json."))
        return read_mail(call.body)

    def answer_other(self, call: Call) -> Reply:
        """The answer to any other call: the scopes of the API key, the account's own list, a 405 or a 404."""
        self._authenticate(call)
        if (found := lists.answer(self.own_lists, call)) is not None:
            return found
        if (call.method, call.path) == ("GET", "/v3/scopes"):
            return json_reply(200, {"scopes": ["mail.send", "sender_verification_eligible"]})
        if call.path in ("/v3/scopes", "/v3/mail/send"):
            return errors(405, "method not allowed")
        return errors(404, "not found")

    def message_id(self) -> str:
        """A new message id, as in the header X-Message-Id."""
        return secrets.token_urlsafe(16)

    def accept(self, _: Call, message_id: str) -> Reply:
        """A 202 without a body. The message id is in a header."""
        return Reply(202, b"", {"X-Message-Id": message_id})

    def accepted(self, entry: Entry) -> list[SimulatedEvent]:
        """The events `processed`, one per recipient."""
        return [_event(entry, mailbox, entry.received_at, {"event": "processed"}) for mailbox in entry.mail.recipients]

    def final(self, entry: Entry, ending: Ending, recipients: Iterable[Mailbox]) -> list[SimulatedEvent]:
        """The events `delivered`, `bounce` or `spamreport`, one per recipient."""
        at = entry.received_at + DELIVERY
        return [_event(entry, mailbox, at, _EVENTS[ending]) for mailbox in recipients]

    def bodies(self, events: Iterable[SimulatedEvent]) -> list[bytes]:
        """One webhook with all events in an array."""
        return [("[" + ",\r\n".join(json.dumps(event) for event in events) + "]\r\n").encode()]

    def sign(self, body: bytes, key: bytes) -> Post:
        """The body as it is. ECDSA signs timestamp and body, including the body's last CRLF."""
        json_in(body)
        timestamp = str(int(time.time()))
        signature = _private(key).sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return Post(
            body,
            {
                "Content-Type": "application/json",
                "User-Agent": "SendGrid Event API",
                "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
                "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
            },
        )

    def _authenticate(self, call: Call) -> None:
        given = call.headers.get("authorization", "")
        if not given:
            raise Refused(errors(401, "Permission denied, wrong credentials"))
        if given != f"Bearer {self.credentials['API_KEY']}":
            raise Refused(FAILURES[Fault.UNAUTHORIZED])


DIALECT: Final = SendGrid


def _private(key: bytes) -> ec.EllipticCurvePrivateKey:
    private = serialization.load_pem_private_key(key, None)
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise TypeError("the key of SendGrid must be an EC key")
    return private


def _event(entry: Entry, mailbox: Mailbox, at: datetime, extra: Mapping[str, object]) -> SimulatedEvent:
    return {
        # SendGrid returns custom arguments on the top level, among its own keys.
        **entry.mail.metadata,
        "email": mailbox.address,
        "timestamp": int(at.timestamp()),
        "smtp-id": f"<{entry.id}@geopod-ismtpd-1>",
        **({"category": list(entry.mail.tags)} if entry.mail.tags else {}),
        "sg_event_id": secrets.token_urlsafe(16),
        "sg_message_id": f"{entry.id}.recvd-7f6d5c4b-1-67BA-6.0",
        **extra,
    }
