"""Made Up's API (`POST /messages`) and its signed webhooks, as the documentation of Made Up would describe them."""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

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
from app.local.simulator.mail import File, Mail, Mailbox, Tracking, is_address
from app.local.simulator.own_lists import OwnLists
from tests.providers.made_up.simulator.lists import NAMES, answer_about_lists

RECIPIENTS: Final = 100  # in one call
# Made Up takes a call for some recipients and refuses others. Here the part before the @ decides, and this is why.
REFUSALS: Final = {"unknown": "unknown mailbox", "suppressed": "suppressed"}


def error(status: int, words: str, headers: Mapping[str, str] | None = None, **more: object) -> Reply:
    """An error as Made Up words it."""
    return json_reply(status, {"error": words, **more}, headers)


FAILURES: Final[Mapping[Fault, Reply]] = {
    Fault.UNAUTHORIZED: error(401, "unknown key"),
    Fault.FORBIDDEN: error(403, "the account is suspended"),
    Fault.PAYMENT_REQUIRED: error(402, "the last invoice is unpaid"),
    Fault.RATE_LIMIT: error(429, "too many calls", {"Retry-After": str(RETRY_AFTER_S)}),
    Fault.SERVER_ERROR: error(500, "internal error"),
    Fault.UNAVAILABLE: error(503, "try again later"),
    Fault.BAD_GATEWAY_HTML: BAD_GATEWAY_HTML,
    Fault.GATEWAY_TIMEOUT: error(504, "timeout"),
    Fault.REFUSE_MESSAGE: error(422, "files: this type is not allowed"),
}

_EVENTS: Final[Mapping[Ending, Mapping[str, object]]] = {
    Ending.DELIVERED: {"type": "delivered"},
    Ending.HARD_BOUNCE: {"type": "unknown_mailbox", "reason": "550 5.1.1 There is no such account"},
    Ending.UNEXPLAINED: {"type": "returned"},
    Ending.BLOCKED: {"type": "filtered", "reason": "550 5.7.1 Message blocked: the sender has a poor reputation"},
    Ending.COMPLAINED: {"type": "complaint"},
}


