"""The control API, and the life of the process."""

import json
import signal
import socket
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.local.simulator import accounts
from app.providers import registry
from tests.local.simulator.rig import Rig


def test_the_state_of_a_provider(rig: Rig) -> None:
    setting = {"fault": "hang", "webhooks": ["late", "duplicate"], "latency_ms": 10}

    state = rig.behave("ses", **setting)

    expected = {"base_url": rig.base_url("ses"), "calls": 0, **setting}
    assert state == rig.control.get("/providers").json()["ses"] == expected
    assert rig.behave("ses") == expected | {"fault": "none", "webhooks": [], "latency_ms": 0}
    assert list(rig.control.get("/providers").json()) == list(registry.PROVIDERS)
    assert rig.control.get("/health").status_code == 200


@pytest.mark.parametrize(
    ("setting", "field", "words"),
    [
        ({"fault": "flood"}, "fault", "'flood' is not one of none, refuse_connection"),
        ({"fault": None}, "fault", "is not one of"),
        ({"webhooks": ["never"]}, "webhooks", "'never' is not one of duplicate, late"),
        ({"webhooks": "late"}, "webhooks", "must be a list"),
        ({"webhooks": [["late"]]}, "webhooks", "is not one of"),
        ({"latency_ms": -1}, "latency_ms", "must be a whole number"),
        ({"latency_ms": True}, "latency_ms", "must be a whole number"),
        ({"latency": 1}, "latency", "unknown field"),
        ([], "body", "must be a JSON object"),
    ],
)
def test_a_setting_that_means_nothing_changes_nothing(rig: Rig, setting: Any, field: str, words: str) -> None:
    before = rig.control.get("/providers").json()

    answer = rig.control.put("/providers/mailgun", json=setting)

    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert words in answer.json()["error"]
    assert rig.control.get("/providers").json() == before


def test_the_own_lists_of_a_provider(rig: Rig) -> None:
    entry = {"address": "Ann@example.com", "at": "2026-01-02T03:04:05.000Z", "words": "550 5.1.1", "scopes": ["weekly"]}
    filled = rig.control.put("/providers/mailgun/lists", json={"unsubscribes": [entry], "bounces": []})
    assert filled.json() == {"bounces": [], "complaints": [], "unsubscribes": [entry]}
    added = rig.control.put("/providers/mailgun/lists", json={"complaints": [{"address": "bob@example.com"}]}).json()
    assert added["unsubscribes"] == [entry]
    assert rig.control.get("/providers/mailgun/lists").json() == added
    assert rig.control.put("/providers/mailgun/lists", json={name: [] for name in added}).is_success
    assert rig.control.get("/providers/nobody/lists").status_code == 404


@pytest.mark.parametrize(
    ("setting", "field", "words"),
    [
        ([], "body", "must be a JSON object"),
        ({"blocks": []}, "blocks", "is not one of bounces, complaints, unsubscribes"),
        ({"bounces": {}}, "bounces", "must be a list"),
        ({"bounces": ["ann@example.com"]}, "bounces", "an entry has no `address`"),
        ({"bounces": [{"address": "ann"}]}, "bounces", "an entry has no `address`"),
        ({"bounces": [{"address": "ann@example.com", "at": "soon"}]}, "bounces", "`at` must be ISO 8601"),
        ({"bounces": [{"address": "ann@example.com", "words": 7}]}, "bounces", "`words` must be a string"),
        ({"bounces": [{"address": "ann@example.com", "scopes": "all"}]}, "bounces", "`scopes` must be a list"),
    ],
)  # fmt: skip
def test_a_list_that_means_nothing_changes_nothing(rig: Rig, setting: Any, field: str, words: str) -> None:
    before = rig.control.get("/providers/mailgun/lists").json()
    answer = rig.control.put("/providers/mailgun/lists", json=setting)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert words in answer.json()["error"]
    assert rig.control.get("/providers/mailgun/lists").json() == before


