"""What accept does at the same time: in threads, or one after the other."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Final, Protocol, TypeVar

Found = TypeVar("Found")

Read = Callable[[], Found]
MOST_AT_ONCE: Final = 16  # calls of one batch that wait for the store at the same time


class SideBySide(Protocol):
    """Makes calls that need not wait for each other."""

    def __call__(self, calls: Sequence[Read[Found]]) -> list[Found]:
        """Make these calls. Returns what they return, in their order; raises what one of them raises."""


def in_a_thread(read: Read[Found]) -> Read[Found]:
    """Start `read` in a thread of its own. The function that is returned waits for it, and returns what it returned."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="accept")
    future = pool.submit(copy_context().run, read)  # the lines of its log belong to the same request
    pool.shutdown(wait=False)
    return future.result


def at_once(read: Read[Found]) -> Read[Found]:
    """Call `read` now. For processes whose calls must come in one order, such as those of a random run.

    What it raises is raised by the function that is returned, as by that of `in_a_thread`.
    """
    future: Future[Found] = Future()
    try:
        future.set_result(read())
    except Exception as error:  # noqa: BLE001 because it is raised later
        future.set_exception(error)
    return future.result


def side_by_side(calls: Sequence[Read[Found]]) -> list[Found]:
    """Make these calls, several at a time, and return what they return, in their order. One alone needs no thread."""
    if len(calls) < 2:
        return in_order(calls)
    with ThreadPoolExecutor(min(len(calls), MOST_AT_ONCE), thread_name_prefix="accept") as pool:
        begun = [pool.submit(copy_context().run, call) for call in calls]
        return [one.result() for one in begun]


def in_order(calls: Sequence[Read[Found]]) -> list[Found]:
    """As `side_by_side`, one after the other: for processes whose calls must come in one order."""
    return [call() for call in calls]
