"""How many calls of AWS a user and an attempt wait for, one after the other."""

from bench.round_trips import Call, Trips, shortest
from tests.support.harness import Harness
from tests.support.ordinary import receipt
from tests.support.samples import somebody


def test_of_calls_that_overlap_one_counts() -> None:
    one, beside, after = Call("one", 0.0, 1.0), Call("beside", 0.5, 1.5), Call("after", 1.0, 2.0)
    assert Trips([one, beside, after]).one_after_another == 2
    assert Trips([one, beside]).one_after_another == 1
    assert Trips([]).one_after_another == 0


def test_accept_waits_for_three_calls_and_an_attempt_for_four(harness: Harness) -> None:
    harness.take(receipt(somebody()))
    harness.work()  # so that what a process keeps is known: the health of the providers
    accepting = shortest(lambda: harness.take(receipt(somebody())))
    assert accepting.one_after_another == 3
    assert sorted(accepting.operations) == ["BatchGetItem", "BatchWriteItem", "Publish", "PutItem"]
    messages = iter(harness.published())
    attempting = shortest(lambda: harness.attempt(*next(messages)))
    assert attempting.operations == ["Query", "BatchGetItem", "PutItem", "PutItem"]
    assert attempting.one_after_another == 4
