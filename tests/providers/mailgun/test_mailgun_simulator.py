"""What only the simulated Mailgun does."""

import json
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from tests.local.simulator.rig import Rig
from tests.providers.mailgun.simulator_case import body, message


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with Rig(tmp_path_factory.mktemp("keys"), "--accounts", "mailgun") as rig:
        yield rig


def test_an_urlencoded_form_is_taken_too(rig: Rig) -> None:
    form = body("urlencoded") | {"to": ["Bo <bo@example.com>, eve@example.com", "fay@example.com"]}

    assert rig.http.send(message(rig.base_url("mailgun"), form)).status_code == 200

    (entry,) = rig.inbox("urlencoded")
    assert entry["to"] == ["Bo <bo@example.com>", "eve@example.com", "fay@example.com"]
    assert entry["attachments"] == []


def test_an_event_brings_our_metadata_back(rig: Rig) -> None:
    eid = rig.send("mailgun")

    heard = rig.receiver.wait(eid, 3)

    event = json.loads(heard[0].body)["event-data"]
    assert event["user-variables"] == {"eid": eid, "att": "1"}
    assert f"<{event['message']['headers']['message-id']}>" == rig.inbox(eid)[0]["id"]
    assert len({json.loads(webhook.body)["signature"]["token"] for webhook in heard}) == 3


def test_a_replayed_webhook_has_one_signature_and_keeps_the_rest(rig: Rig) -> None:
    old = {"token": "t" * 50, "timestamp": "1529006854", "signature": "0" * 64, "parent-signature": "1" * 64}
    told = {"signature": old, "event-data": {"event": "failed", "id": "replayed"}, "more": [1.5, None, "ö"]}
    assert rig.control.post("/providers/mailgun/webhook", json=told).json()["status"] == 200
    (webhook,) = rig.receiver.wait('"replayed"', 1)
    posted = json.loads(webhook.body)
    assert set(posted["signature"]) == {"token", "timestamp", "signature"}
    assert rig.is_genuine(webhook)
    assert {name: value for name, value in posted.items() if name != "signature"} == {
        "event-data": told["event-data"],
        "more": told["more"],
    }


def test_a_legacy_webhook_is_a_form_with_the_signature_in_fields(rig: Rig) -> None:
    form = (
        "event=dropped&recipient=bo%40example.com&X-Mailgun-Tag=a&X-Mailgun-Tag=b&note=legacy&token=old&signature=old"
    )
    assert rig.control.post("/providers/mailgun/webhook", content=form).json()["status"] == 200
    (webhook,) = rig.receiver.wait("note=legacy", 1)
    assert webhook.headers["content-type"] == "application/x-www-form-urlencoded"
    fields = parse_qs(webhook.body.decode())
    assert fields["X-Mailgun-Tag"] == ["a", "b"]
    signature = {name: value for name in ("token", "timestamp", "signature") for value in fields[name]}
    assert rig.is_genuine(replace(webhook, body=json.dumps({"signature": signature}).encode()))


def test_fields_in_the_url_of_a_click_make_no_form(rig: Rig) -> None:
    told = {"event-data": {"event": "clicked", "url": "https://example.com/?a=1&event=2&note=clicked"}}
    assert rig.control.post("/providers/mailgun/webhook", json=told).json()["status"] == 200
    (webhook,) = rig.receiver.wait("note=clicked", 1)
    assert json.loads(webhook.body)["event-data"] == told["event-data"]


@pytest.mark.parametrize("body", ["[]", "7", "null", '"event"', "a=1&b=2"])
def test_what_is_neither_an_object_nor_a_legacy_webhook_is_refused(rig: Rig, body: str) -> None:
    answer = rig.control.post("/providers/mailgun/webhook", content=body)
    assert (answer.status_code, answer.json()["field"]) == (400, "body")
