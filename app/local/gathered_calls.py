"""Stores and reads together what several threads ask for at once: on a laptop, a call costs more than an item."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Generic, TypeVar

from pynamodb.models import Model

from app.store.batches import get_all, put_all
from app.store.change_items import ChangeItem
from app.store.delivery_log import DeliveryLogItem
from app.store.raw_items import Raw
from app.store.waiting_notifications import WaitingItem

GATHER_S: Final = 0.003  # a call takes about as long

Item = ChangeItem | WaitingItem | DeliveryLogItem
Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


class Gathered(Generic[Asked, Answered]):
    """Has one thread, which each time makes one call for all that was asked for until then."""

    def __init__(self, call: Callable[[Sequence[Asked]], Answered]) -> None:
        """`call` answers all who ask together, with the same answer."""
        self._call = call
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="feed")
        self._lock = threading.Lock()
        self._gathered: list[tuple[Asked, Future[Answered]]] = []

    def __call__(self, asked: Asked) -> Answered:
        """Wait for the answer. Raises what the call raises."""
        answer: Future[Answered] = Future()
        with self._lock:
            self._gathered.append((asked, answer))
        self._pool.submit(self._make)
        return answer.result()

    def close(self) -> None:
        """End the thread, when all is answered."""
        self._pool.shutdown()

    def _make(self) -> None:
        if not self._gathered:  # it was answered with what came before
            return
        time.sleep(GATHER_S)
        with self._lock:
            gathered, self._gathered = self._gathered, []
        try:
            answer = self._call([asked for asked, _ in gathered])
        except BaseException as error:  # noqa: BLE001 because each of those who wait must learn of it
            for _, waiting in gathered:
                waiting.set_exception(error)
        else:
            for _, waiting in gathered:
                waiting.set_result(answer)


class FeedCalls:
    """How the table of the feed is written and read on a laptop: the feed, what waits, and the log of deliveries."""

    def __init__(self) -> None:
        self._puts: Gathered[tuple[Sequence[Item], Callable[[], bool]], None] = Gathered(_put)
        self._finds: Gathered[tuple[type[Model], Sequence[Raw]], dict[tuple[str, str], Raw]] = Gathered(_get)

    def put_all(self, items: Sequence[Item], may_begin: Callable[[], bool] = lambda: True) -> None:
        """As `app.store.batches.put_all`."""
        self._puts((items, may_begin))

    def get_all(self, model: type[Model], keys: Sequence[Raw], *, is_consistent: bool = False) -> list[Raw]:
        """As `app.store.batches.get_all`, and always consistent."""
        assert is_consistent  # noqa: S101 because the feed asks for nothing else
        found = self._finds((model, keys))
        return [found[_key(key)] for key in keys if _key(key) in found]

    def close(self) -> None:
        """End the threads."""
        self._puts.close()
        self._finds.close()


def _put(several: Sequence[tuple[Sequence[Item], Callable[[], bool]]]) -> None:
    # DynamoDB refuses a batch that has an item twice.
    distinct = {(item.partition, item.part): item for items, _ in several for item in items}
    put_all(list(distinct.values()), lambda: all(may_begin() for _, may_begin in several))


def _get(asked: Sequence[tuple[type[Model], Sequence[Raw]]]) -> dict[tuple[str, str], Raw]:
    """All items that anybody asks for, by their keys. They are of one table, so that any of the models will do."""
    keys = {_key(key): key for _, several in asked for key in several}
    found = get_all(asked[0][0], list(keys.values()), is_consistent=True)
    return {(raw["partition"]["S"], raw["part"]["S"]): raw for raw in found}


def _key(key: Raw) -> tuple[str, str]:
    return str(key["partition"]), str(key["part"])
