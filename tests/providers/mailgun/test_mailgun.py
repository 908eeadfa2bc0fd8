import hashlib
import json
import logging
from dataclasses import replace
from typing import Any

import httpx
import pytest

from app.domain.email import Attachment, Content, Mailbox, Tracking
from app.domain.event import Nonce, ProviderEvent, Webhook
from app.domain.kinds import Cause, Kind
from app.domain.sizes import options_bytes
from app.errors import Unauthenticated
from app.providers.mailgun.provider import Mailgun
from app.providers.sdk.refusal import Unsendable
from tests.providers.case import NOW_S, SAMPLE
from tests.providers.mailgun.case import KEYS, TOKEN, envelope, form, make, report, sign, values, webhook

MAILGUN = make("https://api.eu.mailgun.net")
DAY_S = 24 * 3600


def built(**content: Any) -> httpx.Request:
    return MAILGUN.build(replace(SAMPLE, content=replace(SAMPLE.content, **content)))


def event(**fields: object) -> ProviderEvent:
    entry = {"recipient": "bo@example.com", "timestamp": 1_760_000_000.375, "id": "e", **fields}
    (parsed,) = MAILGUN.parse(envelope(entry))
    return parsed


def test_the_call() -> None:
    request = MAILGUN.build(SAMPLE)
    assert str(request.url) == "https://api.eu.mailgun.net/v3/mg.example.com/messages"
    assert request.headers["authorization"] == "Basic YXBpOmtleS1zZWNyZXQ="  # api:key-secret
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    told = [(name, body.decode()) for name, file, _, body in form(request) if not file]
    assert told == [
        ("from", '"The App" <no-reply@example.com>'),
        ("to", '"Anne, née Ö" <anne@example.com>'),
        ("cc", "bo@example.com"),
        ("bcc", '"C\\"at" <cat@example.com>'),
        ("subject", "Grüße"),
        ("text", SAMPLE.content.text),
        ("html", SAMPLE.content.html.replace("cid:logo", "cid:logo.png")),
        ("h:Reply-To", '"Help" <help@example.com>'),
        ("h:X-Trace", "7"),
        ("o:tag", "receipt"),
        ("o:tracking", "no"),
        ("o:tracking-clicks", "no"),
        ("o:tracking-opens", "no"),
        ("v:order", "42"),
        ("v:em_email_id", SAMPLE.email_id),
        ("v:em_attempt", "3"),
    ]
    assert [part for part in form(request) if part[1]] == [
        ("attachment", "bill.pdf", "application/pdf", b"%PDF-\x00\xff"),
        ("inline", "logo.png", "image/png", b"\x89PNG"),  # Mailgun takes the name for the content id
    ]


def test_every_recipient_has_a_field_of_its_own() -> None:
    people = (Mailbox("a@example.com", "A, B"), Mailbox("c@example.com", "back\\slash"))
    request = MAILGUN.build(replace(SAMPLE, to=people, cc=(), bcc=()))
    assert values(request, "to") == ['"A, B" <a@example.com>', '"back\\\\slash" <c@example.com>']
    assert values(request, "cc") == values(request, "bcc") == []


def test_it_never_becomes_a_batch() -> None:
    assert values(MAILGUN.build(SAMPLE), "recipient-variables") == []


def test_what_is_empty_is_not_sent() -> None:
    names = [name for name, *_ in form(MAILGUN.build(replace(SAMPLE, cc=(), bcc=(), content=Content("", "words"))))]
    tracking = ["o:tracking", "o:tracking-clicks", "o:tracking-opens"]
    assert names == ["from", "to", "subject", "text", *tracking, "v:em_email_id", "v:em_attempt"]


TRACKINGS = {
    Tracking(): ("no", "no", "no"),
    Tracking(opens=True): ("yes", "no", "yes"),
    Tracking(clicks=True): ("yes", "htmlonly", "no"),
    Tracking(opens=True, clicks=True): ("yes", "htmlonly", "yes"),
}


