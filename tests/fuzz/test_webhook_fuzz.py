"""Webhooks of every provider, valid ones, changed: never a 5xx, never a change of state without a valid signature."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.application import create
from app.domain.attempts import Attempt
from app.domain.event import Webhook
from app.domain.head import Evidence, Head, Status
from app.domain.kinds import Kind
from app.providers.sdk.web import Web
from app.wiring.parts import Container
from tests.api.conftest import Client, installed
from tests.fuzz.bounds import bounded
from tests.providers.case import CASES, NOW_S, Case
from tests.support.clock import Clock
from tests.support.samples import a_head


@dataclass(frozen=True)
class Inlet:
    """One provider's webhooks at one installation."""

    parts: Container
    client: Client
    name: str

    @property
    def case(self) -> Case:
        return CASES[self.name]

    def sent(self) -> Head:
        """A new email that the provider has accepted."""
        now_ms = self.parts.clock() * 1000
        head = a_head(int(now_ms))
        [(key, recipient)] = head.recipients.items()
        attempt = Attempt(1, self.name, (key,), head.created_at_ms, outcome=Kind.ACCEPTED, message_id="m1")
        claimed = replace(recipient, status=Status.SENT, attempt=1, evidence={1: frozenset({Evidence.ACCEPTED})})
        head = replace(head, recipients={key: claimed}, attempts=(attempt,), next_attempt=2)
        created = self.parts.read.heads.create(head, head.created_at_ms)
        assert created is not None
        return created

    def report(self, head: Head) -> Any:
        """What the provider tells of its delivery."""
        return self.case.report(head.email_id, 1, next(iter(head.recipients)), NOW_S)

    def post(self, webhook: Webhook) -> int:
        """The status of the answer."""
        headers = [(name, value.encode("utf-8")) for name, value in webhook.headers.items()]
        url = f"/v1/webhooks/{self.name}"
        return self.client.post(url, key=None, content=webhook.body, headers=dict(headers)).status_code

    def stands(self, head: Head) -> Head:
        found = self.parts.read.heads.get(head.email_id)
        assert found is not None
        return found


@pytest.fixture(scope="module")
def parts() -> Iterator[Container]:
    clock = Clock()
    clock.now_s = NOW_S
    # One of them at most has its keys fetched.
    certificate = next(case.certificate for case in CASES.values() if case.certificate)
    web = Web(certificate=lambda _: certificate, confirm=lambda _: None)
    keys = {name: value for case in CASES.values() for name, value in case.variables.items()}
    keys["PROVIDERS"] = ",".join(CASES)
    with installed(clock, web, **keys) as found:
        yield found


@pytest.fixture(scope="module", params=CASES)
def inlet(request: pytest.FixtureRequest, parts: Container) -> Inlet:
    return Inlet(parts, Client(create(lambda: parts), "none"), request.param)


@pytest.fixture(scope="module")
def heard(inlet: Inlet) -> Inlet:
    """After a genuine webhook, which counts; where a token is signed instead of the body, it is used up now."""
    head = inlet.sent()
    assert inlet.post(inlet.case.webhook(inlet.report(head), NOW_S, 0)) == 200
    now = inlet.stands(head)
    assert now.version > head.version
    assert [recipient.status for recipient in now.recipients.values()] == [Status.DELIVERED]
    return inlet


def is_genuine(name: str, changed: Webhook, genuine: Webhook) -> bool:
    try:
        return CASES[name].signed(changed) == CASES[name].signed(genuine)
    except (KeyError, ValueError, TypeError, RecursionError):
        return False


# Changes

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("x" * 5000),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
words = st.sampled_from(
    ["bounce", "dropped", "failed", "complained", "spamreport", "Bounce", "Complaint", "Reject", "email.bounced"]
)


@st.composite
def changed_json(draw: st.DrawFn, value: Any) -> Any:
    """`value` with one part of it replaced, left out or doubled."""
    if isinstance(value, dict) and value and draw(st.integers(0, 9)):
        key = draw(st.sampled_from(sorted(value)))
        change = draw(st.sampled_from(["inside", "inside", "drop", "rename"]))
        rest = {name: item for name, item in value.items() if name != key}
        if change == "drop":
            return rest
        if change == "rename":
            return rest | {draw(st.text(max_size=8)): value[key]}
        return value | {key: draw(changed_json(value[key]))}
    if isinstance(value, list) and value and draw(st.integers(0, 9)):
        index = draw(st.integers(0, len(value) - 1))
        return [*value, *value] if draw(st.booleans()) else [*value[:index], draw(changed_json(value[index]))]
    return draw(words | json_values)


@st.composite
def changed_bytes(draw: st.DrawFn, body: bytes) -> bytes:
    start = draw(st.integers(0, len(body)))
    end = draw(st.integers(start, min(len(body), start + 8)) | st.just(len(body)))
    return body[:start] + draw(st.binary(max_size=4)) + body[end:]


@st.composite
def changed_headers(draw: st.DrawFn, headers: Mapping[str, str]) -> dict[str, str]:
    names = sorted(headers) or ["x-noise"]
    name = draw(st.sampled_from(names))
    rest = {each: value for each, value in headers.items() if each != name}
    text = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)
    value = draw(st.none() | text | st.sampled_from(list(headers.values()) or [""]))
    if value is None:
        return rest
    whole = headers.get(name, "")
    cut = draw(st.integers(0, 100))  # not its length: that of an ECDSA signature changes from one to the next
    return rest | {name: draw(st.sampled_from([value, whole[:cut] + value + whole[cut + 1 :]]))}


@st.composite
def changed_webhook(draw: st.DrawFn, genuine: Webhook, forged: list[Webhook]) -> Webhook:
    webhook = genuine
    for _ in range(draw(st.integers(1, 2))):
        kind = draw(st.sampled_from(["bytes", "json", "headers", "forge"]))
        if kind == "bytes":
            webhook = Webhook(draw(changed_bytes(webhook.body)), webhook.headers)
        elif kind == "headers":
            webhook = Webhook(webhook.body, draw(changed_headers(webhook.headers)))
        elif kind == "json":
            try:
                told = json.loads(webhook.body)
            except (ValueError, RecursionError):
                continue
            webhook = Webhook(json.dumps(draw(changed_json(told))).encode(), webhook.headers)
        else:
            webhook = draw(st.sampled_from(forged))
    return webhook


@given(data=st.data())
@bounded(80)
@pytest.mark.timeout(600)
def test_what_is_not_signed_changes_nothing(heard: Inlet, data: st.DataObject) -> None:
    head = heard.sent()
    genuine = heard.case.webhook(heard.report(head), NOW_S, 0)
    webhook = data.draw(changed_webhook(genuine, heard.case.forge(genuine)))
    status = heard.post(webhook)
    if is_genuine(heard.name, webhook, genuine):
        assert status in (200, 401)
    else:
        assert status == 401
        assert heard.stands(head) == head


@given(data=st.data())
@bounded(80)
@pytest.mark.timeout(600)
def test_whatever_a_provider_signs_breaks_nothing(inlet: Inlet, data: st.DataObject) -> None:
    payload = data.draw(changed_json(inlet.report(inlet.sent())))
    assert inlet.post(signed_anew(inlet.name, payload)) == 200


def signed_anew(name: str, payload: object) -> Webhook:
    """Signed as the provider does it, with a token of its own where there is one."""
    case = CASES[name]
    return case.fresh(payload, NOW_S) if case.fresh else case.webhook(payload, NOW_S, 0)
