"""SES: what is sent, what its answers mean, which webhooks are its own."""

import base64
import email
import json
import logging
from dataclasses import replace
from email import policy

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from app.domain.email import Attachment, Content, Mailbox, Message
from app.domain.event import Subscription, Webhook
from app.domain.kinds import Cause, Kind, OutcomeKind
from app.errors import ConfigurationError, ServiceUnavailable, Unauthenticated
from app.providers.sdk.refusal import Unsendable
from app.providers.ses.errors import ERRORS
from app.providers.ses.provider import Ses
from tests.providers.case import ANNE, BO, CAT, NOW_S, SAMPLE
from tests.providers.ses.case import (
    CASE,
    SUBSCRIBE_URL,
    TOPIC,
    Web,
    envelope,
    make,
    post,
    sign,
)

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


def call(message: Message) -> dict[str, object]:
    told = json.loads(make().build(message).content)
    assert isinstance(told, dict)
    return told


def test_a_call_says_who_gets_this_copy_and_shows_who_got_the_first() -> None:
    told = call(replace(SAMPLE, to=(CAT,), cc=(), bcc=(), visible_to=(ANNE,), visible_cc=(BO,)))
    assert told["Destination"] == {"ToAddresses": ["cat@example.com"]}
    assert told["FromEmailAddress"] == "The App <no-reply@example.com>"
    assert told["ConfigurationSetName"] == "mx"
    content = told["Content"]
    assert isinstance(content, dict)
    parsed = email.message_from_bytes(base64.b64decode(content["Raw"]["Data"], validate=True), policy=policy.default)
    assert (parsed["to"], parsed["cc"], parsed["bcc"]) == ('"Anne, née Ö" <anne@example.com>', "bo@example.com", None)
    assert parsed["subject"] == "Grüße"


def test_names_and_domains_go_in_ascii() -> None:
    told = call(replace(SAMPLE, sender=Mailbox("a@bücher.example", "Jürgen"), to=(Mailbox("b@MÜNCHEN.example", "Bö"),)))
    assert told["FromEmailAddress"] == "=?utf-8?q?J=C3=BCrgen?= <a@xn--bcher-kva.example>"
    assert told["Destination"] == {
        "ToAddresses": ["b@xn--mnchen-3ya.example"],
        "CcAddresses": ["bo@example.com"],
        "BccAddresses": ["cat@example.com"],
    }


def test_without_a_configuration_set_none_is_named() -> None:
    ses = Ses(
        "ses", "us-east-1", "", (), lambda: Credentials("AKID", "s"), Web({}), "https://email.us-east-1.amazonaws.com"
    )
    assert "ConfigurationSetName" not in json.loads(ses.build(SAMPLE).content)


def test_tags_are_our_ids_and_what_fits_of_the_clients() -> None:
    content = Content(
        "Hi",
        text="t",
        tags=("receipt", "has space", "order"),
        metadata={"order": "42", "note": "not a tag value!", "k" * 257: "v", "empty": "", "em_attempt": "9"},
    )
    tags = call(replace(SAMPLE, content=content))["EmailTags"]
    assert tags == [
        {"Name": "em_email_id", "Value": "em_0123456789abcdef"},
        {"Name": "em_attempt", "Value": "3"},
        {"Name": "order", "Value": "42"},
        {"Name": "receipt", "Value": "1"},
    ]


@pytest.mark.parametrize(
    "message",
    [
        replace(SAMPLE, sender=Mailbox("jürgen@example.com")),
        replace(SAMPLE, bcc=(Mailbox("jürgen@example.com"),)),
        replace(SAMPLE, content=Content("Hi", headers=(("X-SES-CONFIGURATION-SET", "mine"),))),
    ],
)
def test_what_ses_cannot_carry_is_refused_before_a_call(message: Message) -> None:
    with pytest.raises(Unsendable):
        make().build(message)


def test_a_file_has_a_name_that_every_host_takes() -> None:
    files = (Attachment('a/b\\c:d*e?f"g<h>i|j.pdf', "application/pdf", b"x"),)
    request = make().build(replace(SAMPLE, content=replace(SAMPLE.content, attachments=files)))
    raw = base64.b64decode(json.loads(request.content)["Content"]["Raw"]["Data"])
    names = [part.get_filename() for part in email.message_from_bytes(raw).walk() if part.get_filename()]
    assert names == ["a_b_c_d_e_f_g_h_i_j.pdf"]