@pytest.mark.parametrize("tracking", TRACKINGS)
def test_what_is_said_of_tracking_is_counted_among_the_options(tracking: Tracking) -> None:
    largest = MAILGUN.limits.options_bytes.value or 0
    content = replace(SAMPLE.content, tags=(), metadata={"order": ""})
    content = replace(content, metadata={"order": "x" * (largest - options_bytes(content))})
    request = MAILGUN.build(replace(SAMPLE, content=content, tracking=tracking))
    options = [(name, body) for name, _, _, body in form(request) if name.startswith(("o:", "h:", "v:"))]
    assert len(options) > 6
    assert sum(len(name.encode()) + len(body) for name, body in options) <= largest


@pytest.mark.parametrize("tracking", TRACKINGS)
def test_tracking_is_said_whatever_it_is(tracking: Tracking) -> None:
    request = MAILGUN.build(replace(SAMPLE, tracking=tracking))
    said = [values(request, option) for option in ("o:tracking", "o:tracking-clicks", "o:tracking-opens")]
    assert said == [[one] for one in TRACKINGS[tracking]]


def test_several_reply_addresses_are_one_header() -> None:
    request = built(reply_to=(Mailbox("a@example.com", "A, a"), Mailbox("b@example.com")))
    assert values(request, "h:Reply-To") == ['"A, a" <a@example.com>, b@example.com']


@pytest.mark.parametrize(
    "headers",
    [
        (("Bcc", "spy@example.com"),),
        (("subject", "another"),),
        (("Reply-To", "x@example.com"),),  # reply_to says it already
        (("X-Trace", "1"), ("x-trace", "2")),
    ],
)
def test_a_header_that_mailgun_cannot_carry_is_refused(headers: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(Unsendable, match=headers[-1][0]):
        built(headers=headers)


def test_no_file_name_has_a_quote_which_a_form_writes_in_another_way() -> None:
    request = built(attachments=(Attachment('a "b".txt', "text/plain", b"x"),))
    assert b'filename="a _b_.txt"' in request.content


def test_nobody_in_to_is_refused() -> None:
    with pytest.raises(Unsendable, match="to"):
        MAILGUN.build(replace(SAMPLE, to=()))


def test_tags_that_do_not_fit_are_left_out() -> None:
    tags = ("x" * 129, "größe", *[f"tag-{number // 2}" for number in range(40)])
    assert values(built(tags=tags), "o:tag") == [f"tag-{number}" for number in range(10)]


def test_a_file_keeps_its_name_and_its_bytes() -> None:
    request = built(attachments=(Attachment("Überweisung 1.pdf", "", bytes(range(256))),))
    assert 'filename="Überweisung 1.pdf"'.encode() in request.content
    assert form(request)[-1][2:] == ("application/octet-stream", bytes(range(256)))


def test_a_domain_cannot_lead_elsewhere() -> None:
    mailgun = Mailgun("mailgun", "key", "../v1/keys?x", (), "https://api.mailgun.net")
    assert mailgun.build(SAMPLE).url.raw_path == b"/v3/..%2Fv1%2Fkeys%3Fx/messages"


NOT_ALLOWED = "Domain mg.example.com is not allowed to send: "


@pytest.mark.parametrize(
    ("status", "message", "kind", "cause"),
    [
        (400, "to parameter is not a valid address. please check documentation", Kind.REFUSED, Cause.MESSAGE),
        (400, NOT_ALLOWED + "The domain is unverified", Kind.UNAVAILABLE, Cause.ACCOUNT),
        (400, NOT_ALLOWED + "recipient limit exceeded", Kind.THROTTLED, Cause.LIMIT),
        (420, NOT_ALLOWED + "recipient limit exceeded", Kind.THROTTLED, Cause.LIMIT),
        (403, NOT_ALLOWED + "Free accounts are for test purposes only", Kind.UNAVAILABLE, Cause.ACCOUNT),
        (400, "Please activate your Mailgun account", Kind.UNAVAILABLE, Cause.ACCOUNT),
        (404, "Domain not found: mg.example.com", Kind.UNAVAILABLE, Cause.ACCOUNT),
        (413, "too large", Kind.REFUSED, Cause.MESSAGE),
        (429, "slow down", Kind.THROTTLED, Cause.THROTTLE),
        (500, "Internal Server Error", Kind.UNAVAILABLE, Cause.OUTAGE),
        (200, "Queued. Thank you.", Kind.UNCERTAIN, Cause.UNKNOWN),
    ],
)
def test_what_its_errors_mean(status: int, message: str, kind: Kind, cause: Cause) -> None:
    outcome = MAILGUN.read(httpx.Response(status, json={"message": message}))
    assert (outcome.kind, outcome.cause) == (kind, cause)
    assert message in outcome.reply


def test_a_wrong_path_is_told_from_a_success() -> None:
    outcome = MAILGUN.read(httpx.Response(200, text="Mailgun Magnificent API"))
    assert (outcome.kind, outcome.cause) == (Kind.UNAVAILABLE, Cause.ACCOUNT)


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (httpx.Response(429, json={"retry-seconds": 60}), 60),
        (httpx.Response(429, json={"retry-seconds": 60}, headers={"Retry-After": "5"}), 5),
        (httpx.Response(429, json={"retry-seconds": 10**8}), DAY_S),
        (httpx.Response(429, json={"retry-seconds": -1}), None),
        (httpx.Response(429, json={"retry-seconds": 10**400}), None),
        (httpx.Response(429, json={"retry-seconds": "soon"}), None),
        (
            httpx.Response(
                420,
                json={"message": "recipient limit exceeded, try again after Mon, 25 Aug 2025 07:00:31 UTC"},
                headers={"Date": "Mon, 25 Aug 2025 06:59:31 GMT"},
            ),
            60,
        ),
        (httpx.Response(420, json={"message": "recipient limit exceeded, try again after Mon, never"}), None),
    ],
)
def test_how_long_it_wants_to_be_left_alone(answer: httpx.Response, seconds: float | None) -> None:
    outcome = MAILGUN.read(answer)
    assert (outcome.kind, outcome.retry_after_s) == (Kind.THROTTLED, seconds)


