"""Whatever random runs write and whatever fails meanwhile: each change is told once, in order, and published."""

import os
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import get_state_machine_test, initialize, invariant
from pynamodb.models import Model

from app.domain.changes import REPORT_INDEX, EmailChange, reported
from app.domain.endpoint import Endpoint
from app.domain.project import of_test_keys
from app.domain.written import HeadWritten
from app.errors import ServiceUnavailable
from app.notify import publish_changes as publishing
from app.notify.notification import Notification
from app.notify.publish_changes import PublishChanges
from app.store import change_feed
from app.store.change_feed import ChangeFeed, Entry, FeedPosition
from app.store.change_items import ChangeItem
from app.store.change_items import written as in_feed
from app.store.endpoints import EndpointItem, Endpoints
from app.store.heads import Heads
from app.store.stream_images import read_record
from app.wiring.changes import build_publish_changes
from tests.delivery.test_random_runs import EMAILS_A_RUN, FIXED_SEED, RandomRuns
from tests.domain.change_walk import Walk, adds_up
from tests.notify.counted import Counted
from tests.support.aws import Aws
from tests.support.crash import Crash
from tests.support.faults import FaultInjector, FaultMode
from tests.support.random_run import STARTS_AT_S
from tests.support.size import examples
from tests.support.stream import Inline, Record, Shard, Stream

