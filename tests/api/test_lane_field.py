"""The lane of an email, over HTTP: what a request names, and what an API key is fixed to."""

from typing import Any

import pytest

from app.domain.lane import Lane
from app.wiring.parts import Container
from tests.api.conftest import Client

EMAIL: dict[str, Any] = {"from": "app@example.com", "to": "ann@example.net", "subject": "Hello", "text": "It works."}
SCOPES = {"send", "read"}


@pytest.fixture
def bulk_key(parts: Container) -> str:
    """A key that is fixed to the lane bulk."""
    return parts.api_keys.create("newsletters", SCOPES, (), lane=Lane.BULK)


@pytest.mark.parametrize(("named", "lane"), [("urgent", "urgent"), ("bulk", "bulk"), ("", "normal"), (None, "normal")])
def test_the_lane_that_a_request_names_is_in_its_answer_its_story_and_the_list(
    client: Client, named: str | None, lane: str
) -> None:
    answer = client.post("/v1/emails", json={**EMAIL, "lane": named})
    assert (answer.status_code, answer.json()["lane"]) == (202, lane)
    email_id = answer.json()["id"]
    assert client.get(f"/v1/emails/{email_id}").json()["lane"] == lane
    listed = client.get("/v1/emails", params={"limit": "100"}).json()["emails"]
    assert {one["id"]: one["lane"] for one in listed}[email_id] == lane


@pytest.mark.parametrize("lane", ["express", "Urgent", 1, ["urgent"]])
def test_a_lane_that_there_is_not_is_refused_with_those_that_there_are(client: Client, lane: Any) -> None:
    answer = client.post("/v1/emails", json={**EMAIL, "lane": lane})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == "lane"
    assert "urgent" in error["message"]


def test_a_key_that_is_fixed_to_a_lane_sends_everything_in_it(client: Client, bulk_key: str) -> None:
    for email in (EMAIL, {**EMAIL, "lane": "bulk"}):
        assert client.post("/v1/emails", json=email, key=bulk_key).json()["lane"] == "bulk"
    assert client.post("/v1/emails/explain", json=EMAIL, key=bulk_key).json()["lane"] == "bulk"


def test_an_email_of_a_batch_is_in_bulk_unless_it_names_another_lane(client: Client) -> None:
    batch = [EMAIL, {**EMAIL, "lane": "urgent"}, {**EMAIL, "lane": "normal"}, {**EMAIL, "lane": None}]
    data = client.post("/v1/emails/batch", json=batch).json()["data"]
    assert [one["lane"] for one in data] == ["bulk", "urgent", "normal", "bulk"]
    assert [client.get(f"/v1/emails/{one['id']}").json()["lane"] for one in data] == [one["lane"] for one in data]


def test_the_lane_of_a_key_goes_before_that_of_a_batch(client: Client, parts: Container) -> None:
    urgent = parts.api_keys.create("codes", SCOPES, (), lane=Lane.URGENT)
    batch = [EMAIL, {**EMAIL, "lane": "urgent"}, {**EMAIL, "lane": "bulk"}]
    first, second, refused = client.post("/v1/emails/batch", json=batch, key=urgent).json()["data"]
    assert (first["lane"], second["lane"]) == ("urgent", "urgent")
    assert [error["field"] for error in refused["errors"]] == ["lane"]


@pytest.mark.parametrize("path", ["/v1/emails", "/v1/emails/explain"])
@pytest.mark.parametrize("lane", ["urgent", "normal"])
def test_a_request_that_contradicts_its_key_is_refused(client: Client, bulk_key: str, path: str, lane: str) -> None:
    """Else its sender would believe that a password reset passes the newsletters."""
    answer = client.post(path, json={**EMAIL, "lane": lane}, key=bulk_key)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == "lane"
    assert error["message"].startswith("is fixed to bulk by this API key; leave it out, or send with a key")


def test_a_request_repeated_with_a_key_that_is_fixed_by_now_is_answered_as_the_first(
    client: Client, bulk_key: str
) -> None:
    once = {"Idempotency-Key": "reset-4711"}
    first = client.post("/v1/emails", json=EMAIL, headers=once).json()
    again = client.post("/v1/emails", json=EMAIL, headers=once, key=bulk_key)
    assert (again.status_code, again.json()["id"], again.json()["lane"]) == (200, first["id"], "normal")


def test_to_name_the_normal_lane_in_a_repeated_request_is_no_other_request(client: Client) -> None:
    once = {"Idempotency-Key": "reset-4712"}
    first = client.post("/v1/emails", json=EMAIL, headers=once).json()
    again = client.post("/v1/emails", json={**EMAIL, "lane": "normal"}, headers=once)
    assert (again.status_code, again.json()["id"]) == (200, first["id"])
    assert client.post("/v1/emails", json={**EMAIL, "lane": "bulk"}, headers=once).status_code == 409


def test_explain_says_the_lane(client: Client) -> None:
    assert client.post("/v1/emails/explain", json=EMAIL).json()["lane"] == "normal"
    assert client.post("/v1/emails/explain", json={**EMAIL, "lane": "urgent"}).json()["lane"] == "urgent"
