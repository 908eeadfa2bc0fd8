"""The envelope of SNS: what is believed, what is not, and what is never fetched."""

import base64
import json
import time
from collections.abc import Mapping

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from app.domain.event import Webhook
from app.errors import ServiceUnavailable, Unauthenticated
from app.providers.sdk import payload
from app.providers.ses import sns
from tests.providers.case import NOW_S
from tests.providers.ses.case import (
    CERTIFICATE,
    CERTIFICATE_URL,
    KEY,
    SUBSCRIBE_URL,
    TOPIC,
    Web,
    certify,
    envelope,
    forge,
    iso,
    post,
    sign,
)

KINDS = ("Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation")


def verify(
    webhook: Webhook, pages: Mapping[str, bytes | Exception] | None = None, now_s: float = NOW_S
) -> tuple[sns.Verifier, Web]:
    web = Web({CERTIFICATE_URL: CERTIFICATE} if pages is None else pages)
    verifier = sns.Verifier([TOPIC], web)
    verifier.verify(webhook, now_s)
    return verifier, web


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", ["1", "2"])
def test_both_signature_versions_are_believed_for_every_type(kind: str, version: str) -> None:
    verify(post(sign(envelope("héllo\nwörld", kind=kind, SignatureVersion=version))))


def test_a_notification_without_subject_is_signed_without_it() -> None:
    verify(post(sign(envelope("hello", Subject=None))))


def test_a_subject_that_is_null_counts_as_none() -> None:
    told = sign(envelope("hello", Subject=None))
    verify(post(told | {"Subject": None}))


def test_the_signature_of_version_2_does_not_pass_for_version_1() -> None:
    with pytest.raises(Unauthenticated, match="signature is wrong"):
        verify(post(sign(envelope("hello")) | {"SignatureVersion": "1"}))


@pytest.mark.parametrize("version", ["3", "", "02"])
def test_an_unknown_signature_version_is_not_believed(version: str) -> None:
    with pytest.raises(Unauthenticated, match="version"):
        verify(post(sign(envelope("hello", SignatureVersion=version))))


@pytest.mark.parametrize("number", range(len(forge(post(sign(envelope("250 OK")))))))
def test_forgeries_are_not_believed(number: int) -> None:
    with pytest.raises(Unauthenticated):
        verify(forge(post(sign(envelope("250 OK"))))[number])


def test_a_topic_that_is_not_ours_is_not_believed_and_nothing_is_fetched() -> None:
    web = Web({CERTIFICATE_URL: CERTIFICATE})
    with pytest.raises(Unauthenticated, match="not one of our topics"):
        sns.Verifier([TOPIC], web).verify(post(sign(envelope("hello", TopicArn=TOPIC + "2"))), NOW_S)
    assert web.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "https://sns.us-east-1.amazonaws.com.evil.example/SimpleNotificationService-0a.pem",
        "https://evil.example/sns.us-east-1.amazonaws.com/SimpleNotificationService-0a.pem",
        "https://sns.us-east-1.amazonaws.com@evil.example/SimpleNotificationService-0a.pem",
        "https://user@sns.us-east-1.amazonaws.com/SimpleNotificationService-0a.pem",
        "https://sns.us-east-1.amazonaws.com:8443/SimpleNotificationService-0a.pem",
        "https://sns.us-east-1.amazonaws.com:443/SimpleNotificationService-0a.pem",
        "http://sns.us-east-1.amazonaws.com/SimpleNotificationService-0a.pem",
        "https://sns-us-east-1.amazonaws.com/SimpleNotificationService-0a.pem",
        "https://xsns.us-east-1.amazonaws.com/SimpleNotificationService-0a.pem",
        "https://sns.us-east-1-amazonaws.com/SimpleNotificationService-0a.pem",
        "https://sns.us-east-1.amazonaws.com.cn.evil.example/SimpleNotificationService-0a.pem",
        "https://sns.s3-us-west-2.amazonaws.com/SimpleNotificationService-0a.pem",  # a bucket
        "https://sns.s3.amazonaws.com/SimpleNotificationService-0a.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a.pem",  # another region than the topic's
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0a.pem?x",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0a.pem#x",
        "https://sns.us-east-1.amazonaws.com/?a=.pem",
        "https://sns.us-east-1.amazonaws.com/a.pem",  # no name that SNS gives
        "https://sns.us-east-1.amazonaws.com/x/SimpleNotificationService-0a.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-../a.pem",
        "https://sns.us-east-1.amazonaws.com/a.txt",
        "https://sns.us-east-1.amazonaws.com/.pem\n",
        "https://sns.us-east-1.amazonaws.com\\@evil.example/SimpleNotificationService-0a.pem",
        "https://sns.us-east-1.amazonaws.com\t/SimpleNotificationService-0a.pem",
        "//sns.us-east-1.amazonaws.com/SimpleNotificationService-0a.pem",
        "file:///etc/ssl/SimpleNotificationService-0a.pem",
        "",
    ],
)
def test_a_certificate_is_fetched_from_nowhere_but_sns(url: str) -> None:
    web = Web({url: CERTIFICATE})
    with pytest.raises(Unauthenticated, match="SigningCertURL"):
        sns.Verifier([TOPIC], web).verify(post(sign(envelope("hello", SigningCertURL=url))), NOW_S)
    assert web.asked == []


