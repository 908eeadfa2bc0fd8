"""Everything composes: scheduled emails of one batch, with a collapse key, from a test key, through a failover."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.support.installation import EMAIL, Installation

KEY = {"Authorization": "Bearer em_test_local_development"}
SHARED = {"id", "project", "test", "lane", "status", "send_at", "expires_at", "created_at", "recipients"}


@pytest.fixture
def api(installation: Installation) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=installation.api.base_url, headers=KEY, timeout=60) as client:
        yield client


def listed(api: httpx.Client, **filters: str) -> list[dict[str, Any]]:
    answer = api.get("/v1/emails", params={"tag": "composed", **filters})
    assert answer.status_code == 200, answer.text
    emails: list[dict[str, Any]] = answer.json()["emails"]
    return emails


def test_a_scheduled_batch_with_a_collapse_key_from_a_test_key_through_a_failover(
    installation: Installation, api: httpx.Client
) -> None:
    at = (datetime.now(UTC) + timedelta(seconds=12)).isoformat()
    email = {**EMAIL, "to": ["failover+composed@any.example"], "tags": ["composed"], "send_at": at}
    batch = [{**email, "collapse_key": "code", "subject": f"Code {number}"} for number in range(3)]
    batch = [{**one, "idempotency_key": f"composed-{number}"} for number, one in enumerate(batch)]
    answers = [api.post("/v1/emails/batch", json=batch).json()["data"] for _ in range(2)]
    assert [[one["replayed"] for one in data] for data in answers] == [[False] * 3, [True] * 3]
    ids = [one["id"] for one in answers[0]]
    assert [one["id"] for one in answers[1]] == ids
    accepted = {one["id"]: (one["test"], one["lane"], one["status"]) for one in answers[0]}
    assert accepted == dict.fromkeys(ids, (True, "bulk", "scheduled"))

    for email_id in ids[:2]:  # which do not wait for their time
        story = installation.story_when(email_id, lambda story: story["status"] == "canceled")
        assert story["recipients"][0]["detail"] == "superseded by a newer email"
        assert story["attempts"] == []
    (waiting,) = listed(api, status="scheduled")
    assert waiting["id"] == ids[2]
    assert waiting["recipients"][0]["waiting_because"] == "schedule"

    story = installation.story_when(ids[2], lambda story: story["status"] == "delivered")
    calls = [(one["provider"], one["outcome"], one["cause"]) for one in story["attempts"]]
    assert calls == [("sandbox", "unavailable", "outage"), ("sandbox:second", "accepted", None)]
    assert [(one["provider"], one["attempt"], one["kind"]) for one in story["events"]] == [
        ("sandbox:second", 2, "delivered")
    ]

    everything = listed(api)
    assert {one["id"] for one in everything} == set(ids)
    for one in everything:  # the story and the list say it with the same words
        told = api.get(f"/v1/emails/{one['id']}").json()
        assert {name: told[name] for name in SHARED} == {name: one[name] for name in SHARED}
    filters = {"recipient": "failover+composed@any.example", "recipient_status": "delivered", "provider": "sandbox"}
    assert [one["id"] for one in listed(api, **filters)] == [ids[2]]
    assert {one["id"] for one in listed(api, status="canceled")} == set(ids[:2])

    for email_id, why in ((ids[0], "replaced"), (ids[2], "delivered")):  # neither is sent a second time
        moved = api.patch(f"/v1/emails/{email_id}", json={"send_at": "2020-01-01T00:00:00Z"})
        again = api.post(f"/v1/emails/{email_id}/retry")
        assert (moved.status_code, again.status_code) == (409, 409)
        assert why in moved.json()["detail"]
    assert [installation.inbox(email_id) for email_id in ids] == [[], [], []]
