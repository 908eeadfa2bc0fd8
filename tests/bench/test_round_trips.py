"""How many calls of AWS a user and an attempt wait for, one after the other."""

from collections import Counter

from app.delivery.drafts import Accepted, Requested
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


def test_a_batch_waits_for_few_more_calls_than_one_email_and_makes_a_third_as_many_for_each(harness: Harness) -> None:
    """Of 96 emails: 96 heads, 16 at a time; their contents by twelve, who is suppressed by fifty, messages by ten."""

    def batch() -> None:
        answers = harness.accept.together([Requested(receipt(somebody())) for _ in range(96)], project="team")
        harness.taken |= {one.head.email_id for one in answers if isinstance(one, Accepted)}

    harness.take(receipt(somebody()))
    accepting = shortest(batch, by_s=0.02)  # so that threads that begin late overlap all the same
    made = Counter(accepting.operations)
    assert made == {"BatchWriteItem": 8, "BatchGetItem": 2, "PutItem": 96, "PublishBatch": 10}
    assert accepting.one_after_another <= 1 + 96 // 16 + 10 + 2  # two, where a thread begins late
    assert sum(made.values()) / 96 < 4 / 3  # one email alone makes four
