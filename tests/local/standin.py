"""Run by the tests, as a process: a server with a stack of stand-in children, one of these children, or their keeper.

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
from app.local.keeper import keep
from app.local.mode import LocalError
from app.local.reload import KeptStack, is_reloading
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


def make_stack(*, serves: bool = True) -> Stack:
    programs = [partial(program, name) for name in ("first", "second")]
    return Stack(os.environ, start_programs=programs, serves=serves)


def stack_under_uvicorn() -> Stack | KeptStack:
    if not is_reloading(sys.argv, os.environ):
        return make_stack()
    kept = KeptStack(os.environ, (sys.executable, __file__, "keep"))
    kept.notice_interrupt()
    return kept


Message = MutableMapping[str, Any]


async def app(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    assert scope["type"] == "lifespan"
    await receive()
    stack = stack_under_uvicorn()
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


def run_keeper(server: str) -> None:
    try:
        keep(make_stack(serves=False), int(server), sys.stdout.write)
    except LocalError as error:
        sys.exit(str(error))
    note("keeper-end")


if __name__ == "__main__":
    if sys.argv[1] == "keep":
        run_keeper(sys.argv[2])
    else:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        serve() if sys.argv[1] == "serve" else child(sys.argv[1])
