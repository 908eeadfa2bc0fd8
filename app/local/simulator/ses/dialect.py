"""Amazon SES's v2 API (`POST /v2/email/outbound-emails`, signed), and its event publishing through SNS."""

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from app.domain.account import label_of
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
from app.local.simulator.inbox import Entry, iso
from app.local.simulator.mail import Mail, Mailbox
from app.local.simulator.own_lists import OwnLists
from app.local.simulator.ses import lists, sigv4, sns
from app.local.simulator.ses.request import CONFIGURATION_SET, error, read_mail

SUBJECT: Final = "Amazon SES Email Event Notification"

FAILURES: Final[Mapping[Fault, Reply]] = {
    Fault.UNAUTHORIZED: error(
        403, "UnrecognizedClientException", "The security token included in the request is invalid."
    ),
    Fault.FORBIDDEN: error(403, "AccessDeniedException", "User is not authorized to perform: ses:SendEmail"),
    Fault.PAYMENT_REQUIRED: error(400, "AccountSuspendedException", "Your account's ability to send is suspended."),
    Fault.RATE_LIMIT: error(
        429, "TooManyRequestsException", "Maximum sending rate exceeded.", {"Retry-After": str(RETRY_AFTER_S)}
    ),
    Fault.SERVER_ERROR: error(500, "InternalFailure", "The request processing has failed because of an unknown error."),
    Fault.UNAVAILABLE: error(503, "ServiceUnavailable", "The service is temporarily unavailable."),
    Fault.BAD_GATEWAY_HTML: BAD_GATEWAY_HTML,
    Fault.GATEWAY_TIMEOUT: error(504, "GatewayTimeoutException", "Endpoint request timed out"),
    Fault.REFUSE_MESSAGE: error(400, "MessageRejected", "The message contains an attachment that is not allowed."),
}  # fmt: skip


class Ses:
    """Amazon SES's side of its wire protocol."""

    failures: Final = FAILURES

    def __init__(self, account: str) -> None:
        self._topic: Final = sns.Topic(labelled("emailsminder-simulator", account))
        self.own_lists: Final = OwnLists(*lists.NAMES)
        self.certificate_url: Final = sns.certificate_url(f"simulator{label_of(account)}")
        self.credentials: Final = {
            "ACCESS_KEY_ID": f"AKIASIMULATOR{label_of(account).upper() or '000000'}",
            "SECRET_ACCESS_KEY": labelled("simulator-secret", account),
            "REGION": sns.REGION,
        }

    def new_key(self) -> bytes:
        """A new private key and its certificate, as PEM. They share one file, so that they always belong together."""
        return sns.new_key()

    def webhook_variables(self, _: bytes) -> Mapping[str, str]:
        """The topic. The certificate is fetched, not configured."""
        return {"CONFIGURATION_SET": CONFIGURATION_SET, "TOPIC_ARN": self._topic.arn}

    def sends(self, call: Call) -> bool:
        """Whether this is the call that sends an email."""
        return (call.method, call.path) == ("POST", "/v2/email/outbound-emails")

    def read(self, call: Call) -> Mail:
        """The email of a call that sends one. Raises Refused."""
        self._authenticate(call)
        return read_mail(call.body)

    def answer_other(self, call: Call) -> Reply:
        """The answer to any other call: the account, its own list, or a 404 for an unknown operation."""
        self._authenticate(call)
        if (found := lists.answer(self.own_lists, call)) is not None:
            return found
        if (call.method, call.path) != ("GET", "/v2/email/account"):
            return error(404, "UnknownOperationException", "")
        quota = {"Max24HourSend": 50_000.0, "MaxSendRate": 14.0, "SentLast24Hours": 0.0}
        account = {"EnforcementStatus": "HEALTHY", "ProductionAccessEnabled": True, "SendingEnabled": True}
        return json_reply(200, {**account, "DedicatedIpAutoWarmupEnabled": False, "SendQuota": quota})

    def message_id(self) -> str:
        """A new message id, as in the answer and in events."""
        return f"0100{uuid.uuid4().hex[:12]}-{uuid.uuid4()}-000000"

    def accept(self, _: Call, message_id: str) -> Reply:
        """A 200 with the message id."""
        return json_reply(200, {"MessageId": message_id})

    def accepted(self, entry: Entry) -> list[SimulatedEvent]:
        """One event `Send` for all recipients. There is none if the call named no configuration set."""
        return [{"eventType": "Send", "send": {}, "mail": _mail(entry)}] if entry.mail.is_reported else []

    def final(self, entry: Entry, ending: Ending, recipients: Iterable[Mailbox]) -> list[SimulatedEvent]:
        """The events `Delivery`, `Bounce` or `Complaint`, one per recipient. None without a configuration set."""
        if not entry.mail.is_reported:
            return []
        return [{**_event_details(entry, mailbox.address, ending), "mail": _mail(entry)} for mailbox in recipients]

    def bodies(self, events: Iterable[SimulatedEvent]) -> list[bytes]:
        """One notification per event, still without its envelope."""
        return [json.dumps(event).encode() for event in events]

    def sign(self, body: bytes, key: bytes) -> Post:
        """The event in the envelope of SNS, which is signed. The body may be an event, or a notification with one."""
        text = _message(json_in(body)) or body.decode("utf-8-sig")
        return self._topic.notification(SUBJECT, text, sns.Signer(key, self.certificate_url))

    def certificate(self, key: bytes) -> str:
        """The certificate behind SNS's SigningCertURL."""
        return sns.certificate(key)

    def request_to_confirm(self, key: bytes) -> tuple[str, Post]:
        """SNS's SubscribeURL with a new token, and the message that has it."""
        return self._topic.confirmation_request(sns.Signer(key, self.certificate_url))

    def _authenticate(self, call: Call) -> None:
        mine = self.credentials
        try:
            sigv4.verify(
                call, mine["ACCESS_KEY_ID"], mine["SECRET_ACCESS_KEY"], mine["REGION"], "ses", datetime.now(UTC)
            )
        except sigv4.BadSignature as wrong:
            raise Refused(error(403, wrong.code, wrong.message)) from None


