"""`python -m app.admin stats`."""

import json
import time

import pytest

from app.domain.changes import changes
from app.domain.shards import SHARDS
from app.store.change_feed import PROMPT_MS, ChangeFeed
from app.store.partitions import Partitions
from tests.admin.conftest import Run
from tests.support.samples import a_head

TOLD_BEFORE_MS = 60_000


@pytest.fixture(scope="module")
def at_ms(env: dict[str, str]) -> int:
    """When three emails were accepted, as the feed has it: a minute ago."""
    written_ms = int(time.time() * 1000) - TOLD_BEFORE_MS
    clock = lambda: written_ms / 1000  # noqa: E731
    for project, emails in {"shop": 2, "blog": 1}.items():
        Partitions(clock).note(project)
        for number in range(emails):
            head = a_head(written_ms, email_id=f"eml_{project}{number}", version=1, project=project)
            ChangeFeed(clock, SHARDS).add(changes(None, head, written_ms), written_ms)
    return written_ms


def test_numbers_as_a_table_and_as_json(run: Run, at_ms: int) -> None:
    shown = run("stats", "--by", "day", "--group", "provider", "--project", "shop")
    assert shown.exit_code == 0, shown.output
    heads, line = shown.stdout.splitlines()
    assert heads.split()[:4] == ["DAY", "PROVIDER", "ACCEPTED", "SENT"]
    assert line.split()[1:] == ["–", "2", "0", "0", "0", "0", "0", "0", "–", "–"]
    assert line.startswith(time.strftime("%Y-%m-%dT00:00:00.000Z", time.gmtime((at_ms + PROMPT_MS) / 1000)))
    record = json.loads(run("stats", "--json").stdout)
    assert [row["accepted"] for row in record["rows"]] == [3]
    assert record["rows"][0]["provider"] is None
    assert run("stats", "--project", "nobody").stdout == "none\n"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--from", "yesterday"], "--from: 'yesterday' must be an RFC 3339 time"),
        (["--project", "A B"], "--project: 'A B' is not the name of a project"),
        (
            ["--from", "2026-01-01T00:00:00Z", "--to", "2026-03-01T00:00:00Z"],
            "from: is more than 31 days before `to`; ask for less, or by=day",
        ),
        (["--by", "week"], "Invalid value for '--by'"),
    ],
)
def test_a_mistake_is_a_sentence(run: Run, options: list[str], complaint: str) -> None:
    done = run("stats", *options)
    assert done.exit_code != 0
    assert complaint in done.output
