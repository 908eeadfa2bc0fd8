"""Keeps the messages of dead-letter queues. Those of other queues are not kept: the sweep publishes them again."""

from collections.abc import Collection
from contextlib import suppress
from typing import Any, Final

from .commits import Commits
from .journal import Change, Describe, Journal, NotKept, Put, Remove

MOST: Final = 10_000
"""How many messages of a queue are kept: the newest."""

_PLACE: Final = "queue "


class KeptQueues:
    """The messages of those queues of ministack's module `sqs` that have one of `names`."""

    def __init__(self, sqs: Any, names: Collection[str], commits: Commits) -> None:
        self._sqs, self._names, self._commits = sqs, names, commits
        self._handle = sqs.handle_request
        self._stored: dict[str, dict[str, Any]] = {}  # place → messages of a queue that is not created yet
        self._kept: dict[str, set[str]] = {}  # place → ids of the messages in the journal
        self._seen: dict[str, tuple[list[Any], int]] = {}  # place → the queue's list and its length, last time

    def hook(self) -> None:
        """Look after each request whether a message has come or gone."""
        self._sqs.handle_request = self._answer

    def load(self, journal: Journal) -> None:
        """Read the messages. They are back as soon as their queue is created."""
        for place, _ in journal.places():
            if place.startswith(_PLACE):
                self._stored[place] = dict(journal.entries(place))
                self._kept[place] = set(self._stored[place])

    def expire(self) -> None:
        """Delete the messages that their queue keeps no longer, and the oldest of too many."""
        for _, queue in self._queues():
            self._sqs._expire_retained(queue)
            if len(queue["messages"]) > MOST:
                queue["messages"] = queue["messages"][-MOST:]
        self._note()

    async def _answer(self, *request: Any) -> Any:
        answer = await self._handle(*request)
        with suppress(NotKept):  # the message is still in the queue, and is written with the next one
            self._note()
            await self._commits.settled()
        return answer

    def _queues(self) -> list[tuple[str, dict[str, Any]]]:
        return [
            (f"{_PLACE}{account}/{region}/{queue['name']}", queue)
            for (account, region, _), queue in self._sqs._queues.all_items()
            if queue["name"] in self._names
        ]

    def _note(self) -> None:
        """Hand over to be written what has come and gone."""
        changes: list[Change] = []
        before = dict(self._kept)
        for place, queue in self._queues():
            for message in self._stored.pop(place, {}).values():
                queue["messages"].append({**message, "receipt_handle": None, "visible_at": 0})
            messages = queue["messages"]
            seen, count = self._seen.get(place, ([], 0))
            if seen is messages and count == len(messages):
                continue  # ministack only appends to a list, or puts another one in its place
            self._seen[place] = messages, len(messages)
            if place not in self._kept:
                changes.append(Describe(place, None))
            kept, now = self._kept.get(place, set()), {message["id"]: message for message in messages}
            changes += [Put(place, id_, message) for id_, message in now.items() if id_ not in kept]
            changes += [Remove(place, id_) for id_ in kept - now.keys()]
            self._kept[place] = set(now)

        def undo() -> None:
            self._kept = before
            self._seen.clear()

        if changes:
            self._commits.add(changes, undo)
