"""What arrives in the inbox is what was sent, whichever provider took it."""

import base64
import re
from email.message import EmailMessage
from typing import Any

import httpx
import pytest

from app.local.simulator import credentials
from tests.local.simulator import sample_emails
from tests.local.simulator.rig import Rig


def shown(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in ("id", "provider", "received_at")}


def file(filename: str, content_type: str, content: bytes, content_id: str = "") -> dict[str, object]:
    encoded = base64.b64encode(content).decode()
    return {
        "filename": filename,
        "content_type": content_type,
        "size": len(content),
        "content_id": content_id,
        "content": encoded,
    }


@pytest.mark.parametrize("provider", sample_emails.PROVIDERS)
def test_every_part_of_an_email_arrives(rig: Rig, provider: str) -> None:
    eid, request = rig.letter(provider)

    answer = rig.http.send(request)

    (entry,) = rig.inbox(eid)
    logo = "logo" if provider == "mailgun" else "logo.png"  # at Mailgun the file name is the content id
    assert shown(entry) == {
        "from": "App <app@example.com>",
        "to": ["Bo Ödman <bo@example.com>"],
        "cc": ["cy@example.com"],
        "bcc": ["di@example.com"],
        "reply_to": ["Help <help@example.com>"],
        "subject": "Grüße",
        "text": "Hello",
        "html": "<p>Hello</p>",
        "headers": {"X-Kind": "receipt"},
        "attachments": [
            file("a.pdf", "application/pdf", sample_emails.PDF),
            file(logo, "image/png", sample_emails.LOGO, "logo"),
        ],
        "metadata": {"eid": eid, "att": "1"},
    }
    assert entry["provider"] == provider
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry["received_at"])
    assert entry["id"] == _answered_id(provider, answer)


def _answered_id(provider: str, answer: httpx.Response) -> str:
    match provider:
        case "sendgrid":
            assert (answer.status_code, answer.content) == (202, b"")
            return answer.headers["x-message-id"]
        case "mailgun":
            assert (answer.status_code, answer.json()["message"]) == (200, "Queued. Thank you.")
            assert re.fullmatch(r"<.+@mg\.example\.com>", answer.json()["id"])
            return str(answer.json()["id"])
        case "resend":
            assert (answer.status_code, list(answer.json())) == (200, ["id"])
            return str(answer.json()["id"])
        case _:
            assert answer.status_code == 200
            return str(answer.json()["MessageId"])


def test_mailgun_takes_an_urlencoded_form_too(rig: Rig) -> None:
    body = sample_emails.mailgun_body("urlencoded") | {
        "to": ["Bo <bo@example.com>, eve@example.com", "fay@example.com"]
    }

    assert rig.http.send(sample_emails.mailgun(rig.base_url("mailgun"), body)).status_code == 200

    (entry,) = rig.inbox("urlencoded")
    assert entry["to"] == ["Bo <bo@example.com>", "eve@example.com", "fay@example.com"]
    assert entry["attachments"] == []


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
    html.add_related(sample_emails.LOGO, "image", "png", cid="<logo>", filename="logo.png")
    email.add_attachment(sample_emails.PDF, "application", "pdf", filename="a.pdf")
    forwarded = EmailMessage()
    forwarded["Subject"] = "Earlier"
    forwarded.set_content("what was said")
    email.add_attachment(forwarded, filename="earlier.eml")
    return email


def send_raw(rig: Rig, email: EmailMessage, eid: str, **envelope: object) -> httpx.Response:
    data = base64.b64encode(email.as_bytes()).decode()
    body = sample_emails.ses_envelope(eid) | {"Content": {"Raw": {"Data": data}}} | envelope
    return rig.http.send(sample_emails.ses(rig.base_url("ses"), body))


def test_ses_takes_raw_mime_apart(rig: Rig) -> None:
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
    assert logo == file("logo.png", "image/png", sample_emails.LOGO, "logo")
    assert pdf == file("a.pdf", "application/pdf", sample_emails.PDF)
    assert (earlier["filename"], earlier["content_type"]) == ("earlier.eml", "message/rfc822")
    assert b"what was said" in base64.b64decode(earlier["content"])


