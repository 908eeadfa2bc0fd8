import base64
import json
import logging
from dataclasses import replace
from email.header import decode_header, make_header
from typing import Any

import pytest

from app.domain.email import Attachment, Content, Mailbox, Message, Tracking
from app.domain.event import ProviderEvent, Webhook
from app.domain.kinds import Cause, Kind
from app.errors import ServiceUnavailable, Unauthenticated
from app.providers.resend.provider import Resend
from app.providers.sdk.refusal import Unsendable
from tests.providers.case import NOW_S, SAMPLE
from tests.providers.resend.case import EMAIL_ID, ID, SECRETS, SIGNATURE, TIMESTAMP, make, report, sign, webhook

RESEND = make("https://api.resend.com")


def built(message: Message = SAMPLE, **content: Any) -> Any:
    return json.loads(RESEND.build(replace(message, content=replace(message.content, **content))).content)


def test_tracking_cannot_be_said_with_an_email() -> None:
    assert built(replace(SAMPLE, tracking=Tracking(opens=True, clicks=True))) == built()


def events(entry: object) -> list[ProviderEvent]:
    return RESEND.parse(Webhook(json.dumps(entry).encode(), {ID: "msg_1"}))


def event(kind: object, **data: object) -> ProviderEvent:
    told = {"type": kind, "created_at": "2025-10-09T08:53:20.375Z", "data": {"to": ["bo@example.com"], **data}}
    (parsed,) = events(told)
    return parsed


def test_the_call() -> None:
    request = RESEND.build(SAMPLE)
    assert (request.method, str(request.url)) == ("POST", "https://api.resend.com/emails")
    assert request.headers["authorization"] == "Bearer re_secret"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"] == "EmailsMinder"
    assert request.headers["idempotency-key"] == f"{SAMPLE.email_id}/3"
    assert json.loads(request.content) == {
        "from": "The App <no-reply@example.com>",
        "to": ['"Anne, née Ö" <anne@example.com>'],
        "cc": ["bo@example.com"],
        "bcc": ['"C\\"at" <cat@example.com>'],
        "reply_to": ["Help <help@example.com>"],
        "subject": "Grüße",
        "text": SAMPLE.content.text,
        "html": SAMPLE.content.html,
        "headers": {"X-Trace": "7"},
        "attachments": [
            {
                "content": base64.b64encode(b"%PDF-\x00\xff").decode(),
                "filename": "bill.pdf",
                "content_type": "application/pdf",
            },
            {
                "content": base64.b64encode(b"\x89PNG").decode(),
                "filename": "logo.png",
                "content_type": "image/png",
                "content_id": "logo",
            },
        ],
        "tags": [
            {"name": "em_attempt", "value": "3"},
            {"name": "em_email_id", "value": SAMPLE.email_id},
            {"name": "order", "value": "42"},
            {"name": "receipt", "value": "1"},
        ],
    }


def test_what_is_empty_is_not_sent() -> None:
    plain = replace(SAMPLE, to=(Mailbox("anne@example.com", "Änne"),), cc=(), bcc=(), content=Content("", text="words"))
    assert built(plain) == {
        "from": "The App <no-reply@example.com>",
        "to": ["Änne <anne@example.com>"],
        "subject": "",
        "text": "words",
        "tags": [{"name": "em_attempt", "value": "3"}, {"name": "em_email_id", "value": SAMPLE.email_id}],
    }


def test_it_may_be_asked_again_for_a_day_and_carries_one_recipient() -> None:
    assert (RESEND.limits.idempotent_for_s.value, RESEND.limits.traceable_recipients.value) == (86_400, 1)
    longest = RESEND.build(replace(SAMPLE, email_id="e" * 128, attempt=999_999)).headers["idempotency-key"]
    assert len(longest) <= 256


def test_a_name_that_looks_encoded_is_meant_literally() -> None:
    (shown,) = built(replace(SAMPLE, to=(Mailbox("bo@example.com", "=?utf-8?q?Bo?="),)))["to"]
    assert str(make_header(decode_header(shown.rpartition(" <")[0]))) == "=?utf-8?q?Bo?="


@pytest.mark.parametrize("name", ["DKIM-Signature", "bcc", "Reply-To", "Content-Type", "MIME-Version"])
def test_a_header_that_the_call_has_a_field_for_is_refused(name: str) -> None:
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


def test_metadata_and_tags_that_are_no_tags_are_left_out() -> None:
    metadata = {"order": "4 2", "größe": "9", "": "x", "long": "x" * 257, "kept": "a-b_C"}
    tags = built(metadata=metadata, tags=("two words", "kept", "em_attempt", "new"))["tags"]
    assert {tag["name"]: tag["value"] for tag in tags} == {
        "em_attempt": "3",
        "em_email_id": SAMPLE.email_id,
        "kept": "a-b_C",
        "new": "1",
    }


