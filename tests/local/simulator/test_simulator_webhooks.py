"""What the providers report, how they sign it, and how their webhooks misbehave."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import load_pem_x509_certificate

from app.local.simulator import credentials
from tests.local.simulator import sample_emails
from tests.local.simulator.rig import Heard, Rig
from tests.local.simulator.sample_emails import PROVIDERS

RECIPIENTS = ("bo@example.com", "cy@example.com", "di@example.com")
# Webhooks that report one email to the three: SendGrid puts them into one array.
POSTS = {"sendgrid": 1, "mailgun": 3, "ses": 3, "resend": 3}


def events(heard: Sequence[Heard]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for webhook in heard:
        body = json.loads(webhook.body)
        match webhook.provider:
            case "sendgrid":
                found += body
            case "mailgun":
                found.append(body["event-data"])
            case "ses":
                found.append(json.loads(body["Message"]))
            case "resend":
                found.append(body)
    return found


def who(provider: str, event: Mapping[str, Any]) -> str:
    match provider:
        case "sendgrid":
            return str(event["email"])
        case "mailgun":
            return str(event["recipient"])
        case "resend":
            (recipient,) = event["data"]["to"]
            return str(recipient)
    about = event["delivery"] if event["eventType"] == "Delivery" else event["bounce"]
    if "recipients" in about:
        return str(about["recipients"][0])
    return str(about["bouncedRecipients"][0]["emailAddress"])


def what(event: Mapping[str, Any]) -> str:
    return str(event.get("event") or event.get("eventType") or event.get("type"))


def genuine(rig: Rig, webhook: Heard) -> bool:
    """Is it signed by the key that this provider's receivers know?"""
    try:
        match webhook.provider:
            case "sendgrid":
                _check_sendgrid(rig, webhook)
            case "mailgun":
                signature = json.loads(webhook.body)["signature"]
                told = f"{signature['timestamp']}{signature['token']}".encode()
                key = rig.keys.mailgun_signing_key.encode()
                return hmac.compare_digest(hmac.new(key, told, hashlib.sha256).hexdigest(), signature["signature"])
            case "ses":
                _check_sns(rig, json.loads(webhook.body))
            case "resend":
                told = f"{webhook.headers['svix-id']}.{webhook.headers['svix-timestamp']}.".encode() + webhook.body
                key = base64.b64decode(rig.keys.resend_signing_secret.removeprefix("whsec_"))
                right = base64.b64encode(hmac.new(key, told, hashlib.sha256).digest()).decode()
                return hmac.compare_digest(f"v1,{right}", webhook.headers["svix-signature"])
    except InvalidSignature:
        return False
    return True


def _check_sendgrid(rig: Rig, webhook: Heard) -> None:
    key = serialization.load_der_public_key(base64.b64decode(rig.keys.sendgrid_public_key))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    signature = base64.b64decode(webhook.headers["x-twilio-email-event-webhook-signature"])
    timestamp = webhook.headers["x-twilio-email-event-webhook-timestamp"]
    key.verify(signature, timestamp.encode() + webhook.body, ec.ECDSA(hashes.SHA256()))