def test_an_attachment_may_be_as_large_as_the_door_lets_in() -> None:
    large = Attachment("a.bin", "application/octet-stream", b"x" * 4_500_000)
    request = make().build(replace(SAMPLE, content=Content("Hi", text="t", attachments=(large,))))
    assert len(request.content) < make().limits.size_bytes.value


def test_the_signature_is_the_one_of_the_published_example() -> None:
    # 2 January 2025, 03:04:05 UTC; made with botocore and checked against it.
    credentials = Credentials("AKIDEXAMPLE", SECRET)
    url = "https://email.us-east-1.amazonaws.com"
    ses = Ses("ses", "us-east-1", "", (), lambda: credentials, Web({}), url, lambda: 1735787045.9)
    request = ses.request("POST", "/v2/email/outbound-emails", b"{}")
    assert request.headers["x-amz-date"] == "20250102T030405Z"
    assert request.headers["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20250102/us-east-1/ses/aws4_request,"
        " SignedHeaders=content-type;host;x-amz-date,"
        " Signature=1927acef062bd72d792d483d170d27909aabd215f4a641ba8d200ab937fd60e1"
    )


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8025/ses", "http://localhost:80", "https://SES.example:443"])
@pytest.mark.parametrize("token", [None, "session/token+="])
def test_what_is_signed_is_what_is_sent_whatever_the_host(base_url: str, token: str | None) -> None:
    ses = make(base_url, token)
    for request in (ses.build(SAMPLE), ses.credentials_call()):
        authorization = request.headers["authorization"]
        names = authorization.split("SignedHeaders=")[1].split(",")[0].split(";")
        assert {"host", "x-amz-date"} <= set(names)
        assert request.headers.get("x-amz-security-token") == token
        assert ("x-amz-security-token" in names) is (token is not None)
        # Signed again from nothing but what goes over the line.
        sent = AWSRequest(
            request.method, str(request.url), {name: request.headers[name] for name in names}, request.content
        )
        sent.context["timestamp"] = request.headers["x-amz-date"]
        signer = SigV4Auth(Credentials("AKIDEXAMPLE", SECRET, token), "ses", "us-east-1")
        right = signer.signature(signer.string_to_sign(sent, signer.canonical_request(sent)), sent)
        assert authorization.endswith(f"Signature={right}")


def test_signing_logs_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    make(token="session-token").build(SAMPLE)
    assert "session-token" not in caplog.text


def test_credentials_are_asked_for_every_call() -> None:
    keys = iter(("AKIDONE", "AKIDTWO"))
    ses = Ses("ses", "us-east-1", "", (), lambda: Credentials(next(keys), "s"), Web({}), "https://ses.example")
    assert [
        "AKIDONE" in ses.credentials_call().headers["authorization"],
        "AKIDTWO" in ses.credentials_call().headers["authorization"],
    ] == [
        True,
        True,
    ]


def test_the_probe_reads_the_account() -> None:
    assert str(make().credentials_call().url) == "https://email.us-east-1.amazonaws.com/v2/email/account"


def error(status: int, kind: str = "", message: str = "") -> httpx.Response:
    headers = {"x-amzn-ErrorType": kind} if kind else {}
    return httpx.Response(status, headers=headers, json={"message": message})


IDENTITY = "Email address is not verified. The following identities failed the check in region US-EAST-1: a@b.example"