@pytest.mark.parametrize(
    ("filename", "given", "told"),
    [
        ("a.pdf", "application/pdf", "application/pdf"),
        ("a.PDF", "Application/PDF", "Application/PDF"),
        ("a.txt", "text/plain; charset=utf-8", "text/plain; charset=utf-8"),
        ("a.xml", "application/xml", "application/xml"),  # Python's table says text/xml
        ("a.docx", "application/x-unheard-of", "application/x-unheard-of"),  # it says nothing of these two
        ("README", "text/plain", "text/plain"),
        ("a.tar.gz", "application/gzip", "application/gzip"),
        ("a.pdf", "application/octet-stream", None),  # derived from the name
        ("a.pdf", "", None),
        ("a.jpg", "image/jpg", None),  # no registered type
        ("a.zip", "application/x-zip-compressed", None),  # as Windows says
        ("a.csv", "application/vnd.ms-excel", None),  # as Windows with Excel says
        ("data.txt", "text/csv", None),
        ("a.exe.png", "application/pdf", None),
    ],
)
def test_a_type_that_the_name_contradicts_is_left_out(filename: str, given: str, told: str | None) -> None:
    (file,) = built(attachments=(Attachment(filename, given, b"x"),))["attachments"]
    assert (file["filename"], file.get("content_type")) == (filename, told)


@pytest.mark.parametrize(
    ("name", "kind", "cause"),
    [
        ("email.sent", Kind.ACCEPTED, None),
        ("email.scheduled", Kind.ACCEPTED, None),
        ("email.delivery_delayed", Kind.DELAYED, None),
        ("email.delivered", Kind.DELIVERED, None),
        ("email.suppressed", Kind.SUPPRESSED, Cause.RECIPIENT),
        ("email.complained", Kind.COMPLAINED, Cause.RECIPIENT),
        ("email.opened", Kind.OPENED, None),
        ("email.clicked", Kind.CLICKED, None),
        ("email.failed", Kind.DROPPED, Cause.UNKNOWN),
        ("email.received", Kind.UNKNOWN, None),
        ("email.invented_tomorrow", Kind.UNKNOWN, None),
        (None, Kind.UNKNOWN, None),
    ],
)
def test_what_its_events_mean(name: str | None, kind: Kind, cause: Cause | None) -> None:
    assert (event(name).kind, event(name).cause) == (kind, cause)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("suppression.added", {"email": "bo@example.com", "origin": "bounce"}),
        ("suppression.removed", {"email": "bo@example.com", "origin": "manual"}),
        ("domain.updated", {"name": "example.com", "status": "verified"}),
    ],
)
def test_an_event_that_is_about_no_email_is_ignored(name: str, data: dict[str, object]) -> None:
    assert events({"type": name, "created_at": "2026-10-09T08:53:20.375Z", "data": data}) == []


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("reached_daily_quota", Cause.LIMIT),
        ("account_under_review", Cause.ACCOUNT),
        ("invalid_domain", Cause.UNKNOWN),
        (None, Cause.UNKNOWN),
    ],
)
def test_a_failure_that_speaks_of_our_account_says_so(reason: str | None, cause: Cause) -> None:
    parsed = event("email.failed", failed={"reason": reason})
    assert (parsed.kind, parsed.cause, parsed.detail) == (Kind.DROPPED, cause, reason or "")


def test_a_virus_that_resend_found_is_one_everywhere_and_a_hosts_is_not() -> None:
    failed = event("email.failed", failed={"reason": "virus_detected"})
    assert (failed.kind, failed.cause) == (Kind.VIRUS, Cause.MESSAGE)
    bounce = {"type": "Transient", "subType": "General", "diagnosticCode": ["smtp; 554 5.7.1 Virus detected"]}
    assert event("email.bounced", bounce=bounce).kind is Kind.BLOCKED


def test_an_event_says_why_and_of_which_call() -> None:
    bounce = {"type": "Permanent", "subType": "General", "message": "Rejected.", "diagnosticCode": ["smtp;\r\n 550"]}
    tags = {"em_email_id": "em_1", "em_attempt": "2", "order": "42"}
    parsed = event("email.bounced", bounce=bounce, tags=tags, email_id=EMAIL_ID)
    assert parsed.detail == "Permanent General smtp; 550 Rejected."
    assert (parsed.email_id, parsed.attempt, parsed.message_id) == ("em_1", 2, EMAIL_ID)
    assert (parsed.at_ms, parsed.event_id) == (1_760_000_000_375, "msg_1")
    told = event("email.suppressed", suppressed={"type": "Suppressed", "reason": "previous_complaint", "message": "m"})
    assert told.detail == "Suppressed previous_complaint m"


def test_tags_come_as_an_object_or_as_the_list_that_was_sent() -> None:
    sent = [{"name": "em_email_id", "value": "em_1"}, {"name": "em_attempt", "value": "2"}, "?", {"name": ["x"]}]
    for tags in (sent, {"em_email_id": "em_1", "em_attempt": "2"}):
        parsed = event("email.delivered", tags=tags)
        assert (parsed.email_id, parsed.attempt) == ("em_1", 2)
    assert (event("email.delivered", tags="?").email_id, event("email.delivered", tags=[]).attempt) == ("", 0)


