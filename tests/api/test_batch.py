"""POST /v1/emails/batch: each email is accepted or refused by itself, with the words of a single send."""

import json
import logging
from typing import Any

import pytest
from pynamodb.exceptions import PutError

from app.api.body import BODY_LIMIT_BYTES
from app.domain.head import Head
from app.store.head_items import HeadItem
from app.wiring.parts import Container
from tests.api.conftest import Client
from tests.support.clock import Clock

URL = "/v1/emails/batch"
GOOD: dict[str, Any] = {"from": "app@example.com", "to": "ann@example.net", "subject": "Hello", "text": "It works."}
INVALID = "urn:emailsminder:problem:invalid"


def batch(client: Client, *emails: Any, **options: Any) -> list[dict[str, Any]]:
    answer = client.post(URL, json=list(emails), **options)
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == ["data"]
    data: list[dict[str, Any]] = answer.json()["data"]
    assert len(data) == len(emails)
    return data


def test_each_is_answered_in_its_place_as_a_single_one_is(client: Client) -> None:
    single = client.post("/v1/emails", json=GOOD).json()
    data = batch(client, *(GOOD | {"to": f"to{number}@example.net"} for number in range(30)))
    assert [one["to"] for one in data] == [[f"to{number}@example.net"] for number in range(30)]
    assert len({one["id"] for one in data}) == 30
    for one in data:
        assert set(one) == {*single, "replayed"}
        assert (one["status"], one["replayed"]) == ("queued", False)
        assert one["eligible_providers"] == single["eligible_providers"]
        assert client.get(f"/v1/emails/{one['id']}").json()["subject"] == "Hello"


