"""/v1/suppressions: read, add, lift."""

import json
import logging
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from app.domain.suppression import LASTS_MS, Reason
from app.store.suppressions import SuppressionItem
from app.wiring.parts import Container
from tests.api.conftest import Client
from tests.support.clock import Clock

JSON = {"Content-Type": "application/json"}


def somebody() -> str:
    return f"somebody-{uuid4().hex[:12]}@example.net"


def iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def add(client: Client, **body: Any) -> Any:
    answer = client.post("/v1/suppressions", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def read(client: Client, **query: Any) -> Any:
    answer = client.get("/v1/suppressions", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


# Adding


def test_an_address_is_suppressed_by_hand(client: Client, parts: Container, clock: Clock) -> None:
    address = somebody()
    added = add(client, address=f"Some Body <{address.upper()}>", note="asked by phone")
    assert added == {
        "address": address,
        "reason": "manual",
        "note": "asked by phone",
        "since": iso(clock.now_ms),
        "until": iso(clock.now_ms + LASTS_MS[Reason.MANUAL]),
    }
    assert read(client, address=address) == {"suppressions": [added], "after": None}
    assert parts.suppressions.among([address], clock.now_ms) == {address}


def test_an_international_domain_may_be_written_in_any_form(client: Client, parts: Container, clock: Clock) -> None:
    name = f"somebody-{uuid4().hex[:12]}"
    unicode, ascii_form = f"{name}@bücher.example", f"{name}@xn--bcher-kva.example"
    added = add(client, address=unicode.upper(), note="asked by phone")
    assert added["address"] == ascii_form
    assert [read(client, address=one)["suppressions"] for one in (unicode, ascii_form)] == [[added], [added]]
    assert parts.suppressions.among([ascii_form], clock.now_ms) == {ascii_form}
    assert client.request("DELETE", f"/v1/suppressions/{quote(unicode)}").status_code == 204
    assert read(client, address=ascii_form)["suppressions"] == []


@pytest.mark.parametrize("reason", list(Reason))
def test_how_long_it_lasts_depends_on_the_reason(client: Client, clock: Clock, reason: Reason) -> None:
    added = add(client, address=somebody(), note="seen", reason=reason.value)
    assert (added["reason"], added["until"]) == (reason.value, iso(clock.now_ms + LASTS_MS[reason]))


def test_until_is_taken_as_given(client: Client, clock: Clock) -> None:
    address, until = somebody(), iso(clock.now_ms + 5000)
    assert add(client, address=address, note="for a while", until=until)["until"] == until
    clock.advance(5)
    assert read(client, address=address)["suppressions"] == []  # whenever DynamoDB deletes it


def test_what_was_known_before_is_replaced(client: Client) -> None:
    address = somebody()
    add(client, address=address, note="first", reason="hard_bounce")
    second = add(client, address=address, note="second")
    assert read(client, address=address)["suppressions"] == [second]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "address"),
        ({"address": "nobody"}, "address"),
        ({"address": 7}, "address"),
        ({"address": ["ann@example.com"]}, "address"),
        ({"note": None}, "note"),
        ({"note": ""}, "note"),
        ({"note": "x" * 501}, "note"),
        ({"note": "a\r\nb"}, "note"),
        ({"note": "\ud800"}, "note"),
        ({"reason": "spite"}, "reason"),
        ({"reason": 7}, "reason"),
        ({"until": "tomorrow"}, "until"),
        ({"until": "2020-01-01T00:00:00Z"}, "until"),
        ({"until": "9999-12-31T23:59:59-23:59"}, "until"),
        ({"nte": "x"}, "nte"),
        ({"send_at": "x"}, "send_at"),
    ],
)
def test_a_fault_is_named(client: Client, body: dict[str, Any], field: str) -> None:
    before = SuppressionItem.count()
    whole = {"address": "ann@example.com", "note": "seen"} | body if body else {"note": "seen"}
    answer = client.post("/v1/suppressions", content=json.dumps(whole), headers=JSON)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert SuppressionItem.count() == before


