"""Endpoints by API: who may have them, where they may be, and what their secrets do."""

from typing import Any

import pytest

from app.api.application import create
from app.domain.endpoint import OVERLAP_MS
from app.notify.endpoints import MOST_OF_A_PROJECT
from app.outgoing.signing import secret_of
from app.store.endpoints import EndpointItem
from app.wiring.parts import Container
from tests.api.conftest import Client, installed
from tests.support.clock import Clock
from tests.support.feed_writer import MASTER, PUBLIC

PATH = "/v1/webhook-endpoints"
NEW: dict[str, Any] = {"url": PUBLIC, "types": ["email.bounced"], "description": "orders"}


@pytest.fixture
def client(notifying: Container) -> Client:
    """With a key of the project shop."""
    return Client(create(lambda: notifying), notifying.api_keys.create("shop", {"send", "read"}, (), project="shop"))


@pytest.fixture
def admin(notifying: Container) -> str:
    return notifying.api_keys.create("operator", {"admin"}, ())


def made(client: Client, **changes: Any) -> dict[str, Any]:
    answer = client.post(PATH, json=NEW | changes)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def patch(client: Client, endpoint_id: str, **changes: Any) -> Any:
    return client.request("PATCH", f"{PATH}/{endpoint_id}", json=changes)


def test_an_endpoint_is_made_read_and_deleted(client: Client, clock: Clock) -> None:
    answer = client.post(PATH, json=NEW)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    endpoint = answer.json()
    assert answer.headers["Location"] == f"{PATH}/{endpoint['id']}"
    assert endpoint.pop("secret") == secret_of(MASTER, endpoint["id"], 1)
    assert {name: endpoint[name] for name in NEW} == NEW
    assert (endpoint["project"], endpoint["test"], endpoint["disabled"]) == ("shop", False, False)
    assert client.get(f"{PATH}/{endpoint['id']}").json() == endpoint
    assert client.get(PATH).json() == {"endpoints": [endpoint], "after": None}
    assert client.request("DELETE", f"{PATH}/{endpoint['id']}").status_code == 204
    for call in ("GET", "DELETE"):
        assert client.request(call, f"{PATH}/{endpoint['id']}").status_code == 404
    assert client.get(PATH).json()["endpoints"] == []


def test_no_other_answer_has_the_secret(client: Client) -> None:
    endpoint = made(client)
    shown = [client.get(PATH), client.get(f"{PATH}/{endpoint['id']}"), patch(client, endpoint["id"], types=[])]
    for answer in shown:
        assert answer.status_code == 200
        assert "secret" not in answer.json()
        assert "whsec_" not in answer.text


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://hooks.example.com/", "must begin with https://"),
        ("http://localhost:9000/", "a network of its own"),
        ("https://localhost/", "a network of its own"),
        ("https://127.0.0.1/", "loopback"),
        ("https://2130706433/", "plain spelling"),
        ("https://0x7f.1/", "plain spelling"),
        ("https://0177.0.0.1/", "plain spelling"),
        ("https://[::ffff:127.0.0.1]/", "may not be called"),
        ("https://169.254.169.254/latest/meta-data", "metadata"),
        ("https://10.0.0.7/", "private"),
        ("https://user:word@8.8.8.8/", "a user or a password"),
        ("https://8.8.8.8:25/", "port 25"),
        ("https://8.8.8.8/#x", "fragment"),
        ("ftp://8.8.8.8/", "https://"),
        ("8.8.8.8", "https://"),
    ],
)
def test_a_url_that_may_not_be_called_is_refused_with_the_reason(client: Client, url: str, why: str) -> None:
    endpoint = made(client)
    for answer in (client.post(PATH, json=NEW | {"url": url}), patch(client, endpoint["id"], url=url)):
        assert answer.status_code == 422, answer.text
        (error,) = answer.json()["errors"]
        assert error["field"] == "url"
        assert why in error["message"]
    assert client.get(f"{PATH}/{endpoint['id']}").json()["url"] == PUBLIC
    assert len(client.get(PATH).json()["endpoints"]) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": None}, "url"),
        ({"url": "https://8.8.8.8/" + "x" * 2000}, "url"),
        ({"types": ["email.read"]}, "types[0]"),
        ({"types": "email.sent"}, "types"),
        ({"description": "two\nlines"}, "description"),
        ({"project": "My Shop"}, "project"),
        ({"secret": "whsec_mine"}, "secret"),
    ],
)
def test_what_is_wrong_is_named(client: Client, change: dict[str, Any], field: str) -> None:
    answer = client.post(PATH, json=NEW | change)
    assert (answer.status_code, [one["field"] for one in answer.json()["errors"]]) == (422, [field])


