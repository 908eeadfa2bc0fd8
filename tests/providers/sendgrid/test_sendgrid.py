import base64
import json
import logging
import subprocess
import sys
from dataclasses import replace
from email.header import decode_header, make_header
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.domain.email import Attachment, Content, Mailbox, Message, Tracking
from app.domain.event import ProviderEvent, Webhook
from app.domain.kinds import Cause, Kind
from app.errors import ServiceUnavailable, Unauthenticated
from app.providers.sdk.refusal import Unsendable
from app.providers.sendgrid.provider import SendGrid
from tests.providers.case import ANNE, BO, CAT, NOW_S, SAMPLE
from tests.providers.sendgrid.case import PUBLIC_KEYS, make, report, webhook

SENDGRID = make("https://api.sendgrid.com")
DAY_S = 24 * 3600
# Whatever the account's settings are, nothing is added to the email, and its links stay as they are.
UNTRACKED: dict[str, Any] = {
    "tracking_settings": {
        "click_tracking": {"enable": False, "enable_text": False},
        "open_tracking": {"enable": False},
        "subscription_tracking": {"enable": False},
        "ganalytics": {"enable": False},
    },
    "mail_settings": {"footer": {"enable": False}},
}


def built(message: Message = SAMPLE, **content: Any) -> Any:
    return json.loads(SENDGRID.build(replace(message, content=replace(message.content, **content))).content)


def event(**fields: object) -> ProviderEvent:
    entry = {"email": "bo@example.com", "timestamp": 1_760_000_000, "sg_event_id": "e", **fields}
    (parsed,) = SENDGRID.parse(Webhook(json.dumps([entry]).encode(), {}))
    return parsed


def meaning(**fields: object) -> tuple[Kind, Cause | None]:
    parsed = event(**fields)
    return parsed.kind, parsed.cause


def test_the_call() -> None:
    request = SENDGRID.build(SAMPLE)
    assert str(request.url) == "https://api.sendgrid.com/v3/mail/send"
    assert request.headers["authorization"] == "Bearer SG.secret"
    assert request.headers["accept"] == "application/json"
    assert json.loads(request.content) == {
        "personalizations": [
            {
                "to": [{"email": ANNE.address, "name": ANNE.name}],
                "cc": [{"email": BO.address}],
                "bcc": [{"email": CAT.address, "name": CAT.name}],
                "custom_args": {"order": "42", "em_email_id": SAMPLE.email_id, "em_attempt": "3"},
            }
        ],
        "from": {"email": "no-reply@example.com", "name": "The App"},
        "reply_to": {"email": "help@example.com", "name": "Help"},
        "subject": "Grüße",
        "content": [
            {"type": "text/plain", "value": SAMPLE.content.text},
            {"type": "text/html", "value": SAMPLE.content.html},
        ],
        "headers": {"X-Trace": "7"},
        "attachments": [
            {
                "content": base64.b64encode(b"%PDF-\x00\xff").decode(),
                "filename": "bill.pdf",
                "type": "application/pdf",
                "disposition": "attachment",
            },
            {
                "content": base64.b64encode(b"\x89PNG").decode(),
                "filename": "logo.png",
                "type": "image/png",
                "disposition": "inline",
                "content_id": "logo",
            },
        ],
        "categories": ["receipt"],
        **UNTRACKED,
    }


def test_what_is_empty_is_not_sent() -> None:
    plain = replace(SAMPLE, cc=(), bcc=(), content=Content("Hi", text="words"))
    assert built(plain) == {
        "personalizations": [
            {
                "to": [{"email": ANNE.address, "name": ANNE.name}],
                "custom_args": {"em_email_id": SAMPLE.email_id, "em_attempt": "3"},
            }
        ],
        "from": {"email": "no-reply@example.com", "name": "The App"},
        "subject": "Hi",
        "content": [{"type": "text/plain", "value": "words"}],
        **UNTRACKED,
    }


@pytest.mark.parametrize("opens", [False, True])
@pytest.mark.parametrize("clicks", [False, True])
def test_nothing_is_changed_but_what_was_asked_for(opens: bool, clicks: bool) -> None:
    call = built(replace(SAMPLE, tracking=Tracking(opens, clicks)))
    assert call["tracking_settings"] == UNTRACKED["tracking_settings"] | {
        "open_tracking": {"enable": opens},
        "click_tracking": {"enable": clicks, "enable_text": False},
    }
    assert call["mail_settings"] == UNTRACKED["mail_settings"]


def test_several_reply_addresses_have_a_field_of_their_own() -> None:
    call = built(reply_to=(Mailbox("a@example.com"), Mailbox("b@example.com", "B")))
    assert "reply_to" not in call
    assert call["reply_to_list"] == [{"email": "a@example.com"}, {"email": "b@example.com", "name": "B"}]


