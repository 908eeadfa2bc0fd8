"""What holds for every provider."""

import copy
import json
import math
from dataclasses import replace
from typing import Any, get_args

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.event import Webhook
from app.domain.kinds import EventKind, Kind, OutcomeKind
from app.errors import ServiceUnavailable, Unauthenticated
from app.providers import registry
from app.providers.sdk.contract import AnyProvider
from app.providers.sdk.http_transport import HttpTransport
from app.providers.sdk.payload import ATTEMPT, EMAIL_ID
from app.providers.sdk.variables import Need
from tests.providers.case import ANNE, BO, CASES, CAT, NOW_S, SAMPLE, Case
from tests.providers.peer import answer, peer

DAY_S = 24 * 3600
OUTCOMES, EVENTS = get_args(OutcomeKind), get_args(EventKind)


def test_its_name_is_the_one_that_settings_know(name: str, provider: AnyProvider) -> None:
    assert provider.account == name
    assert name in registry.PROVIDERS
    assert provider.limits.recipients.value >= 1
    assert provider.limits.size_bytes.value >= 4_500_000


def test_it_can_be_configured_by_the_variables_that_it_declares(name: str, case: Case) -> None:
    values = registry.values(name, case.variables)
    assert values.missing(Need.SENDING) == values.missing(Need.WEBHOOKS) == ()
    assert set(case.variables) <= {values.variable(one.name) for one in values.declaration.variables}
    assert values.url("BASE_URL", "https://api.invalid")


def test_a_built_call_is_authenticated_and_whole(case: Case, provider: AnyProvider) -> None:
    request = provider.build(SAMPLE)
    assert request.method == "POST"
    assert request.headers["authorization"]
    assert int(request.headers["content-length"]) == len(request.content)
    assert str(request.url).startswith("https://api.invalid/")


def test_a_built_call_carries_our_ids_and_every_recipient(case: Case, provider: AnyProvider) -> None:
    carried = case.read_request(provider.build(SAMPLE))
    assert (carried.email_id, carried.attempt) == (SAMPLE.email_id, 3)
    assert carried.recipients == {ANNE.address, BO.address, CAT.address}
    assert carried.metadata.items() >= {"order": "42"}.items()


def test_a_copy_for_some_goes_to_nobody_else(case: Case, provider: AnyProvider) -> None:
    rest = replace(SAMPLE, to=(CAT,), cc=(), bcc=())
    assert case.read_request(provider.build(rest)).recipients == {CAT.address}


def test_metadata_cannot_replace_our_ids(case: Case, provider: AnyProvider) -> None:
    metadata = {"em_email_id": "em_other", "em_attempt": "99", "order": "42"}
    forged = replace(SAMPLE, content=replace(SAMPLE.content, metadata=metadata))
    carried = case.read_request(provider.build(forged))
    assert (carried.email_id, carried.attempt) == (SAMPLE.email_id, 3)


KEYED = [name for name, case in CASES.items() if case.missing_for_webhooks.limits.idempotent_for_s.value]


@pytest.mark.parametrize("name", KEYED)
def test_the_same_message_is_the_same_call_where_keys_are_known(provider: AnyProvider) -> None:
    metadata = {"order": "42", "shop": "7", "em_email_id": "another"}
    first = replace(SAMPLE, content=replace(SAMPLE.content, metadata=metadata))
    again = replace(SAMPLE, content=replace(SAMPLE.content, metadata=dict(reversed(metadata.items()))))
    assert first == again
    one, other = provider.build(first), provider.build(again)
    assert one.headers["idempotency-key"] == other.headers["idempotency-key"] == f"{SAMPLE.email_id}/3"
    assert one.content == other.content
    assert provider.build(replace(first, attempt=4)).headers["idempotency-key"] == f"{SAMPLE.email_id}/4"


def test_its_secrets_are_not_in_its_repr(case: Case, provider: AnyProvider) -> None:
    assert not [secret for secret in case.secrets if secret in repr(provider)]


def test_what_it_sends_is_accepted(case: Case, transport: HttpTransport) -> None:
    with peer(answer(case.accepted)) as server:
        outcome = transport.send(case.make(server.url), SAMPLE)
    assert (outcome.kind, outcome.message_id) == (Kind.ACCEPTED, case.message_id)
    assert outcome.status_code == case.accepted.status_code


