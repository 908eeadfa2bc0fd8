"""What only the simulated Amazon SES does."""

import base64
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import httpx
import pytest

from app.local.simulator.dialect import Call
from app.local.simulator.ses.sigv4 import BadSignature, verify
from tests.local.simulator.case import LOGO, PDF, file
from tests.local.simulator.rig import Rig
from tests.providers.ses.simulator_case import body, envelope, signed

TOPIC = "arn:aws:sns:us-east-1:123456789012:emailsminder-simulator"


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with Rig(tmp_path_factory.mktemp("keys"), "--accounts", "ses") as rig:
        yield rig


def raw_email() -> EmailMessage:
    email = EmailMessage()
    email["From"] = "App <app@example.com>"
    email["To"] = "Bo Ödman <bo@example.com>"
    email["Cc"] = "cy@example.com"
    email["Reply-To"] = "Help <help@example.com>"
    email["Subject"] = "Grüße"
    email["X-Kind"] = "receipt"
    email.set_content("Hello\nthere")
    email.add_alternative("<p>Hello</p>", subtype="html")
    html = email.get_body(("html",))
    assert isinstance(html, EmailMessage)
    html.add_related(LOGO, "image", "png", cid="<logo>", filename="logo.png")
    email.add_attachment(PDF, "application", "pdf", filename="a.pdf")
    forwarded = EmailMessage()
    forwarded["Subject"] = "Earlier"
    forwarded.set_content("what was said")
    email.add_attachment(forwarded, filename="earlier.eml")
    return email


def send_raw(rig: Rig, email: EmailMessage, eid: str, **changes: object) -> httpx.Response:
    data = base64.b64encode(email.as_bytes()).decode()
    body = envelope(eid) | {"Content": {"Raw": {"Data": data}}} | changes
    return rig.http.send(signed(rig.base_url("ses"), body))


def test_takes_raw_mime_apart(rig: Rig) -> None:
    assert send_raw(rig, raw_email(), "raw").status_code == 200

    (entry,) = rig.inbox("raw")
    assert entry["from"] == "App <app@example.com>"
    assert (entry["to"], entry["cc"], entry["bcc"]) == (
        ["Bo Ödman <bo@example.com>"],
        ["cy@example.com"],
        ["di@example.com"],
    )
    assert entry["reply_to"] == ["Help <help@example.com>"]
    assert (entry["subject"], entry["text"], entry["html"]) == ("Grüße", "Hello\nthere", "<p>Hello</p>")
    assert entry["headers"] == {"X-Kind": "receipt"}
    logo, pdf, earlier = entry["attachments"]
    assert logo == file("logo.png", "image/png", LOGO, "logo")
    assert pdf == file("a.pdf", "application/pdf", PDF)
    assert (earlier["filename"], earlier["content_type"]) == ("earlier.eml", "message/rfc822")
    assert b"what was said" in base64.b64decode(earlier["content"])


def test_raw_has_its_names_in_the_headers(rig: Rig) -> None:
    recipients = {"Destination": {"ToAddresses": ["BO@example.com"], "CcAddresses": ["cy@example.com"]}}

    assert send_raw(rig, raw_email(), "bare", **recipients).status_code == 200

    (entry,) = rig.inbox("bare")
    assert (entry["to"], entry["cc"]) == (["Bo Ödman <BO@example.com>"], ["cy@example.com"])
    assert entry["headers"] == {"X-Kind": "receipt"}


def test_raw_shows_the_visible_recipients_where_they_are_not_the_envelope(rig: Rig) -> None:
    recipients = {"Destination": {"ToAddresses": ["di@example.com"]}}

    assert send_raw(rig, raw_email(), "resent", **recipients).status_code == 200

    (entry,) = rig.inbox("resent")
    assert (entry["to"], entry["cc"]) == (["di@example.com"], [])
    assert entry["headers"] == {"To": "Bo Ödman <bo@example.com>", "Cc": "cy@example.com", "X-Kind": "receipt"}