def test_an_unknown_field_is_explained_in_the_words_of_this_call(client: Client) -> None:
    answer = client.post(
        "/v1/suppressions", json={"address": "ann@example.com", "note": "x", "nte": "x", "send_at": "x"}
    )
    assert [error["message"] for error in answer.json()["errors"]] == [
        "is not a known field; did you mean note?",
        "is not a known field",
    ]


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [(b"{", JSON, 400), (b"[]", JSON, 422), (b"{}", {"Content-Type": "text/plain"}, 415)],
)
def test_what_is_no_such_body_is_refused(client: Client, content: bytes, headers: dict[str, str], status: int) -> None:
    assert client.post("/v1/suppressions", content=content, headers=headers).status_code == status


# Reading


def test_one_that_is_not_there_is_an_empty_list(client: Client) -> None:
    assert read(client, address=somebody()) == {"suppressions": [], "after": None}


def test_pages_show_every_address_once(client: Client) -> None:
    ours = {add(client, address=somebody(), note="page")["address"] for _ in range(5)}
    seen: list[str] = []
    after = ""
    while after is not None:
        page = read(client, limit=2, after=after)
        assert len(page["suppressions"]) <= 2
        seen += [each["address"] for each in page["suppressions"]]
        after = page["after"]
    assert ours <= set(seen)
    assert len(set(seen)) == len(seen)


def test_the_next_page_comes_after_one_that_was_lifted_meanwhile(client: Client) -> None:
    for _ in range(3):
        add(client, address=somebody(), note="page")
    everybody = [each["address"] for each in read(client)["suppressions"]]
    first = read(client, limit=1)
    [lifted] = first["suppressions"]
    assert client.request("DELETE", f"/v1/suppressions/{lifted['address']}").status_code == 204
    rest = read(client, after=first["after"])["suppressions"]
    assert {each["address"] for each in rest} == set(everybody) - {lifted["address"]}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("address=nobody", "address"),
        ("after=!", "after"),
        ("after=AAAA", "after"),
        ("after=gICA", "after"),
        ("after=" + "A" * 601, "after"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("adress=ann@example.com", "adress"),
    ],
)
def test_a_query_that_is_none_is_refused(client: Client, query: str, field: str) -> None:
    answer = client.get(f"/v1/suppressions?{query}")
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]


# Lifting


@pytest.mark.parametrize("local", ["ann", "a/b", "ann+tag", "o'neil"])
def test_a_lifted_address_is_sent_to_again(client: Client, parts: Container, clock: Clock, local: str) -> None:
    address = f"{local}-{uuid4().hex[:8]}@example.net"
    add(client, address=address, note="by mistake")
    answer = client.request("DELETE", f"/v1/suppressions/{quote(address.upper(), safe='')}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert parts.suppressions.get(address, clock.now_ms) is None
    assert client.request("DELETE", f"/v1/suppressions/{address}").status_code == 404


@pytest.mark.parametrize("address", ["nobody@example.com", "nobody", "%00", "a" * 3000])
def test_what_is_not_suppressed_is_not_found(client: Client, address: str) -> None:
    answer = client.request("DELETE", f"/v1/suppressions/{address}")
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:emailsminder:problem:not-found"


def test_who_did_it_is_logged_without_the_address(
    client: Client, parts: Container, caplog: pytest.LogCaptureFixture
) -> None:
    secret = parts.api_keys.create("operator", {"admin"}, ())
    key = parts.api_keys.find(secret)
    assert key is not None
    address = somebody()
    with caplog.at_level(logging.INFO, "app.api"):
        client.post("/v1/suppressions", json={"address": address, "note": f"from {address}"}, key=secret)
        client.request("DELETE", f"/v1/suppressions/{address}", key=secret)
    lines = [vars(record) for record in caplog.records if record.name == "app.api.v1.suppressions"]
    assert [(line["message"], line["key_id"]) for line in lines] == [
        ("suppression added", key.id[:12]),
        ("suppression lifted", key.id[:12]),
    ]
    assert address not in " ".join(str(vars(record)) for record in caplog.records if record.name.startswith("app."))