def test_text_that_is_not_unicode_is_refused_before_a_call(case: Case, transport: HttpTransport) -> None:
    half = replace(SAMPLE, content=replace(SAMPLE.content, subject="half \ud83d", text="half \ud83d"))
    with peer(answer(case.accepted)) as server:
        outcome = transport.send(case.make(server.url), half)
        assert server.connections == 0
    assert outcome.kind is Kind.REFUSED


BODIES = (b"", b"{}", b"[]", b"null", b'{"id":', b"<html>oops</html>", b"\xff\xfe\x00", b"[" * 100_000, b'{"id":7}')
HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"Retry-After": "30"},
    {"Retry-After": "9" * 400},
    {"Retry-After": "nan"},
    {"Retry-After": "Tue, 24 Nov 2026 10:00:00 GMT", "Date": "Tue, 24 Nov 2026 11:00:00 GMT"},
    {"Content-Type": "application/json; charset=klingon"},
)


def test_every_answer_has_an_outcome(case: Case, provider: AnyProvider) -> None:
    bodies = (*BODIES, case.accepted.content)
    headers = (*HEADERS, dict(case.accepted.headers) | {"content-length": "0"})
    for status in range(100, 600):
        for body in bodies:
            for head in headers if body in (b"", case.accepted.content) else headers[:1]:
                outcome = provider.read(httpx.Response(status, headers=head, content=body))
                assert outcome.kind in OUTCOMES
                assert outcome.status_code == status
                assert (outcome.kind is Kind.ACCEPTED) == bool(outcome.message_id) == (outcome.cause is None)
                assert outcome.kind is not Kind.ACCEPTED or 200 <= status < 300
                assert len(outcome.reply) <= 500
                assert outcome.retry_after_s is None or (
                    outcome.kind is Kind.THROTTLED and 0 <= outcome.retry_after_s <= DAY_S
                )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *[(status, Kind.UNCERTAIN) for status in (200, 202, 204, 408, 504, 524, 507, 599)],
        *[(status, Kind.UNAVAILABLE) for status in (301, 307, 401, 402, 403, 404, 500, 502, 503)],
        *[(status, Kind.REFUSED) for status in (400, 413, 422)],
        (429, Kind.THROTTLED),
    ],
)
def test_a_bare_status_means_what_it_means_everywhere(provider: AnyProvider, status: int, kind: Kind) -> None:
    assert provider.read(httpx.Response(status)).kind is kind


def test_a_throttling_provider_is_left_alone_as_long_as_it_asks(provider: AnyProvider) -> None:
    date = {"Date": "Tue, 24 Nov 2026 10:00:00 GMT", "Retry-After": "Tue, 24 Nov 2026 10:01:30 GMT"}
    assert provider.read(httpx.Response(429, headers={"Retry-After": "30"})).retry_after_s == 30
    assert provider.read(httpx.Response(429, headers=date)).retry_after_s == 90
    assert provider.read(httpx.Response(429)).retry_after_s is None


def test_a_secret_that_a_provider_echoes_does_not_get_into_the_story(case: Case, provider: AnyProvider) -> None:
    request = provider.build(SAMPLE)
    scheme, _, sent = request.headers["authorization"].partition(" ")
    secrets = (*case.secrets, sent) if scheme in ("Basic", "Bearer") else case.secrets  # base64 hides nothing
    padding = "x" * 490  # so that the reply would be cut within the secret
    for secret in secrets:
        for body in (f'{{"message": "no such key: {secret}"}}', padding + secret):
            reply = provider.read(httpx.Response(401, content=body.encode(), request=request)).reply
            assert secret not in reply
        assert reply == f"{padding}[secret]"


def test_a_genuine_webhook_is_believed_whichever_key_signed_it(case: Case, provider: AnyProvider) -> None:
    for key in range(case.keys):
        provider.verify(_report(case, NOW_S, key), NOW_S + 60)


def test_a_spoilt_webhook_is_not_believed(case: Case, provider: AnyProvider) -> None:
    for number, forged in enumerate(case.forge(_report(case, NOW_S))):
        try:
            provider.verify(forged, NOW_S)
        except Unauthenticated:
            continue
        pytest.fail(f"forgery {number} was believed")


def test_a_webhook_of_another_time_is_not_believed(case: Case, provider: AnyProvider) -> None:
    for at_s in (NOW_S - DAY_S - 3600, NOW_S + 600):
        with pytest.raises(Unauthenticated):
            provider.verify(_report(case, at_s), NOW_S)


