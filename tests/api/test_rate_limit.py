"""The rate limit of an API key: emails a second, over all processes, told by the headers of the IETF's draft."""

import logging
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.delivery.rate_limit import RateLimit
from app.domain.rate import SECOND_US, Rate
from app.store.usage import Usage, UsageItem
from app.wiring.parts import Container
from tests.api.conftest import Client
from tests.support.clock import Clock
from tests.support.size import examples
from tests.support.write_units import counted

GOOD: dict[str, Any] = {"from": "app@example.com", "to": "ann@example.net", "subject": "Hello", "text": "It works."}


@pytest.fixture
def limited(parts: Container, clock: Clock) -> str:
    """A key that may send three emails a second, of which none is taken."""
    clock.advance(60)
    return parts.api_keys.create("three", {"send"}, (), rate_limit=3)


def send(client: Client, key: str, **body: Any) -> Any:
    return client.post("/v1/emails", json=GOOD | body, key=key)


def test_each_answer_tells_what_is_left_and_the_fourth_is_refused(client: Client, clock: Clock, limited: str) -> None:
    answers = [send(client, limited) for _ in range(4)]
    assert [one.status_code for one in answers] == [202, 202, 202, 429]
    assert {one.headers["RateLimit-Policy"] for one in answers} == {'"emails";q=3;w=1'}
    assert [one.headers["RateLimit"] for one in answers] == [f'"emails";r={left};t=1' for left in (2, 1, 0, 0)]
    refused = answers[3]
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.headers["Retry-After"] == "1"
    assert refused.json()["type"] == "urn:emailsminder:problem:rate-limited"
    assert refused.json()["detail"] == "this API key may send 3 emails a second"
    clock.advance(1)
    assert [send(client, limited).status_code for _ in range(4)] == [202, 202, 202, 429]


def test_a_third_of_a_second_brings_one(client: Client, clock: Clock, limited: str) -> None:
    for _ in range(3):
        send(client, limited)
    clock.advance(0.34)
    assert [send(client, limited).status_code for _ in range(2)] == [202, 429]


def test_it_is_asked_before_the_body_is_looked_at(client: Client, limited: str) -> None:
    headers = {"Content-Type": "application/json"}
    answers = [client.post("/v1/emails", content=b"[", headers=headers, key=limited) for _ in range(4)]
    assert [one.status_code for one in answers] == [400, 400, 400, 429]
    assert answers[0].headers["RateLimit"] == '"emails";r=2;t=1'


def test_a_batch_costs_as_many_as_it_has(client: Client, clock: Clock, limited: str) -> None:
    def batch(count: int) -> Any:
        return client.post("/v1/emails/batch", json=[GOOD] * count, key=limited)

    assert batch(2).status_code == 200
    refused = batch(2)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert refused.json()["detail"] == "this API key may send 3 emails a second; this call costs 2"
    assert send(client, limited).status_code == 202
    clock.advance(1)
    assert batch(30).headers["RateLimit"] == '"emails";r=0;t=10'
    assert send(client, limited).headers["Retry-After"] == "10"
    clock.advance(9)
    assert send(client, limited).status_code == 429
    clock.advance(0.4)
    assert send(client, limited).status_code == 202


def test_a_batch_larger_than_a_second_needs_all_of_one(client: Client, clock: Clock, limited: str) -> None:
    assert send(client, limited).status_code == 202
    assert client.post("/v1/emails/batch", json=[GOOD] * 4, key=limited).status_code == 429
    clock.advance(0.34)
    assert client.post("/v1/emails/batch", json=[GOOD] * 4, key=limited).status_code == 200


def test_keys_do_not_share_it_and_one_without_a_limit_has_no_headers_and_no_write(
    client: Client, parts: Container, limited: str
) -> None:
    other = parts.api_keys.create("other three", {"send"}, (), rate_limit=3)
    free = parts.api_keys.create("free", {"send"}, ())
    for _ in range(4):
        send(client, limited)
    assert send(client, other).status_code == 202
    with counted() as writes:
        answer = send(client, free)
    assert not {"ratelimit", "ratelimit-policy"} & set(answer.headers)
    assert UsageItem.Meta.table_name not in {write.table for write in writes}


