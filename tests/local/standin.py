"""Run by the tests, as a process: a server with a stack of stand-in children, or one of these children.

For uvicorn it is an application, `standin:app`, with that stack.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from pathlib import Path
from typing import Any

from app.local import exit_with_parent
from app.local.children import Program
from app.local.mode import LocalError
from app.local.stack import Stack

DATA = Path(os.environ["DATA_DIR"])


def note(word: str) -> None:
    """One line of the journal that the test reads."""
    with (DATA / "journal").open("a") as journal:
        journal.write(f"{word} {os.getpid()}\n")


def program(name: str) -> Program:
    ready = DATA / f"{name}.ready"
    ready.unlink(missing_ok=True)
    return Program(name, (sys.executable, __file__, name), dict(os.environ), ready.exists)


def wait_for_sigterm() -> None:
    signal.sigwait({signal.SIGTERM})


def make_stack() -> Stack:
    return Stack(os.environ, start_programs=[partial(program, name) for name in ("first", "second")])


Message = MutableMapping[str, Any]


async def app(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    assert scope["type"] == "lifespan"
    await receive()
    stack = make_stack()
    await asyncio.to_thread(stack.start)
    note("owner" if stack.is_owner else "guest")
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await asyncio.to_thread(stack.stop)
    await send({"type": "lifespan.shutdown.complete"})


def serve() -> None:
    stack = make_stack()
    try:
        stack.start()
    except LocalError as error:
        sys.exit(str(error))
    note("owner" if stack.is_owner else "guest")
    wait_for_sigterm()
    stack.stop()


def child(name: str) -> None:
    exit_with_parent.watch()
    note(f"{name}-start")
    (DATA / f"{name}.ready").touch()
    wait_for_sigterm()
    note(f"{name}-end")


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    serve() if sys.argv[1] == "serve" else child(sys.argv[1])
