"""The bench of receivers: what the well one is told is counted, whatever the others do."""

import pytest

from bench.receiver_servers import WELL
from bench.receivers import Queue, measure
from tests.support.aws import Aws
from tests.support.deliveries import Deliveries


@pytest.mark.usefixtures("store")
def test_the_well_one_gets_each_webhook_and_the_others_calls_are_counted() -> None:
    alone = measure("alone", (WELL,), 25, 200, 2)
    assert (len(alone.took_s), alone.calls[WELL]) == (25, 25)
    assert all(took_s >= 0 for took_s in alone.took_s)
    beside = measure("beside", (WELL, "answers 500", "vanishes"), 25, 200, 2)
    assert (len(beside.took_s), beside.calls[WELL]) == (25, 25)
    assert beside.calls["answers 500"] > 0
    assert beside.calls["vanishes"] > 0
    assert beside.calls["hangs"] == 0


def test_the_queue_gives_batches_of_what_is_due(store: Aws) -> None:
    assert store.endpoint_url
    queue, parts = Queue(), Deliveries()
    one = parts.notification(None)
    for _ in range(12):
        queue.put(one)
    queue.put(one, 3600)
    assert [len(queue.take()), len(queue.take())] == [10, 2]
    queue.close()
    assert queue.take() == []
    parts.deliver.close()
