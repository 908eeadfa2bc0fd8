"""The simulated providers refuse what the real ones refuse, in their words, and take nothing of it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app.local.simulator.dialect import Call
from app.local.simulator.sigv4 import BadSignature, verify
from tests.local.simulator import sample_emails
from tests.local.simulator.rig import Rig

Change = Callable[[dict[str, Any]], object]


def envelope(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body["personalizations"][0]
    return found


SENDGRID: dict[str, Change] = {
    "personalizations": lambda body: body.pop("personalizations"),
    "personalizations.0.to": lambda body: envelope(body).update(to=[]),
    "personalizations.0.to.0.email": lambda body: envelope(body).update(to=[{"email": "bo"}]),
    "personalizations.0": lambda body: envelope(body).update(bcc=[{"email": "BO@example.com"}]),
    "from.email": lambda body: body.pop("from"),
    "subject": lambda body: body.pop("subject"),
    "content": lambda body: body.update(content=body["content"][::-1]),
    "content.0.value": lambda body: body.update(content=[{"type": "text/plain", "value": ""}]),
    "headers.Subject": lambda body: body.update(headers={"Subject": "another"}),
    "headers.X-Number": lambda body: body.update(headers={"X-Number": 1}),
    "reply_to": lambda body: body.update(reply_to={"email": "help@example.com"}),
    "attachments.0.content": lambda body: body["attachments"][0].update(content="?"),
    "attachments.0.filename": lambda body: body["attachments"][0].pop("filename"),
    "custom_args.att": lambda body: body["custom_args"].update(att=1),
    "custom_args": lambda body: body["custom_args"].update(long="x" * 10_000),
    "categories": lambda body: body.update(categories=["a", "a"]),
}


@pytest.mark.parametrize("field", SENDGRID)
def test_sendgrid_names_the_field(rig: Rig, field: str) -> None:
    body = sample_emails.sendgrid_body("refused")
    SENDGRID[field](body)

    answer = rig.http.send(sample_emails.sendgrid(rig.base_url("sendgrid"), body))

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
    assert rig.inbox("refused") == []


MAILGUN: dict[str, Change] = {
    "from parameter is missing": lambda body: body.pop("from"),
    "to parameter is missing": lambda body: body.pop("to"),
    "to parameter is not a valid address": lambda body: body.update(to="bo"),
    "cc parameter is not a valid address": lambda body: body.update(cc="cy@"),
    "Need at least one of 'text', 'html'": lambda body: (body.pop("text"), body.pop("html")),
    "Send options": lambda body: body.update({"v:long": "x" * 16_384}),
}


@pytest.mark.parametrize("words", MAILGUN)
def test_mailgun_says_what_is_wrong(rig: Rig, words: str) -> None:
    body = sample_emails.mailgun_body("refused")
    MAILGUN[words](body)

    answer = rig.http.send(sample_emails.mailgun(rig.base_url("mailgun"), body))

    assert answer.status_code == 400
    assert answer.json()["message"].startswith(words)
    assert rig.inbox("refused") == []


SES: dict[str, Change] = {
    "Missing final": lambda body: body.update(Destination={}),
    "Recipient count": lambda body: body.update(Destination={"ToAddresses": [f"a{n}@example.com" for n in range(51)]}),
    "Domain contains": lambda body: body.update(FromEmailAddress="app@exämple.com"),
    "Tag names": lambda body: body["EmailTags"].append({"Name": "what", "Value": "a b"}),
    "The body": lambda body: body["Content"]["Simple"].update(Body={}),
    "At most 15 headers": lambda body: body["Content"]["Simple"].update(Headers=[{"Name": "X", "Value": "ü"}]),
    "FromEmailAddress": lambda body: body.pop("FromEmailAddress"),
    "The request does not": lambda body: body.update(EmailTags={"Name": "eid"}),
}


@pytest.mark.parametrize("words", SES)
def test_ses_says_what_is_wrong(rig: Rig, words: str) -> None:
    body = sample_emails.ses_body("refused")
    SES[words](body)

    answer = rig.http.send(sample_emails.ses(rig.base_url("ses"), body))

    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (400, "BadRequestException")
    assert answer.json()["message"].startswith(words)
    assert rig.inbox("refused") == []


def test_ses_does_not_know_another_configuration_set(rig: Rig) -> None:
    body = sample_emails.ses_body("refused") | {"ConfigurationSetName": "another"}

    answer = rig.http.send(sample_emails.ses(rig.base_url("ses"), body))

    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (404, "NotFoundException")


RESEND: dict[str, Change] = {
    "Missing `from` field": lambda body: body.pop("from"),
    "Missing `to` field": lambda body: body.pop("to"),
    "Missing `html` or `text` field": lambda body: (body.pop("text"), body.pop("html")),
    "Invalid `to` field. There must be": lambda body: body.update(to=[f"a{n}@example.com" for n in range(51)]),
    "Invalid `to` field. The email": lambda body: body.update(to=['"Ödman, Bo" <bo@example.com>']),
    "Invalid `cc` field": lambda body: body.update(cc="cy@example.com, di@example.com"),
    "Invalid `from` field": lambda body: body.update({"from": "app@"}),
    "The email payload contain invalid": lambda body: body.update({"from": "=?utf-8?q?App?= <app@example.com>"}),
    "The `subject` field": lambda body: body.update(subject=7),
    "The `bcc` field": lambda body: body.update(bcc={}),
    "The `headers` field": lambda body: body.update(headers={"X-Number": 1}),
    "Tags should only contain": lambda body: body["tags"].append({"name": "what", "value": "a b"}),
    "Attachment must have": lambda body: body["attachments"][0].update(content="?"),
}


@pytest.mark.parametrize("words", RESEND)
def test_resend_says_what_is_wrong(rig: Rig, words: str) -> None:
    body = sample_emails.resend_body("refused")
    RESEND[words](body)

    answer = rig.http.send(sample_emails.resend(rig.base_url("resend"), body))

    assert answer.status_code == answer.json()["statusCode"] == (451 if "payload" in words else 422)
    assert answer.json()["message"].startswith(words)
    assert rig.inbox("refused") == []


def test_resend_wants_to_know_who_calls(rig: Rig) -> None:
    request = sample_emails.resend(rig.base_url("resend"), sample_emails.resend_body("refused"))
    del request.headers["User-Agent"]

    assert rig.http.send(request).status_code == 403
    assert rig.inbox("refused") == []


def test_a_wrong_key_is_refused(rig: Rig) -> None:
    sendgrid = rig.http.send(
        sample_emails.sendgrid(rig.base_url("sendgrid"), sample_emails.sendgrid_body("refused"), "SG.other")
    )
    assert (sendgrid.status_code, list(sendgrid.json()["errors"][0])) == (401, ["message", "field", "help"])
    mailgun = rig.http.send(
        sample_emails.mailgun(rig.base_url("mailgun"), sample_emails.mailgun_body("refused"), "key-other")
    )
    assert (mailgun.status_code, mailgun.text) == (401, "Forbidden")
    ses = rig.http.send(sample_emails.ses(rig.base_url("ses"), sample_emails.ses_body("refused"), secret="other"))
    assert (ses.status_code, ses.headers["x-amzn-errortype"]) == (403, "SignatureDoesNotMatch")
    ses = rig.http.send(sample_emails.ses(rig.base_url("ses"), sample_emails.ses_body("refused"), key="AKIAOTHER"))
    assert (ses.status_code, ses.headers["x-amzn-errortype"]) == (403, "UnrecognizedClientException")
    resend = rig.http.send(
        sample_emails.resend(rig.base_url("resend"), sample_emails.resend_body("refused"), key="re_other")
    )
    assert (resend.status_code, resend.json()["name"]) == (403, "invalid_api_key")
    assert rig.inbox("refused") == []


def test_ses_notices_a_body_that_was_not_signed(rig: Rig) -> None:
    signed = sample_emails.ses(rig.base_url("ses"), sample_emails.ses_body("refused"))
    content = signed.content.replace(b"Hello", b"Hullo")
    headers = {name: value for name, value in signed.headers.items() if name.lower() != "content-length"}

    answer = rig.http.post(str(signed.url), content=content, headers=headers)

    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (403, "SignatureDoesNotMatch")


def signed_call(base_url: str) -> Call:
    request = sample_emails.ses(base_url, sample_emails.ses_body("x"))
    return Call("POST", request.url.path, "", {k.lower(): v for k, v in request.headers.items()}, request.content)


def test_ses_takes_a_signature_for_a_few_minutes_only(rig: Rig) -> None:
    call, now = signed_call(rig.base_url("ses")), datetime.now(UTC)
    good = ("AKIASIMULATOR000000", "simulator-secret", "us-east-1", "ses")

    verify(call, *good, now + timedelta(minutes=4))

    with pytest.raises(BadSignature, match="Signature expired"):
        verify(call, *good, now + timedelta(minutes=6))
    with pytest.raises(BadSignature, match="Credential should be scoped"):
        verify(call, *good[:2], "eu-west-1", "ses", now)


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        ({}, "MissingAuthenticationTokenException"),
        ({"Authorization": "Bearer x"}, "IncompleteSignatureException"),
    ],
)
def test_ses_wants_a_signature(rig: Rig, authorization: dict[str, str], code: str) -> None:
    answer = rig.http.get(f"{rig.base_url('ses')}/v2/email/account", headers=authorization)

    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (403, code)


@pytest.mark.parametrize("provider", sample_emails.PROVIDERS)
def test_nonsense_is_answered(rig: Rig, provider: str) -> None:
    _, request = rig.letter(provider)
    headers = {name: value for name, value in request.headers.items() if name != "content-length"}
    if provider == "ses":
        answer = rig.http.send(sample_emails.ses(rig.base_url("ses"), [1]))
    else:
        answer = rig.http.post(str(request.url), content=b"\xff{nonsense", headers=headers)

    assert answer.status_code == 400


def test_paths_and_content_types_that_do_not_exist(rig: Rig) -> None:
    bearer = {"Authorization": "Bearer SG.simulator"}
    sendgrid = rig.base_url("sendgrid")
    assert rig.http.get(f"{sendgrid}/v3/nothing", headers=bearer).status_code == 404
    assert rig.http.get(f"{sendgrid}/v3/mail/send", headers=bearer).status_code == 405
    assert rig.http.get(f"{sendgrid}/v3/scopes").status_code == 401
    assert rig.http.post(f"{sendgrid}/v3/mail/send", headers=bearer, content=b"{}").status_code == 415
    html = bearer | {"Accept": "text/html"}
    assert rig.http.post(f"{sendgrid}/v3/mail/send", headers=html, json={}).status_code == 406
    wrong = rig.http.post(f"{rig.base_url('mailgun')}/v3/messages")
    assert (wrong.status_code, wrong.text) == (200, "Mailgun Magnificent API")
    basic = ("api", "key-simulator")
    assert _message(rig.http.get(f"{rig.base_url('mailgun')}/v4/domains/a.example.org", auth=basic)) == (
        404,
        "Domain not found: a.example.org",
    )
    elsewhere = sample_emails.mailgun(rig.base_url("mailgun"), sample_emails.mailgun_body("x"), domain="a.example.org")
    assert _message(rig.http.send(elsewhere)) == (404, "Domain not found: a.example.org")
    assert rig.http.get(f"{rig.base_url('resend')}/domains").json()["name"] == "missing_api_key"
    bearer = {"Authorization": "Bearer re_simulator"}
    assert rig.http.get(f"{rig.base_url('resend')}/nothing", headers=bearer).json()["name"] == "not_found"
    lost = sample_emails.ses(rig.base_url("ses"), None, method="GET", path="/v2/email/nothing")
    assert rig.http.send(lost).status_code == 404


def _message(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["message"]