def test_reading_is_not_limited(client: Client, parts: Container, clock: Clock) -> None:
    clock.advance(60)
    key = parts.api_keys.create("reader", {"send", "read"}, (), rate_limit=1)
    assert [send(client, key).status_code for _ in range(2)] == [202, 429]
    answer = client.get("/v1/emails", key=key)
    assert (answer.status_code, "RateLimit" in answer.headers) == (200, False)


def test_processes_share_it(parts: Container, clock: Clock) -> None:
    clock.advance(60)
    processes = [RateLimit(Usage(), clock) for _ in range(3)]
    taken = [processes[number % 3]("shared", 5, 1)[1] is None for number in range(9)]
    assert taken == [True] * 5 + [False] * 4


def test_a_store_that_does_not_answer_lets_everything_pass(
    client: Client, parts: Container, limited: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Gone:
        def take_rate(self, *_: object, **__: object) -> Any:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")

    monkeypatch.setitem(vars(parts.rate_limit), "store", Gone())
    with caplog.at_level(logging.WARNING, "app.delivery"):
        answers = [send(client, limited) for _ in range(5)]
    assert {one.status_code for one in answers} == {202}
    assert not [one for one in answers if "RateLimit" in one.headers]
    assert {record.getMessage() for record in caplog.records} == {"rate limit not counted"}


@pytest.mark.parametrize("by_s", [-3600, -1, 3600])
def test_a_clock_that_jumps_shuts_nobody_out(client: Client, clock: Clock, limited: str, by_s: float) -> None:
    for _ in range(4):
        send(client, limited)
    clock.advance(by_s)
    try:
        answer = send(client, limited)
        waits_s = int(answer.headers.get("Retry-After", "0"))
        assert waits_s <= 2
        clock.advance(waits_s)
        assert send(client, limited).status_code == 202
    finally:
        clock.advance(-min(by_s, 0))


STEPS = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 12), st.integers(0, 700)), min_size=1, max_size=40)


@settings(max_examples=examples(40), deadline=None, suppress_health_check=list(HealthCheck))
@given(per_s=st.sampled_from([1, 3, 7]), steps=STEPS)
def test_never_more_than_the_limit_allows(parts: Container, per_s: int, steps: list[tuple[int, int, int]]) -> None:
    """Over any span, what passes is at most what its seconds bring, one full bucket, and the size of one call."""
    clock = Clock()
    clock.advance(1000)
    key = f"property-{uuid4().hex}"  # an example that is tried again must not find what it has used
    processes = [RateLimit(Usage(), clock) for _ in range(3)]
    passed: list[tuple[float, int]] = []
    for process, count, wait_ms in steps:
        clock.advance(wait_ms / 1000)
        quota, refused = processes[process](key, per_s, count)
        assert quota is not None
        if refused is None:
            passed.append((clock.now_s, count))
        else:
            clock.advance(refused.retry_after_s)
            assert processes[process](key, per_s, count)[1] is None, "after Retry-After it is let through"
            passed.append((clock.now_s, count))
    for begin in range(len(passed)):
        for end in range(begin, len(passed)):
            span_s = passed[end][0] - passed[begin][0]
            sent = sum(count for _, count in passed[begin:end])  # what the last one costs is owed
            assert sent <= (span_s + 1) * per_s + 1e-3 or end - begin <= 1


def test_the_bucket_by_its_numbers() -> None:
    rate = Rate(3)
    assert (rate.cost_us(1), rate.cost_us(3), rate.cost_us(100)) == (333_333, SECOND_US, 33_333_333)
    assert (rate.left(0, 10 * SECOND_US), rate.left(11 * SECOND_US, 10 * SECOND_US)) == (3, 0)
