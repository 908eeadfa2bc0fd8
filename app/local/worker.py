"""The worker process, `python -m app.local.worker --exit-with-parent`.

It makes the attempts of this machine, and tells applications what becomes of their emails.
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping
from functools import partial

from app.local import exit_with_parent, health, queue_poller, retention, terminal_log
from app.local.alarm import Alarm
from app.local.backlog import Backlog
from app.local.dues import Dues
from app.local.hand_over import Listener
from app.local.notifier import Notifier
from app.local.paths import Paths
from app.local.queue_poller import LocalQueue
from app.local.runner import Runner
from app.local.ticker import Ticker
from app.local.wiring import Intake, socket_path
from app.store.heads import Heads
from app.wiring import aws, process
from workers import attempts

POLL_EVERY_S = 5.0
POLL_EVERY_WITHOUT_SOCKET_S = 1.0
LEAVE_WITHIN_S = 2.0
SWITCH_S = 0.0005  # Python's own 5 ms would let an attempt wait so long behind telling, after each of its calls

_log = logging.getLogger(__name__)


def main() -> None:
    """Call `workers.attempts` for every message, and sweep, until SIGTERM."""
    if "--exit-with-parent" in sys.argv:
        exit_with_parent.watch()
    sys.setswitchinterval(SWITCH_S)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    session, settings = aws.deployed()
    terminal_log.use(os.environ)
    alarm = Alarm()
    backlog, dues = Backlog(alarm), Dues(alarm)
    intake = Intake(backlog, dues, LocalQueue(os.environ))
    parts = process.connect(os.environ, session=session, rewire=intake.rewire, is_local=True)
    runner = Runner(backlog, partial(attempts.handle, parts), settings.worker_timeout_s)
    notifier = Notifier(os.environ, settings, intake.queue, parts.partitions.shards, backlog.under_way)
    intake.report_to(notifier)
    listener = listen(os.environ, intake)
    poll_every_s = POLL_EVERY_S if listener else POLL_EVERY_WITHOUT_SOCKET_S
    kept = retention.Retention(os.environ, retention.limit(os.environ), Heads(), parts.partitions.created)
    threads = [
        threading.Thread(target=Ticker(parts, dues, backlog, alarm).run, args=(stop,), name="clock"),
        threading.Thread(target=queue_poller.poll, args=(intake.queue, backlog, stop, poll_every_s), name="queue"),
        threading.Thread(target=kept.run, args=(stop,), name="retention"),
    ]
    runner.start()
    notifier.start()
    for thread in threads:
        thread.start()
    heartbeat = Paths.of(os.environ).heartbeat
    health.beat(heartbeat)
    while not stop.wait(health.BEAT_S):
        health.beat(heartbeat)
    if listener:
        listener.close()
    intake.leave(backlog.close(), LEAVE_WITHIN_S)
    notifier.close()
    runner.join()
    for thread in threads:
        thread.join()
    parts.close()


def listen(env: Mapping[str, str], intake: Intake) -> Listener | None:
    """Listen to the other processes. If that cannot be done, all messages come through the queue."""
    try:
        return Listener(socket_path(env), intake.take)
    except OSError as error:
        _log.warning("nothing can be handed over, so messages come through the queue: %s", error)
        return None


if __name__ == "__main__":
    main()