@pytest.mark.parametrize(
    "name",
    [
        *("email", "timestamp", "event", "type", "status", "reason", "response", "bounce_classification"),
        *("sg_event_id", "sg_message_id", "smtp-id"),
    ],
)
def test_metadata_named_like_a_field_of_an_event_has_a_prefix(name: str) -> None:
    told = built(metadata={name: "x"})["personalizations"][0]["custom_args"]
    assert told == {f"metadata_{name}": "x", "em_email_id": SAMPLE.email_id, "em_attempt": "3"}


def test_metadata_cannot_pass_for_facts_of_an_event() -> None:
    metadata = {"event": "delivered", "Email": "x", "status": "active", "smtp-id": "<x@y>", "order": "42"}
    told = built(metadata=metadata)["personalizations"][0]["custom_args"]
    assert told == {
        "metadata_event": "delivered",
        "metadata_Email": "x",
        "metadata_status": "active",
        "metadata_smtp-id": "<x@y>",
        "order": "42",
        "em_email_id": SAMPLE.email_id,
        "em_attempt": "3",
    }


@pytest.mark.parametrize("name", ["DKIM-Signature", "bcc", "Reply-To", "X-SG-ID", "Content-Type"])
def test_a_header_that_sendgrid_keeps_to_itself_is_refused(name: str) -> None:
    with pytest.raises(Unsendable, match=name):
        built(headers=((name, "x"),))


def test_a_header_that_comes_twice_is_refused() -> None:
    with pytest.raises(Unsendable, match="x-trace"):
        built(headers=(("X-Trace", "1"), ("x-trace", "2")))


def test_nobody_in_to_is_refused() -> None:
    with pytest.raises(Unsendable, match="to"):
        built(replace(SAMPLE, to=()))


def test_a_header_is_encoded_on_one_line() -> None:
    words = "Grüße " * 40
    value = built(headers=(("X-Note", words), ("X-Plain", "as it is")))["headers"]["X-Note"]
    assert value.isascii()
    assert "\n" not in value
    assert str(make_header(decode_header(value))) == words.strip()


@pytest.mark.parametrize(
    ("given", "told"),
    [("text/calendar; method=REQUEST; charset=UTF-8", "text/calendar"), ("application/pdf", "application/pdf")],
)
def test_a_content_type_goes_without_parameters(given: str, told: str) -> None:
    (file,) = built(attachments=(Attachment("a.ics", given, b"x"),))["attachments"]
    assert file["type"] == told


def test_tags_that_do_not_fit_are_left_out() -> None:
    tags = ("x" * 256, *[f"tag-{number // 2}" for number in range(40)])
    assert built(tags=tags)["categories"] == [f"tag-{number}" for number in range(10)]


@pytest.mark.parametrize(
    ("status", "message", "kind", "cause"),
    [
        (401, "The provided authorization grant is invalid", Kind.UNAVAILABLE, Cause.ACCOUNT),
        (401, "Maximum credits exceeded", Kind.THROTTLED, Cause.LIMIT),
        (403, "access forbidden", Kind.UNAVAILABLE, Cause.ACCOUNT),
        (403, "The from address does not match a verified Sender Identity.", Kind.REFUSED, Cause.ACCOUNT),
        (400, "Does not contain a valid address.", Kind.REFUSED, Cause.MESSAGE),
        (413, "too large", Kind.REFUSED, Cause.MESSAGE),
        (429, "too many requests", Kind.THROTTLED, Cause.THROTTLE),
        (503, "unavailable", Kind.UNAVAILABLE, Cause.OUTAGE),
        (409, "?", Kind.REFUSED, Cause.UNKNOWN),
        (520, "?", Kind.UNCERTAIN, Cause.OUTAGE),
        (202, "no id", Kind.UNCERTAIN, Cause.UNKNOWN),
        (200, "no id", Kind.UNCERTAIN, Cause.UNKNOWN),
    ],
)
def test_what_its_errors_mean(status: int, message: str, kind: Kind, cause: Cause) -> None:
    outcome = SENDGRID.read(httpx.Response(status, json={"errors": [{"message": message, "field": None}]}))
    assert (outcome.kind, outcome.cause) == (kind, cause)
    assert message in outcome.reply


