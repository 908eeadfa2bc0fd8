"""The stream of the emails table, made of what the stores write in a test; and who hands it over, as Lambda does."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.notify.publish_changes import PublishChanges
from app.store import batches
from app.store import events as event_store
from app.store.collapses import Collapses
from app.store.events import EventItem
from app.store.head_items import PART, as_raw
from app.store.heads import Heads
from workers.changes import handle

Record = dict[str, Any]
Raw = dict[str, Any]


@dataclass
class Stream:
    """Every write of a head or an event, in its order, as a record with both images."""

    clock: Callable[[], float]
    records: list[Record] = field(default_factory=list)
    items: dict[tuple[str, str], Raw] = field(default_factory=dict)

    def write(self, raw: Raw) -> None:
        """An item was written."""
        key = raw["email_id"]["S"], raw["part"]["S"]
        old = self.items.get(key)
        self.items[key] = raw
        self.records.append(record(len(self.records) + 1, self.clock(), old, raw))

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record what the stores of this process write meanwhile."""
        put, create, put_all = Heads._put, Collapses.create, batches.put_all

        def put_head(heads: Heads, head: Any, now_ms: int, condition: Any) -> Any:
            return self._seen(put(heads, head, now_ms, condition), as_raw(head, now_ms))

        def create_head(collapses: Collapses, head: Any, now_ms: int) -> Any:
            return self._seen(create(collapses, head, now_ms), as_raw(head, now_ms))

        def put_events(items: Sequence[EventItem]) -> None:
            put_all(items)
            for item in items:
                self.write(item.serialize())

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Heads, "_put", put_head)
            patch.setattr(Collapses, "create", create_head)
            patch.setattr(event_store, "put_all", put_events)
            yield

    def _seen(self, stored: Any, raw: Raw) -> Any:
        if stored is not None:
            self.write(raw)
        return stored


def record(number: int, at_s: float, old: Raw | None, new: Raw | None) -> Record:
    """A record as Lambda has it. Without `new`, the item was deleted."""
    known = new or old or {}
    images = {name: dict(image) for name, image in (("OldImage", old), ("NewImage", new)) if image is not None}
    return {
        "eventID": f"{number:032x}",
        "eventName": "REMOVE" if new is None else "INSERT" if old is None else "MODIFY",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "ApproximateCreationDateTime": float(int(at_s)),
            "Keys": {name: known[name] for name in ("email_id", "part")},
            "SequenceNumber": f"{number * 100:021d}",
            "StreamViewType": "NEW_AND_OLD_IMAGES",
            **images,
        },
    }


def is_head(one: Record) -> bool:
    """Whether a record is of a head."""
    return bool(one["dynamodb"]["Keys"]["part"]["S"] == PART)


@dataclass
class Shard:
    """One shard of a stream, and how far it is told. What fails comes again from the record that failed."""

    stream: Stream
    publish_changes: PublishChanges
    begins: int = 0

    def hand_over(self, most: int, context: object = None) -> int:
        """Hand over the next records, at most so many. Returns how many were told; raises what the function raises."""
        batch = self.stream.records[self.begins : self.begins + most]
        if not batch:
            return 0
        answer = handle(self.publish_changes, {"Records": batch}, context)
        numbers = [one["dynamodb"]["SequenceNumber"] for one in batch]
        failed = [numbers.index(one["itemIdentifier"]) for one in answer["batchItemFailures"]]
        done = min(failed, default=len(batch))
        self.begins += done
        return done

    @property
    def is_done(self) -> bool:
        """Whether nothing is left."""
        return self.begins >= len(self.stream.records)


class Inline:
    """Takes the place of a pool of threads where calls must come in one order."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __enter__(self) -> "Inline":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, call: Callable[..., Any], *arguments: Any) -> "Future[Any]":
        done: Future[Any] = Future()
        try:
            done.set_result(call(*arguments))
        except BaseException as error:  # noqa: BLE001 because whoever asks for the result gets it
            done.set_exception(error)
        return done