@pytest.mark.parametrize(
    ("name", "kind", "cause"),
    [
        ("accepted", Kind.ACCEPTED, None),
        ("delivered", Kind.DELIVERED, None),
        ("opened", Kind.OPENED, None),
        ("clicked", Kind.CLICKED, None),
        ("complained", Kind.COMPLAINED, Cause.RECIPIENT),
        ("unsubscribed", Kind.UNSUBSCRIBED, None),
        ("rejected", Kind.DROPPED, Cause.UNKNOWN),
        ("stored", Kind.UNKNOWN, None),
        (None, Kind.UNKNOWN, None),
    ],
)
def test_what_its_events_mean(name: str | None, kind: Kind, cause: Cause | None) -> None:
    assert (event(event=name).kind, event(event=name).cause) == (kind, cause)


@pytest.mark.parametrize("field", ["reason", "description"])
def test_a_rejection_for_a_virus_is_one_everywhere_and_a_hosts_is_not(field: str) -> None:
    rejected = event(event="rejected", reject={field: "The message contains a virus"})
    assert (rejected.kind, rejected.cause) == (Kind.VIRUS, Cause.MESSAGE)
    said = {"message": "554 5.7.1 The message contains a virus", "code": 554}
    failed = event(event="failed", severity="permanent", **{"delivery-status": said})
    assert failed.kind is Kind.BLOCKED


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        (NOT_ALLOWED + "your account is under review", Cause.ACCOUNT),
        (NOT_ALLOWED + "recipient limit exceeded", Cause.LIMIT),
        ("Sending rate limit exceeded", Cause.THROTTLE),
        ("Message is spam", Cause.UNKNOWN),
    ],
)
def test_a_rejection_that_speaks_of_our_account_says_so(reason: str, cause: Cause) -> None:
    rejected = event(event="rejected", reject={"reason": reason, "description": ""})
    assert (rejected.kind, rejected.cause, rejected.detail) == (Kind.DROPPED, cause, reason)


