"""The worker process: `python -m app.local.worker --tether`. The very handlers that Lambda runs, fed locally."""

import os
import signal
import sys
import threading
from functools import partial

from app.local import feed, health, tether
from app.local.paths import Paths
from app.wiring import container
from workers import attempts, sweep


def main() -> None:
    """Feed the queue to `workers.attempts`, and tick `workers.sweep`, until SIGTERM."""
    if "--tether" in sys.argv:
        tether.watch()
    container()  # built before two threads could ask for it at once
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    queue = feed.Feed(os.environ, attempts.handler)
    ticking = partial(feed.tick, sweep.handler, stop, is_behind=queue.is_behind)
    clock = threading.Thread(target=ticking, name="clock")
    clock.start()
    try:
        queue.run(stop, partial(health.beat, Paths.of(os.environ).heartbeat))
    finally:
        stop.set()
        clock.join()


if __name__ == "__main__":
    main()
