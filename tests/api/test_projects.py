"""Projects: whose emails a key sees, cancels and lists."""

from typing import Any
from uuid import uuid4

import pytest

from app.store.api_keys import ApiKeyItem
from app.wiring.parts import Container
from tests.api.conftest import Client

EMAIL: dict[str, Any] = {"from": "app@example.com", "subject": "Hello", "text": "It works."}


@pytest.fixture
def keys(parts: Container) -> dict[str, str]:
    """A key of two projects each, one that names none, and one that may do everything."""
    scopes = {"send", "read"}
    return {
        "shop": parts.api_keys.create("shop", scopes, (), project="shop"),
        "blog": parts.api_keys.create("blog", scopes, (), project="blog"),
        "default": parts.api_keys.create("plain", scopes, ()),
        "admin": parts.api_keys.create("operator", {"admin"}, (), project="shop"),
    }


def send(client: Client, key: str, **fields: Any) -> str:
    answer = client.post("/v1/emails", json=EMAIL | {"to": "ann@example.net"} | fields, key=key)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def listing(client: Client, key: str, **query: str) -> list[str]:
    answer = client.get("/v1/emails", params={"limit": "100"} | query, key=key)
    assert answer.status_code == 200, answer.text
    return [email["id"] for email in answer.json()["emails"]]


@pytest.mark.parametrize("owner", ["shop", "blog", "default"])
def test_a_key_reads_its_own_project_and_another_is_as_unknown_as_an_id_that_is_none(
    client: Client, keys: dict[str, str], owner: str
) -> None:
    email_id = send(client, keys[owner])
    unknown = client.get("/v1/emails/eml_none", key=keys[owner])
    for name, key in keys.items():
        answer = client.get(f"/v1/emails/{email_id}", key=key)
        if name in (owner, "admin"):
            assert (answer.status_code, answer.json()["project"]) == (200, owner)
        else:
            assert (answer.status_code, answer.content) == (404, unknown.content)


def test_a_key_cancels_in_its_own_project_only(client: Client, keys: dict[str, str]) -> None:
    email_id = send(client, keys["shop"])
    unknown = client.post("/v1/emails/eml_none/cancel", key=keys["shop"])
    for name in ("blog", "default"):
        answer = client.post(f"/v1/emails/{email_id}/cancel", key=keys[name])
        assert (answer.status_code, answer.content) == (404, unknown.content)
    assert client.get(f"/v1/emails/{email_id}", key=keys["shop"]).json()["status"] == "queued"
    assert client.post(f"/v1/emails/{email_id}/cancel", key=keys["shop"]).json()["status"] == "canceled"
    assert client.post(f"/v1/emails/{email_id}/cancel", key=keys["admin"]).status_code == 200


def test_a_key_lists_its_own_project_by_every_filter(client: Client, keys: dict[str, str]) -> None:
    to, tag = f"ann-{uuid4().hex}@example.net", uuid4().hex
    sent = {name: send(client, keys[name], to=to, tags=[tag]) for name in ("shop", "blog", "default")}
    for name, email_id in sent.items():
        mine = [{"recipient": to}, {"tag": tag}, {"recipient": to, "tag": tag}, {"tag": tag, "status": "queued"}]
        assert [listing(client, keys[name], **query) for query in mine] == [[email_id]] * len(mine)
        assert email_id in listing(client, keys[name])
        others = {each for other, each in sent.items() if other != name}
        assert not others & set(listing(client, keys[name]))


def test_an_admin_key_lists_all_projects_or_one(client: Client, keys: dict[str, str]) -> None:
    tag = uuid4().hex
    sent = {name: send(client, keys[name], tags=[tag]) for name in ("shop", "blog", "default")}
    assert sorted(listing(client, keys["admin"], tag=tag)) == sorted(sent.values())
    assert set(sent.values()) <= set(listing(client, keys["admin"]))
    for name, email_id in sent.items():
        assert listing(client, keys["admin"], tag=tag, project=name) == [email_id]
    assert send(client, keys["admin"], tags=[tag]) in listing(client, keys["shop"], tag=tag)


def test_another_keys_project_cannot_be_asked_for_nor_reached_by_a_cursor(client: Client, keys: dict[str, str]) -> None:
    for _ in range(3):
        send(client, keys["shop"])
    theirs = client.get("/v1/emails", params={"limit": 1}, key=keys["shop"]).json()
    page = client.get("/v1/emails", params={"after": theirs["after"], "limit": 100}, key=keys["blog"]).json()
    assert {email["project"] for email in page["emails"]} <= {"blog"}
    answer = client.get("/v1/emails", params={"project": "shop"}, key=keys["blog"])
    assert answer.status_code == 403
    assert listing(client, keys["shop"], project="shop") == listing(client, keys["shop"])


def test_a_stored_key_without_a_project_does_not_see_all(client: Client, keys: dict[str, str]) -> None:
    email_id = send(client, keys["shop"])
    secret = client.key
    for item in ApiKeyItem.scan():
        if item.name == "plain":
            item.update(actions=[ApiKeyItem.project.remove()])
    assert secret
    assert client.get(f"/v1/emails/{email_id}", key=keys["default"]).status_code == 404


@pytest.mark.parametrize(
    ("tags", "found", "not_found"),
    [
        (["receipt"], ["receipt"], ["receip", "receipt=", "Receipt"]),
        ("receipt", ["receipt"], []),
        ([{"name": "order", "value": "4711"}], ["order=4711", "order"], ["4711", "order=47"]),
        ([{"name": "order", "value": "a=b"}], ["order=a=b", "order"], ["order=a"]),
        (["a", {"name": "n", "value": "ü"}, 7], ["a", "n=ü", "n", "7"], []),
    ],
)
def test_an_email_is_found_by_its_tags(
    client: Client, keys: dict[str, str], tags: Any, found: list[str], not_found: list[str]
) -> None:
    to = f"{uuid4().hex}@example.net"
    email_id = send(client, keys["shop"], to=to, tags=tags)
    for text in found:
        assert email_id in listing(client, keys["shop"], tag=text), text
        assert listing(client, keys["shop"], tag=text, recipient=to) == [email_id]
    for text in not_found:
        assert email_id not in listing(client, keys["shop"], tag=text), text
        assert listing(client, keys["shop"], tag=text, recipient=to) == []


def test_a_span_of_time_is_from_its_first_moment_until_before_its_last(
    client: Client, keys: dict[str, str], parts: Container
) -> None:
    parts.clock.advance(10**6)  # type: ignore[attr-defined] # because the clock of a test can be moved
    sent, times = [], []
    for _ in range(3):
        sent.append(send(client, keys["shop"]))
        times.append(client.get(f"/v1/emails/{sent[-1]}", key=keys["shop"]).json()["created_at"])
        parts.clock.advance(1)  # type: ignore[attr-defined] # because the clock of a test can be moved
    first, second, third = times
    assert listing(client, keys["shop"], **{"from": first}) == sent[::-1]
    assert listing(client, keys["shop"], **{"from": second, "to": third}) == [sent[1]]
    assert listing(client, keys["shop"], **{"from": first, "to": third, "status": "queued"}) == sent[1::-1]
    in_paris = third.replace("Z", "+00:00")
    assert listing(client, keys["shop"], **{"from": in_paris}) == [sent[2]]
    query = f"from={in_paris}"  # its + is not escaped
    assert len(client.get(f"/v1/emails?{query}", key=keys["shop"]).json()["emails"]) == 1
