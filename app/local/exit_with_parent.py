"""Ends a process when its parent ends. The process's standard input is a pipe that only the parent holds open.

When the parent ends, even by kill -9, the pipe closes, and the process sends itself SIGTERM, so that it ends in order.
This module imports nothing of `app`, because `python -I exit_with_parent.py PROGRAM` also runs PROGRAM, a script or a
module, in the emulator's virtual environment, where there is no `app`.
"""

import multiprocessing
import os
import runpy
import signal
import sys
import threading

GRACE_S = 15.0
"""How long a process may take to end after its parent has."""


def watch() -> None:
    """End this process once standard input is closed: by SIGTERM, and after GRACE_S by force."""
    # The descriptor is duplicated, because the program may close or replace its standard input.
    pipe = os.dup(sys.stdin.fileno())
    threading.Thread(target=_end_with, args=(pipe,), name="exit-with-parent", daemon=True).start()


def follow_parent() -> None:
    """End this process by SIGTERM once the process that spawned it has ended.

    Without this, uvicorn's workers and reloaded servers would outlive a uvicorn that was killed, and keep its port.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:

        def follow() -> None:
            parent.join()
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=follow, name="follow-parent", daemon=True).start()


def is_alone() -> bool:
    """Whether no other process spawned this one. Then it is the only server, and has not opened its port yet."""
    return multiprocessing.parent_process() is None


def _end_with(pipe: int) -> None:
    while os.read(pipe, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(GRACE_S)
    os._exit(1)


if __name__ == "__main__":
    watch()
    del sys.argv[0]
    if sys.argv[0].endswith(".py"):
        runpy.run_path(sys.argv[0], run_name="__main__")
    else:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