def test_refuses_raw_mime_that_it_would_not_send(rig: Rig) -> None:
    twice = EmailMessage()
    twice["From"] = "app@example.com"
    twice.set_content("Hello")
    twice._headers.append(("From", "eve@example.com"))  # type: ignore[attr-defined]  # because the class forbids it

    answer = send_raw(rig, twice, "twice")

    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (400, "BadRequestException")
    assert rig.inbox("twice") == []
    assert send_raw(rig, EmailMessage(), "empty").status_code == 400
    for junk in (b"To: cy@\nFrom: app@example.com\n\nHello", b"From: app@example.com\nTo: cy\n\nHello"):
        body = envelope("junk") | {"Content": {"Raw": {"Data": base64.b64encode(junk).decode()}}}
        assert rig.http.send(signed(rig.base_url("ses"), body)).status_code == 400
    assert rig.inbox("junk") == []


def signed_call(base_url: str) -> Call:
    request = signed(base_url, body("x"))
    return Call("POST", request.url.path, "", {k.lower(): v for k, v in request.headers.items()}, request.content)


def test_a_signature_counts_for_a_few_minutes_only(rig: Rig) -> None:
    call, now = signed_call(rig.base_url("ses")), datetime.now(UTC)
    good = ("AKIASIMULATOR000000", "simulator-secret", "us-east-1", "ses")

    verify(call, *good, now + timedelta(minutes=4))

    with pytest.raises(BadSignature, match="Signature expired"):
        verify(call, *good, now + timedelta(minutes=6))
    with pytest.raises(BadSignature, match="Credential should be scoped"):
        verify(call, *good[:2], "eu-west-1", "ses", now)


def test_an_event_brings_our_metadata_back(rig: Rig) -> None:
    eid = rig.send("ses")

    webhook = rig.receiver.wait(eid, 3)[0]

    envelope = json.loads(webhook.body)
    assert (envelope["Type"], envelope["SignatureVersion"]) == ("Notification", "2")
    assert envelope["TopicArn"] == webhook.headers["x-amz-sns-topic-arn"] == TOPIC
    assert envelope["MessageId"] == webhook.headers["x-amz-sns-message-id"]
    assert envelope["SigningCertURL"].startswith("https://sns.us-east-1.amazonaws.com/")
    mail = json.loads(envelope["Message"])["mail"]
    assert (mail["tags"]["eid"], mail["tags"]["att"]) == ([eid], ["1"])
    assert mail["messageId"] == rig.inbox(eid)[0]["id"]


def test_nothing_is_said_without_a_configuration_set(rig: Rig) -> None:
    silent = body(eid := uuid.uuid4().hex)
    del silent["ConfigurationSetName"]

    assert rig.http.send(signed(rig.base_url("ses"), silent)).is_success

    assert rig.receiver.quiet(eid, 0.5)


def test_a_replayed_event_gets_an_envelope_and_loses_an_old_one(rig: Rig) -> None:
    event = json.dumps({"notificationType": "Bounce", "mail": {"messageId": "replayed"}}, indent=1)
    old = {"Type": "Notification", "MessageId": "old", "TopicArn": "arn:aws:sns:eu-west-1:1:other", "Message": event}
    for told in (event, json.dumps(event), json.dumps(old), json.dumps(json.dumps(old))):
        assert rig.control.post("/providers/ses/webhook", content=told).json()["status"] == 200
    heard = rig.receiver.wait("replayed", 4)
    assert all(rig.is_genuine(webhook) for webhook in heard)
    envelopes = [json.loads(webhook.body) for webhook in heard]
    assert [envelope["Message"] for envelope in envelopes] == [event] * 4
    assert len({envelope["MessageId"] for envelope in envelopes} - {"old"}) == 1  # the same message, posted again
    assert {envelope["TopicArn"] for envelope in envelopes} == {TOPIC}


def test_any_text_of_a_notification_is_signed(rig: Rig) -> None:
    old = {"Type": "Notification", "Message": "half a pair: \ud800"}
    assert rig.control.post("/providers/ses/webhook", content=json.dumps(old)).json()["status"] == 200
    (webhook,) = rig.receiver.wait("half a pair: ?", 1)
    assert rig.is_genuine(webhook)