def test_an_event_says_why_and_of_which_call() -> None:
    parsed = event(
        event="failed",
        message={"headers": {"message-id": "<2026.1@mg.example.com>"}},
        **{"delivery-status": {"message": "", "description": "greylisted"}},
    )
    assert (parsed.detail, parsed.message_id) == ("greylisted", "2026.1@mg.example.com")
    assert (parsed.at_ms, parsed.email_id, parsed.attempt) == (1_760_000_000_375, "", 0)


def test_an_event_id_counts_for_its_day_only() -> None:
    today, tomorrow = event(), event(timestamp=1_760_000_000.375 + DAY_S)
    assert today.event_id == "e/2025-10-09"
    assert today.key != tomorrow.key
    assert event(id=None).event_id == ""


def test_an_event_that_cannot_be_read_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    entries: list[object] = [
        None,
        [],
        {"recipient": "secret@example.com"},
        {"recipient": "", "timestamp": 1},
        {"recipient": "secret@example.com", "timestamp": float("nan"), "id": "left"},
    ]
    with caplog.at_level(logging.WARNING):
        assert [MAILGUN.parse(envelope(entry)) for entry in entries] == [[]] * len(entries)
    assert len(caplog.records) == len(entries)
    assert vars(caplog.records[-1])["event_id"] == "left"
    assert not [record for record in caplog.records if "secret@" in str(vars(record))]


def test_the_published_vector() -> None:
    vector = "c831b43c5b16fe108131ca2a0ee82b53808fd53255a924f124c12c5aa8b5c2a3"
    signed = envelope({}, timestamp="1700000000", token=TOKEN, signature=vector)
    assert MAILGUN.verify(signed, 1_700_000_001) == Nonce(TOKEN, hashlib.sha256(signed.body).hexdigest())


def test_a_token_is_bound_to_its_body() -> None:
    one, other = (webhook(report("em_1", 1, name, NOW_S), NOW_S) for name in ("a@example.com", "b@example.com"))
    first, second = MAILGUN.verify(one, NOW_S), MAILGUN.verify(other, NOW_S)
    assert first.token == second.token
    assert first.body_sha256 != second.body_sha256


def test_a_subaccount_event_is_proved_by_the_parent_account() -> None:
    stamp = str(int(NOW_S))
    theirs, ours = sign("key-of-subaccount", stamp, TOKEN), sign(KEYS[1], stamp, TOKEN)
    signed = {"timestamp": stamp, "token": TOKEN, "signature": theirs, "parent-signature": ours}
    MAILGUN.verify(envelope({}, **signed), NOW_S)
    with pytest.raises(Unauthenticated):
        MAILGUN.verify(envelope({}, **signed | {"parent-signature": theirs}), NOW_S)


def test_a_timestamp_may_be_a_number() -> None:
    stamp = int(NOW_S)
    MAILGUN.verify(envelope({}, timestamp=stamp, token=TOKEN, signature=sign(KEYS[0], str(stamp), TOKEN)), NOW_S)


@pytest.mark.parametrize("token", ["", "x" * 129, "new\nline", None, 7])
def test_a_token_that_cannot_be_kept_is_not_believed(token: Any) -> None:
    stamp = str(int(NOW_S))
    with pytest.raises(Unauthenticated):
        MAILGUN.verify(envelope({}, timestamp=stamp, token=token, signature=sign(KEYS[0], stamp, token or "")), NOW_S)


@pytest.mark.parametrize("age_s", [DAY_S, -300])
def test_a_webhook_may_be_a_day_old_and_five_minutes_ahead(age_s: int) -> None:
    MAILGUN.verify(webhook({}, NOW_S), NOW_S + age_s)


@pytest.mark.parametrize("age_s", [DAY_S + 1, -301])
def test_but_no_more(age_s: int) -> None:
    with pytest.raises(Unauthenticated):
        MAILGUN.verify(webhook({}, NOW_S), NOW_S + age_s)


def test_an_event_is_read_from_a_body_of_any_shape() -> None:
    for body in (b"", b"[]", b'"x"', json.dumps({"event-data": "x"}).encode()):
        assert MAILGUN.parse(Webhook(body, {})) == []


def test_the_probe_asks_for_the_domain() -> None:
    assert str(MAILGUN.credentials_call().url) == "https://api.eu.mailgun.net/v4/domains/mg.example.com"