@pytest.mark.parametrize(
    ("fields", "kind", "cause"),
    [
        ({"event": "processed"}, Kind.ACCEPTED, None),
        ({"event": "deferred", "response": "421 later", "attempt": "2"}, Kind.DELAYED, None),
        ({"event": "delivered"}, Kind.DELIVERED, None),
        ({"event": "open", "sg_machine_open": True}, Kind.OPENED, None),
        ({"event": "click"}, Kind.CLICKED, None),
        ({"event": "spamreport"}, Kind.COMPLAINED, Cause.RECIPIENT),
        ({"event": "unsubscribe"}, Kind.UNSUBSCRIBED, None),
        ({"event": "group_unsubscribe"}, Kind.UNSUBSCRIBED, None),
        ({"event": "group_resubscribe"}, Kind.RESUBSCRIBED, None),
        ({"event": "invented_tomorrow"}, Kind.UNKNOWN, None),
        ({}, Kind.UNKNOWN, None),
        ({"event": "dropped", "reason": "Bounced Address"}, Kind.SUPPRESSED, Cause.RECIPIENT),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, Kind.SUPPRESSED, Cause.RECIPIENT),
        ({"event": "dropped", "reason": "Spam Reporting Address"}, Kind.SUPPRESSED, Cause.RECIPIENT),
        ({"event": "dropped", "reason": "Invalid"}, Kind.HARD_BOUNCE, Cause.RECIPIENT),
        ({"event": "dropped", "reason": "Spam Content"}, Kind.DROPPED, Cause.POLICY),
        ({"event": "dropped", "reason": "Virus detected"}, Kind.VIRUS, Cause.MESSAGE),
        ({"event": "bounce", "type": "blocked", "reason": "550 Virus detected"}, Kind.BLOCKED, Cause.POLICY),
        ({"event": "dropped", "reason": "Recipient List over Package Quota"}, Kind.DROPPED, Cause.LIMIT),
        ({"event": "dropped", "reason": "Invalid SMTPAPI header"}, Kind.DROPPED, Cause.MESSAGE),
        ({"event": "dropped", "reason": "Account under review"}, Kind.DROPPED, Cause.ACCOUNT),
        ({"event": "dropped", "reason": "Sending rate limit exceeded"}, Kind.DROPPED, Cause.THROTTLE),
        ({"event": "dropped", "reason": "whatever"}, Kind.DROPPED, Cause.UNKNOWN),
        ({"event": "dropped"}, Kind.DROPPED, Cause.UNKNOWN),
    ],
)
def test_what_its_events_mean(fields: dict[str, object], kind: Kind, cause: Cause | None) -> None:
    assert meaning(**fields) == (kind, cause)


@pytest.mark.parametrize(
    ("fields", "scope"),
    [
        ({"event": "unsubscribe"}, ""),
        ({"event": "unsubscribe", "asm_group_id": 10}, ""),  # its email was of a group; the person left them all
        ({"event": "group_unsubscribe", "asm_group_id": 10}, "group 10"),
        ({"event": "group_unsubscribe", "asm_group_id": "10"}, "group 10"),
        ({"event": "group_unsubscribe"}, "group without an id"),
        ({"event": "group_resubscribe", "asm_group_id": 10}, "group 10"),
        ({"event": "delivered", "asm_group_id": 10}, ""),
    ],
)
def test_the_scope_of_an_unsubscribe_is_its_group(fields: dict[str, object], scope: str) -> None:
    assert event(**fields).scope == scope


def test_an_event_says_why_and_of_which_call() -> None:
    parsed = event(
        event="bounce",
        reason="550  5.1.1\r\nuser unknown",
        sg_message_id="euo2iKxdSayPF4YE4.recvd-5f54-1-67BA-6.0",
        em_email_id="em_1",
        em_attempt=2,
    )
    assert (parsed.detail, parsed.message_id) == ("550 5.1.1 user unknown", "euo2iKxdSayPF4YE4")
    assert (parsed.email_id, parsed.attempt, parsed.at_ms) == ("em_1", 2, 1_760_000_000_000)


@pytest.mark.parametrize(
    ("fields", "message_id"),
    [
        ({"sg_message_id": "euo2iKxdSayPF4YE4.recvd-5f54-1-67BA-6.0"}, "euo2iKxdSayPF4YE4"),
        ({"sg_message_id": "", "smtp-id": "<euo2iKxdSayPF4YE4@geopod-ismtpd-8>"}, "euo2iKxdSayPF4YE4"),
        ({"smtp-id": "<euo2iKxdSayPF4YE4@geopod-ismtpd-8>"}, "euo2iKxdSayPF4YE4"),
        ({"sg_message_id": "one.recvd-1.0", "smtp-id": "<two@host>"}, "one"),
        ({"sg_message_id": "", "smtp-id": ""}, ""),
        ({"sg_message_id": 7, "smtp-id": ["<x@y>"]}, ""),
        ({}, ""),
    ],
)
def test_a_bounce_that_came_later_names_its_call_as_far_as_it_can(fields: dict[str, object], message_id: str) -> None:
    parsed = event(event="bounce", type="bounce", status="5.1.10", **fields)
    assert (parsed.email_id, parsed.attempt, parsed.message_id) == ("", 0, message_id)


