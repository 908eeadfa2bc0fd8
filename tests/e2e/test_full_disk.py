"""Whole installations whose disk is full, or cannot be written at all."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.api.v1 import examples
from tests.conftest import free_port
from tests.local.emulating import needs_limits
from tests.support.installation import EMAIL, ROOT, Installation


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Installation]:
    """An installation of the test's own."""
    installation = Installation(tmp_path, (free_port(), free_port(), free_port()), {"LOG_LEVEL": "WARNING"})
    installation.start()
    yield installation
    installation.close()


@needs_limits
def test_nothing_is_accepted_that_cannot_be_kept(own: Installation) -> None:
    before = own.send()
    own.ended(before)
    own.leave_room(0)
    for _ in range(5):
        answer = own.api.post("/v1/emails", json=EMAIL)
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
    assert own.story(before)["status"] == "delivered"  # what was kept can be read
    kept = [email["id"] for email in own.api.get("/v1/emails").json()["emails"]]
    assert kept[0] == before
    seeded = {examples.ID, examples.CANCELED_ID, examples.FAILED_ID, examples.SCHEDULED_ID}
    assert {*kept[1:]} == seeded  # and none of those that were refused
    health = own.api.get("/health")
    assert health.status_code == 503
    assert health.json()["parts"]["storage"] == f"nothing can be kept in {own.data}: File too large"
    assert health.json()["detail"] == f"nothing can be kept in {own.data}: File too large"
    own.leave_room(None)
    own.until("healthy", lambda: own.api.get("/health").status_code == 200, within_s=60)
    own.ended(own.send())


@needs_limits
@pytest.mark.full
def test_an_email_that_is_under_way_when_the_disk_fills_is_sent_later_and_once(own: Installation) -> None:
    own.fault("sendgrid", latency_ms=1500)
    email_id = own.send()
    own.until("called", lambda: own.calls("sendgrid") == 1, within_s=60)
    own.leave_room(0)
    own.until("in trouble", lambda: own.api.get("/health").status_code == 503, within_s=60)
    own.leave_room(None)
    assert own.ended(email_id, within_s=110)["status"] == "delivered"
    assert len(own.inbox(email_id)) == 1


@pytest.mark.full
@needs_limits
def test_ctrl_c_on_a_full_disk_says_what_was_refused(own: Installation) -> None:
    email_id = own.send()
    own.ended(email_id)
    own.leave_room(0)
    assert own.api.post("/v1/emails", json=EMAIL).status_code == 503
    assert own.restart() == 1
    sentence = (
        rf"The last changes could not be kept in {re.escape(str(own.data))} \(there is room again\): each was refused"
    )
    log = own.log.read_text()
    assert len(re.findall(sentence, log)) == 1
    assert "Traceback" not in log
    assert own.story(email_id)["status"] == "delivered"


@pytest.mark.full
def test_ctrl_c_is_silent_and_clean_otherwise(own: Installation) -> None:
    own.ended(own.send())
    assert own.restart() == 0
    assert "could not be kept" not in own.log.read_text()


STARTS = {
    "a full disk": ("ulimit -f 0; ", "data", "File too large"),
    "no folder": ("", "/dev/null/data", "Not a directory"),
}


@pytest.mark.parametrize("start", STARTS)
def test_a_start_where_nothing_can_be_written_is_one_sentence(tmp_path: Path, start: str) -> None:
    limit, folder, why = STARTS[start]
    port = str(free_port())
    env = {**os.environ, "DATA_DIR": str(tmp_path / folder), "SIMULATOR_PORT": str(free_port())}
    env |= {"AWS_PORT": str(free_port()), "PORT": port, "PYTHONDONTWRITEBYTECODE": "1"}
    server = [sys.executable, "-m", "uvicorn", "app.main:app", "--port", port]
    ended = subprocess.run(
        ["sh", "-c", f'{limit}exec "$@"', "sh", *server], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode not in (0, -signal.SIGXFSZ)
    assert f"cannot be written ({why}): make room, or set DATA_DIR" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.splitlines()) < 8
