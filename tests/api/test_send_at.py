"""Emails that are sent later, as clients ask for them, see them, find them and move them."""

from typing import Any

import pytest

from app.api import times
from tests.api.conftest import Client
from tests.support.clock import Clock

GOOD: dict[str, Any] = {"from": "app@example.com", "to": "ann@example.com", "subject": "Hello", "text": "It works."}
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def at(clock: Clock, ms: int) -> str:
    """The time that is so far ahead, as the API writes it."""
    return times.write(clock.now_ms + ms)


@pytest.mark.parametrize("field", ["send_at", "scheduled_at"])
def test_it_is_accepted_under_either_name(client: Client, clock: Clock, field: str) -> None:
    answer = client.post("/v1/emails", json=GOOD | {field: at(clock, HOUR_MS)})
    assert answer.status_code == 202
    email = answer.json()
    assert (email["status"], email["send_at"]) == ("scheduled", at(clock, HOUR_MS))
    assert email["expires_at"] == at(clock, HOUR_MS + DAY_MS)
    (recipient,) = email["recipients"]
    assert (recipient["status"], recipient["next_attempt_at"]) == ("scheduled", at(clock, HOUR_MS))
    assert client.get(f"/v1/emails/{email['id']}").json()["send_at"] == at(clock, HOUR_MS)


def test_any_offset_names_a_time(client: Client) -> None:
    zoned = client.post("/v1/emails/explain", json=GOOD | {"send_at": "2020-01-01T00:00:00+05:30"})
    assert zoned.status_code == 200
    naive = client.post("/v1/emails/explain", json=GOOD | {"send_at": "2020-01-01T00:00:00"})
    assert naive.json()["errors"] == [
        {"field": "send_at", "message": "must be an RFC 3339 time with an offset, like 2030-01-31T18:00:00Z"}
    ]


@pytest.mark.parametrize("out_of_the_calendar", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_whose_offset_leads_out_of_the_calendar_is_refused_and_harms_no_email(
    client: Client, clock: Clock, out_of_the_calendar: str
) -> None:
    """It could be stored, and then the email could not be read any more, nor sent."""
    later = {"send_at": out_of_the_calendar}
    email = client.post("/v1/emails", json=GOOD | {"send_at": at(clock, HOUR_MS)}).json()
    path = f"/v1/emails/{email['id']}"
    for refused in (client.post("/v1/emails", json=GOOD | later), client.request("PATCH", path, json=later)):
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "send_at")
    assert client.get(path).json()["send_at"] == email["send_at"]
    assert client.get("/v1/emails", params={"from": out_of_the_calendar}).status_code == 422


def test_without_one_nothing_of_it_is_answered(client: Client) -> None:
    answer = client.post("/v1/emails", json=GOOD | {"send_at": None, "scheduled_at": ""}).json()
    assert answer["status"] == "queued"
    assert "send_at" not in answer


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"send_at": 30 * DAY_MS + 1}, "send_at", "must be within 30 days"),
        ({"scheduled_at": 31 * DAY_MS}, "scheduled_at", "must be within 30 days"),
        (
            {"send_at": 1, "scheduled_at": 1},
            "scheduled_at",
            "is another name of send_at, which is there, too; send one of them",
        ),
        ({"send_at": HOUR_MS, "expires_at": HOUR_MS}, "expires_at", "must be later than send_at"),
        (
            {"send_at": HOUR_MS, "expires_at": HOUR_MS + 30 * DAY_MS + 1},
            "expires_at",
            "must be within 30 days after send_at",
        ),
        ({"send_at": -HOUR_MS, "expires_at": 30 * DAY_MS + 1}, "expires_at", "must be within 30 days"),
        ({"send_at": -HOUR_MS, "expires_at": -1}, "expires_at", "must be in the future"),
    ],
)
def test_a_fault_is_named_also_by_explain(
    client: Client, clock: Clock, changes: dict[str, int], field: str, message: str
) -> None:
    body = GOOD | {name: at(clock, ms) for name, ms in changes.items()}
    for path in ("/v1/emails", "/v1/emails/explain"):
        answer = client.post(path, json=body)
        assert answer.status_code == 422
        assert answer.json()["errors"] == [{"field": field, "message": message}]


def test_the_last_moment_that_is_taken(client: Client, clock: Clock) -> None:
    body = GOOD | {"send_at": at(clock, 30 * DAY_MS), "expires_at": at(clock, 60 * DAY_MS)}
    assert client.post("/v1/emails", json=body).status_code == 202