def test_regions_of_other_partitions_are_sns_too() -> None:
    topic = "arn:aws-cn:sns:cn-north-1:123456789012:mx"
    url = "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-0123.pem"
    web = Web({url: CERTIFICATE})
    sns.Verifier([topic], web).verify(post(sign(envelope("hello", TopicArn=topic, SigningCertURL=url))), NOW_S)
    assert web.asked == [url]


def test_a_topic_that_is_no_arn_has_no_region() -> None:
    with pytest.raises(Unauthenticated, match="region"):
        sns.Verifier(["mx"], Web({CERTIFICATE_URL: CERTIFICATE})).verify(
            post(sign(envelope("hello", TopicArn="mx"))), NOW_S
        )


@pytest.mark.parametrize("age_s", [-299, 0, 3599, 4499])
def test_a_message_of_this_hour_is_believed(age_s: float) -> None:
    verify(post(sign(envelope("hello", NOW_S - age_s))))


@pytest.mark.parametrize("age_s", [-301, 4501, 86_400])
def test_a_message_of_another_time_is_not_believed(age_s: float) -> None:
    with pytest.raises(Unauthenticated, match="timestamp"):
        verify(post(sign(envelope("hello", NOW_S - age_s))))


@pytest.mark.parametrize("timestamp", ["", "soon", "1900-01-01T00:00:00Z", "2027-13-01T00:00:00Z"])
def test_a_timestamp_that_is_none_is_not_believed(timestamp: str) -> None:
    with pytest.raises(Unauthenticated, match="timestamp cannot be read"):
        verify(post(sign(envelope("hello", Timestamp=timestamp))))


def test_headers_may_be_missing_but_not_contradict() -> None:
    told = sign(envelope("hello"))
    verify(post(told, {}))
    for name in ("x-amz-sns-message-type", "x-amz-sns-message-id", "x-amz-sns-topic-arn"):
        with pytest.raises(Unauthenticated, match=name):
            verify(post(told, {name: "other"}))


def test_raw_delivery_is_named_as_the_mistake_it_is() -> None:
    with pytest.raises(Unauthenticated, match="raw message delivery"):
        verify(Webhook(b'{"eventType":"Bounce"}', {"x-amz-sns-rawdelivery": "true"}))


@pytest.mark.parametrize(("field", "value"), [("Signature", "Ä"), ("Signature", "A"), ("Message", "half \ud83d")])
def test_text_that_cannot_have_been_signed_is_not_believed(field: str, value: str) -> None:
    with pytest.raises(Unauthenticated, match="signature cannot be read"):
        verify(post(sign(envelope("hello")) | {field: value}))


