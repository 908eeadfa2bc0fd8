"""An account with caps on a whole installation: the worker, the delay queue and the sweep as they run on a laptop."""

from collections import Counter
from collections.abc import Iterator
from threading import Event
from time import time
from typing import Any

import pytest

from tests.conftest import free_port
from tests.e2e.conftest import QUICK
from tests.support.installation import EMAIL, Installation

DAY_S, TAKES_S = 86_400, 60
# An installation of its own, and perhaps the end of a day to be waited for.
pytestmark = [pytest.mark.full, pytest.mark.timeout(120 + TAKES_S)]

DAILY, PER_SECOND, EMAILS = 12, 2, 15


@pytest.fixture(scope="module")
def capped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One account, which may take twelve recipients a day, two of them a second."""
    caps = {"SENDGRID_DAILY_CAP": str(DAILY), "SENDGRID_PER_SECOND_CAP": str(PER_SECOND)}
    ports = (free_port(), free_port(), free_port())
    installation = Installation(tmp_path_factory.mktemp("capped"), ports, {**QUICK, "PROVIDERS": "sendgrid", **caps})
    installation.start()
    yield installation
    installation.close()


def test_both_caps_hold_and_who_waits_says_for_what(capped: Installation) -> None:
    left_s = DAY_S - time() % DAY_S
    if left_s < TAKES_S:
        Event().wait(left_s)  # the cap is of a day of UTC: all of this must happen within one
    emails = [capped.send() for _ in range(EMAILS)]

    def stories() -> list[dict[str, Any]]:
        return [capped.story(email_id) for email_id in emails]

    def waits(story: dict[str, Any]) -> bool:
        (recipient,) = story["recipients"]
        says = str(recipient["detail"]).startswith("waits for the daily cap of sendgrid (12 recipients) until ")
        return story["status"] == "queued" and recipient["cause"] == "limit" and says

    def are_done() -> bool:
        return all(story["status"] == "delivered" or waits(story) for story in stories())

    capped.until("delivered, or waiting for the day", are_done, within_s=TAKES_S)
    found = stories()
    assert _statuses(found) == {"delivered": DAILY, "queued": EMAILS - DAILY}
    attempts = [attempt for story in found for attempt in story["attempts"]]
    seconds = Counter(attempt["started_at"][:19] for attempt in attempts)
    assert max(seconds.values()) <= PER_SECOND
    explained = capped.api.post("/v1/emails/explain", json=EMAIL)
    (candidate,) = explained.json()["route"]
    assert candidate["state"] == "paused"
    assert candidate["why"].startswith("waits for the daily cap of sendgrid")


def _statuses(stories: list[dict[str, Any]]) -> Counter[object]:
    return Counter(story["status"] for story in stories)
