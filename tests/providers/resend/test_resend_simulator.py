"""What only the simulated Resend does: idempotency keys, as Resend documents them."""

import json
import uuid
from collections.abc import Iterator

import httpx
import pytest

from tests.local.simulator.rig import Rig
from tests.providers.resend.simulator_case import body, request


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with Rig(tmp_path_factory.mktemp("keys"), "--accounts", "resend") as rig:
        yield rig


def call(rig: Rig, eid: str, key: str | None, **changes: object) -> httpx.Request:
    made = request(rig.base_url("resend"), content=json.dumps(body(eid) | changes))
    if key is not None:
        made.headers["Idempotency-Key"] = key
    return made


@pytest.fixture
def eid(rig: Rig) -> str:
    """Of an email of this test's own."""
    rig.behave("resend")
    return uuid.uuid4().hex


def test_the_same_key_and_payload_is_the_same_answer_and_one_email(rig: Rig, eid: str) -> None:
    first, again = (rig.http.send(call(rig, eid, f"{eid}/1")) for _ in range(2))

    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert [entry["id"] for entry in rig.inbox(eid)] == [first.json()["id"]]
    assert len(rig.receiver.wait(eid, 3)) == 3
    assert rig.receiver.quiet(eid, 0.5)


def test_the_same_key_and_another_payload_is_a_conflict(rig: Rig, eid: str) -> None:
    rig.http.send(call(rig, eid, f"{eid}/1"))

    other = rig.http.send(call(rig, eid, f"{eid}/1", subject="another"))

    assert (other.status_code, other.json()["name"]) == (409, "invalid_idempotent_request")
    assert [entry["subject"] for entry in rig.inbox(eid)] == ["Grüße"]


@pytest.mark.parametrize("keys", [("1", "2"), (None, None), ("1", None)])
def test_another_key_or_none_is_another_email(rig: Rig, eid: str, keys: tuple[str | None, ...]) -> None:
    answers = [rig.http.send(call(rig, eid, key and f"{eid}/{key}")) for key in keys]

    assert [entry["id"] for entry in rig.inbox(eid)] == [answer.json()["id"] for answer in answers]


@pytest.mark.parametrize("fault", ["unavailable", "rate_limit", "refuse_message"])
def test_a_call_that_was_not_accepted_is_not_remembered(rig: Rig, eid: str, fault: str) -> None:
    rig.behave("resend", fault=fault)
    assert rig.http.send(call(rig, eid, f"{eid}/1")).is_error
    rig.behave("resend")

    assert rig.http.send(call(rig, eid, f"{eid}/1", subject="repaired")).is_success

    assert len(rig.inbox(eid)) == 1


def test_the_answer_that_got_lost_is_had_by_asking_again(rig: Rig, eid: str) -> None:
    rig.behave("resend", fault="reset_after_accept")
    for _ in range(2):
        with pytest.raises(httpx.ReadError, match="reset"):
            rig.http.send(call(rig, eid, f"{eid}/1"))
    rig.behave("resend")

    answer = rig.http.send(call(rig, eid, f"{eid}/1"))

    assert answer.status_code == 200
    assert [entry["id"] for entry in rig.inbox(eid)] == [answer.json()["id"]]


@pytest.mark.parametrize("key", ["", "k" * 257])
def test_a_key_of_another_length_is_refused(rig: Rig, eid: str, key: str) -> None:
    answer = rig.http.send(call(rig, eid, key))

    assert (answer.status_code, answer.json()["name"]) == (400, "invalid_idempotency_key")
    assert rig.inbox(eid) == []


def test_a_key_is_no_way_around_the_account(rig: Rig, eid: str) -> None:
    rig.http.send(call(rig, eid, f"{eid}/1"))
    stranger = call(rig, eid, f"{eid}/1")
    stranger.headers["Authorization"] = "Bearer re_other"

    answer = rig.http.send(stranger)
    assert (answer.status_code, answer.json()["message"]) == (401, "API key is invalid")


def test_an_event_brings_our_metadata_back(rig: Rig) -> None:
    eid = rig.send("resend")

    heard = rig.receiver.wait(eid, 3)

    event = json.loads(heard[0].body)
    assert event["data"]["tags"] == {"eid": eid, "att": "1"}
    assert event["data"]["email_id"] == rig.inbox(eid)[0]["id"]
    assert event["data"]["headers"] == [{"name": "X-Kind", "value": "receipt"}]
    assert event["data"]["created_at"] < event["created_at"]  # of the email, of the event
    assert len({webhook.headers["svix-id"] for webhook in heard}) == 3


def test_the_same_body_replayed_is_the_same_webhook_again(rig: Rig) -> None:
    bodies = ['{"type": "email.replayed"}', '{"type":"email.replayed"}']
    for one in (*bodies, *bodies):
        assert rig.control.post("/providers/resend/webhook", content=one).json()["status"] == 200
    heard = rig.receiver.wait("email.replayed", 4)
    assert [webhook.body.decode() for webhook in heard] == [*bodies, *bodies]
    assert all(rig.is_genuine(webhook) for webhook in heard)
    ids = [webhook.headers["svix-id"] for webhook in heard]
    assert ids[:2] == ids[2:]
    assert ids[0] != ids[1]
