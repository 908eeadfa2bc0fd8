"""What an application is told adds up over the heads that random runs write, whatever crashes between two writes."""

from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import get_state_machine_test

from app.domain.changes import EmailChange
from app.domain.head import Head
from app.store.collapses import Collapses
from app.store.heads import Heads
from tests.delivery.test_random_runs import FIXED_SEED, RandomRuns
from tests.domain.change_walk import Walk, adds_up
from tests.support.aws import Aws
from tests.support.size import examples


@pytest.mark.no_cover  # traced, it takes three times as long
@pytest.mark.timeout(600)
def test_every_write_of_every_head_is_told_once(store: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    written: dict[str, list[Head]] = defaultdict(list)
    told: list[EmailChange] = []

    def keeping(write: Callable[..., Head | None]) -> Callable[..., Head | None]:
        def keep(*args: object) -> Head | None:
            stored = write(*args)
            if stored is not None:
                written[stored.email_id].append(stored)
            return stored

        return keep

    class ToldRuns(RandomRuns):
        def __init__(self) -> None:
            written.clear()
            super().__init__()

        def teardown(self) -> None:
            super().teardown()
            for heads in written.values():
                assert [head.version for head in heads] == list(range(1, len(heads) + 1))
                walked = Walk(heads)
                walked.see(None, heads[0], heads[0].created_at_ms)
                for old, new in pairwise(heads):
                    walked.see(old, new, self.run.clock.now_ms)
                adds_up(walked)
                told.extend(walked.changes)

    monkeypatch.setattr(Heads, "_put", keeping(Heads._put))
    monkeypatch.setattr(Collapses, "create", keeping(Collapses.create))
    ToldRuns.aws, ToldRuns.met = store, Counter()
    limits = settings(
        max_examples=examples(8),
        stateful_step_count=30,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    seed(FIXED_SEED)(get_state_machine_test(ToldRuns, settings=limits))()
    assert len({change.type for change in told}) >= 9