def _check_sns(rig: Rig, envelope: dict[str, str]) -> None:
    key = load_pem_x509_certificate(rig.control.get("/certificate").content).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    names = [name for name in sorted(envelope) if name not in ("Signature", "SignatureVersion", "SigningCertURL")]
    told = "".join(f"{name}\n{envelope[name]}\n" for name in names if name != "UnsubscribeURL")
    key.verify(base64.b64decode(envelope["Signature"]), told.encode(), padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_recipient_is_reported_delivered_within_a_second(rig: Rig, provider: str) -> None:
    eid = rig.send(provider)
    sent_s = time.monotonic()

    heard = rig.receiver.wait(eid, POSTS[provider])

    assert heard[-1].at_s - sent_s < 1
    assert {webhook.provider for webhook in heard} == {provider}
    assert all(genuine(rig, webhook) for webhook in heard)
    told = events(heard)
    assert {what(event) for event in told} <= {"delivered", "Delivery", "email.delivered"}
    assert sorted(who(provider, event) for event in told) == list(RECIPIENTS)
    assert rig.receiver.quiet(eid, 0.3)


def test_a_sendgrid_event_brings_our_metadata_back(rig: Rig) -> None:
    eid = rig.send("sendgrid")

    (webhook,) = rig.receiver.wait(eid, 1)

    assert webhook.body.endswith(b"]\r\n")
    event = json.loads(webhook.body)[0]
    assert (event["eid"], event["att"]) == (eid, "1")
    assert event["sg_message_id"].partition(".")[0] == rig.inbox(eid)[0]["id"]
    assert abs(event["timestamp"] - time.time()) < 60


def test_a_mailgun_event_brings_our_metadata_back(rig: Rig) -> None:
    eid = rig.send("mailgun")

    heard = rig.receiver.wait(eid, 3)

    event = json.loads(heard[0].body)["event-data"]
    assert event["user-variables"] == {"eid": eid, "att": "1"}
    assert f"<{event['message']['headers']['message-id']}>" == rig.inbox(eid)[0]["id"]
    assert len({json.loads(webhook.body)["signature"]["token"] for webhook in heard}) == 3


def test_an_ses_event_brings_our_metadata_back(rig: Rig) -> None:
    eid = rig.send("ses")

    webhook = rig.receiver.wait(eid, 3)[0]

    envelope = json.loads(webhook.body)
    assert (envelope["Type"], envelope["SignatureVersion"]) == ("Notification", "2")
    assert envelope["TopicArn"] == webhook.headers["x-amz-sns-topic-arn"] == credentials.SES_TOPIC_ARN
    assert envelope["MessageId"] == webhook.headers["x-amz-sns-message-id"]
    assert envelope["SigningCertURL"].startswith("https://sns.us-east-1.amazonaws.com/")
    mail = json.loads(envelope["Message"])["mail"]
    assert (mail["tags"]["eid"], mail["tags"]["att"]) == ([eid], ["1"])
    assert mail["messageId"] == rig.inbox(eid)[0]["id"]


def test_a_resend_event_brings_our_metadata_back(rig: Rig) -> None:
    eid = rig.send("resend")

    heard = rig.receiver.wait(eid, 3)

    event = json.loads(heard[0].body)
    assert event["data"]["tags"] == {"eid": eid, "att": "1"}
    assert event["data"]["email_id"] == rig.inbox(eid)[0]["id"]
    assert event["data"]["headers"] == [{"name": "X-Kind", "value": "receipt"}]
    assert event["data"]["created_at"] < event["created_at"]  # of the email, of the event
    assert len({webhook.headers["svix-id"] for webhook in heard}) == 3


def test_ses_says_nothing_without_a_configuration_set(rig: Rig) -> None:
    body = sample_emails.ses_body(eid := uuid.uuid4().hex)
    del body["ConfigurationSetName"]

    assert rig.http.send(sample_emails.ses(rig.base_url("ses"), body)).is_success

    assert rig.receiver.quiet(eid, 0.5)


# fault -> provider -> what every event must hold
FAILURES: dict[str, dict[str, dict[str, Any]]] = {
    "accept_then_bounce": {
        "sendgrid": {"event": "bounce", "type": "bounce", "status": "5.1.1"},
        "mailgun": {"event": "failed", "severity": "permanent", "reason": "bounce"},
        "ses": {"eventType": "Bounce"},
        "resend": {"type": "email.bounced"},
    },
    "accept_then_block": {
        "sendgrid": {"event": "bounce", "type": "blocked", "status": "5.7.1"},
        "mailgun": {"event": "failed", "severity": "permanent"},
        "ses": {"eventType": "Bounce"},
        "resend": {"type": "email.bounced"},
    },
    "accept_then_bounce_unexplained": {
        "sendgrid": {"event": "bounce", "type": "bounce"},
        "mailgun": {"event": "failed", "severity": "permanent"},
        "ses": {"eventType": "Bounce"},
        "resend": {"type": "email.bounced"},
    },
}


@pytest.mark.parametrize(("fault", "provider"), [(fault, name) for fault in FAILURES for name in PROVIDERS])
def test_each_recipient_is_reported_failed(rig: Rig, fault: str, provider: str) -> None:
    eid = rig.send(provider, fault=fault)

    heard = rig.receiver.wait(eid, POSTS[provider])

    told = events(heard)
    assert all(genuine(rig, webhook) for webhook in heard)
    assert sorted(who(provider, event) for event in told) == list(RECIPIENTS)
    for event in told:
        assert FAILURES[fault][provider].items() <= event.items()
        explained = {"5.1.1": fault == "accept_then_bounce", "5.7.1": fault == "accept_then_block"}
        assert {status: status in json.dumps(event) for status in explained} == explained
        if fault == "accept_then_bounce_unexplained":
            assert not {"reason", "status"} & event.keys()
            assert '"code"' not in json.dumps(event)
            assert "diagnosticCode" not in json.dumps(event)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_dropped_answer_is_followed_by_the_evidence(rig: Rig, provider: str) -> None:
    rig.behave(provider, fault="reset_after_accept")
    eid, request = rig.letter(provider)

    with pytest.raises(Exception, match="reset"):
        rig.http.send(request)

    rig.behave(provider)
    assert len(events(rig.receiver.wait(eid, POSTS[provider]))) == 3


@pytest.mark.parametrize("setting", [{"fault": "accept_then_silence"}, {"webhooks": ["off", "duplicate"]}])
def test_silence(rig: Rig, setting: dict[str, Any]) -> None:
    eids = [rig.send(provider, **setting) for provider in PROVIDERS]

    assert rig.receiver.quiet(eids[-1], 0.5)
    assert [rig.receiver.about(eid) for eid in eids] == [[] for _ in PROVIDERS]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_duplicates_are_the_same_bytes_twice(rig: Rig, provider: str) -> None:
    eid = rig.send(provider, webhooks=["duplicate"])

    heard = rig.receiver.wait(eid, 2 * POSTS[provider])

    bodies = [webhook.body for webhook in heard]
    assert len(set(bodies)) == POSTS[provider]
    assert all(bodies.count(body) == 2 for body in bodies)
    assert all(genuine(rig, webhook) for webhook in heard)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_reordered_events_end_with_the_first(rig: Rig, provider: str) -> None:
    eid = rig.send(provider, webhooks=["reorder"])

    told = events(rig.receiver.wait(eid, {"sendgrid": 1, "mailgun": 6, "ses": 4, "resend": 6}[provider]))

    last = {"sendgrid": "processed", "mailgun": "accepted", "ses": "Send", "resend": "email.sent"}[provider]
    kinds = [what(event) for event in told]
    assert last not in kinds[:3]
    assert set(kinds[3:]) == {last}
    assert [who(provider, event) for event in told[:3]] == list(RECIPIENTS)[::-1]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_bad_signature_is_bad_and_combines(rig: Rig, provider: str) -> None:
    eid = rig.send(provider, webhooks=["bad_signature", "duplicate"])

    heard = rig.receiver.wait(eid, 2 * POSTS[provider])

    assert not any(genuine(rig, webhook) for webhook in heard)


def test_late_webhooks_come_after_five_seconds(rig: Rig) -> None:
    sent_s = time.monotonic()
    eids = {provider: rig.send(provider, webhooks=["late"]) for provider in PROVIDERS}

    for provider, eid in eids.items():
        heard = rig.receiver.wait(eid, POSTS[provider])
        assert 4.5 < heard[0].at_s - sent_s < 8
        assert all(genuine(rig, webhook) for webhook in heard)


def test_a_webhook_that_is_not_taken_is_sent_again(rig: Rig) -> None:
    rig.behave("sendgrid")
    eid, request = rig.letter("sendgrid")
    rig.receiver.refusals[eid.encode()] = [503, 500]
    rig.http.send(request)

    heard = rig.receiver.wait(eid, 3)

    assert len({webhook.body for webhook in heard}) == 1
    pauses_s = [later.at_s - earlier.at_s for earlier, later in pairwise(heard)]
    assert 0.4 < pauses_s[0] < pauses_s[1]
    assert rig.receiver.quiet(eid, 0.3)


def test_a_webhook_that_is_not_believed_is_sent_once_more(rig: Rig) -> None:
    rig.behave("sendgrid")
    eid, request = rig.letter("sendgrid")
    rig.receiver.refusals[eid.encode()] = [401, 401, 401]
    rig.http.send(request)

    rig.receiver.wait(eid, 2)

    assert rig.receiver.quiet(eid, 1.3)


def test_webhooks_go_where_they_are_told(rig: Rig) -> None:
    old = rig.receiver.url
    try:
        # Nobody there: the webhook is lost for the first tries only.
        assert rig.control.put("/webhooks", json={"url": "http://127.0.0.1:9/"}).status_code == 200
        eid = rig.send("sendgrid")
        assert rig.receiver.quiet(eid, 0.4)
    finally:
        assert rig.control.put("/webhooks", json={"url": old}).json() == {"url": old}
    rig.receiver.wait(eid, 1)