@pytest.mark.parametrize("attempt", ["", "-1", "1.5", "²", "9" * 5000, None, True, [], 10**30])
def test_an_attempt_that_is_no_number_is_none(attempt: object) -> None:
    assert event(em_email_id="em_1", em_attempt=attempt).attempt == 0


def test_an_email_id_that_cannot_be_one_of_ours_is_none() -> None:
    assert [event(em_email_id=told).email_id for told in ("x" * 129, 7, ["em_1"])] == ["", "", ""]


def test_an_entry_that_cannot_be_read_is_left_out_and_the_rest_kept_in_order(caplog: pytest.LogCaptureFixture) -> None:
    good = [{"email": f"{name}@example.com", "timestamp": 1, "event": "open"} for name in "ab"]
    bad: list[object] = [
        7,
        None,
        [],
        {},
        {"timestamp": 1},
        {"email": "", "timestamp": 1},
        {"email": ["x@example.com"], "timestamp": 1},
        *[
            {"email": "secret@example.com", "timestamp": time}
            for time in (float("nan"), float("inf"), 10**40, -1, "soon")
        ],
        {"email": "secret@example.com", "timestamp": True, "sg_event_id": "left"},
    ]
    body = json.dumps([good[0], *bad, good[1]]).encode()
    with caplog.at_level(logging.WARNING):
        events = SENDGRID.parse(Webhook(body, {}))
    assert [one.recipient for one in events] == ["a@example.com", "b@example.com"]
    assert len(caplog.records) == len(bad)
    assert vars(caplog.records[-1])["event_id"] == "left"
    assert not [record for record in caplog.records if "secret@" in str(vars(record))]


@pytest.mark.parametrize("body", [b"", b"{}", b"nonsense", b'"x"'])
def test_a_body_that_is_no_array_has_no_events(body: bytes) -> None:
    assert SENDGRID.parse(Webhook(body, {})) == []


def test_one_event_without_its_array_is_read() -> None:
    one = {"email": "bo@example.com", "timestamp": 1_760_000_000, "event": "delivered"}
    (event,) = SENDGRID.parse(Webhook(json.dumps(one).encode(), {}))
    assert (event.recipient, event.kind) == ("bo@example.com", Kind.DELIVERED)


def test_a_webhook_may_be_a_day_old_and_five_minutes_ahead() -> None:
    for age_s in (DAY_S, -300):
        SENDGRID.verify(webhook(report("em_1", 1, "bo@example.com", NOW_S), NOW_S), NOW_S + age_s)
    for age_s in (DAY_S + 1, -301):
        with pytest.raises(Unauthenticated):
            SENDGRID.verify(webhook(report("em_1", 1, "bo@example.com", NOW_S), NOW_S), NOW_S + age_s)


def test_a_key_of_somebody_else_does_not_verify() -> None:
    other = SendGrid("sendgrid", "SG.key", PUBLIC_KEYS[1:], "https://api.sendgrid.com")
    with pytest.raises(Unauthenticated):
        other.verify(webhook([], NOW_S, key=0), NOW_S)
    other.verify(webhook([], NOW_S, key=1), NOW_S)


def _rsa() -> str:
    public = rsa.generate_private_key(65537, 2048).public_key()
    return base64.b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def _unknown_curve() -> str:
    der = base64.b64decode(PUBLIC_KEYS[0])
    p256 = bytes.fromhex("06082a8648ce3d030107")  # its object identifier
    assert p256 in der
    return base64.b64encode(der.replace(p256, p256[:-1] + b"\x7f")).decode()


@pytest.mark.parametrize("key", ["not base64!", "bm90IGEga2V5", _rsa(), _unknown_curve()])
def test_a_text_that_is_no_public_key_is_our_fault_not_the_senders(key: str) -> None:
    with pytest.raises(ServiceUnavailable, match="SENDGRID_WEBHOOK_PUBLIC_KEY"):
        SendGrid("sendgrid", "SG.key", (key,), "https://api.sendgrid.com").verify(webhook([], NOW_S), NOW_S)


def test_a_public_key_is_a_curve_point_whatever_the_curve_of_the_account() -> None:
    public = ec.generate_private_key(ec.SECP384R1()).public_key()
    key = base64.b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    with pytest.raises(Unauthenticated):
        SendGrid("sendgrid", "SG.key", (key,), "https://api.sendgrid.com").verify(webhook([], NOW_S), NOW_S)


def test_sending_does_not_load_the_cryptography_that_only_webhooks_need() -> None:
    modules = ", ".join(f"app.providers.{name}.provider" for name in ("sendgrid", "mailgun", "resend"))
    probe = f"import {modules}, sys; sys.exit('cryptography' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0


def test_the_probe_asks_the_key_about_itself() -> None:
    assert str(SENDGRID.credentials_call().url) == "https://api.sendgrid.com/v3/scopes"
