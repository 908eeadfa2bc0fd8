"""How large the emulator becomes under the store's writes of many emails, while retention deletes old ones."""

import os
import secrets
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from app.domain.attempts import Attempt
from app.domain.email import Content
from app.domain.event import ProviderEvent
from app.domain.head import Head, Status
from app.domain.kinds import Kind
from app.local import aws, emulator, retention
from app.local.children import Child
from app.local.environment import deployed
from app.local.paths import Paths
from app.local.provision import provision
from app.store import tables
from app.store.content import Contents
from app.store.events import Events
from app.store.heads import Heads
from app.store.idempotency import IdempotencyKeys
from app.store.partitions import Partitions
from bench.installations import free_ports
from tests.support.samples import a_head

WRITERS: Final = 6
EXPIRY_S: Final = 5.0
TRIM_S: Final = 5.0
LARGE_EVERY: Final = 200  # one email of so many has a content that goes to S3
TEXT: Final = "<p>A line of a receipt, such as shops send.</p>" * 40


@dataclass(frozen=True, slots=True)
class Sample:
    """The emulator's size after so many emails: its memory, and its folder on disk."""

    emails: int
    memory_mb: float
    disk_mb: float
    seconds: float


@contextmanager
def running(folder: Path, kept: int) -> Iterator[tuple[dict[str, str], Child]]:
    """The emulator alone, with the product's tables, and with retention at work in this process."""
    api, simulator, own = map(str, free_ports(3))
    env = deployed(
        {
            "PATH": os.environ["PATH"],
            **{name: value for name, value in os.environ.items() if name == "EMULATOR_PYTHON"},
            "PORT": api,
            "SIMULATOR_PORT": simulator,
            "AWS_PORT": own,
            "DATA_DIR": str(folder),
            "KEEP_EMAILS": str(kept),
        }
    )
    os.environ.update(env)
    child = Child(emulator.program(env, lambda: None, expiry_s=EXPIRY_S), [])
    stop = threading.Event()
    trimming = threading.Thread(target=lambda: _trim(env, kept, stop))
    try:
        child.wait_until_ready(20, stop)
        provision(env)
        tables.connect(env["TABLE_PREFIX"], env["AWS_REGION"], env["AWS_ENDPOINT_URL"])
        tables.create_all()
        trimming.start()
        yield env, child
    finally:
        stop.set()
        if trimming.ident is not None:
            trimming.join()
        child.stop(grace_s=20)


def grow(folder: Path, emails: int, kept: int, within_s: float) -> list[Sample]:
    """Write `emails`, or as many as `within_s` allows. A sample after each thirtieth."""
    with running(folder, kept) as (env, child), ThreadPoolExecutor(WRITERS) as pool:
        write, began_s = Writer(env), time.monotonic()
        samples, step = [_sample(0, env, child, began_s)], max(1, emails // 30)
        for begin in range(0, emails, step):
            list(pool.map(write, range(begin, begin + step)))
            samples.append(_sample(begin + step, env, child, began_s))
            if time.monotonic() - began_s > within_s:
                break
        return samples


class Writer:
    """Writes what the store has of one email in the end, in the order in which the product does."""

    def __init__(self, env: dict[str, str]) -> None:
        self._heads, self._events, self._keys = Heads(), Events(), IdempotencyKeys()
        client = aws.client("s3", env)
        self._contents = Contents(lambda: client, env["CONTENT_BUCKET"])

    def __call__(self, number: int) -> None:
        """Accept, send and deliver one email."""
        now_ms = int(time.time() * 1000)
        head = a_head(now_ms)
        [(key, recipient)] = head.recipients.items()
        text = TEXT if number % LARGE_EVERY else secrets.token_hex(400_000)
        content = Content(subject=head.subject, html=text)
        self._keys.name("bench", head.email_id, head.email_id, head.ttl_s, now_ms / 1000)
        self._contents.put(head, content)
        head = self._stored(self._heads.create(head, now_ms))
        attempt = Attempt(1, "sendgrid", (key,), now_ms)
        claimed = replace(head, attempts=(attempt,), next_attempt=2, lease_attempt=1, lease_until_ms=now_ms + 30_000)
        head = self._stored(self._heads.update(claimed, now_ms))
        sent = replace(attempt, outcome=Kind.ACCEPTED, status_code=202, message_id=secrets.token_hex(8), duration_ms=9)
        delivered = {key: replace(recipient, status=Status.DELIVERED)}
        done = replace(head, attempts=(sent,), lease_attempt=0, lease_until_ms=None, recipients=delivered)
        head = self._stored(self._heads.update(done, now_ms))
        event = ProviderEvent("sendgrid", Kind.DELIVERED, head.email_id, 1, recipient.address, now_ms, "id", "message")
        self._events.put([event], {head.email_id: head}, now_ms)
        self._stored(self._heads.update(head, now_ms))

    @staticmethod
    def _stored(head: Head | None) -> Head:
        if head is None:
            raise RuntimeError("somebody else has written an email of this run")
        return head


def _trim(env: dict[str, str], kept: int, stop: threading.Event) -> None:
    keeper = retention.Retention(env, kept, Heads(), Partitions(time.time).created)
    while not stop.wait(TRIM_S):
        keeper.trim(stop)


def _sample(emails: int, env: dict[str, str], child: Child, began_s: float) -> Sample:
    return Sample(emails, memory_mb(child.pid), _disk_mb(Paths.of(env).emulator), time.monotonic() - began_s)


def memory_mb(pid: int) -> float:
    """The resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _disk_mb(folder: Path) -> float:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue  # it was deleted meanwhile
    return total / 1e6
