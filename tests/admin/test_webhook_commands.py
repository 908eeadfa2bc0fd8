"""`python -m app.admin webhooks`, beside a running simulator whose app listens."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.admin.conftest import Run
from tests.conftest import free_port
from tests.local.simulator.rig import Rig

EVENT = [{"event": "open", "email": "ann@example.net", "timestamp": 1_760_000_000}]
# No installation of AWS: these commands are about the `make run` beside them.
LOCAL = {"TOPIC_ARN": "", "AWS_REGION": "", "PROVIDERS": ""}


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with Rig(tmp_path_factory.mktemp("keys"), "--accounts", "sendgrid,mailgun:eu") as rig:
        yield rig


@pytest.fixture
def beside(rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The variables of a `make run` that has this simulator; the working directory has no .env."""
    monkeypatch.chdir(tmp_path)
    return LOCAL | {"SIMULATOR_PORT": str(rig.ready["control_url"].rpartition(":")[2]), "DATA_DIR": str(tmp_path)}


def file(content: str | bytes) -> str:
    """A file in the working directory."""
    path = Path("webhook.json")
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


@pytest.mark.parametrize(("account", "event"), [("sendgrid", EVENT), ("mailgun:eu", {"event-data": EVENT[0]})])
def test_a_file_is_replayed_and_the_answer_printed(
    run: Run, rig: Rig, beside: dict[str, str], account: str, event: object
) -> None:
    body = json.dumps(event).replace("ann", account.replace(":", "-"))
    done = run("webhooks", "replay", account, file(body), **beside)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "200 \n", "")
    (webhook,) = rig.receiver.wait(account.replace(":", "-"), 1)
    assert webhook.account == account
    assert rig.is_genuine(webhook)


def test_what_the_app_refuses_is_an_answer_too(run: Run, rig: Rig, beside: dict[str, str]) -> None:
    rig.receiver.refusals[b"refuse me"] = [401]
    done = run("webhooks", "replay", "sendgrid", file('["refuse me"]'), **beside)
    assert (done.exit_code, done.stdout) == (0, "401 \n")


def test_the_port_may_be_named_in_the_file_of_variables(run: Run, beside: dict[str, str]) -> None:
    Path(".env").write_text(f"SIMULATOR_PORT={beside.pop('SIMULATOR_PORT')}\n")
    done = run("webhooks", "replay", "sendgrid", file("[]"), **beside)
    assert (done.exit_code, done.stdout) == (0, "200 \n")


@pytest.mark.parametrize(
    ("account", "content", "words"),
    [
        ("postmark", "[]", "postmark: no such account; there are sendgrid, mailgun:eu"),
        ("mailgun", "{}", "mailgun: no such account"),
        ("../health", "{}", "../health: no such account"),
        ("sendgrid", "{", "sendgrid: the body is not JSON: see line 1, column 2"),
        ("sendgrid", b"\xff", "sendgrid: the body is not UTF-8"),
        ("mailgun:eu", "[]", "mailgun:eu: the body is not a JSON object with `event-data`"),
        ("sendgrid", "[" + " " * 4_500_000 + "]", "sendgrid: the app takes at most 4,500,000 bytes"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_what_is_wrong_is_said(
    run: Run, beside: dict[str, str], account: str, content: str | bytes, words: str
) -> None:
    done = run("webhooks", "replay", account, file(content), **beside)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(words)


def test_an_app_that_is_away_is_said(run: Run, rig: Rig, beside: dict[str, str]) -> None:
    rig.control.put("/webhooks", json={"url": "http://127.0.0.1:9"})
    done = run("webhooks", "replay", "sendgrid", file("[]"), **beside)
    rig.control.put("/webhooks", json={"url": rig.receiver.url})
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "sendgrid: the app does not answer at http://127.0.0.1:9: is it running?\n"


def test_a_simulator_that_is_away_is_said(run: Run, beside: dict[str, str]) -> None:
    done = run("webhooks", "replay", "sendgrid", file("[]"), **{**beside, "SIMULATOR_PORT": str(free_port())})
    assert done.exit_code == 1
    assert done.stderr.endswith("start it with make run\n")


def test_a_deployed_installation_and_a_malformed_port_are_said(run: Run, beside: dict[str, str]) -> None:
    done = run("webhooks", "replay", "sendgrid", file("[]"), **{**beside, "TOPIC_ARN": "arn:aws:sns:us-east-1:1:x"})
    assert (done.exit_code, done.stderr.partition(",")[0]) == (1, "this works on a make run on this machine only")
    done = run("webhooks", "replay", "sendgrid", file("[]"), **{**beside, "SIMULATOR_PORT": "high"})
    assert (done.exit_code, done.stderr.partition(",")[0]) == (1, "SIMULATOR_PORT must be a port from 1 to 65534")
    Path(".env").write_text("nonsense\n")
    done = run("webhooks", "replay", "sendgrid", file("[]"), **beside)
    assert (done.exit_code, done.stderr) == (1, ".env, line 1: must be NAME=value\n")


def test_a_file_that_is_not_there_is_said(run: Run, beside: dict[str, str]) -> None:
    done = run("webhooks", "replay", "sendgrid", "nowhere.json", **beside)
    assert done.exit_code == 2
    assert "nowhere.json" in done.stderr
