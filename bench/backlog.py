"""Sweeps a backlog of due emails in bounded runs: no email may be missed, and none may wait behind others for ever.

`make backlog` uses 100,000 emails, the tests use 5,000. No worker makes the attempts, so all emails stay due, which is
the worst case: only the stored cursor keeps a sweep from publishing the same emails again and again.
"""

import argparse
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count

from app.delivery.monitor import Monitor
from app.delivery.queue_ports import Asked
from app.domain.email import Mailbox, Role
from app.domain.head import Head, Recipient
from app.domain.shards import shard_of
from app.store import tables
from app.store.cursors import Cursors
from app.store.heads import Heads
from app.store.health import Healths
from app.store.partitions import Partitions
from app.wiring.sweep import build_sweep
from bench.backends import emulator

MINUTE_MS = 60_000


@dataclass
class Published:
    """A topic that takes every message at once. `ids` are the emails that the sweeps published, in order."""

    ids: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, attempts: Sequence[Asked]) -> Sequence[tuple[str, str]]:
        """Publish messages."""
        with self.lock:
            self.ids += [email_id for email_id, *_ in attempts]
        return ()


@dataclass(frozen=True, slots=True)
class Report:
    """How the sweeps went. `early` counts repeated publishes of an email while others of its shard had had none."""

    emails: int
    runs: int
    missed: int
    early: int
    seconds: float


def fill(emails: int, side_by_side: int = 8) -> set[str]:
    """Store `emails` heads that have been due for a minute. Returns their ids."""
    heads, now_ms = Heads(), int(time.time() * 1000) - MINUTE_MS

    def put(number: int) -> str:
        email_id = f"eml_backlog{number:08d}"
        mailbox = Mailbox(f"{number}@example.net")
        recipients = {mailbox.key: Recipient(mailbox.address, Role.TO)}
        end_ms, shard = now_ms + 60 * MINUTE_MS, shard_of(email_id)
        head = Head(email_id, "f", mailbox, "s", recipients, now_ms, end_ms, end_ms, end_ms // 1000, shard=shard)
        heads.create(head, now_ms)
        return email_id

    with ThreadPoolExecutor(side_by_side) as pool:
        return set(pool.map(put, range(emails)))


def sweep_all(ids: set[str], within_s: float, at_once: int = 1) -> Report:
    """Sweep in runs of `within_s` seconds, `at_once` at the same time, until each of `ids` has been published."""
    published, began_s = Published(), time.time()
    monitor = Monitor(Healths(), (), time.time)
    sweep = build_sweep(Heads(), Cursors(), published, time.time, monitor, Healths(), Partitions(time.time))
    for runs in count(1):
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(lambda _: sweep(within_s), range(at_once)))
        missed = len(ids - set(published.ids))
        if not missed or runs > len(ids):
            return Report(len(ids), runs, missed, _early(published.ids, ids), time.time() - began_s)
    raise AssertionError("unreachable")


def _early(published: Sequence[str], ids: set[str]) -> int:
    """How many publishes repeated an email before all emails of its shard had been published once."""
    waiting = Counter(shard_of(email_id) for email_id in ids)
    seen: set[str] = set()
    early = 0
    for email_id in published:
        shard = shard_of(email_id)
        if email_id not in seen:
            seen.add(email_id)
            waiting[shard] -= email_id in ids
        elif waiting[shard]:
            early += 1
    return early


def main() -> int:
    """Run the command line. The exit status is 1 if an email was missed or waited behind repeated ones."""
    parser = argparse.ArgumentParser(prog="python -m bench.backlog", description=__doc__)
    parser.add_argument("--emails", type=int, default=100_000)
    parser.add_argument("--within", type=float, default=20, help="seconds of one run")
    options = parser.parse_args()
    os.environ.update({"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"})
    with emulator() as url:
        tables.connect("backlog-", "us-east-1", url)
        tables.create_all()
        ids = fill(options.emails)
        print(f"{len(ids)} emails are due", flush=True)
        report = sweep_all(ids, options.within)
    print(report)
    return 1 if report.missed or report.early else 0


if __name__ == "__main__":
    sys.exit(main())
