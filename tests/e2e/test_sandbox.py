"""A test key over HTTP, with the worker of this machine: every local part, and nothing in any inbox."""

import re
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.domain.sandbox import REPORTS
from app.domain.sandbox_accounts import ACCOUNTS
from tests.support.installation import EMAIL, ROOT, Installation

KEY = {"Authorization": "Bearer em_test_local_development"}
BECOMES = {
    "delivered": "delivered",
    "bounced": "bounced",
    "blocked": "failed",
    "complained": "complained",
    "suppressed": "suppressed",
    "delayed": "delivered",
    "silent": "sent",
    "failover": "delivered",
}


@pytest.fixture
def api(installation: Installation) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=installation.api.base_url, headers=KEY, timeout=60) as client:
        yield client


def test_one_email_to_everybody(installation: Installation, api: httpx.Client) -> None:
    to = [f"{local}+{number}@any.example" for number, local in enumerate(REPORTS)]
    answer = api.post("/v1/emails", json={**EMAIL, "to": to})
    assert answer.status_code == 202, answer.text
    email_id = answer.json()["id"]

    def has_ended(story: dict[str, Any]) -> bool:
        return {one["address"].partition("+")[0]: one["status"] for one in story["recipients"]} == BECOMES

    story = installation.story_when(email_id, has_ended)  # an operator sees it as its own key does
    assert story == api.get(f"/v1/emails/{email_id}").json()
    assert story["test"] is True
    kinds = sorted(event["kind"] for event in story["events"])
    assert kinds == sorted(["delivered"] * 4 + ["hard_bounce", "blocked", "blocked", "complained", "delayed"])
    assert installation.inbox(email_id) == []
    assert {attempt["provider"] for attempt in story["attempts"]} == set(ACCOUNTS)


def test_a_key_of_real_mail_does_not_see_the_list_of_it(installation: Installation, api: httpx.Client) -> None:
    real = installation.send()
    test = api.post("/v1/emails", json=EMAIL).json()["id"]
    installation.ended(real)
    assert test in {one["id"] for one in api.get("/v1/emails").json()["emails"]}
    assert api.get(f"/v1/emails/{real}").status_code == 404


def test_the_page_s_commands_work_as_they_are_pasted(installation: Installation) -> None:
    page = (ROOT / "docs" / "testing.md").read_text()
    (commands,) = [block for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) if "curl" in block]
    assert "http://127.0.0.1:8000" in commands
    here = commands.replace("http://127.0.0.1:8000", str(installation.api.base_url).rstrip("/"))
    ran = subprocess.run(["bash", "-euo", "pipefail", "-c", here], capture_output=True, text=True, timeout=30)
    assert ran.returncode == 0, ran.stderr
    assert '"status": "partially_delivered"' in ran.stdout
    assert '"kind": "hard_bounce"' in ran.stdout
