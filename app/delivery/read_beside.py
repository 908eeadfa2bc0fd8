"""What accept reads while it writes: in a thread of its own, or at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from app.domain.head import Head

LookedUp = tuple[Head, str | None]


def in_a_thread(read: Callable[[], LookedUp]) -> Callable[[], LookedUp]:
    """Start `read` in a thread of its own. The function that is returned waits for it, and returns what it returned."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="accept")
    future = pool.submit(read)
    pool.shutdown(wait=False)
    return future.result


def at_once(read: Callable[[], LookedUp]) -> Callable[[], LookedUp]:
    """Call `read` now. For processes whose calls must come in one order, such as those of a random run."""
    found = read()
    return lambda: found
