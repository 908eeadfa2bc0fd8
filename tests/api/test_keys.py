"""API keys by API: made, rotated and revoked by operators, who cannot lock themselves out by one call."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.api.application import create
from app.domain.lane import Lane
from app.store.api_keys import CACHE_FOR_S, USE_NOTED_EVERY_MS, ApiKeyItem, ApiKeys
from app.wiring.parts import Container
from tests.api.conftest import Client
from tests.support.clock import Clock

SHOP: dict[str, Any] = {"name": "shop", "scopes": ["send", "read"], "domains": ["example.com"], "project": "shop"}
DAY_S = 24 * 3600


@pytest.fixture
def client(empty: Container) -> Client:
    return Client(create(lambda: empty), empty.api_keys.create("operator", {"admin"}, ()))


def id_of(client: Client, name: str) -> str:
    [found] = [one["id"] for one in client.get("/v1/keys").json()["keys"] if one["name"] == name]
    return str(found)


def works(client: Client, secret: str) -> bool:
    status = client.get("/v1/emails", key=secret).status_code
    assert status in (200, 401)
    return status == 200


def test_a_key_is_created_and_does_what_it_may(client: Client) -> None:
    answer = client.post("/v1/keys", json=SHOP)
    assert answer.status_code == 201
    made = answer.json()
    assert answer.headers["Location"] == f"/v1/keys/{made['id']}"
    secret = made.pop("secret")
    assert {name: made[name] for name in SHOP} == SHOP
    assert (made["state"], made["last_used_at"], made["expires_at"], made["revoked_at"]) == ("active", None, None, None)
    assert client.get(answer.headers["Location"]).json() == made
    email = {"from": "a@example.com", "to": "ann@example.net", "subject": "Hi", "text": "x"}
    assert client.post("/v1/emails", json=email, key=secret).json()["project"] == "shop"
    assert client.post("/v1/emails", json=email | {"from": "a@example.org"}, key=secret).status_code == 403
    assert client.get("/v1/keys", key=secret).status_code == 403


def test_no_answer_but_the_first_has_the_secret(client: Client) -> None:
    secret = client.post("/v1/keys", json=SHOP).json()["secret"]
    listed = client.get("/v1/keys").text
    assert secret not in listed
    assert client.key not in listed
    assert "secret" not in client.get("/v1/keys").json()["keys"][0]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["root"]}, "scopes[0]"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"domains": ["a b"]}, "domains[0]"),
        ({"project": "My Shop"}, "project"),
        ({"secret": "em_mine"}, "secret"),
    ],
)
def test_what_is_wrong_is_named(client: Client, change: dict[str, Any], field: str) -> None:
    answer = client.post("/v1/keys", json=SHOP | change)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_keys_are_listed_newest_first_a_page_at_a_time(client: Client, clock: Clock) -> None:
    for number in range(5):
        clock.advance(1)
        client.post("/v1/keys", json=SHOP | {"name": f"n{number}", "project": f"p{number % 2}"})
    names: list[str] = []
    after = ""
    while after is not None:
        page = client.get("/v1/keys", params={"limit": 2, "after": after}).json()
        names += [one["name"] for one in page["keys"]]
        after = page["after"]
    assert names == ["n4", "n3", "n2", "n1", "n0", "operator"]
    assert [one["name"] for one in client.get("/v1/keys?project=p1").json()["keys"]] == ["n3", "n1"]
    assert client.get("/v1/keys?after=nonsense").status_code == 422


def test_a_revoked_key_stops_and_revoking_it_again_changes_nothing(client: Client, clock: Clock) -> None:
    made = client.post("/v1/keys", json=SHOP).json()
    assert works(client, made["secret"])
    for _ in range(2):
        answer = client.request("DELETE", f"/v1/keys/{made['id']}")
        assert (answer.status_code, answer.content) == (204, b"")
        clock.advance(CACHE_FOR_S + 1)
        seen = client.get(f"/v1/keys/{made['id']}").json()
        assert seen["state"] == "revoked"
        made.setdefault("revoked_at", None)
        assert made["revoked_at"] in (None, seen["revoked_at"])
        made["revoked_at"] = seen["revoked_at"]
    assert not works(client, made["secret"])
    assert client.post(f"/v1/keys/{made['id']}/rotate").status_code == 409


@pytest.mark.parametrize("key_id", ["key_" + "0" * 64, "key_1", "%00", "x" * 3000])
@pytest.mark.parametrize("call", [("GET", ""), ("DELETE", ""), ("POST", "/rotate")])
def test_an_unknown_key_is_not_found(client: Client, call: tuple[str, str], key_id: str) -> None:
    assert client.request(call[0], f"/v1/keys/{key_id}{call[1]}").status_code == 404


def test_a_rotated_key_works_for_a_day_beside_the_new_one(client: Client, clock: Clock) -> None:
    old = client.post("/v1/keys", json=SHOP).json()
    answer = client.post(f"/v1/keys/{old['id']}/rotate")
    assert answer.status_code == 201
    new = answer.json()
    assert answer.headers["Location"] == f"/v1/keys/{new['id']}"
    assert {name: new[name] for name in SHOP} == SHOP
    assert (new["state"], new["old_id"]) == ("active", old["id"])
    assert client.get(f"/v1/keys/{old['id']}").json()["state"] == "ending"
    clock.advance(DAY_S - 2)
    assert works(client, old["secret"])
    assert works(client, new["secret"])
    clock.advance(2)  # though a process has it in its cache
    assert not works(client, old["secret"])
    assert works(client, new["secret"])
    assert client.get(f"/v1/keys/{old['id']}").json()["state"] == "ended"


def test_to_rotate_again_after_a_lost_answer_keeps_the_first_end(client: Client, clock: Clock) -> None:
    old = client.post("/v1/keys", json=SHOP).json()
    first = client.post(f"/v1/keys/{old['id']}/rotate?overlap_s=3600").json()
    clock.advance(60)
    again = client.post(f"/v1/keys/{old['id']}/rotate?overlap_s=7200").json()
    assert again["old_expires_at"] == first["old_expires_at"]
    assert again["id"] != first["id"]
    assert works(client, again["secret"])
    assert client.request("DELETE", f"/v1/keys/{first['id']}").status_code == 204


def test_whatever_a_key_has_goes_over_to_the_next(client: Client) -> None:
    old = client.post("/v1/keys", json=SHOP).json()
    table = ApiKeyItem._get_connection()
    raw = table.get_item(old["id"].removeprefix("key_"))["Item"]
    table.put_item(raw.pop("key_sha256")["S"], attributes=raw | {"what_a_newer_version_knows": {"S": "x"}})
    new = client.post(f"/v1/keys/{old['id']}/rotate").json()
    assert table.get_item(new["id"].removeprefix("key_"))["Item"]["what_a_newer_version_knows"] == {"S": "x"}


def test_nobody_revokes_the_key_in_their_hand(client: Client) -> None:
    own = f"/v1/keys/{id_of(client, 'operator')}"
    answer = client.request("DELETE", own)
    assert answer.status_code == 409
    assert "with another key" in answer.json()["detail"]
    short = client.post(f"{own}/rotate?overlap_s=0")
    assert [error["field"] for error in short.json()["errors"]] == ["overlap_s"]
    assert works(client, client.key)


def test_a_key_that_ends_leaves_another_operator(client: Client) -> None:
    own = f"/v1/keys/{id_of(client, 'operator')}"
    new = client.post(f"{own}/rotate").json()
    refused = client.request("DELETE", f"/v1/keys/{new['id']}")
    assert refused.status_code == 409  # the own one ends in a day, and nobody would be left
    other = client.post("/v1/keys", json=SHOP | {"scopes": ["admin"], "domains": []})
    assert other.status_code == 201
    assert client.request("DELETE", f"/v1/keys/{new['id']}").status_code == 204


def test_nobody_grants_more_than_they_have(client: Client, empty: Container) -> None:
    narrow = empty.api_keys.create("narrow", {"admin"}, ["example.com"])
    assert client.post("/v1/keys", json=SHOP, key=narrow).status_code == 201
    for domains in ([], ["example.org"], ["example.com", "example.org"]):
        assert client.post("/v1/keys", json=SHOP | {"domains": domains}, key=narrow).status_code == 403
    assert client.post(f"/v1/keys/{id_of(client, 'operator')}/rotate", key=narrow).status_code == 403


@pytest.mark.parametrize(
    ("field", "own", "granted", "refused"),
    [("lane", Lane.BULK, ("bulk",), (None, "urgent")), ("rate_limit", 10, (1, 10), (None, 11))],
)
def test_a_lane_and_a_rate_are_granted_as_far_as_they_are_the_key_s_own(
    client: Client, empty: Container, field: str, own: Any, granted: tuple[Any, ...], refused: tuple[Any, ...]
) -> None:
    narrow = empty.api_keys.create("narrow", {"admin"}, (), **{field: own})
    for value in granted:
        assert client.post("/v1/keys", json=SHOP | {field: value}, key=narrow).status_code == 201
    for value in refused:
        answer = client.post("/v1/keys", json=SHOP | {field: value}, key=narrow)
        assert (answer.status_code, answer.json()["detail"].endswith("grants no more than it has")) == (403, True)
    assert client.post(f"/v1/keys/{id_of(client, 'operator')}/rotate", key=narrow).status_code == 403
    assert client.post(f"/v1/keys/{id_of(client, 'narrow')}/rotate", key=narrow).status_code == 201


def test_a_key_that_cannot_be_read_is_named_and_can_be_revoked(client: Client) -> None:
    made = client.post("/v1/keys", json=SHOP).json()
    ApiKeyItem._get_connection().update_item(
        made["id"].removeprefix("key_"), actions=[ApiKeyItem.project.set("No Project")]
    )
    page = client.get("/v1/keys").json()
    assert page["unreadable"] == [made["id"]]
    assert client.get(f"/v1/keys/{made['id']}").status_code == 503
    assert client.request("DELETE", f"/v1/keys/{made['id']}").status_code == 204


# --- Last used ---------------------------------------------------------------------------------------------------


@pytest.fixture
def updates() -> Iterator[list[str]]:
    """The updates that are made meanwhile, of whatever table."""
    events = ApiKeyItem._get_connection().connection.client.meta.events
    seen: list[str] = []

    def note(model: Any, **_: Any) -> None:
        seen.append(model.name)

    events.register("before-call.dynamodb.UpdateItem", note)
    yield seen
    events.unregister("before-call.dynamodb.UpdateItem", note)


def test_a_key_learns_once_an_hour_that_it_is_used(empty: Container, clock: Clock, updates: list[str]) -> None:
    secret = empty.api_keys.create("used", {"read"}, ())
    began_ms = clock.now_ms
    for _ in range(60):
        for process in (empty.api_keys, ApiKeys(clock)):  # the other one has just started, and reads what is stored
            assert process.find(secret) is not None
        clock.advance(CACHE_FOR_S + 1)
    assert len(updates) == 1
    [key] = empty.api_keys.all()
    assert key.last_used_at_ms == began_ms
    clock.advance(USE_NOTED_EVERY_MS / 1000)
    found = empty.api_keys.find(secret)
    assert found is not None
    assert len(updates) == 2
    [key] = empty.api_keys.all()
    assert key.last_used_at_ms == clock.now_ms


def test_that_it_cannot_be_noted_fails_nobody_and_is_not_tried_again_at_once(
    client: Client, empty: Container, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    secret = empty.api_keys.create("used", {"read"}, ())
    events = ApiKeyItem._get_connection().connection.client.meta.events
    tried: list[str] = []

    def refuse(model: Any, **_: Any) -> Any:
        tried.append(model.name)
        http: Any = type("Answer", (), {"status_code": 400, "headers": {}})
        return http, {"Error": {"Code": "AccessDeniedException", "Message": "no"}, "ResponseMetadata": {}}

    events.register("before-call.dynamodb.UpdateItem", refuse)
    try:
        for _ in range(3):
            assert works(client, secret)
            clock.advance(CACHE_FOR_S + 1)
    finally:
        events.unregister("before-call.dynamodb.UpdateItem", refuse)
    assert len(tried) == 1
    assert "use of a key not noted" in caplog.text