def test_what_does_not_exist(rig: Rig) -> None:
    assert rig.control.put("/providers/postmark", json={}).status_code == 404
    assert "sendgrid, mailgun, ses" in rig.control.put("/providers/postmark", json={}).json()["error"]
    assert rig.control.get("/nothing").json() == {"error": "not found", "field": None}
    assert rig.control.post("/messages").status_code == 405
    assert rig.control.put("/providers/ses", content=b"{").json() == {"error": "not JSON", "field": "body"}
    assert rig.control.put("/providers/ses", content=b"\xff").status_code == 422
    for url in ("ftp://example.com", "http://127.0.0.1:355890", "http://"):
        assert rig.control.put("/webhooks", json={"url": url}).json()["field"] == "url"
    assert rig.control.put("/webhooks", json={"uri": "x"}).json()["field"] == "uri"
    assert rig.control.put("/webhooks", json=[]).json()["field"] == "body"
    assert rig.control.put("/webhooks", json={}).json()["field"] == "url"
    assert rig.control.post("/subscription", json={"provider": "sendgrid"}).json()["field"] == "provider"


def test_a_subscription_is_asked_for_and_confirmed(rig: Rig) -> None:
    rig.receiver.refusals[b"SubscriptionConfirmation"] = [202]

    assert rig.control.post("/subscription", json={"provider": "ses"}).json() == {"status": 202}

    (webhook,) = rig.receiver.wait("SubscriptionConfirmation", 1)
    assert webhook.headers["x-amz-sns-message-type"] == "SubscriptionConfirmation"
    url = json.loads(webhook.body)["SubscribeURL"]
    assert url.startswith("https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&")
    assert rig.control.get("/confirmations").json() == []
    assert rig.control.get("/confirm", params={"url": url + "0"}).status_code == 400
    assert rig.control.get("/confirm", params={"url": url}).status_code == 200
    assert [each["url"] for each in rig.control.get("/confirmations").json()] == [url]


def test_a_subscription_that_nobody_answers(rig: Rig) -> None:
    assert rig.control.put("/webhooks", json={"url": "http://127.0.0.1:9"}).is_success

    assert rig.control.post("/subscription", json={"provider": "ses"}).json() == {"status": None}

    assert rig.control.put("/webhooks", json={"url": rig.receiver.url}).is_success


def test_the_process_ends_with_its_parent(tmp_path: Path) -> None:
    with Rig(tmp_path, "--exit-with-parent", "--ready-file", str(tmp_path / "ready")) as rig:
        assert json.loads((tmp_path / "ready").read_text()) == rig.ready
        assert [path.name for path in tmp_path.glob("ready*")] == ["ready"]
        rig.http.send(rig.letter("mailgun")[1])  # a kept-alive connection, and a webhook under way
        assert rig.process.stdin is not None

        rig.process.stdin.close()

        assert rig.process.wait(60) == 0
        for url in (rig.ready["control_url"], *rig.ready["providers"].values()):
            with pytest.raises(httpx.ConnectError):
                httpx.get(url)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_ends_on_a_signal_whatever_hangs(tmp_path: Path, number: signal.Signals) -> None:
    with Rig(tmp_path) as rig, httpx.Client(timeout=httpx.Timeout(60, read=0.2)) as client:
        rig.behave("ses", fault="refuse_connection")
        rig.behave("sendgrid", fault="hang")
        with pytest.raises(httpx.ReadTimeout):
            client.send(rig.letter("sendgrid")[1])

        rig.process.send_signal(number)

        assert rig.process.wait(60) == 0


def test_a_control_port_in_use_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "-m", "app.local.simulator", "--keys", str(tmp_path)]
        port = str(taken.getsockname()[1])
        ended = subprocess.run([*command, "--control-port", port], capture_output=True, text=True, timeout=60)

    assert ended.returncode == 1
    assert ended.stderr.startswith("The provider simulator cannot start: ")
    assert port in ended.stderr


@pytest.mark.parametrize("provider", registry.PROVIDERS)
def test_a_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path, provider: str) -> None:
    folder = tmp_path / "keys"
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(accounts.ready_variables, [f"{provider}:eu"] * 4, [folder] * 4))

    assert found == [found[0]] * 4
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == {f"{provider}:eu.key": 0o600}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("postmark", "'postmark' is not one of"),
        ("sendgrid,sendgrid:from", "choose another label"),
        ("", "'' is not one"),
    ],
)
def test_accounts_that_cannot_be_are_said(tmp_path: Path, given: str, words: str) -> None:
    command = [sys.executable, "-m", "app.local.simulator", "--keys", str(tmp_path), "--accounts", given]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert ended.returncode == 2
    assert words in ended.stderr
    assert list(tmp_path.iterdir()) == []