def test_another_project_sees_and_changes_nothing(client: Client, notifying: Container) -> None:
    endpoint = made(client)
    other = notifying.api_keys.create("blog", {"send", "read"}, (), project="blog")
    test = notifying.api_keys.create("test", {"send", "read"}, (), project="shop", is_test=True)
    path = f"{PATH}/{endpoint['id']}"
    calls: list[tuple[str, str, Any]] = [
        ("GET", path, None),
        ("PATCH", path, {"disabled": True}),
        ("DELETE", path, None),
        ("POST", f"{path}/rotate-secret", None),
        ("POST", f"{path}/test", None),
        ("POST", f"{path}/replay", {"from": "2026-01-01T00:00:00Z"}),
        ("GET", f"{path}/deliveries", None),
    ]
    for key in (other, test):
        assert client.get(PATH, key=key).json()["endpoints"] == []
        for method, url, body in calls:
            options = {} if body is None else {"json": body}
            unknown = client.request(method, url.replace(endpoint["id"], "ep_none"), key=key, **options)
            answer = client.request(method, url, key=key, **options)
            assert (answer.status_code, answer.content) == (404, unknown.content), (method, url)
    for key in (other, test):
        assert client.post(PATH, json=NEW | {"project": "cafe"}, key=key).status_code == 403
        assert client.get(f"{PATH}?project=cafe", key=key).status_code == 403
    assert client.get(f"{PATH}/{endpoint['id']}").json() | {"secret": endpoint["secret"]} == endpoint


@pytest.mark.parametrize(("scopes", "reads", "manages"), [({"send"}, 403, 403), ({"read"}, 200, 403)])
def test_only_keys_with_both_scopes_change_endpoints(
    client: Client, notifying: Container, scopes: set[str], reads: int, manages: int
) -> None:
    endpoint = made(client)
    key = notifying.api_keys.create("narrow", scopes, (), project="shop")
    path = f"{PATH}/{endpoint['id']}"
    for url in (PATH, path, f"{path}/deliveries"):
        assert client.get(url, key=key).status_code == reads
    for method, url in [("POST", PATH), ("PATCH", path), ("DELETE", path), ("POST", f"{path}/test")]:
        assert client.request(method, url, key=key, json=NEW).status_code == manages
    assert client.get(path).status_code == 200


def test_an_operator_sees_and_changes_those_of_all_projects(client: Client, notifying: Container, admin: str) -> None:
    test_key = notifying.api_keys.create("test", {"send", "read"}, (), project="shop", is_test=True)
    real = made(client)
    test = client.post(PATH, json=NEW, key=test_key).json()
    assert (test["project"], test["test"]) == ("shop", True)
    blog = client.post(PATH, json=NEW | {"project": "blog"}, key=admin).json()
    assert blog["project"] == "blog"
    assert client.post(PATH, json=NEW, key=admin).json()["project"] == "default"
    assert len(client.get(PATH, key=admin).json()["endpoints"]) == 4
    shop = client.get(f"{PATH}?project=shop", key=admin).json()["endpoints"]
    assert {one["id"] for one in shop} == {real["id"], test["id"]}
    for endpoint in (real, test, blog):
        path = f"{PATH}/{endpoint['id']}"
        assert client.request("PATCH", path, json={"disabled": True}, key=admin).json()["disabled_because"] == "by_user"
        assert client.post(f"{path}/rotate-secret", key=admin).status_code == 200
        assert client.get(f"{path}?project=cafe", key=admin).status_code == 404
        assert client.request("DELETE", f"{path}?project={endpoint['project']}", key=admin).status_code == 204


def test_they_are_listed_newest_first_a_page_at_a_time(client: Client, clock: Clock) -> None:
    ids = []
    for _ in range(5):
        ids.append(made(client)["id"])
        clock.advance(1)
    found: list[str] = []
    after: str | None = ""
    while after is not None:
        page = client.get(PATH, params={"limit": 2, "after": after}).json()
        found, after = found + [one["id"] for one in page["endpoints"]], page["after"]
    assert found == ids[::-1]
    for wrong in ("after=nonsense", "limit=0", "limit=101", "secret=x"):
        assert client.get(f"{PATH}?{wrong}").status_code == 422


def test_a_change_leaves_what_it_does_not_name(client: Client, clock: Clock) -> None:
    endpoint = made(client)
    changed = patch(client, endpoint["id"], url="https://8.8.4.4/b", types=[]).json()
    assert (changed["url"], changed["types"], changed["description"]) == ("https://8.8.4.4/b", [], "orders")
    clock.advance(60)
    off = patch(client, endpoint["id"], disabled=True).json()
    assert (off["disabled"], off["disabled_because"]) == (True, "by_user")
    assert off["disabled_at"] is not None
    on = patch(client, endpoint["id"], disabled=False, description="all").json()
    assert on == changed | {"description": "all"}
    assert patch(client, endpoint["id"]).status_code == 422
    assert patch(client, endpoint["id"], disabled="yes").status_code == 422


