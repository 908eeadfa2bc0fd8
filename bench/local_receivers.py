"""`make receivers ARGS=--local`: an installation on this machine, beside receivers that fail and beside none that do.

Each phase is an installation of its own, over loopback: emails come at an even rate, and each change is told to the
receivers. A pair is a phase with the well one alone and one with all four, in turns, so that what else the machine does
falls on both. Everything shares its processors: the ratios say what the failing ones cost, too.
"""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median, quantiles
from threading import local
from time import monotonic, sleep, time
from typing import Final

from bench import processes
from bench.installations import installation
from bench.local_mode import SETTINGS, Client, senders
from bench.receiver_servers import ILL, WELL, Receivers
from tests.support.installation import Installation

CLIENTS: Final = 8
WARM_UP: Final = 30
LAST_WITHIN_S: Final = 120.0
TYPE: Final = "email.delivered"  # of each email, there is one: that it has come says that all is told


@dataclass
class Measured:
    """Of some phases, in ms: from the POST of an email to the provider, from the record of a change to the well one."""

    sent_ms: list[float] = field(default_factory=list)
    came_ms: list[float] = field(default_factory=list)
    cpu_ms: dict[str, list[float]] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        cpu = ", ".join(f"{name} {sum(each) / len(each):.1f}" for name, each in self.cpu_ms.items())
        calls = ", ".join(f"{name} {number:,}" for name, number in self.calls.items() if number)
        return (
            f"sending: {_times(self.sent_ms)}; to the well one: {_times(self.came_ms)};"
            f" ms of CPU an email: {cpu or 'unknown'}; calls: {calls}"
        )


def compare(emails: int, rate: float, pairs: int) -> tuple[Measured, Measured]:
    """The well one alone, and beside the others, in pairs that have so many emails each way together."""
    alone, beside = Measured(), Measured()
    for number in range(pairs):
        turns = [(alone, (WELL,)), (beside, (WELL, *ILL))]
        for into, names in turns if number % 2 == 0 else reversed(turns):
            _phase(into, names, max(2, emails // pairs), rate)
    return alone, beside


def ratios(alone: Measured, beside: Measured) -> str:
    """What the failing ones make of the times."""
    return "; ".join(
        f"{what} median {median(theirs) / median(ours):.2f}, p95 {_p95(theirs) / _p95(ours):.2f}"
        for what, theirs, ours in (
            ("sending", beside.sent_ms, alone.sent_ms),
            ("recorded to received", beside.came_ms, alone.came_ms),
        )
    )


def _phase(into: Measured, names: Sequence[str], emails: int, rate: float) -> None:
    """Send so many emails through a new installation, at that rate a second, of which these receivers are told."""
    receivers = Receivers()
    try:
        with installation(SETTINGS) as installed:
            for name in names:
                wanted = {"url": receivers.urls[name], "description": name}
                installed.api.post("/v1/webhook-endpoints", json=wanted).raise_for_status()
            _send(installed, receivers, WARM_UP, rate)
            before = len(receivers.bodies)
            with _cpu_ms(installed, into, emails):
                posted_s = _send(installed, receivers, emails, rate)
            taken = installed.control.get("/control/messages", timeout=60).raise_for_status().json()
            into.sent_ms += [
                (_at_s(one["received_at"]) - posted_s[one["metadata"]["em_email_id"]]) * 1000
                for one in taken
                if one["metadata"]["em_email_id"] in posted_s
            ]
            ahead_s = time() - monotonic()
            for event_id, body in list(receivers.bodies.items())[before:]:
                took_s = receivers.arrived_s[event_id] + ahead_s - _at_s(json.loads(body)["timestamp"])
                into.came_ms.append(took_s * 1000)
            for name, count in receivers.calls.items():
                into.calls[name] = into.calls.get(name, 0) + count
    finally:
        receivers.close()


def _send(installed: Installation, receivers: Receivers, emails: int, rate: float) -> dict[str, float]:
    """Post emails, and wait until all are told to the well one. Returns when each of them was posted, by its id."""
    sender, _ = senders(installed)
    before, mine, began_s = _delivered(receivers), local(), monotonic()
    clients: list[Client] = []

    def send(number: int) -> tuple[str, float]:
        if not hasattr(mine, "client"):
            mine.client = sender.client()
            clients.append(mine.client)
        client: Client = mine.client
        sleep(max(0.0, began_s + number / rate - monotonic()))
        posted_s = time()
        return str(json.loads(client.post(sender.path, sender.body))["id"]), posted_s

    with ThreadPoolExecutor(CLIENTS) as pool:
        posted = dict(pool.map(send, range(emails)))
    for one in clients:
        one.close()
    deadline_s = monotonic() + LAST_WITHIN_S
    while (came := _delivered(receivers) - before) < emails:
        if monotonic() > deadline_s:
            raise RuntimeError(f"{came} of {emails} emails were told {LAST_WITHIN_S:g} s after the last was accepted")
        sleep(0.5)
    return posted


@contextmanager
def _cpu_ms(installed: Installation, into: Measured, emails: int) -> Iterator[None]:
    before = processes.cpu_s(installed)
    yield
    for name, cpu_s in processes.cpu_s(installed).items():
        into.cpu_ms.setdefault(name, []).append((cpu_s - before.get(name, 0)) / emails * 1000)


def _delivered(receivers: Receivers) -> int:
    return sum(f'"type":"{TYPE}"'.encode() in body for body in list(receivers.bodies.values()))


def _at_s(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _p95(times_ms: Sequence[float]) -> float:
    return quantiles(times_ms, n=20)[-1]


def _times(times_ms: Sequence[float]) -> str:
    return f"median {median(times_ms):,.0f} ms, p95 {_p95(times_ms):,.0f} ms"