def test_ses_raw_has_its_names_in_the_headers(rig: Rig) -> None:
    envelope = {"Destination": {"ToAddresses": ["BO@example.com"], "CcAddresses": ["cy@example.com"]}}

    assert send_raw(rig, raw_email(), "bare", **envelope).status_code == 200

    (entry,) = rig.inbox("bare")
    assert (entry["to"], entry["cc"]) == (["Bo Ödman <BO@example.com>"], ["cy@example.com"])
    assert entry["headers"] == {"X-Kind": "receipt"}


def test_ses_raw_shows_the_visible_recipients_where_they_are_not_the_envelope(rig: Rig) -> None:
    envelope = {"Destination": {"ToAddresses": ["di@example.com"]}}

    assert send_raw(rig, raw_email(), "resent", **envelope).status_code == 200

    (entry,) = rig.inbox("resent")
    assert (entry["to"], entry["cc"]) == (["di@example.com"], [])
    assert entry["headers"] == {"To": "Bo Ödman <bo@example.com>", "Cc": "cy@example.com", "X-Kind": "receipt"}


def test_ses_refuses_raw_mime_that_it_would_not_send(rig: Rig) -> None:
    twice = EmailMessage()
    twice["From"] = "app@example.com"
    twice.set_content("Hello")
    twice._headers.append(("From", "eve@example.com"))  # type: ignore[attr-defined]  # because the class forbids it

    answer = send_raw(rig, twice, "twice")

    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (400, "BadRequestException")
    assert rig.inbox("twice") == []
    assert send_raw(rig, EmailMessage(), "empty").status_code == 400
    for junk in (b"To: cy@\nFrom: app@example.com\n\nHello", b"From: app@example.com\nTo: cy\n\nHello"):
        body = sample_emails.ses_envelope("junk") | {"Content": {"Raw": {"Data": base64.b64encode(junk).decode()}}}
        assert rig.http.send(sample_emails.ses(rig.base_url("ses"), body)).status_code == 400
    assert rig.inbox("junk") == []


def test_the_inbox_keeps_the_order_of_arrival_and_forgets_on_request(rig: Rig) -> None:
    sent = [rig.send(provider) for provider in ("ses", "sendgrid", "mailgun", "sendgrid")]

    listed = [entry["metadata"]["eid"] for entry in rig.control.get("/messages").json()]
    assert listed[-4:] == sent

    assert rig.control.delete("/messages").status_code == 204
    assert rig.control.get("/messages").json() == []
    assert {state["calls"] for state in rig.control.get("/providers").json().values()} == {0}


def test_the_accounts_can_be_asked_whether_the_key_is_good(rig: Rig) -> None:
    bearer = {"Authorization": f"Bearer {credentials.SENDGRID_API_KEY}"}
    scopes = rig.http.get(f"{rig.base_url('sendgrid')}/v3/scopes", headers=bearer)
    assert (scopes.status_code, scopes.json()["scopes"][0]) == (200, "mail.send")
    basic = ("api", credentials.MAILGUN_API_KEY)
    for version in ("v3", "v4"):
        url = f"{rig.base_url('mailgun')}/{version}/domains/{credentials.MAILGUN_DOMAIN}"
        domain = rig.http.get(url, auth=basic)
        assert (domain.status_code, domain.json()["domain"]["state"]) == (200, "active")
    bearer = {"Authorization": f"Bearer {credentials.RESEND_API_KEY}"}
    domains = rig.http.get(f"{rig.base_url('resend')}/domains", headers=bearer)
    assert (domains.status_code, domains.json()["data"][0]["status"]) == (200, "verified")
    account = rig.http.send(sample_emails.ses(rig.base_url("ses"), None, method="GET", path="/v2/email/account"))
    assert (account.status_code, account.json()["SendingEnabled"]) == (200, True)