def test_to_enable_an_endpoint_forgets_its_failures(client: Client, clock: Clock) -> None:
    endpoint = made(client)
    item = EndpointItem.get("shop", endpoint["id"])
    item.update([EndpointItem.failing_since.set(clock.now_ms), EndpointItem.disabled.set("failing")])
    shown = client.get(f"{PATH}/{endpoint['id']}").json()
    assert shown["disabled_because"] == "failing"
    assert shown["failing_since"] is not None
    assert patch(client, endpoint["id"], disabled=False).json()["failing_since"] is None


def test_a_rotated_secret_signs_beside_the_old_one_for_a_day(client: Client, clock: Clock) -> None:
    endpoint = made(client)
    assert endpoint["old_secret_until"] is None
    answer = client.post(f"{PATH}/{endpoint['id']}/rotate-secret")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    rotated = answer.json()
    assert rotated["secret"] == secret_of(MASTER, endpoint["id"], 2) != endpoint["secret"]
    shown = client.get(f"{PATH}/{endpoint['id']}").json()
    assert shown["old_secret_until"] == rotated["old_secret_until"] is not None
    clock.advance(OVERLAP_MS / 1000)
    assert client.get(f"{PATH}/{endpoint['id']}").json()["old_secret_until"] is None


def test_a_project_has_a_bounded_number_of_them(client: Client, admin: str) -> None:
    for _ in range(MOST_OF_A_PROJECT):
        made(client)
    answer = client.post(PATH, json=NEW)
    assert answer.status_code == 409
    assert str(MOST_OF_A_PROJECT) in answer.json()["detail"]
    assert client.post(PATH, json=NEW | {"project": "blog"}, key=admin).status_code == 201
    client.request("DELETE", client.get(PATH).json()["endpoints"][0]["id"].join((f"{PATH}/", "")))
    made(client)


def test_the_default_has_a_secret_and_nothing_that_can_be_changed(client: Client, admin: str) -> None:
    path = f"{PATH}/default"
    shown = client.get(path).json()
    assert (shown["id"], shown["url"], shown["created_at"], shown["project"]) == ("default", "", None, "shop")
    rotated = client.post(f"{path}/rotate-secret").json()
    assert rotated["secret"] == secret_of(MASTER, "shop:default", 2)
    assert rotated["old_secret_until"] is not None
    again = client.post(f"{path}/rotate-secret").json()
    assert again["secret"] == secret_of(MASTER, "shop:default", 3)
    for method, url in [("PATCH", path), ("DELETE", path), ("POST", f"{path}/test"), ("POST", f"{path}/replay")]:
        body = {"from": "2026-01-01T00:00:00Z"} if url.endswith("replay") else {"disabled": True}
        assert client.request(method, url, json=body).status_code == 409, (method, url)
    assert client.get(f"{path}/deliveries").json() == {"deliveries": [], "after": None}
    assert client.get(PATH).json()["endpoints"] == []
    assert client.get(path, key=admin).json()["project"] == "default"
    other = client.post(f"{path}/rotate-secret?project=shop", key=admin).json()
    assert other["secret"] == secret_of(MASTER, "shop:default", 4)


def test_an_idempotency_key_would_promise_too_much(client: Client) -> None:
    answer = client.post(PATH, json=NEW, headers={"Idempotency-Key": "a"})
    assert [one["field"] for one in answer.json()["errors"]] == ["Idempotency-Key"]
    assert client.get(PATH).json()["endpoints"] == []


def test_without_a_master_secret_the_answer_names_it_and_nothing_is_stored(clock: Clock) -> None:
    with installed(clock) as parts:
        client = Client(create(lambda: parts), parts.api_keys.create("all", {"admin"}, ()))
        for path in (PATH, f"{PATH}/default/rotate-secret"):
            answer = client.post(path, json=NEW)
            assert answer.status_code == 503
            assert "WEBHOOK_SECRET is not set" in answer.json()["detail"]
        assert EndpointItem.count() == 0


def test_an_endpoint_of_another_version_hides_no_other_and_can_be_deleted(client: Client) -> None:
    endpoint, damaged = made(client), made(client)
    table = EndpointItem._get_connection()
    raw = table.get_item("shop", damaged["id"])["Item"]
    table.put_item("shop", damaged["id"], attributes=raw | {"began": {"S": "x"}})
    assert [one["id"] for one in client.get(PATH).json()["endpoints"]] == [endpoint["id"]]
    assert client.get(f"{PATH}/{damaged['id']}").status_code == 503
    assert client.request("DELETE", f"{PATH}/{damaged['id']}").status_code == 204
