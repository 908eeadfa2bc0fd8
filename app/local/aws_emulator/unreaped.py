"""ministack's DynamoDB, imported without the thread that deletes expired items beside the requests."""

import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from .journal import NotKept

REAPER: Final = "dynamodb-ttl-reaper"  # the name of that thread


def dynamodb() -> Any:
    """The module. Must be called before anything else imports it, because it starts the thread at once.

    Raises NotKept if it starts no thread of that name.
    """
    start: Callable[[threading.Thread], None] = threading.Thread.start
    skipped = []

    def start_others(thread: threading.Thread) -> None:
        if thread.name == REAPER:
            skipped.append(thread)
        else:
            start(thread)

    setattr(threading.Thread, "start", start_others)  # noqa: B010 because the module starts it when it is imported
    try:
        module = import_module("ministack.services.dynamodb")
    finally:
        setattr(threading.Thread, "start", start)  # noqa: B010 because this is the original again
    if not skipped:
        raise NotKept(f"ministack has no thread {REAPER} any more: another one may delete items unseen")
    return module