def test_explain_says_when(client: Client, clock: Clock) -> None:
    explained = client.post("/v1/emails/explain", json=GOOD | {"send_at": at(clock, HOUR_MS)}).json()
    assert (explained["send_at"], [one["provider"] for one in explained["route"]]) == (
        at(clock, HOUR_MS),
        ["sendgrid", "mailgun", "ses"],
    )
    at_once = client.post("/v1/emails/explain", json=GOOD | {"send_at": at(clock, -HOUR_MS)}).json()
    assert "send_at" not in at_once


def test_scheduled_emails_are_found_by_their_status(client: Client, clock: Clock) -> None:
    person = {"to": "found@example.com"}
    ids = [
        client.post("/v1/emails", json=GOOD | person | {"send_at": at(clock, ms)}).json()["id"] for ms in (HOUR_MS, -1)
    ]
    for status, email_id in zip(("scheduled", "queued"), ids, strict=True):
        found = client.get("/v1/emails", params={"status": status, "recipient": person["to"]}).json()["emails"]
        assert [email["id"] for email in found] == [email_id]


def test_a_request_that_comes_again_after_its_time_is_the_same_request(client: Client, clock: Clock) -> None:
    body = GOOD | {"send_at": at(clock, HOUR_MS)}
    headers = {"Idempotency-Key": "later"}
    first = client.post("/v1/emails", json=body, headers=headers)
    clock.advance(2 * 3600)
    again = client.post("/v1/emails", json=body, headers=headers)
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    sooner = client.post("/v1/emails", json=body | {"send_at": at(clock, -1)}, headers=headers)
    assert sooner.status_code == 409


def test_it_is_moved(client: Client, clock: Clock) -> None:
    email_id = client.post("/v1/emails", json=GOOD | {"send_at": at(clock, HOUR_MS)}).json()["id"]
    path = f"/v1/emails/{email_id}"
    for body in ({"send_at": at(clock, 2 * HOUR_MS)}, {"scheduled_at": at(clock, 2 * HOUR_MS)}):
        moved = client.request("PATCH", path, json=body)
        assert (moved.status_code, moved.json()["send_at"]) == (200, at(clock, 2 * HOUR_MS))
    now = client.request("PATCH", path, json={"send_at": at(clock, 0)})
    assert (now.status_code, now.json()["status"]) == (200, "queued")
    late = client.request("PATCH", path, json={"send_at": at(clock, HOUR_MS)})
    assert (late.status_code, late.json()["detail"]) == (409, "too late: this email has been started, and is queued")


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({}, "send_at", "is required"),
        ({"send_at": None}, "send_at", "is required"),
        ({"send_at": "soon"}, "send_at", "must be an RFC 3339 time with an offset, like 2030-01-31T18:00:00Z"),
        ({"send_at": "2999-01-01T00:00:00Z"}, "send_at", "must be within 30 days"),
        (
            {"send_at": "2020-01-01T00:00:00Z", "scheduled_at": "2020-01-01T00:00:00Z"},
            "scheduled_at",
            "is another name of send_at, which is there, too; send one of them",
        ),
        ({"subject": "x"}, "subject", "is not a known field"),
    ],
)
def test_a_move_names_its_fault(client: Client, clock: Clock, body: Any, field: str, message: str) -> None:
    email_id = client.post("/v1/emails", json=GOOD | {"send_at": at(clock, HOUR_MS)}).json()["id"]
    answer = client.request("PATCH", f"/v1/emails/{email_id}", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": field, "message": message}]


def test_only_who_may_send_moves_and_only_what_is_of_their_project(client: Client, parts: Any, clock: Clock) -> None:
    email_id = client.post("/v1/emails", json=GOOD | {"send_at": at(clock, HOUR_MS)}).json()["id"]
    body = {"send_at": at(clock, 0)}
    reader = parts.api_keys.create("reader", {"read"}, ())
    assert client.request("PATCH", f"/v1/emails/{email_id}", json=body, key=reader).status_code == 403
    other = parts.api_keys.create("other", {"send"}, (), project="other")
    for path in (f"/v1/emails/{email_id}", "/v1/emails/eml_nobody", "/v1/emails/%20"):
        assert client.request("PATCH", path, json=body, key=other).status_code == 404


@pytest.mark.parametrize(("until_ms", "stops"), [(HOUR_MS, False), (HOUR_MS + 1, True)])
def test_a_suppression_that_ends_before_the_time_is_not_told(
    client: Client, clock: Clock, until_ms: int, stops: bool
) -> None:
    listed = {"address": "ann@example.com", "note": "asked us", "until": at(clock, until_ms)}
    assert client.post("/v1/suppressions", json=listed).status_code == 201
    email = GOOD | {"send_at": at(clock, HOUR_MS)}
    for call in ("/v1/emails/explain", "/v1/emails"):
        answer = client.post(call, json=email).json()
        assert [one["address"] for one in answer["suppressed"]] == ["ann@example.com"] * stops
