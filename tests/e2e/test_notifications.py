"""An application is told what becomes of its emails: the feed and a receiver on this machine agree, whatever dies."""

import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import free_port
from tests.e2e.conftest import QUICK
from tests.support.installation import Installation
from tests.support.receiver import Receiver

PAGES = 6  # of ten days each, with an end


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    it = Receiver()
    yield it
    it.close()


@pytest.fixture
def told(tmp_path: Path, receiver: Receiver) -> Iterator[Installation]:
    """An installation of its own, with an endpoint."""
    installation = Installation(tmp_path, (free_port(), free_port(), free_port()), QUICK)
    installation.start()
    answer = installation.api.post("/v1/webhook-endpoints", json={"url": receiver.url})
    assert answer.status_code == 201, answer.text
    receiver.secret = answer.json()["secret"]
    yield installation
    installation.close()


def feed(installation: Installation, email_id: str) -> list[dict[str, Any]]:
    """What the feed says of an email, in its order."""
    found: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    for _ in range(PAGES):
        answer = installation.api.get("/v1/events", params={"email_id": email_id, "limit": 100, **after})
        assert answer.status_code == 200, answer.text
        found += answer.json()["events"]
        after = {"after": answer.json()["after"]}
    return found


def types(found: list[dict[str, Any]]) -> list[str]:
    return [one["type"] for one in found]


def agree(installation: Installation, receiver: Receiver, email_id: str, wanted: list[str]) -> None:
    """Return once the feed tells this of an email, each change once and in order, and the receiver has taken it."""
    installation.until("taken", lambda: types(receiver.of(email_id)) == wanted, within_s=90)
    installation.until("in the feed", lambda: len(feed(installation, email_id)) >= len(wanted), within_s=30)
    entries = feed(installation, email_id)
    assert types(entries) == wanted
    assert [one["data"] for one in entries] == [one["data"] for one in receiver.of(email_id)]
    assert len({one["id"] for one in entries}) == len(entries)


def is_in_the_feed(installation: Installation, email_id: str) -> bool:
    return types(feed(installation, email_id))[-1:] == ["email.delivered"]


def pid_of(installation: Installation, child: str) -> int:
    """The process id of a child. 0: it does not run now."""
    try:
        return installation.worker_pid() if child == "worker" else installation.emulator_pid()
    except AssertionError:
        return 0


def is_started_again(installation: Installation, child: str, killed: int) -> bool:
    return pid_of(installation, child) not in (killed, 0) and is_healthy(installation)


def is_healthy(installation: Installation) -> bool:
    return installation.api.get("/health", timeout=60).status_code == 200


ORDINARY = ["email.queued", "email.sent", "email.delivered"]


def test_a_failover_is_told_by_feed_and_webhook(told: Installation, receiver: Receiver) -> None:
    told.fault("sendgrid", "unavailable")
    email_id = told.send()
    told.ended(email_id)
    agree(told, receiver, email_id, ["email.queued", "email.failed_over", "email.sent", "email.delivered"])


@pytest.mark.full
@pytest.mark.timeout(300)
def test_a_receiver_that_was_down_gets_everything_once_it_is_back(told: Installation, receiver: Receiver) -> None:
    receiver.status = 503
    email_id = told.send()
    told.ended(email_id)
    told.until("refused", lambda: receiver.refused > 0, within_s=30)
    receiver.status = 204
    agree(told, receiver, email_id, ORDINARY)


@pytest.mark.full
@pytest.mark.timeout(300)
@pytest.mark.parametrize("child", ["worker", "emulator"])
def test_what_dies_is_told_all_the_same(told: Installation, receiver: Receiver, child: str) -> None:
    """Something is written, and the one who tells it, or keeps it, dies at once."""
    emails = []
    for _ in range(3):
        emails.append(told.send())
        killed = pid_of(told, child)
        assert killed
        os.kill(killed, signal.SIGKILL)
        is_back = partial(is_started_again, told, child, killed)
        told.until("up again", is_back, within_s=60)
    for email_id in emails:
        told.ended(email_id, within_s=90)
        told.until("in the feed", partial(is_in_the_feed, told, email_id), within_s=60)
        # A call that was under way was of unknown outcome, and another account's was told, too.
        wanted = types(feed(told, email_id))
        assert set(ORDINARY) <= set(wanted) <= {*ORDINARY, "email.failed_over"}
        agree(told, receiver, email_id, wanted)


@pytest.mark.full
@pytest.mark.timeout(300)
def test_what_waits_for_its_receiver_outlives_everything(told: Installation, receiver: Receiver) -> None:
    receiver.status = 503
    email_id = told.send()
    told.ended(email_id)
    told.until("refused", lambda: receiver.refused > 0, within_s=30)
    told.kill_everything()
    receiver.status = 204
    told.restart()
    agree(told, receiver, email_id, ORDINARY)


def test_a_test_of_an_endpoint_is_posted_at_once(told: Installation, receiver: Receiver) -> None:
    endpoints = told.api.get("/v1/webhook-endpoints").json()["endpoints"]
    [endpoint] = [one for one in endpoints if one["url"] == receiver.url]
    answer = told.api.post(f"/v1/webhook-endpoints/{endpoint['id']}/test")
    assert answer.status_code == 202
    told.until("taken", lambda: receiver.ids == [answer.json()["event_id"]], within_s=60)
    assert types(receiver.taken) == ["webhook.test"]
