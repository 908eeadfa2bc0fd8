"""The worker process, `python -m app.local.worker --exit-with-parent`. It runs Lambda's handlers on the local queue."""

import os
import signal
import sys
import threading
from functools import partial

from app.local import exit_with_parent, health, queue_poller, retention
from app.local.paths import Paths
from app.store.heads import Heads
from app.wiring.process import container
from workers import attempts, sweep


def main() -> None:
    """Call `workers.attempts` for the messages of the queue, and `workers.sweep` each second, until SIGTERM."""
    if "--exit-with-parent" in sys.argv:
        exit_with_parent.watch()
    container()  # built here, before two threads could build it at the same time
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    queue = queue_poller.QueuePoller(os.environ, attempts.handler)
    ticking = partial(queue_poller.tick, sweep.handler, stop, is_behind=queue.is_behind)
    clock = threading.Thread(target=ticking, name="clock")
    clock.start()
    kept = retention.Retention(os.environ, retention.limit(os.environ), Heads())
    old_emails = threading.Thread(target=kept.run, args=(stop,), name="retention")
    old_emails.start()
    try:
        queue.run(stop, partial(health.beat, Paths.of(os.environ).heartbeat))
    finally:
        stop.set()
        clock.join()
        old_emails.join()


if __name__ == "__main__":
    main()
