"""The emulator without a journal, for tests and benches. Other sites' pages are refused here, too.

Nothing expires: tests whose clock stands in the past keep their items.
"""

import os
import signal
from contextlib import suppress
from importlib import import_module
from resource import RLIMIT_NOFILE, getrlimit, setrlimit
from typing import Any

from . import unreaped
from .guard import guarded
from .serving import server


def main() -> None:
    """Serve what the environment's GATEWAY_PORT and BIND_HOST say, as ministack's own command does."""
    unreaped.dynamodb()
    app = guarded(import_module("ministack.app").app, ())
    let_publish_allow_batches(import_module("ministack.core.iam_actions"))
    with suppress(ValueError, OSError):  # macOS does not let a process have as many open files as it says
        most = getrlimit(RLIMIT_NOFILE)[1]
        setrlimit(RLIMIT_NOFILE, (most, most))
    serving = server(app, os.environ["BIND_HOST"], int(os.environ["GATEWAY_PORT"]))

    def stop(*_: Any) -> None:
        serving.should_exit = True

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, stop)
    serving.run()


def let_publish_allow_batches(actions: Any) -> None:
    """Let the permission sns:Publish allow PublishBatch, for which AWS has none of its own and ministack asks for one.

    SNS Developer Guide, "Amazon SNS API permissions" (read 2026-11-29).
    """
    extract = actions.extract_iam_action

    def extracted(*arguments: Any) -> Any:
        action = extract(*arguments)
        return "sns:Publish" if action == "sns:PublishBatch" else action

    actions.extract_iam_action = extracted
