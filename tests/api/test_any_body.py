"""Whatever is sent, the answer is one of those that the API knows, and a 422 names its fields."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.api.v1.validation import read_email
from app.domain.email import Email, fingerprint
from app.errors import Problem
from tests.api.conftest import Client
from tests.support.size import examples

NAMES = (
    *("from", "to", "cc", "bcc", "reply_to", "subject", "text", "html", "headers", "attachments", "tags", "metadata"),
    *(
        "expires_at",
        "on_uncertain",
        "providers",
        "send_at",
        "scheduled_at",
        "collapse_key",
        "critical",
        "override_suppression",
    ),
    *("filename", "content", "content_type", "content_id", "X-A", "tracking", "opens", "clicks"),
)
STRINGS = ("ann@example.com", "Ann <bob@example.com>", "wait", "aGVsbG8=", "2030-01-01T00:00:00Z", "sendgrid", "x")
texts = st.sampled_from(STRINGS) | st.text(st.characters(), max_size=20)  # half surrogate pairs, too
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | texts, inner, max_size=4),
    max_leaves=12,
)
GOOD: dict[str, Any] = {"from": "app@example.com", "to": "ann@example.com", "subject": "Hello", "text": "It works."}
bodies = st.dictionaries(st.sampled_from(NAMES) | texts, values, max_size=6).map(lambda changes: GOOD | changes)


def result(body: bytes) -> Email | Problem:
    try:
        return read_email(body, now_ms=1_800_000_000_000)
    except Problem as problem:
        return problem


@given(bodies | values)
@example(GOOD | {"expires_at": "9999-12-31T23:59:59.999999-23:59"})
@example(GOOD | {"headers": {"[key]": "x"}})
@settings(max_examples=examples(400))
def test_any_json_is_an_email_or_a_problem_with_fields(body: Any) -> None:
    found = result(json.dumps(body).encode())
    if isinstance(found, Email):
        assert len(fingerprint(found)) == 64
        return
    assert found.status in (400, 422)
    assert all(field and message for field, message in getattr(found, "errors", ()))


@given(st.binary(max_size=60))
def test_any_bytes_are_a_problem(body: bytes) -> None:
    assert isinstance(result(body), Problem)


@given(bodies)
@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
@pytest.mark.timeout(300)
def test_the_api_never_breaks(client: Client, body: Any) -> None:
    headers = {"Content-Type": "application/json"}
    answer = client.post("/v1/emails", content=json.dumps(body), headers=headers)
    assert answer.status_code in (202, 400, 422)
    if answer.status_code != 202:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["detail"]


@given(st.text(max_size=30), st.sampled_from(["recipient", "status", "after", "limit", "tag"]))
@settings(max_examples=examples(60), deadline=None)
def test_no_query_breaks_it(client: Client, value: str, name: str) -> None:
    assert client.get("/v1/emails", params={name: value}).status_code in (200, 422)