@pytest.mark.parametrize("to", [["Bo@Example.com"], '"Bo <x>" <bo@example.com>', ["bo@example.com", "BO@example.com"]])
def test_one_recipient_however_it_is_written(to: object) -> None:
    parsed = event("email.delivered", to=to)
    assert (parsed.recipient, parsed.kind) == ("bo@example.com", Kind.DELIVERED)


@pytest.mark.parametrize("kind", ["email.delivered", "email.bounced", "email.complained", "email.suppressed"])
def test_of_several_recipients_it_is_not_known_which_one_is_meant(kind: str) -> None:
    bounce = {"type": "Permanent", "diagnosticCode": ["smtp; 550 5.1.1 user unknown"]}
    data = {"to": ["bo@example.com", "cy@example.com"], "bounce": bounce}
    found = events({"type": kind, "created_at": "2025-10-09T08:53:20Z", "data": data})
    assert [(one.recipient, one.kind, one.cause) for one in found] == [
        ("bo@example.com", Kind.UNKNOWN, None),
        ("cy@example.com", Kind.UNKNOWN, None),
    ]
    assert len({one.key for one in found}) == 2


def test_an_event_that_cannot_be_read_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    at = "2025-10-09T08:53:20Z"
    entries: list[object] = [
        None,
        [],
        {"created_at": at},
        {"created_at": at, "data": {"to": []}},
        {"created_at": at, "data": {"to": [7, " ", "<>"]}},
        {"created_at": "yesterday", "data": {"to": ["secret@example.com"]}},
        {"created_at": 1_760_000_000, "data": {"to": ["secret@example.com"]}},
    ]
    with caplog.at_level(logging.WARNING):
        assert [events(entry) for entry in entries] == [[]] * len(entries)
        assert RESEND.parse(Webhook(b"nonsense", {})) == []
    assert len(caplog.records) == len(entries) + 1
    assert vars(caplog.records[0])["event_id"] == "msg_1"
    assert not [record for record in caplog.records if "secret@" in str(vars(record))]


def signed(signature: str) -> Webhook:
    return Webhook(b'{"a":1}', {ID: "msg_1", TIMESTAMP: "1700000000", SIGNATURE: signature})


VECTOR = "v1,WUgAXU8H0NQ1/7M+TtMwKma2b74a3/TCgekiM3YUdN8="  # made with Svix's own verifier


@pytest.mark.parametrize("signature", [VECTOR, f"v1,bm8= {VECTOR}", f"{VECTOR}  v1a,bm8=", f"v2,x {VECTOR}"])
def test_the_published_vector_alone_and_among_others(signature: str) -> None:
    RESEND.verify(signed(signature), 1_700_000_001)


def test_a_repeated_webhook_is_signed_anew_and_is_the_same_event() -> None:
    first, again = (webhook(report("em_1", 1, "bo@example.com", NOW_S), NOW_S + delay_s) for delay_s in (0, 36_000))
    RESEND.verify(again, NOW_S + 36_000)
    assert first.headers[SIGNATURE] != again.headers[SIGNATURE]
    assert [one.key for one in RESEND.parse(first)] == [one.key for one in RESEND.parse(again)]


def test_a_webhook_may_be_five_minutes_old_or_ahead() -> None:
    for age_s in (300, -300):
        RESEND.verify(webhook({}, NOW_S), NOW_S + age_s)
    for age_s in (301, -301):
        with pytest.raises(Unauthenticated):
            RESEND.verify(webhook({}, NOW_S), NOW_S + age_s)


def test_a_secret_of_somebody_else_does_not_verify() -> None:
    other = Resend("resend", "re_key", SECRETS[1:], "https://api.resend.com")
    with pytest.raises(Unauthenticated):
        other.verify(webhook({}, NOW_S, key=0), NOW_S)
    other.verify(webhook({}, NOW_S, key=1), NOW_S)


@pytest.mark.parametrize("secret", ["whsec_not base64!", "whsec_", "whsec_é", "re_secret", "nope", "MDEyMzQ1Njc4OWFi"])
def test_a_text_that_is_no_secret_is_our_fault_not_the_senders(secret: str) -> None:
    with pytest.raises(ServiceUnavailable, match="RESEND_WEBHOOK_SECRET"):
        Resend("resend", "re_key", (secret,), "https://api.resend.com").verify(webhook({}, NOW_S), NOW_S)
    Resend("resend", "re_key", (secret, *SECRETS), "https://api.resend.com").verify(webhook({}, NOW_S), NOW_S)


@pytest.mark.parametrize("name", [ID, SIGNATURE])
def test_a_header_that_no_encoding_can_say_is_not_believed(name: str) -> None:
    genuine = webhook({}, NOW_S)
    with pytest.raises(Unauthenticated):
        RESEND.verify(Webhook(genuine.body, genuine.headers | {name: "\ud800"}), NOW_S)


def test_the_sign_of_an_empty_key_is_nobodys() -> None:
    forged = signed(sign("whsec_", "msg_1", "1700000000", b'{"a":1}'))
    with pytest.raises(Unauthenticated):
        RESEND.verify(forged, 1_700_000_001)


def test_the_probe_asks_for_the_domains() -> None:
    request = RESEND.credentials_call()
    assert str(request.url) == "https://api.resend.com/domains"
    assert request.headers["user-agent"]