@pytest.mark.parametrize("body", [b"[]", b"null", b"7", b'"Notification"', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object_is_not_believed(body: bytes) -> None:
    with pytest.raises(Unauthenticated, match="JSON"):
        verify(Webhook(body, {}))


@pytest.mark.parametrize("kind", KINDS[1:])
def test_a_subscribe_url_that_is_not_of_sns_is_not_believed(kind: str) -> None:
    told = sign(envelope("hello", kind=kind, SubscribeURL="https://evil.example/?Action=ConfirmSubscription"))
    with pytest.raises(Unauthenticated, match="SubscribeURL"):
        verify(post(told))


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (SUBSCRIBE_URL, True),
        ("https://sns.us-gov-west-1.amazonaws.com/?Action=x", True),
        ("https://sns.us-east-1.amazonaws.com", False),
        ("http://sns.us-east-1.amazonaws.com/?Action=x", False),
        ("https://sns.us-east-1.amazonaws.com/ x", False),
        ("https://sns.s3-us-west-2.amazonaws.com/?Action=x", False),
        ("https://169.254.169.254/", False),
    ],
)
def test_what_is_a_url_of_sns(url: str, told: bool) -> None:
    assert sns.is_aws_sns_url(url) is told


def test_a_certificate_is_fetched_once() -> None:
    verifier, web = verify(post(sign(envelope("one"))))
    verifier.verify(post(sign(envelope("two"))), NOW_S)
    assert web.asked == [CERTIFICATE_URL]


def test_the_cache_of_certificates_has_a_bound() -> None:
    urls = [CERTIFICATE_URL.replace(".pem", f"{number}.pem") for number in range(sns.CACHE_SIZE + 1)]
    web = Web(dict.fromkeys(urls, CERTIFICATE))
    verifier = sns.Verifier([TOPIC], web)
    for url in [*urls, urls[0], urls[-1]]:
        verifier.verify(post(sign(envelope("hello", SigningCertURL=url))), NOW_S)
    assert web.asked == [*urls, urls[0]]


@pytest.mark.parametrize(
    "page",
    [
        certify(ec.generate_private_key(ec.SECP256R1())),
        certify(KEY, NOW_S - 100 * 86_400, days=30),  # expired
        certify(KEY, NOW_S + 100 * 86_400, days=30),  # not yet valid
    ],
)
def test_what_is_not_a_valid_rsa_certificate_proves_nothing(page: bytes) -> None:
    with pytest.raises(Unauthenticated):
        verify(post(sign(envelope("hello"))), {CERTIFICATE_URL: page})


def test_a_certificate_that_has_expired_is_fetched_again() -> None:
    pages: dict[str, bytes | Exception] = {CERTIFICATE_URL: certify(KEY, days=1)}
    web = Web(pages)
    verifier = sns.Verifier([TOPIC], web)
    verifier.verify(post(sign(envelope("hello"))), NOW_S)
    later_s = NOW_S + 2 * 86_400
    pages[CERTIFICATE_URL] = CERTIFICATE
    verifier.verify(post(sign(envelope("hello", later_s))), later_s)
    assert web.asked == [CERTIFICATE_URL] * 2