@pytest.mark.parametrize(
    ("response", "kind", "cause"),
    [
        (error(400, "BadRequestException", "Missing final '@domain'"), Kind.REFUSED, Cause.MESSAGE),
        (error(400, "MessageRejected", "Message contains a virus."), Kind.REFUSED, Cause.MESSAGE),
        (error(400, "MessageRejected", IDENTITY), Kind.REFUSED, Cause.ACCOUNT),
        (error(400, "MessageRejected", "Sending suspended for this account."), Kind.UNAVAILABLE, Cause.ACCOUNT),
        (error(400, "MessageRejected", "Sending paused for this account."), Kind.UNAVAILABLE, Cause.ACCOUNT),
        (error(400, "MailFromDomainNotVerifiedException", "x"), Kind.REFUSED, Cause.ACCOUNT),
        (error(400, "AccountSuspendedException", "x"), Kind.UNAVAILABLE, Cause.ACCOUNT),
        (error(400, "SendingPausedException", "x"), Kind.UNAVAILABLE, Cause.ACCOUNT),
        (error(400, "LimitExceededException", "x"), Kind.UNAVAILABLE, Cause.ACCOUNT),
        (error(404, "NotFoundException", "Configuration set <mx> does not exist."), Kind.UNAVAILABLE, Cause.ACCOUNT),
        (error(429, "TooManyRequestsException", "Maximum sending rate exceeded."), Kind.THROTTLED, Cause.THROTTLE),
        (error(429, "TooManyRequestsException", "Daily message quota exceeded."), Kind.THROTTLED, Cause.LIMIT),
        (error(400, "ThrottlingException", "Rate exceeded"), Kind.THROTTLED, Cause.THROTTLE),
        (error(403, "SignatureDoesNotMatch", "x"), Kind.UNAVAILABLE, Cause.ACCOUNT),
        (error(403, "AccessDeniedException", "x"), Kind.UNAVAILABLE, Cause.ACCOUNT),
        (error(403, "SomethingNewException", "x"), Kind.UNAVAILABLE, Cause.ACCOUNT),
        (error(400, "ExpiredToken", "x"), Kind.UNAVAILABLE, Cause.ACCOUNT),
        (error(400, "UnrecognizedClientException", "x"), Kind.UNAVAILABLE, Cause.ACCOUNT),
        (error(413, "RequestEntityTooLarge", "x"), Kind.REFUSED, Cause.MESSAGE),
        (error(500, "InternalFailure", "x"), Kind.UNAVAILABLE, Cause.OUTAGE),
        (error(503, "ServiceUnavailable", "x"), Kind.UNAVAILABLE, Cause.OUTAGE),
        (error(502), Kind.UNAVAILABLE, Cause.OUTAGE),
        # A gateway that gave up: its words cannot know what SES did.
        (error(504, "MessageRejected", "x"), Kind.UNCERTAIN, Cause.OUTAGE),
        (error(408), Kind.UNCERTAIN, Cause.OUTAGE),
        (error(524), Kind.UNCERTAIN, Cause.OUTAGE),
        (error(418, "TeapotException", "x"), Kind.REFUSED, Cause.UNKNOWN),
        (httpx.Response(200, json={}), Kind.UNCERTAIN, Cause.UNKNOWN),
        (httpx.Response(200, json={"MessageId": ""}), Kind.UNCERTAIN, Cause.UNKNOWN),
        (httpx.Response(200, json={"MessageId": 7}), Kind.UNCERTAIN, Cause.UNKNOWN),
        (httpx.Response(200, text="<html>"), Kind.UNCERTAIN, Cause.UNKNOWN),
        (error(400, "MessageRejected:http://internal.amazon.com/x#y", IDENTITY), Kind.REFUSED, Cause.ACCOUNT),
        (error(400, "com.amazonaws.ses#SendingPausedException:http://x/"), Kind.UNAVAILABLE, Cause.ACCOUNT),
        (httpx.Response(400, json={"code": "SendingPausedException"}), Kind.UNAVAILABLE, Cause.ACCOUNT),
        (httpx.Response(400, json={"__type": "ses#SendingPausedException"}), Kind.UNAVAILABLE, Cause.ACCOUNT),
        (httpx.Response(400, json={"__type": ["x"], "Message": "y"}), Kind.REFUSED, Cause.MESSAGE),
    ],
)
def test_what_an_answer_means(response: httpx.Response, kind: OutcomeKind, cause: Cause) -> None:
    outcome = make().read(response)
    assert (outcome.kind, outcome.cause, outcome.status_code) == (kind, cause, response.status_code)
    assert outcome.message_id == ""


DENIED = "User `arn:aws:sts::123456789012:assumed-role/mx/mx' is not authorized to perform `ses:SendEmail' on resource"