def test_without_a_key_webhooks_wait(case: Case) -> None:
    with pytest.raises(ServiceUnavailable, match=case.missing_variable):
        case.missing_for_webhooks.verify(_report(case, NOW_S), NOW_S)


def test_a_report_comes_back_to_the_attempt_that_it_is_about(case: Case, provider: AnyProvider) -> None:
    events = provider.parse(case.webhook(case.report("em_1", 7, "Bo@Example.com", NOW_S), NOW_S, 0))
    assert isinstance(events, list)
    (event,) = events
    assert (event.provider, event.kind, event.cause) == (provider.account, Kind.DELIVERED, None)
    assert (event.email_id, event.attempt, event.recipient) == ("em_1", 7, "bo@example.com")
    assert (event.at_ms, event.message_id) == (NOW_S * 1000, case.message_id)


def test_a_report_without_our_ids_still_says_who_and_of_which_call(case: Case, provider: AnyProvider) -> None:
    payload = _without_ids(case.report("em_1", 7, "bo@example.com", NOW_S))
    events = provider.parse(case.webhook(payload, NOW_S, 0))
    assert isinstance(events, list)
    (event,) = events
    assert (event.email_id, event.attempt, event.recipient) == ("", 0, "bo@example.com")
    assert event.message_id == provider.read(case.accepted).message_id


def test_the_same_report_has_the_same_key_however_often_it_comes(case: Case, provider: AnyProvider) -> None:
    first, again = (provider.parse(_report(case, NOW_S)) for _ in range(2))
    assert isinstance(first, list)
    assert isinstance(again, list)
    assert [event.key for event in first] == [event.key for event in again] != []


def test_its_probe_is_a_harmless_authenticated_call(provider: AnyProvider) -> None:
    request = provider.credentials_call()
    assert request.method == "GET"
    assert request.headers["authorization"]


def test_a_probe_tells_whether_the_credentials_work(case: Case, transport: HttpTransport) -> None:
    with peer(answer(httpx.Response(200, json={"scopes": []}))) as server:
        assert transport.check_credentials(case.make(server.url)).works
    with peer(answer(httpx.Response(401, text="bad key"))) as server:
        probe = transport.check_credentials(case.make(server.url))
    assert (probe.works, probe.status_code) == (False, 401)
    assert "bad key" in probe.reply


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["\ud800", "9" * 5000, 10**400]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize("name", CASES)
@given(data=st.data())
def test_whatever_is_wrong_with_a_webhook_it_is_read(name: str, data: st.DataObject) -> None:
    case = CASES[name]
    payload = copy.deepcopy(case.report("em_1", 7, "bo@example.com", NOW_S))
    for _ in range(data.draw(st.integers(1, 3))):
        payload = _spoil(payload, data)
    _check(case.make("https://api.invalid"), case.webhook(payload, NOW_S, 0))


@pytest.mark.parametrize("name", CASES)
@given(body=st.binary() | JUNK.map(lambda junk: json.dumps(junk).encode()) | st.just(b"[" * 100_000))
def test_whatever_a_body_holds_it_is_read(name: str, body: bytes) -> None:
    _check(CASES[name].make("https://api.invalid"), Webhook(body, {}))


def _check(provider: AnyProvider, webhook: Webhook) -> None:
    events = provider.parse(webhook)
    assert isinstance(events, list)
    for event in events:
        assert event.kind in EVENTS
        assert event.key
        assert 0 <= event.attempt < 1_000_000
        assert math.isfinite(event.at_ms)
        assert len(event.email_id) <= 128
        json.dumps([event.email_id, event.recipient, event.message_id, event.detail], ensure_ascii=False).encode()


def _spoil(payload: Any, data: st.DataObject) -> Any:
    """The same payload with junk in one place, at any depth."""
    if isinstance(payload, dict | list) and payload and data.draw(st.integers(0, 9)):
        places = sorted(payload) if isinstance(payload, dict) else range(len(payload))
        place = data.draw(st.sampled_from(places))
        payload[place] = _spoil(payload[place], data)
        return payload
    return data.draw(JUNK)


def _without_ids(payload: Any) -> Any:
    if isinstance(payload, list):
        return [_without_ids(one) for one in payload]
    if isinstance(payload, dict):
        return {name: _without_ids(one) for name, one in payload.items() if name not in (EMAIL_ID, ATTEMPT)}
    return payload


def _report(case: Case, at_s: float, key: int = 0) -> Webhook:
    return case.webhook(case.report("em_1", 7, "bo@example.com", at_s), at_s, key)
