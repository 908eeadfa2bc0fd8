"""Kills an installation while emails are in flight, and audits what became of each of them.

What is guaranteed of a crash (docs/guarantees.md): an email that was answered with 202 is there, and a recipient gets a
second copy only after a call of which nobody knows what came of it.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import httpx

from bench.audit import ENDS, Copy, Finding, examine, read_copy
from tests.support.installation import EMAIL, Installation

SETTINGS: Final = {
    "PROVIDERS": "sendgrid,mailgun,ses",
    "UNCERTAIN_WAIT_S": "3",
    "PROVIDER_TIMEOUT_S": "2",
    "WORKER_TIMEOUT_S": "4",
    "LOG_LEVEL": "WARNING",
    "INBOX_LIMIT": "100000",  # every copy is counted
}
SENDERS: Final = 16
LATENCY_MS: Final = 150  # of the providers, so that the queue is long when the kill comes
ACCEPTED_WITHIN_S: Final = 90.0  # an email, from the first try of its client
SETTLED_WITHIN_S: Final = 240.0


@dataclass(frozen=True, slots=True)
class Crash:
    """What came of one crash: how many emails were accepted before it and in all, and what was wrong."""

    before: int
    accepted: int
    copies: int
    uncertain: int  # calls of which nobody knew what came of them
    settled_s: float
    findings: list[Finding]


def _kill_everything(installed: Installation) -> None:
    installed.kill_everything()
    installed.restart()


KILLS: Final[Mapping[str, Callable[[Installation], object]]] = {
    "the emulator": Installation.kill_emulator,
    "everything": _kill_everything,
}


def crash(installed: Installation, how: str, emails: int) -> Crash:
    """Accept `emails`, kill `how` when half of them are accepted, and wait until all have settled."""
    for account in SETTINGS["PROVIDERS"].split(","):
        installed.fault(account, latency_ms=LATENCY_MS)
    accepted: list[str] = []
    half = threading.Event()

    def send(number: int) -> None:
        accepted.append(_send(installed, number))
        if len(accepted) >= emails // 2:
            half.set()

    with ThreadPoolExecutor(SENDERS) as pool:
        sending = [pool.submit(send, number) for number in range(emails)]
        half.wait()
        before = len(accepted)
        KILLS[how](installed)
        for one in sending:
            one.result()
    began_s = time.monotonic()
    stories = _settled(installed, accepted)
    settled_s = time.monotonic() - began_s
    copies: dict[str, list[Copy]] = defaultdict(list)
    for message in installed.control.get("/control/messages", timeout=60).json():
        copies[message["metadata"]["em_email_id"]].append(read_copy(message))
    attempts = [attempt for story in stories.values() if story for attempt in story["attempts"]]
    found = [examine(email_id, stories[email_id], copies[email_id], "wait") for email_id in accepted]
    return Crash(
        before,
        len(accepted),
        sum(len(copies[email_id]) for email_id in accepted),
        sum(attempt["outcome"] == "uncertain" for attempt in attempts),
        settled_s,
        [finding for each in found for finding in each],
    )


def _send(installed: Installation, number: int) -> str:
    """Send an email as a careful client does: again under the same key, until it is accepted. Returns its id."""
    body = {**EMAIL, "to": [f"to{number}@example.net"]}
    key = {"Idempotency-Key": uuid4().hex}
    until_s = time.monotonic() + ACCEPTED_WITHIN_S
    while time.monotonic() < until_s:
        try:
            answer = installed.api.post("/v1/emails", json=body, headers=key)
        except httpx.TransportError:
            time.sleep(0.1)
            continue
        if answer.status_code in (200, 202):
            return str(answer.json()["id"])
        time.sleep(0.1)
    raise RuntimeError(f"an email was not accepted within {ACCEPTED_WITHIN_S:g} s")


def _settled(installed: Installation, email_ids: list[str]) -> dict[str, dict[str, Any] | None]:
    """The stories, once no recipient is queued or sending and each call has its outcome."""
    stories: dict[str, dict[str, Any] | None] = {}
    waiting, until_s = email_ids, time.monotonic() + SETTLED_WITHIN_S
    while waiting and time.monotonic() < until_s:
        for email_id in waiting:
            stories[email_id] = _story(installed, email_id)
        waiting = [email_id for email_id in waiting if not _is_settled(stories[email_id])]
        time.sleep(1 if waiting else 0)
    return stories


def _story(installed: Installation, email_id: str) -> dict[str, Any] | None:
    try:
        answer = installed.api.get(f"/v1/emails/{email_id}")
    except httpx.TransportError:
        return {"recipients": [{"status": "unread"}], "attempts": []}
    if answer.status_code == 503:
        return {"recipients": [{"status": "unread"}], "attempts": []}
    return answer.json() if answer.status_code == 200 else None


def _is_settled(story: dict[str, Any] | None) -> bool:
    if story is None:
        return True
    has_ended = all(each["status"] in {*ENDS, "sent"} for each in story["recipients"])
    return has_ended and all(attempt["outcome"] is not None for attempt in story["attempts"])