DIALECT: Final = Ses


def _event_details(entry: Entry, address: str, ending: Ending) -> SimulatedEvent:
    at = iso(entry.received_at + DELIVERY)
    if ending is Ending.DELIVERED:
        delivery = {
            "processingTimeMillis": 100,
            "smtpResponse": "250 2.0.0 OK",
            "reportingMTA": "a8-1.smtp-out.amazonses.com",
        }
        return {"eventType": "Delivery", "delivery": {"timestamp": at, **delivery, "recipients": [address]}}
    feedback_id = f"0100{uuid.uuid4().hex[:12]}-{uuid.uuid4()}-000000"
    if ending is Ending.COMPLAINED:
        complaint = {"complaintSubType": None, "complaintFeedbackType": "abuse", "userAgent": "Mailbox Feedback Loop/1"}
        complained = {"complainedRecipients": [{"emailAddress": address}], "timestamp": at, "arrivalDate": at}
        return {"eventType": "Complaint", "complaint": {"feedbackId": feedback_id, **complaint, **complained}}
    kind, sub_type, diagnostic = _BOUNCES[ending]
    return {
        "eventType": "Bounce",
        "bounce": {
            "feedbackId": feedback_id,
            "bounceType": kind,
            "bounceSubType": sub_type,
            "timestamp": at,
            "bouncedRecipients": [{"emailAddress": address, **diagnostic}],
            **({"reportingMTA": "dns; a8-1.smtp-out.amazonses.com"} if diagnostic else {}),
        },
    }


# bounceType, bounceSubType, and further members of the entry in bouncedRecipients.
_BOUNCES: Final[Mapping[Ending, tuple[str, str, Mapping[str, str]]]] = {
    Ending.HARD_BOUNCE: (
        "Permanent",
        "General",
        {
            "action": "failed",
            "status": "5.1.1",
            "diagnosticCode": "smtp; 550 5.1.1 The email account that you tried to reach does not exist",
        },
    ),
    Ending.UNEXPLAINED: ("Permanent", "General", {}),
    Ending.BLOCKED: (
        "Transient",
        "ContentRejected",
        {
            "action": "failed",
            "status": "5.7.1",
            "diagnosticCode": "smtp; 550 5.7.1 Message blocked: the sending address has a poor reputation",
        },
    ),
}


def _message(notification: object) -> str:
    """The text in a notification of SNS; "" if it is none. Half a surrogate pair becomes a question mark."""
    match notification:
        case {"Type": "Notification", "Message": str(text)}:
            return text.encode(errors="replace").decode()
    return ""


def _mail(entry: Entry) -> dict[str, object]:
    mail = entry.mail
    shown = {"from": [str(mail.sender)], "to": [str(to) for to in mail.to], "subject": mail.subject}
    return {
        "timestamp": iso(entry.received_at),
        "source": str(mail.sender),
        "sendingAccountId": "123456789012",
        "messageId": entry.id,
        "destination": [mailbox.address for mailbox in mail.recipients],
        "headersTruncated": False,
        "headers": [
            {"name": "From", "value": str(mail.sender)},
            {"name": "To", "value": ", ".join(shown["to"])},
            {"name": "Subject", "value": mail.subject},
        ],
        "commonHeaders": {**shown, "messageId": entry.id},
        "tags": {
            "ses:operation": ["SendEmail"],
            "ses:configuration-set": [CONFIGURATION_SET],
            "ses:from-domain": [mail.sender.address.rpartition("@")[2]],
            **{name: [value] for name, value in mail.metadata.items()},
        },
    }