BAD: dict[str, Any] = {
    "no recipient": {"to": []},
    "an address": {"to": ["ann@example.net", "nobody"]},
    "two fields": {"to": "nobody", "subject": 7},
    "an unknown field": {"sbject": "x"},
    "a file": {"attachments": [{"filename": "a", "content": "#"}]},
    "a header": {"headers": {"Date": "now"}},
    "expired": {"expires_at": "2020-01-01T00:00:00Z"},
    "a provider that is not configured": {"providers": ["nobody"]},
    "too much for its provider": {"providers": ["mailgun"], "headers": {f"X-{n}": "v" * 950 for n in range(40)}},
    "half a surrogate pair": {"subject": "\ud800"},
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_one_sinks_no_other_and_is_told_in_the_words_of_a_single_send(client: Client, case: str) -> None:
    bad = GOOD | BAD[case]
    single = client.post("/v1/emails", content=json.dumps(bad), headers={"Content-Type": "application/json"})
    assert single.status_code == 422
    body = json.dumps([GOOD, bad, GOOD])
    answer = client.post(URL, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200
    first, second, third = answer.json()["data"]
    assert second == {"type": INVALID, "errors": single.json()["errors"]}
    assert first["id"] != third["id"]


@pytest.mark.parametrize("value", [None, 7, "an email", [GOOD]])
def test_what_is_no_email_at_all(client: Client, value: object) -> None:
    assert batch(client, value, GOOD)[0] == {
        "type": INVALID,
        "errors": [{"field": "body", "message": "must be an object"}],
    }


def test_a_domain_that_is_not_the_keys(client: Client, parts: Container) -> None:
    secret = parts.api_keys.create("one domain", {"send"}, {"example.com"})
    other = GOOD | {"from": "app@example.org", "override_suppression": True}
    first, second = batch(client, other, GOOD, key=secret)
    assert first["type"] == "urn:emailsminder:problem:forbidden"
    assert first["errors"] == [
        {"field": "from", "message": "this API key may not send from example.org"},
        {"field": "override_suppression", "message": "override_suppression needs an API key with the scope `admin`"},
    ]
    assert second["id"]


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(
    ("body", "found"), [([], "0 entries"), (GOOD, "none"), ([GOOD] * 101, "101 entries"), (7, "none"), ("x", "none")]
)
def test_what_is_no_batch(client: Client, body: object, found: str) -> None:
    answer = client.post(URL, json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"field": "body", "message": f"must be a list of 1 to 100 emails, and is {found}"}
    ]


@pytest.mark.usefixtures("nothing_stored")
def test_a_key_in_the_header_is_refused(client: Client) -> None:
    answer = client.post(URL, json=[GOOD], headers={"Idempotency-Key": "x"})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == "Idempotency-Key"
    assert "`idempotency_key`" in error["message"]


def test_a_body_that_is_too_large(client: Client) -> None:
    long = GOOD | {"text": "x" * (BODY_LIMIT_BYTES // 50)}
    answer = client.post(URL, json=[long] * 51)
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:emailsminder:problem:too-large")


def test_what_is_not_json_and_what_is_not_announced_as_json(client: Client) -> None:
    assert client.post(URL, content=b"[", headers={"Content-Type": "application/json"}).status_code == 400
    assert client.post(URL, content=b"[]").status_code == 415
    assert client.post(URL, json=[GOOD], key=None).status_code == 401
    answer = client.get(URL)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "OPTIONS, POST")


def test_a_batch_that_comes_again_replays_each_and_sends_what_had_been_refused(client: Client) -> None:
    wrong = GOOD | {"to": "nobody", "idempotency_key": "again-2"}
    emails = [GOOD | {"idempotency_key": "again-1"}, wrong, GOOD | {"idempotency_key": "again-3"}]
    first = batch(client, *emails)
    assert "id" not in first[1]
    emails[1] = GOOD | {"idempotency_key": "again-2"}
    second = batch(client, *emails)
    assert [one["replayed"] for one in second] == [True, False, True]
    assert [second[0]["id"], second[2]["id"]] == [first[0]["id"], first[2]["id"]]


@pytest.mark.parametrize("given", ["shared-1", " shared-1 "])
def test_a_key_names_the_same_email_as_in_the_header_of_a_single_send(client: Client, given: str) -> None:
    single = client.post("/v1/emails", json=GOOD, headers={"Idempotency-Key": "shared-1"}).json()
    (one,) = batch(client, GOOD | {"idempotency_key": given})
    assert (one["id"], one["replayed"]) == (single["id"], True)


def test_a_key_that_was_used_for_another_request(client: Client) -> None:
    keyed = GOOD | {"idempotency_key": "conflict-1"}
    first, second = batch(client, keyed, GOOD)
    other, third = batch(client, keyed | {"subject": "Other"}, keyed)
    assert other["type"] == "urn:emailsminder:problem:conflict"
    assert [error["field"] for error in other["errors"]] == ["idempotency_key"]
    assert (third["id"], third["replayed"]) == (first["id"], True)
    assert second["id"] != first["id"]


def test_keys_that_are_none(client: Client) -> None:
    data = batch(
        client,
        GOOD | {"idempotency_key": "k" * 257},
        GOOD | {"idempotency_key": "  "},
        GOOD | {"idempotency_key": 7},
        GOOD | {"idempotency_key": ""},
        GOOD | {"idempotency_key": None},
    )
    assert [[error["field"] for error in one.get("errors", ())] for one in data[:3]] == [["idempotency_key"]] * 3
    assert all(one["id"] for one in data[3:])


def test_a_store_that_fails_for_one(
    client: Client, parts: Container, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    create = parts.accept.heads.create

    def failing(head: Head, now_ms: int) -> Head | None:
        if head.subject == "Fails":
            raise PutError("no")
        if head.subject == "Breaks":
            raise ZeroDivisionError
        return create(head, now_ms)

    monkeypatch.setattr(parts.accept.heads, "create", failing)
    with caplog.at_level(logging.ERROR, "app.api"):
        first, second, third = batch(client, GOOD | {"subject": "Fails"}, GOOD, GOOD | {"subject": "Breaks"})
    assert first == {
        "type": "urn:emailsminder:problem:unavailable",
        "errors": [{"field": "body", "message": "the storage does not answer; try again"}],
    }
    assert second["id"]
    assert third["type"] == "urn:emailsminder:problem:internal"
    assert [record.getMessage() for record in caplog.records] == ["storage", "unexpected"]


@pytest.mark.parametrize(("fault", "status"), [(PutError("no"), 503), (ZeroDivisionError(), 500)])
def test_a_store_that_fails_for_all_is_told_as_for_a_single_send(
    client: Client, parts: Container, monkeypatch: pytest.MonkeyPatch, fault: Exception, status: int
) -> None:
    def failing(*_: object) -> None:
        raise fault

    monkeypatch.setattr(parts.accept.heads, "create", failing)
    answer = client.post(URL, json=[GOOD, GOOD])
    assert answer.status_code == status
    assert answer.headers.get("Retry-After") == ("5" if status == 503 else None)
    some = batch(client, GOOD, GOOD | {"to": []})  # what is wrong for good is told in its place
    assert [one["type"].rpartition(":")[2] for one in some] == [
        "unavailable" if status == 503 else "internal",
        "invalid",
    ]


def test_who_is_suppressed_is_told_and_an_override_is_audited(
    client: Client, parts: Container, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    client.post("/v1/suppressions", json={"address": "stop@example.net", "note": "asked us"}).raise_for_status()
    to_both = GOOD | {"to": ["ann@example.net", "stop@example.net"]}
    with caplog.at_level(logging.WARNING, "app.api"):
        data = batch(client, to_both, GOOD, to_both | {"override_suppression": True})
    assert [[each["address"] for each in one["suppressed"]] for one in data] == [["stop@example.net"], [], []]
    (line,) = [vars(record) for record in caplog.records if record.getMessage() == "suppression overridden"]
    assert line["email_id"] == data[2]["id"]
    assert HeadItem.get(data[0]["id"], "email").suppressed
    assert clock() > 0