PROJECTS = ("team", of_test_keys("team"))
MODES = [FaultMode.BEFORE, FaultMode.AFTER, FaultMode.REFUSED]
STEPS = 30
# `make fire` lets a tenth of its emails be told.
RUNS = -(-int(os.environ["EMAILS"]) // (10 * EMAILS_A_RUN)) if os.environ.get("EMAILS") else examples(8)
PUBLISH_EMAIL, ADD = PublishChanges._publish_email, ChangeFeed.add
ORIGINAL = {name: getattr(change_feed, name) for name in ("put_all", "get_all", "_note")}


class PublishedRuns(RandomRuns):
    """A random run whose stream is told meanwhile, by processes that die, and read by somebody who follows the feed."""

    patch: pytest.MonkeyPatch

    def __init__(self) -> None:
        super().__init__()
        forget(ChangeItem)
        forget(EndpointItem)  # and with the feed's items, in one table, all numbers
        self.stream = Stream(self.run.clock)
        self.recording = self.stream.recording()
        self.recording.__enter__()
        self.fails = FaultInjector()
        self.refuses: set[int] = set()
        for name, call in ORIGINAL.items():
            self.patch.setattr(change_feed, name, self._slow(self.fails.wrap(call)))
        self.refuses_changes = False
        self.patch.setattr(ChangeFeed, "add", lambda *arguments: self._add(*arguments))
        self.published: dict[str, list[Notification]] = defaultdict(list)
        self.endpoints = {project: self._endpoint(project) for project in PROJECTS}
        self.feed = ChangeFeed(self.run.clock, 4)
        self.counted = Counted(self.run.clock, PROJECTS, 4, self.fails)
        self.shard = Shard(self.stream, build_publish_changes(self.run.harness.settings, self.run.clock, self.publish))
        self.places: dict[str, FeedPosition] = dict.fromkeys(PROJECTS, FeedPosition.at(int(STARTS_AT_S * 1000)))
        self.seen: list[Entry] = []

    def _slow(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The call of the store, which takes its time."""

        def slow(*arguments: Any, **named: Any) -> Any:
            self.run.clock.advance(0.03)
            return call(*arguments, **named)

        return slow

    def _add(self, feed: ChangeFeed, changes: Sequence[EmailChange], written_ms: int) -> None:
        if changes and self.refuses_changes and self.chance.random() < 0.3:
            raise ServiceUnavailable("throttled")
        ADD(feed, changes, written_ms)

    def _endpoint(self, project: str) -> str:
        endpoint_id = f"ep_{uuid4().hex[:26]}"
        assert Endpoints(self.run.clock).put(Endpoint(endpoint_id, project, "https://x.example", 0, (0,)))
        return endpoint_id

    def publish(self, some: Sequence[Notification]) -> list[tuple[Notification, str]]:
        refused = [one for place, one in enumerate(some) if place in self.refuses]
        self.met["refused"] += len(refused)

        def take() -> None:
            for one in some:
                if one not in refused:
                    self.published[one.endpoint_id].append(one)

        self.fails.wrap(take)()
        return [(one, "throttled") for one in refused]

    @initialize(number=st.integers(0, 2**32))
    def draw(self, number: int) -> None:
        self.chance = random.Random(number)  # noqa: S311 because nothing is secret here

    @invariant()
    def tell(self) -> None:
        """Now and then, somebody tells what is next, and somebody reads."""
        chance = self.chance
        if chance.random() < 0.2:
            return
        size = chance.choice([1, 2, 5, 20, 100])
        if chance.random() < 0.2:  # Lambda has lost its answer
            self.shard.begins = max(0, self.shard.begins - chance.randrange(10))
            self.met["told again"] += 1
        if chance.random() < 0.7:
            self.fails.arm((chance.randrange(1, 12), chance.choice(MODES)))
        self.refuses = {chance.randrange(4)} if chance.random() < 0.3 else set()
        self.refuses_changes = chance.random() < 0.3
        while size:
            try:
                told = self.shard.hand_over(size)
                self.met["told"] += told
                self.met["failed"] += not told
                break
            except (Crash, ServiceUnavailable):
                self.met["died"] += 1
                size //= 2  # the batch is bisected
        self.fails.arm(None)
        self.refuses, self.refuses_changes = set(), False
        for project in PROJECTS:
            self._read(project, chance.choice([1, 5, 100]))
        if chance.random() < 0.3:
            self.met["counters that died"] += self.counted.count(chance)

    def _read(self, project: str, limit: int) -> bool:
        page = self.feed.read(project, self.places[project], limit)
        self.seen += page.entries
        self.places[project] = page.after
        return page.is_last

    def teardown(self) -> None:
        try:
            super().teardown()
            while not self.shard.is_done:
                assert self.shard.hand_over(100)
            self.run.clock.advance(60)
            for project in PROJECTS:
                while not self._read(project, 100):
                    pass
        finally:
            self.recording.__exit__(None, None, None)
        self.is_all_told()
        self.counted.is_what_became(self.run.heads(), self.seen)

    def is_all_told(self) -> None:
        expected = self.expected()
        assert Counter(entry["id"] for entry in self.seen) == Counter(expected.keys()), "not told once"
        sequences: dict[str, list[int]] = defaultdict(list)
        for entry in self.seen:
            change = expected[entry["id"]]
            if change.index != REPORT_INDEX:  # what providers reported may come in any order
                assert entry == in_feed(change)
                sequences[change.email_id].append(change.sequence)
        for in_order in sequences.values():
            assert in_order == sorted(in_order), "not told in order"
        for project, endpoint_id in self.endpoints.items():
            own = {one.id for one in expected.values() if one.project == project}
            assert {one.event_id for one in self.published[endpoint_id]} == own, "not published"
        self.met.update({"changes": len(expected), **Counter(entry["type"] for entry in self.seen)})

    def expected(self) -> dict[str, EmailChange]:
        """What is to be told, by id, as it follows from what was written, and adds up to what became of everybody."""
        found: list[EmailChange] = []
        walks: dict[str, Walk] = defaultdict(lambda: Walk([]))
        for one in self.stream.records:
            written = read_record(one)
            if isinstance(written, HeadWritten):
                walked = walks[written.new.email_id]
                assert written.old == (walked.heads[-1] if walked.heads else None)
                walked.heads.append(written.new)
                walked.see(written.old, written.new, written.at_ms)
                assert written.new.version == len(walked.heads)
            elif written is not None:
                head = Heads().get(written.event.email_id)
                assert head is not None
                found += reported(written, head)
        for walked in walks.values():
            adds_up(walked)
            found += walked.changes
            self.met.update(f"step {change.type}" for change in walked.changes)
        by_id = {change.id: change for change in found}
        assert len(by_id) == len(found)
        return by_id


def forget(model: type[Model]) -> None:
    """Delete all items of the table of this model, whatever they are."""
    keys = [key for key in (model._hash_keyname, model._range_keyname) if key]
    table = model._get_connection()
    for raw in table.connection.scan(model.Meta.table_name)["Items"]:
        table.delete_item(*(next(iter(raw[key].values())) for key in keys))


def run(store: Aws, runs: int, patch: pytest.MonkeyPatch) -> Counter[str]:
    PublishedRuns.aws, PublishedRuns.met, PublishedRuns.patch = store, Counter(), patch
    patch.setattr(publishing, "ThreadPoolExecutor", Inline)
    limits = settings(
        max_examples=runs,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    seed(FIXED_SEED)(get_state_machine_test(PublishedRuns, settings=limits))()
    return PublishedRuns.met


@pytest.mark.no_cover  # traced, it takes three times as long
@pytest.mark.timeout(600 + 30 * RUNS)
def test_each_change_is_told_once_in_order_and_published_whatever_fails(
    store: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    met = run(store, RUNS, monkeypatch)
    assert len([name for name in met if name.startswith("email.")]) >= 12
    assert len([name for name in met if name.startswith("step ")]) >= 9
    assert min(met["told"], met["failed"] + met["died"], met["refused"] + met["told again"]) > 0


def backwards(tell: PublishChanges, records: Iterable[tuple[int, Record]], until_s: float) -> Any:
    return PUBLISH_EMAIL(tell, list(records)[::-1], until_s)


def once_only(tell: PublishChanges, records: Iterable[tuple[int, Record]], until_s: float) -> Any:
    return replace(PUBLISH_EMAIL(tell, records, until_s), failed=None)


@pytest.mark.full
@pytest.mark.no_cover
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutant", [backwards, once_only])
def test_the_order_and_what_is_told_again_matter(
    store: Aws, monkeypatch: pytest.MonkeyPatch, mutant: Callable[..., Any]
) -> None:
    monkeypatch.setattr(PublishChanges, "_publish_email", mutant)
    with pytest.raises(AssertionError, match=r"not told once|not told in order|not published"):
        run(store, 4, monkeypatch)