@pytest.mark.parametrize(
    ("response", "is_about_sender"),
    [
        (
            error(403, "AccessDeniedException", f"{DENIED} `arn:aws:ses:us-east-1:123456789012:identity/a.example'"),
            True,
        ),
        (
            error(403, "AccessDeniedException", f"{DENIED}: arn:aws:ses:us-east-1:123456789012:identity/a@b.example"),
            True,
        ),
        (error(403, "AccessDenied", f"{DENIED} `arn:aws:ses:us-east-1:123456789012:identity/a.example'"), True),
        (error(403, "AccessDeniedException", f"{DENIED} `arn:aws:ses:us-east-1:1:configuration-set/mx'"), False),
        (error(403, "AccessDeniedException", "User `arn:aws:x:identity/y' is not authorized"), False),
        (error(403, "AccessDeniedException", "User is not authorized to perform: ses:SendEmail"), False),
        (error(403, "SignatureDoesNotMatch", f"{DENIED} `arn:aws:ses:us-east-1:1:identity/a.example'"), False),
        (error(401, "UnrecognizedClientException", "x"), False),
    ],
)
def test_a_denied_identity_is_about_this_from_alone(response: httpx.Response, is_about_sender: bool) -> None:
    outcome = make().read(response)
    assert (outcome.kind, outcome.cause) == (Kind.UNAVAILABLE, Cause.ACCOUNT)
    assert outcome.is_about_sender is is_about_sender


def test_an_accepted_email_has_an_id_and_no_cause() -> None:
    outcome = make().read(httpx.Response(200, json={"MessageId": "0100-000000"}))
    assert (outcome.kind, outcome.cause, outcome.message_id) == (Kind.ACCEPTED, None, "0100-000000")


@pytest.mark.parametrize("kind", sorted(ERRORS))
def test_every_known_error_is_known_under_any_status_of_a_client_error(kind: str) -> None:
    outcome = make().read(error(400, kind, "x"))
    assert (outcome.kind, outcome.cause) == ERRORS[kind]
    assert outcome.reply == f"{kind}: x"


def test_the_reply_names_the_error_and_is_short() -> None:
    reply = make().read(error(400, "BadRequestException", "Illegal\r\naddress " + "x" * 900)).reply
    assert reply.startswith("BadRequestException: Illegal address x")
    assert len(reply) == 500


def test_a_session_token_that_is_echoed_is_hidden() -> None:
    told = "The Canonical String should have been 'POST\nx-amz-security-token:session/token+=\n\nhost'"
    ses = make(token="session/token+=")
    answer = error(403, "SignatureDoesNotMatch", told)
    answer.request = ses.build(SAMPLE)
    reply = ses.read(answer).reply
    assert "session/token" not in reply
    assert "x-amz-security-token:[secret]" in reply


def test_what_was_signed_with_is_hidden_though_the_credentials_have_gone() -> None:
    held = [Credentials("AKIDEXAMPLE", "s3cr3t/key", "t0k3n")]

    def current() -> Credentials:
        if not held:
            raise ConfigurationError("the AWS credentials cannot be had")
        return held[0]

    ses = Ses("ses", "us-east-1", "", (), current, lambda _: b"", "https://email.us-east-1.amazonaws.com")
    request = ses.build(SAMPLE)
    held.clear()
    told = httpx.Response(403, text="AKIDEXAMPLE s3cr3t\\/key s3cr3t%2Fkey t0k3n", request=request)
    assert ses.read(told).reply == "[secret] [secret] [secret] [secret]"


def test_a_message_of_another_topic_is_not_believed() -> None:
    with pytest.raises(Unauthenticated):
        make().verify(post(sign(envelope("x", TopicArn=TOPIC + "-other"))), NOW_S)


def test_without_topics_nothing_can_be_verified_not_even_garbage() -> None:
    with pytest.raises(ServiceUnavailable, match="SES_TOPIC_ARN"):
        CASE.missing_for_webhooks.verify(Webhook(b"", {}), NOW_S)


def test_a_subscription_is_to_be_confirmed() -> None:
    webhook = post(sign(envelope("You have chosen to subscribe", kind="SubscriptionConfirmation")))
    make().verify(webhook, NOW_S)
    assert make().parse(webhook) == Subscription(SUBSCRIBE_URL)


@pytest.mark.parametrize(
    "told",
    [
        envelope("gone", kind="UnsubscribeConfirmation"),
        envelope("hi", kind="SubscriptionConfirmation", SubscribeURL="https://evil.example/"),
        envelope("Successfully validated SNS topic for Amazon SES event publishing."),
        envelope('{"notificationType":"AmazonSnsSubscriptionSucceeded","message":"x"}'),
        envelope("[]"),
        {"Type": "Notification"},
        {},
    ],
)
def test_what_is_about_no_email_is_no_event(told: dict[str, object]) -> None:
    assert make().parse(post(sign(told))) == []
    assert make().parse(Webhook(b"[]", {})) == []
