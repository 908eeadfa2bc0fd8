"""What only the simulated SendGrid does."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.local.simulator.rig import Rig


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with Rig(tmp_path_factory.mktemp("keys"), "--accounts", "sendgrid") as rig:
        yield rig


def test_an_event_brings_our_metadata_back(rig: Rig) -> None:
    eid = rig.send("sendgrid")

    (webhook,) = rig.receiver.wait(eid, 1)

    assert webhook.body.endswith(b"]\r\n")
    event = json.loads(webhook.body)[0]
    assert (event["eid"], event["att"]) == (eid, "1")
    message_id = rig.inbox(eid)[0]["id"]
    assert event["sg_message_id"].partition(".")[0] == message_id
    assert event["smtp-id"].startswith(f"<{message_id}@")
    assert abs(event["timestamp"] - time.time()) < 60


def test_without_an_account_that_subscribes_there_is_no_certificate(rig: Rig) -> None:
    assert rig.control.get("/certificate").status_code == 404


@pytest.mark.parametrize("body", ['[{"event":"replayed-1"}]\r\n', '\ufeff [ {"event": "replayed-2"} ]', "{}  "])
def test_a_replayed_body_is_posted_byte_by_byte(rig: Rig, body: str) -> None:
    assert rig.control.post("/providers/sendgrid/webhook", content=body).json()["status"] == 200
    webhook = rig.receiver.wait(body, 1)[-1]
    assert webhook.body == body.encode()
    assert rig.is_genuine(webhook)
