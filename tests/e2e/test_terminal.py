"""What somebody at a terminal sees of a running installation: its log, its URLs again, and the command line."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.conftest import free_port
from tests.support.installation import ROOT, Installation

BEGIN, END = "\nEmailsMinder runs on this machine", "The emails are on disk.\n"


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation that writes its log for a terminal."""
    folder, ports = tmp_path_factory.mktemp("terminal"), (free_port(), free_port(), free_port())
    installation = Installation(folder, ports, {"LOG_FORMAT": "text"})
    installation.start()
    yield installation
    installation.close()


def run(installation: Installation, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A program of this installation's terminal."""
    whole = {**installation.env, **env}
    line = [sys.executable, "-m", *command]
    return subprocess.run(line, cwd=ROOT, env=whole, capture_output=True, text=True, timeout=60, check=False)


def delivered(installation: Installation, email_id: str) -> None:
    installation.until("delivered", lambda: installation.story(email_id)["status"] == "delivered", within_s=30)


@pytest.mark.full
def test_a_delivered_email_is_one_line(terminal: Installation) -> None:
    email_id = terminal.send()
    delivered(terminal, email_id)
    log = terminal.log.read_text()
    (line,) = [line for line in log.splitlines() if email_id in line]
    assert f"  {email_id}  sendgrid accepted it in " in line
    assert '{"level"' not in log


@pytest.mark.full
def test_the_urls_are_shown_again_whatever_ports_this_terminal_knows(terminal: Installation) -> None:
    log = terminal.log.read_text()
    again = run(terminal, "app.local.urls", PORT="8000", SIMULATOR_PORT="8025", AWS_PORT="4566")
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout == log[log.index(BEGIN) : log.index(END) + len(END)]


@pytest.mark.full
def test_emails_go_and_are_seen_from_the_command_line(terminal: Installation) -> None:
    options = ("--from", "a@example.com", "--to", "bob@example.net", "--subject", "Hi", "--text", "x")
    sent = run(terminal, "app.admin", "emails", "send", *options, "--json")
    assert sent.returncode == 0, sent.stderr
    email_id = json.loads(sent.stdout)["id"]
    delivered(terminal, email_id)
    shown = run(terminal, "app.admin", "emails", "show", email_id)
    assert shown.stdout.startswith(f"{email_id}  delivered\n")
    late = run(terminal, "app.admin", "emails", "cancel", email_id)
    assert (late.returncode, late.stderr.partition(":")[0]) == (1, "too late")
    found = json.loads(run(terminal, "app.admin", "providers", "list", "--json").stdout)
    assert found[0]["recent"]["calls"] >= 1


@pytest.mark.full
def test_a_first_failure_is_seen_by_everybody(terminal: Installation) -> None:
    """The worker counts it, and the API, another process, tells it."""
    terminal.fault("mailgun", "server_error")
    terminal.send(providers=["mailgun"])

    def failures() -> int:
        found = {one["name"]: one for one in terminal.api.get("/v1/providers").json()["providers"]}
        return int(found["mailgun"]["recent"]["failures"])

    terminal.until("shown", lambda: failures() > 0, within_s=30)
    health = terminal.api.get("/health")
    assert (health.status_code, health.json()["status"]) == (200, "degraded")
    (reason,) = health.json()["reasons"]
    assert reason.startswith("mailgun: ")
    assert "unavailable, outage, 500" in run(terminal, "app.admin", "providers", "list").stdout
