"""kill -9 with a hundred emails in flight; `make soak` does the same with a thousand."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import crashes
from tests.conftest import free_port
from tests.support.installation import EMAIL, Installation

EMAILS = 100


@pytest.fixture
def crashing(tmp_path: Path) -> Iterator[Installation]:
    """An installation with short waits."""
    installation = Installation(tmp_path, (free_port(), free_port(), free_port()), crashes.SETTINGS)
    installation.start()
    yield installation
    installation.close()


@pytest.mark.full
@pytest.mark.timeout(300)
@pytest.mark.parametrize("how", crashes.KILLS)
def test_nothing_that_was_accepted_is_lost_or_sent_again(crashing: Installation, how: str) -> None:
    crash = crashes.crash(crashing, how, EMAILS)
    assert crash.accepted == EMAILS
    assert crash.before < EMAILS
    assert crash.findings == []
    assert crash.copies <= EMAILS + crash.uncertain


@pytest.mark.full
def test_what_was_delivered_before_a_kill_stays_delivered(crashing: Installation) -> None:
    """An emulator that keeps its state only when it is ended in order sent all of these a second time."""
    queued = [crashing.send() for _ in range(40)]
    crashing.restart()
    for email_id in queued:  # its webhook may have been lost with the first simulator
        crashing.story_when(email_id, lambda story: story["status"] in ("sent", "delivered"), within_s=60)
    crashing.kill_emulator()
    crashing.until("up again", lambda: crashing.api.post("/v1/emails", json=EMAIL).status_code == 202, within_s=60)
    crashing.ended(crashing.send())  # the sweep has run since
    assert [len(crashing.inbox(email_id)) for email_id in queued] == [1] * len(queued)