class MadeUp:
    """Made Up's side of its wire protocol."""

    failures: Final = FAILURES

    def __init__(self, account: str) -> None:
        self.credentials: Final = {"API_KEY": labelled("mu_simulator", account)}
        self.own_lists: Final = OwnLists(*NAMES)

    def new_key(self) -> bytes:
        """A new key that signs webhooks, which is text."""
        return f"{secrets.token_hex(16)}\n".encode()

    def webhook_variables(self, key: bytes) -> Mapping[str, str]:
        """The same key, because the signature is symmetric."""
        return {"WEBHOOK_KEY": key.decode().strip()}

    def sends(self, call: Call) -> bool:
        """Whether this is the call that sends an email."""
        return (call.method, call.path) == ("POST", "/messages")

    def read(self, call: Call) -> Mail:
        """The email of a call that sends one, for those recipients who are not refused. Raises Refused."""
        self._authenticate(call)
        request = _request(call.body)
        mail = _mail(request)
        if not mail.recipients:
            raise Refused(error(422, "nobody is left to send to", refused=_refused(request)))
        return mail

    def answer_other(self, call: Call) -> Reply:
        """The answer to any other call: the account, its own list, or a 404."""
        self._authenticate(call)
        if (found := answer_about_lists(self.own_lists, call)) is not None:
            return found
        if (call.method, call.path) != ("GET", "/account"):
            return error(404, "no such path")
        return json_reply(200, {"account": "simulator", "may_send": True})

    def message_id(self) -> str:
        """A new message id, as in the answer and in events."""
        return f"m-{secrets.token_hex(12)}"

    def accept(self, call: Call, message_id: str) -> Reply:
        """A 202 with the message id, and with the recipients who are refused, if there are any."""
        refused = _refused(_request(call.body))
        return json_reply(202, {"id": message_id, "refused": refused} if refused else {"id": message_id})

    def accepted(self, entry: Entry) -> list[SimulatedEvent]:
        """The events `queued`, one per recipient."""
        return [_event(entry, one, entry.received_at, {"type": "queued"}) for one in entry.mail.recipients]

    def final(self, entry: Entry, ending: Ending, recipients: Iterable[Mailbox]) -> list[SimulatedEvent]:
        """The events that report how the email ended, one per recipient."""
        at = entry.received_at + DELIVERY
        return [_event(entry, one, at, _EVENTS[ending]) for one in recipients]

    def bodies(self, events: Iterable[SimulatedEvent]) -> list[bytes]:
        """One webhook with all events in an array."""
        return [json.dumps(list(events)).encode()]

    def sign(self, body: bytes, key: bytes) -> Post:
        """The body as it is. The signature covers time and body."""
        json_in(body)
        timestamp = str(int(time.time()))
        signature = hmac.new(key.strip(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
        return Post(
            body,
            {"Content-Type": "application/json", "Made-Up-Time": timestamp, "Made-Up-Signature": signature},
        )

    def _authenticate(self, call: Call) -> None:
        if call.headers.get("authorization") != f"Bearer {self.credentials['API_KEY']}":
            raise Refused(FAILURES[Fault.UNAUTHORIZED])


DIALECT: Final = MadeUp


def _event(entry: Entry, mailbox: Mailbox, at: datetime, extra: Mapping[str, object]) -> SimulatedEvent:
    return {
        "id": secrets.token_hex(8),
        "at": at.timestamp(),
        "to": mailbox.address,
        "message_id": entry.id,
        "data": dict(entry.mail.metadata),
        **extra,
    }


def _request(body: bytes) -> dict[str, Any]:
    try:
        request = json.loads(body)
    except ValueError:
        request = None
    if not isinstance(request, dict):
        raise Refused(error(400, "the body is not a JSON object"))
    return request


def _mail(request: Mapping[str, Any]) -> Mail:
    """The email, without the recipients who are refused. Raises Refused, naming the field."""
    sender = _mailbox(request.get("from"), "from")
    to, cc, bcc = (_mailboxes(request, role) for role in ("to", "cc", "bcc"))
    _require(bool(to), "to: nobody")
    _require(len(to + cc + bcc) <= RECIPIENTS, f"to: more than {RECIPIENTS} recipients")
    text, html = _text(request, "text"), _text(request, "html")
    _require(bool(text or html), "text: an email needs text or html")
    refused = _refused(request)
    return Mail(
        sender=sender,
        to=_without(refused, to),
        cc=_without(refused, cc),
        bcc=_without(refused, bcc),
        subject=_text(request, "subject"),
        text=text,
        html=html,
        reply_to=_mailboxes(request, "reply_to"),
        headers=_texts(request, "headers"),
        attachments=tuple(_file(each) for each in _list(request, "files")),
        tags=tuple(map(str, _list(request, "tags"))),
        metadata=_texts(request, "data"),
        tracking=_tracking(request),
    )


def _refused(request: Mapping[str, Any]) -> dict[str, str]:
    """The recipients for whom Made Up does not take the email, each with the reason."""
    addresses = [one.address for role in ("to", "cc", "bcc") for one in _mailboxes(request, role)]
    reasons = {address: REFUSALS.get(address.partition("@")[0].lower()) for address in addresses}
    return {address: reason for address, reason in reasons.items() if reason}


def _without(refused: Mapping[str, str], mailboxes: tuple[Mailbox, ...]) -> tuple[Mailbox, ...]:
    return tuple(one for one in mailboxes if one.address not in refused)


def _require(condition: bool, words: str) -> None:
    if not condition:
        raise Refused(error(422, words))


def _list(request: Mapping[str, Any], field: str) -> list[Any]:
    found = request.get(field, [])
    _require(isinstance(found, list), f"{field}: not an array")
    return list(found)


def _text(request: Mapping[str, Any], field: str) -> str:
    found = request.get(field, "")
    _require(isinstance(found, str), f"{field}: not a string")
    return str(found)


def _texts(request: Mapping[str, Any], field: str) -> dict[str, str]:
    found = request.get(field, {})
    is_right = isinstance(found, dict) and all(isinstance(value, str) for value in found.values())
    _require(is_right, f"{field}: not an object of strings")
    return dict(found)


def _tracking(request: Mapping[str, Any]) -> Tracking:
    found = request.get("track", {})
    is_right = isinstance(found, dict) and all(isinstance(value, bool) for value in found.values())
    _require(is_right, "track: not an object of booleans")
    return Tracking(found.get("opens"), found.get("clicks"))


def _mailbox(found: object, field: str) -> Mailbox:
    mailbox = found if isinstance(found, dict) else {}
    _require(is_address(mailbox.get("address")), f"{field}: not an address")
    return Mailbox(mailbox["address"], mailbox.get("name") or "")


def _mailboxes(request: Mapping[str, Any], field: str) -> tuple[Mailbox, ...]:
    return tuple(_mailbox(each, field) for each in _list(request, field))


def _file(found: object) -> File:
    file = found if isinstance(found, dict) else {}
    _require(bool(file.get("name")), "files: a file has no name")
    try:
        content = base64.b64decode(file.get("data", ""), validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise Refused(error(422, "files: data is not base64")) from None
    return File(file["name"], file.get("type") or "application/octet-stream", content, file.get("content_id") or "")
