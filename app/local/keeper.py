"""Owns the children under `uvicorn --reload`: `python -m app.local.keeper PID`, where PID is uvicorn's own.

Uvicorn ends the server's process and starts another whenever a file changes. The keeper lives as long as uvicorn does,
and so do emulator and simulator. The worker runs our code, too, so it alone is started again with the server.
"""

import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import closing, suppress

from app import logs
from app.errors import ConfigurationError
from app.local import terminal_log
from app.local.mode import LocalError
from app.local.paths import keep_private
from app.local.prepare import prepare
from app.local.stack import Stack
from app.settings import Settings
from app.wiring import process

ENDING = "Local mode: uvicorn has ended. The worker, the simulator and the AWS emulator are being stopped.\n"
ENDED = "Local mode: stopped.\n"


def keep(stack: Stack, server: int, say: Callable[[str], object]) -> None:
    """Run `stack` until SIGTERM, or until the process `server` has ended. SIGHUP starts its last child again.

    Raises LocalError if it cannot be started.
    """
    stop, is_ordered = threading.Event(), threading.Event()

    def end(*_: object) -> None:
        is_ordered.set()
        stop.set()

    def follow() -> None:
        wait_for_end(server)
        stop.set()

    signal.signal(signal.SIGHUP, lambda *_: stack.renew_last())
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is for the server, which stops this process
    stack.start()
    try:
        if stack.is_owner:
            threading.Thread(target=follow, name="follow-uvicorn", daemon=True).start()
            stop.wait()
            if not is_ordered.is_set():
                say(ENDING)
    finally:
        stack.stop()
    if not is_ordered.is_set():
        say(ENDED)


def wait_for_end(pid: int) -> None:
    """Return once the process has ended, also if its parent has not asked for its status yet."""
    with suppress(ProcessLookupError):
        if sys.platform == "linux":
            ended = os.pidfd_open(pid)
            try:
                select.select([ended], [], [])
            finally:
                os.close(ended)
        else:
            with closing(select.kqueue()) as queue:
                wanted = select.kevent(
                    pid, filter=select.KQ_FILTER_PROC, flags=select.KQ_EV_ADD, fflags=select.KQ_NOTE_EXIT
                )
                queue.control([wanted], 1)


def main() -> None:
    """Keep the children of this machine. Ends with status 1 and a message if they cannot be started."""
    keep_private()
    try:
        logs.configure(Settings.from_env(os.environ).log_level)
        terminal_log.use(os.environ)
        parts = process.connect(os.environ)
        stack = Stack(os.environ, lambda: prepare(parts), serves=False)
        keep(stack, int(sys.argv[1]), sys.stdout.write)
    except (LocalError, ConfigurationError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
