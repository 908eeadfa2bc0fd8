"""/v1/suppressions: read, add, lift."""

import hashlib
import json
import logging
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from app.domain.own_entries import Fate, OwnEntry, take_over
from app.domain.suppression import DAY_MS, LASTS_MS, Bounce, Reason
from app.store.suppression_items import SuppressionItem
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


def lift(client: Client, suppression: Any) -> Any:
    return client.request("DELETE", f"/v1/suppressions/{suppression['id']}")


# Adding


def test_an_address_is_suppressed_by_hand(client: Client, parts: Container, clock: Clock) -> None:
    address = somebody()
    added = add(client, address=f"Some Body <{address.upper()}>", note="asked by phone")
    grounds = {
        "reason": "manual",
        "note": "asked by phone",
        "since": iso(clock.now_ms),
        "until": iso(clock.now_ms + LASTS_MS[Reason.MANUAL]),
    }
    assert added == {"id": added["id"], "address": address, "project": None, **grounds, "reasons": [grounds]}
    assert read(client, address=address) == {"suppressions": [added], "after": None}
    assert set(parts.suppressions.among([address], clock.now_ms, "shop")) == {address}


def test_an_international_domain_may_be_written_in_any_form(client: Client, parts: Container, clock: Clock) -> None:
    name = f"somebody-{uuid4().hex[:12]}"
    unicode, ascii_form = f"{name}@bücher.example", f"{name}@xn--bcher-kva.example"
    added = add(client, address=unicode.upper(), note="asked by phone")
    assert added["address"] == ascii_form
    assert [read(client, address=one)["suppressions"] for one in (unicode, ascii_form)] == [[added], [added]]
    assert set(parts.suppressions.among([ascii_form], clock.now_ms, "shop")) == {ascii_form}
    assert lift(client, added).status_code == 204
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


def test_the_strongest_reason_is_shown_with_the_latest_end_and_every_reason_beside_it(client: Client) -> None:
    address = somebody()
    first = add(client, address=address, note="first", until="2036-01-01T00:00:00Z")
    complained = add(client, address=address, note="second", reason="complained", until="2036-05-01T00:00:00Z")
    assert read(client, address=address)["suppressions"] == [complained]
    assert (complained["reason"], complained["note"]) == ("manual", "first")
    assert (complained["since"], complained["until"]) == (first["since"], "2036-05-01T00:00:00.000Z")
    assert [(each["reason"], each["note"], each["until"]) for each in complained["reasons"]] == [
        ("manual", "first", "2036-01-01T00:00:00.000Z"),
        ("complained", "second", "2036-05-01T00:00:00.000Z"),
    ]


def test_for_the_same_reason_the_later_one_counts_unless_it_ends_sooner(client: Client) -> None:
    address = somebody()
    add(client, address=address, note="first", until="2034-01-01T00:00:00Z")
    second = add(client, address=address, note="second", until="2034-01-01T00:00:00Z")
    assert (second["note"], len(second["reasons"])) == ("second", 1)
    sooner = add(client, address=address, note="third", until="2033-01-01T00:00:00Z")
    assert sooner == second


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
    assert lift(client, lifted).status_code == 204
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


def test_the_evidence_is_for_operators(client: Client, parts: Container) -> None:
    """It names an email, and has the words that were said of it; both may be another project's."""
    added = add(client, address=somebody(), note="sendgrid, eml_of_another, attempt 1: 550 unknown")
    reader = Client(client.app, parts.api_keys.create("shop", {"read"}, ()))
    shown = added | {"note": None, "reasons": [each | {"note": None} for each in added["reasons"]]}
    assert read(reader, address=added["address"])["suppressions"] == [shown]
    assert reader.get(f"/v1/suppressions/{added['id']}").json() == shown
    assert shown in read(reader)["suppressions"]


# Lifting


@pytest.mark.parametrize("local", ["ann", "a/b", "ann+tag", "o'neil"])
def test_a_lifted_address_is_sent_to_again(client: Client, parts: Container, clock: Clock, local: str) -> None:
    address = f"{local}-{uuid4().hex[:8]}@example.net"
    added = add(client, address=address, note="by mistake")
    answer = lift(client, added)
    assert (answer.status_code, answer.content) == (204, b"")
    assert parts.suppressions.get(address).in_force(clock.now_ms) is None
    assert lift(client, added).status_code == 404


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("named", ["sup_" + "0" * 64, "0" * 64, "nobody", "%00", "a" * 3000])
def test_what_is_not_suppressed_is_not_found(client: Client, method: str, named: str) -> None:
    answer = client.request(method, f"/v1/suppressions/{named}")
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:emailsminder:problem:not-found"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_address_does_not_stand_in_a_path(client: Client, method: str) -> None:
    """It would stand in the log of whatever lies between."""
    address = somebody()
    added = add(client, address=address, note="by mistake")
    for named in (address, hashlib.sha256(address.encode()).hexdigest()):
        assert client.request(method, f"/v1/suppressions/{named}").status_code == 404
        assert client.request(method, f"/v1/suppressions/sup_{named}").status_code == 404
    assert read(client, address=address)["suppressions"] == [added]