REQUEST = httpx.Request("GET", CERTIFICATE_URL)


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("no route"),
        httpx.ReadTimeout("slow"),
        OSError("broken"),
        TimeoutError(),
        httpx.HTTPStatusError("", request=REQUEST, response=httpx.Response(500)),
        httpx.HTTPStatusError("", request=REQUEST, response=httpx.Response(302)),
        httpx.HTTPStatusError("", request=REQUEST, response=httpx.Response(403)),
        httpx.HTTPStatusError("", request=REQUEST, response=httpx.Response(404)),
        b"",
        b"<html>a proxy's page</html>",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ],
)
def test_a_certificate_that_cannot_be_had_now_may_be_had_later(failure: Exception | bytes) -> None:
    """SNS would not send a message again that is answered with 4xx."""
    with pytest.raises(ServiceUnavailable):
        verify(post(sign(envelope("hello"))), {CERTIFICATE_URL: failure})


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("no route"),
        httpx.HTTPStatusError("", request=REQUEST, response=httpx.Response(404)),
        b"<html>proxy</html>",
    ],
)
def test_what_could_not_be_had_is_asked_for_again_after_some_seconds(failure: Exception | bytes) -> None:
    """Anybody can post forgeries, each of which would cost a fetch."""
    pages: dict[str, bytes | Exception] = {CERTIFICATE_URL: failure}
    web = Web(pages)
    verifier = sns.Verifier([TOPIC], web)
    for _ in range(5):
        with pytest.raises(ServiceUnavailable):
            verifier.verify(post(sign(envelope("hello"))), NOW_S)
    assert web.asked == [CERTIFICATE_URL]
    pages[CERTIFICATE_URL] = CERTIFICATE
    verifier.verify(post(sign(envelope("hello"))), NOW_S + sns.FAILURE_LASTS_S)
    assert len(web.asked) == 2


def test_failures_are_remembered_up_to_a_bound() -> None:
    urls = [CERTIFICATE_URL.replace(".pem", f"{number}.pem") for number in range(3 * sns.CACHE_SIZE)]
    verifier = sns.Verifier([TOPIC], Web(dict.fromkeys(urls, b"no certificate")))
    for url in urls:
        with pytest.raises(ServiceUnavailable):
            verifier.verify(post(sign(envelope("hello", SigningCertURL=url))), NOW_S)
        assert len(verifier._failed) <= sns.CACHE_SIZE


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("2025-10-09T08:53:21.100Z", 1_760_000_001_100),
        ("2025-10-09T08:53:21Z", 1_760_000_001_000),
        ("2025-10-09T08:53:21", 1_760_000_001_000),
        ("2025-10-09T08:53:21.1009999Z", 1_760_000_001_100),
        ("2025-10-09T10:53:21.1+02:00", 1_760_000_001_100),
        ("0001-01-01T00:00:00+14:00", None),
        ("1969-12-31T23:59:59Z", None),
        ("9999-12-31T23:59:59Z", 253_402_300_799_000),
        ("9999-12-31T23:59:59-00:01", 253_402_300_799_999),  # the year 10000 in UTC, which no story can write
        ("yesterday", None),
        ("", None),
    ],
)
def test_timestamps(text: str, at_ms: int | None) -> None:
    assert payload.iso_ms(text) == at_ms


def test_a_time_without_a_zone_is_utc_wherever_the_process_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "America/New_York")
        time.tzset()
        found = payload.iso_ms("2025-10-09T08:53:21")
    time.tzset()
    assert found == 1_760_000_001_000


@given(
    st.binary()
    | st.dictionaries(
        st.sampled_from(sorted(sign(envelope("x", kind="SubscriptionConfirmation")))),
        st.text() | st.none() | st.integers() | st.just("\ud800") | st.sampled_from([*KINDS, iso(NOW_S), "AAAA"]),
    ).map(lambda told: json.dumps(told).encode())
)
def test_whatever_comes_is_an_envelope_or_is_refused(body: bytes) -> None:
    try:
        read = sns.read(body)
    except Unauthenticated:
        return
    assert read.type in KINDS


@given(st.data())
def test_no_signed_field_can_be_changed(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    told = sign(envelope("hello", kind=kind))
    name = data.draw(st.sampled_from(sorted(set(told) - {"SigningCertURL", "SignatureVersion"})))
    value = data.draw(st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: text != told[name]))
    if name == "Signature":
        value = base64.b64encode(value.encode()).decode()
    with pytest.raises(Unauthenticated):
        verify(post(told | {name: value}, {}))
