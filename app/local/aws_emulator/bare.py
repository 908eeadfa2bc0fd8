"""The emulator without a journal, for tests and benches. Other sites' pages are refused here, too."""

import os
import signal
from contextlib import suppress
from importlib import import_module
from resource import RLIMIT_NOFILE, getrlimit, setrlimit
from typing import Any

from .guard import guarded
from .serving import server


def main() -> None:
    """Serve what the environment's GATEWAY_PORT and BIND_HOST say, as ministack's own command does."""
    app = guarded(import_module("ministack.app").app, ())
    with suppress(ValueError, OSError):  # macOS does not let a process have as many open files as it says
        most = getrlimit(RLIMIT_NOFILE)[1]
        setrlimit(RLIMIT_NOFILE, (most, most))
    serving = server(app, os.environ["BIND_HOST"], int(os.environ["GATEWAY_PORT"]))

    def stop(*_: Any) -> None:
        serving.should_exit = True

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, stop)
    serving.run()
