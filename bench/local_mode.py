"""`make bench-local`: how fast an installation on this machine is, and what it costs while nothing happens.

    python -m bench.local_mode [--emails 400] [--clients 16] [--latency-ms 100] [--idle-s 60]

It starts one on free ports, in a temporary folder. The yardstick is what the simulated provider itself takes from the
same client in the same run, so read the ratios. Nothing is asserted.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection
from statistics import median, quantiles
from typing import Any, Final
from urllib.parse import urlsplit

from app.local.mode import API_KEY
from app.local.simulator import accounts
from bench import processes
from bench.installations import installation
from bench.throughput import EMAIL
from tests.support.installation import Installation

ACCOUNT: Final = "sendgrid"
SETTINGS: Final = {"PROVIDERS": ACCOUNT, "INBOX_LIMIT": "100000"}
PAUSE_S: Final = 0.3  # between two emails: longer than an email and its webhook take
WARM_UP: Final = 15
SAMPLES: Final = 50
LAST_WITHIN_S: Final = 180.0


class Client:
    """A client that keeps its connection, and costs little beside what it measures."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
        self._headers = {"Content-Type": "application/json", **headers}

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def post(self, path: str, body: bytes) -> bytes:
        """Post JSON. Raises RuntimeError if the answer is no 202."""
        self._connection.request("POST", path, body, self._headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != 202:
            raise RuntimeError(f"{answer.status}: {content!r}")
        return content


@dataclass(frozen=True)
class Sender:
    """Somebody to whom a client posts the same email: our API, or the provider itself."""

    url: str
    path: str
    body: bytes
    headers: Mapping[str, str]

    def client(self) -> Client:
        """A new client."""
        return Client(self.url, self.headers)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.local_mode")
    parser.add_argument("--emails", type=int, default=400, help="sent by all clients together")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--latency-ms", type=int, default=100, help="of the provider, for the clients")
    parser.add_argument("--idle-s", type=float, default=60, help="how long nothing happens; 0: not measured")
    options = parser.parse_args()
    with installation(SETTINGS) as installed:
        product, provider = senders(installed)
        ours_ms, bare_ms = one_by_one(installed, product), one_by_one(installed, provider)
        print(f"idle, POST to provider: {_ms(ours_ms)}; posted to the provider itself: {_ms(bare_ms)}", flush=True)
        installed.fault(ACCOUNT, latency_ms=options.latency_ms)
        with costs(installed) as spent:
            ours = side_by_side(installed, product, options.emails, options.clients)
        bare = side_by_side(installed, provider, options.emails, options.clients)
        print(
            f"{options.clients} clients, {options.emails} emails, a provider that takes {options.latency_ms} ms: "
            f"{ours:.0f} emails/s; posted to the provider itself: {bare:.0f}/s; ratio {ours / bare:.2f}"
        )
        for name, cpu_s in spent.items():
            print(f"  {name}: {cpu_s / options.emails * 1000:.1f} ms of CPU an email")
        print(f"warnings of a full connection pool: {installed.log.read_text().count('pool is full')}", flush=True)
        if options.idle_s:
            time.sleep(15)  # until what was sent is over, and so are the waits of its connections
            with costs(installed) as spent:
                time.sleep(options.idle_s)
            print(f"idle: {sum(spent.values()) * 60 / options.idle_s:.2f} s of CPU a minute")
            for name, cpu_s in spent.items():
                print(f"  {name}: {cpu_s * 60 / options.idle_s:.2f} s")
    return 0


def senders(installed: Installation) -> tuple[Sender, Sender]:
    """Our API, and the simulated provider as we call it."""
    listener = installed.control.get("/control/providers").json()[ACCOUNT]
    key = next(iter(accounts.credentials(ACCOUNT).values()))
    sendgrid = {
        "personalizations": [{"to": [{"email": EMAIL["to"][0]}]}],
        "from": {"email": EMAIL["from"]},
        "subject": EMAIL["subject"],
        "content": [{"type": "text/html", "value": EMAIL["html"]}],
    }
    ours = Sender(
        str(installed.api.base_url), "/v1/emails", json.dumps(EMAIL).encode(), {"Authorization": f"Bearer {API_KEY}"}
    )
    bare = Sender(
        listener["base_url"], "/v3/mail/send", json.dumps(sendgrid).encode(), {"Authorization": f"Bearer {key}"}
    )
    return ours, bare


def one_by_one(installed: Installation, sender: Sender) -> list[float]:
    """How many ms each of SAMPLES emails took from the client to the provider, on a machine that has nothing to do."""
    client, times_ms = sender.client(), []
    for _ in range(WARM_UP + SAMPLES):
        last = _newest(installed)
        began_s = time.time()
        client.post(sender.path, sender.body)
        [message] = _messages(installed, after=last, count=1)
        times_ms.append((_at_s(message) - began_s) * 1000)
        time.sleep(PAUSE_S)
    return times_ms[WARM_UP:]


def side_by_side(installed: Installation, sender: Sender, count: int, clients: int) -> float:
    """How many emails a second the provider took, from the first POST until it had taken all."""
    last = _newest(installed)

    def send(number: int) -> None:
        client = sender.client()
        for _ in range(count // clients + (number < count % clients)):
            client.post(sender.path, sender.body)

    began_s = time.time()
    with ThreadPoolExecutor(clients) as pool:
        for _ in pool.map(send, range(clients)):
            pass
    taken = _messages(installed, after=last, count=count)
    return count / (max(map(_at_s, taken)) - began_s)


@contextmanager
def costs(installed: Installation) -> Iterator[dict[str, float]]:
    """The CPU seconds of each process of the installation during the `with` block, by name; empty without /proc."""
    before, spent = processes.cpu_s(installed), dict[str, float]()
    yield spent
    spent.update({name: cpu_s - before.get(name, 0) for name, cpu_s in processes.cpu_s(installed).items()})


def _messages(installed: Installation, after: int, count: int) -> list[dict[str, Any]]:
    """The messages behind the one with the number `after`, once there are `count` of them."""

    def find() -> list[dict[str, Any]]:
        answer = installed.control.get("/control/messages", params={"after": after}, timeout=60)
        return list(answer.raise_for_status().json())

    deadline_s = time.monotonic() + LAST_WITHIN_S
    while len(found := find()) < count:
        if time.monotonic() > deadline_s:
            raise RuntimeError(f"{len(found)} of {count} emails after {LAST_WITHIN_S:g} s")
        time.sleep(0.02 if count == 1 else 0.5)
    return found


def _newest(installed: Installation) -> int:
    """The number of the newest message; 0: there is none."""
    found = installed.control.get("/control/messages").json()
    return int(found[-1]["number"]) if found else 0


def _at_s(message: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(message["received_at"]).timestamp()


def _ms(times_ms: list[float]) -> str:
    return f"{median(times_ms):.1f} ms (p95 {quantiles(times_ms, n=20)[-1]:.1f})"


if __name__ == "__main__":
    sys.exit(main())
