"""A whole installation under `uvicorn --reload`."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import free_port
from tests.support.installation import Installation


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A file that uvicorn watches."""
    module = tmp_path / "watched" / "module.py"
    module.parent.mkdir()
    module.touch()
    return module


@pytest.fixture
def reloading(tmp_path: Path, module: Path) -> Iterator[Installation]:
    flags = ("--reload", "--reload-dir", str(module.parent))
    running = Installation(tmp_path, (free_port(), free_port(), free_port()), {}, flags)
    running.start()
    yield running
    running.close()


def children(installation: Installation) -> dict[str, int]:
    """The process ids of emulator, simulator and worker, by a word of their commands."""
    owner = json.loads((installation.data / "status.json").read_text())["pid"]
    listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,command="], capture_output=True, text=True, check=True)
    rows = [line.split(maxsplit=2) for line in listing.stdout.splitlines()]
    words = ("ministack", "app.local.simulator", "app.local.worker")
    return {
        word: int(pid) for pid, parent, command in rows if int(parent) == owner for word in words if word in command
    }


@pytest.mark.full
def test_a_change_starts_server_and_worker_again_and_nothing_else(reloading: Installation, module: Path) -> None:
    before = children(reloading)
    workers = {before["app.local.worker"]}
    emails = []
    for times in range(1, 4):
        emails.append(reloading.send())
        os.utime(module, (2_000_000_000 + times, 2_000_000_000 + times))

        def is_reloaded() -> bool:
            return reloading.log.read_text().count("Application startup complete") == times + 1  # noqa: B023 because it is called in this turn of the loop

        reloading.until("reloaded", is_reloaded, within_s=30)
        emails.append(reloading.send())  # at once, whether the worker is ready or not
        reloading.until("a new worker", lambda: children(reloading).get("app.local.worker", 0) not in {0, *workers}, 30)
        workers.add(children(reloading)["app.local.worker"])
    for email_id in emails:
        assert reloading.ended(email_id)["status"] == "delivered"
        assert len(reloading.inbox(email_id)) == 1
    after = children(reloading)
    assert {**after, "app.local.worker": 0} == {**before, "app.local.worker": 0}
    assert len(workers) == 4