def test_one_is_read_by_its_id_while_it_holds(client: Client, clock: Clock) -> None:
    added = add(client, address=somebody(), note="for a while", until=iso(clock.now_ms + 5000))
    assert client.get(f"/v1/suppressions/{added['id']}").json() == added
    clock.advance(5)
    assert client.get(f"/v1/suppressions/{added['id']}").status_code == 404


def test_an_id_is_that_of_the_address_whatever_brought_the_entry(
    client: Client, parts: Container, clock: Clock
) -> None:
    """By hand, by a provider's report, and from a provider's own list."""
    address = somebody()
    by_hand = add(client, address=address, note="asked by phone")["id"]
    assert lift(client, {"id": by_hand}).status_code == 204
    clock.advance(1)
    parts.suppressions.put(Bounce(address, "5.1.1", clock.now_ms, clock.now_ms))
    assert [each["id"] for each in read(client, address=address)["suppressions"]] == [by_hand]
    assert lift(client, {"id": by_hand}).status_code == 204
    clock.advance(1)
    own = OwnEntry(address, "bounces", Reason.HARD_BOUNCE, clock.now_ms, "")
    assert (
        parts.suppressions.take_over(own.address, lambda entry: take_over(entry, own, "sendgrid", clock.now_ms))
        is Fate.TAKEN
    )
    assert client.get(f"/v1/suppressions/{by_hand}").json()["address"] == address
    assert by_hand in {each["id"] for each in read(client)["suppressions"]}


def test_an_address_whose_first_bounce_is_over_is_lifted_by_the_id_that_it_had(
    client: Client, parts: Container, clock: Clock
) -> None:
    address = somebody()
    bounce = Bounce(address, "5.1.1", clock.now_ms, clock.now_ms)
    parts.suppressions.put(bounce)
    [known] = read(client, address=address)["suppressions"]
    clock.advance(DAY_MS / 1000)
    assert read(client, address=address)["suppressions"] == []
    assert lift(client, known).status_code == 204
    assert parts.suppressions.get(address).bounces is None


def test_who_did_it_is_logged_without_the_address(
    client: Client, parts: Container, caplog: pytest.LogCaptureFixture
) -> None:
    secret = parts.api_keys.create("operator", {"admin"}, ())
    key = parts.api_keys.find(secret)
    assert key is not None
    address = somebody()
    with caplog.at_level(logging.INFO, "app.api"):
        added = client.post("/v1/suppressions", json={"address": address, "note": f"from {address}"}, key=secret).json()
        client.request("DELETE", f"/v1/suppressions/{added['id']}", key=secret)
    lines = [vars(record) for record in caplog.records if record.name == "app.api.v1.suppressions"]
    assert [(line["message"], line["key_id"]) for line in lines] == [
        ("suppression added", key.id[:12]),
        ("suppression lifted", key.id[:12]),
    ]
    assert address not in " ".join(str(vars(record)) for record in caplog.records if record.name.startswith("app."))


# Projects


def test_what_stops_one_projects_mail_is_shown_to_it_and_to_an_admin(client: Client, parts: Container) -> None:
    shop, blog = (parts.api_keys.create(name, {"read", "send"}, (), project=name) for name in ("shop", "blog"))
    address = somebody()
    for key in (shop, blog):
        email = {"from": "app@example.com", "to": address, "subject": "Hello", "text": "It works."}
        assert client.post("/v1/emails", json=email, key=key).status_code == 202
    general = add(client, address=address, note="by phone")
    own = add(client, address=address, note="asked the shop", project="shop")
    assert (general["project"], own["project"]) == (None, "shop")

    def shown(key: str, **query: str) -> set[str]:
        answer = client.get("/v1/suppressions", params=query, key=key)
        assert answer.status_code == 200, answer.text
        return {each["id"] for each in answer.json()["suppressions"] if each["address"] == address}

    for query in ({"address": address}, {}):
        assert shown(shop, **query) == shown("", **query) == {general["id"], own["id"]}
        assert shown(blog, **query) == shown("", project="blog", **query) == {general["id"]}
    for key, status in ((shop, 200), ("", 200), (blog, 404)):
        assert client.get(f"/v1/suppressions/{own['id']}", key=key).status_code == status
        assert client.get(f"/v1/suppressions/{general['id']}", key=key).status_code == 200
    assert client.get("/v1/suppressions", params={"project": "shop"}, key=blog).status_code == 403


def test_the_one_that_is_lifted_is_the_one_of_that_id(client: Client) -> None:
    address = somebody()
    general, own = (add(client, address=address, note="x", **fields) for fields in ({}, {"project": "shop"}))
    assert lift(client, own).status_code == 204
    assert read(client, address=address)["suppressions"] == [general]
    assert lift(client, own).status_code == 404


@pytest.mark.parametrize("project", ["Shop", "a" * 41, "a#b", "ü"])
def test_what_is_no_project_is_named(client: Client, project: str) -> None:
    body = {"address": somebody(), "note": "x", "project": project}
    for answer in (
        client.post("/v1/suppressions", json=body),
        client.get("/v1/suppressions", params={"project": project}),
    ):
        assert answer.status_code == 422
        [error] = answer.json()["errors"]
        assert error == {
            "field": "project",
            "message": "is not the name of a project: 1 to 40 of a-z, 0-9 and -",
        }
