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
    clock = threading.Thread(target=feed.tick, args=(sweep.handler, stop), name="clock")
    clock.start()
    try:
        feed.Feed(os.environ, attempts.handler).run(stop, partial(health.beat, Paths.of(os.environ).heartbeat))
    finally:
        stop.set()
        clock.join()


if __name__ == "__main__":
    main()
