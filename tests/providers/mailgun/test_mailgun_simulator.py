"""What only the simulated Mailgun does."""

import json
from collections.abc import Iterator

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
