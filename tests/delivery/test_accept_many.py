"""accept for many: every email as a call of its own would be accepted, in their order, by fewer calls of the store."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynamodb.exceptions import PutError

from app.delivery.drafts import Accepted, Requested
from app.delivery.read_beside import at_once, in_order, side_by_side
from app.domain.email import Attachment, Content, Email
from app.domain.head import Head, Status
from app.domain.suppression import Reason, Suppression
from app.errors import Conflict, Invalid, ServiceUnavailable
from app.topic import Topic
from tests.support.aws import Aws, client
from tests.support.crash import Crash, crash
from tests.support.faults import FaultInjector, FaultMode, FaultyStore
from tests.support.harness import DAY_S, Harness
from tests.support.publishing import one_by_one
from tests.support.samples import an_email, somebody
from tests.support.size import FULL, examples


def together(harness: Harness, *requests: Requested, **parts: Any) -> list[Any]:
    answers = replace(harness.accept, **parts).together(requests, project="team")
    harness.taken |= {one.head.email_id for one in answers if isinstance(one, Accepted)}
    return list(answers)


def plain(count: int) -> list[Requested]:
    return [Requested(an_email()) for _ in range(count)]


def test_many_are_stored_found_and_sent(harness: Harness) -> None:
    requests = plain(100 if FULL else 30)
    answers = together(harness, *requests)
    assert [list(one.head.recipients) for one in answers] == [[one.email.to[0].key] for one in requests]
    for one, request in zip(answers, requests, strict=True):
        assert (one.replayed, one.head) == (False, harness.head(one.head.email_id))
        assert harness.contents.open(one.head.email_id)[1]() == request.email.content
        (listed,) = harness.recipients.emails_to(request.email.to[0].key, "team")
        assert listed == (one.head.created_at_ms, one.head.email_id)
    assert sorted(harness.work()) == sorted((one.head.email_id, 1) for one in answers)
    assert {harness.only(one.head.email_id).status for one in answers} == {Status.SENT}


def test_an_empty_batch_is_nothing(harness: Harness) -> None:
    assert together(harness) == []


def test_of_two_with_one_key_the_later_one_repeats_the_earlier_one(harness: Harness) -> None:
    email, other = an_email(), an_email()
    first, second, third, fourth = together(
        harness, Requested(email, "same-1"), Requested(other), Requested(email, "same-1"), Requested(other, "same-1")
    )
    assert (first.replayed, second.replayed) == (False, False)
    assert third == Accepted(first.head, replayed=True)
    assert isinstance(fourth, Conflict)
    assert len(harness.work()) == 2


def test_a_key_of_one_that_is_refused_is_free_for_the_next(harness: Harness) -> None:
    wrong, email = an_email(providers=("nobody",)), an_email()
    first, second, third = together(
        harness, Requested(wrong, "free-1"), Requested(email, "free-1"), Requested(email, "free-1")
    )
    assert isinstance(first, Invalid)
    assert (second.replayed, third) == (False, Accepted(second.head, replayed=True))


def test_a_key_whose_email_could_not_be_stored_is_not_tried_again(harness: Harness) -> None:
    email, tried = an_email(), []

    class Refusing:
        def create(self, head: Head, now_ms: int) -> None:
            tried.append(head)
            raise PutError(f"no {now_ms}")

        def __getattr__(self, name: str) -> Any:
            return getattr(harness.heads, name)

    answers = together(harness, *[Requested(email, "down-1")] * 5, heads=Refusing())
    assert [type(one) for one in answers] == [PutError] * 5
    assert len(tried) == 1


def test_a_retry_after_a_lost_answer_replays_each(harness: Harness) -> None:
    requests = [Requested(an_email(), f"lost-{number}") for number in range(20)]
    first = together(harness, *requests)
    harness.work()
    second = together(harness, *reversed(requests))
    assert [(one.replayed, one.head.email_id) for one in second] == [
        (True, one.head.email_id) for one in reversed(first)
    ]
    assert harness.published() == []


def last_first(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Threads may begin in any order."""
    return in_order(list(calls)[::-1])[::-1]


@pytest.mark.parametrize("order", [side_by_side, in_order, last_first])
def test_of_those_with_one_collapse_key_the_last_replaces_the_others(harness: Harness, order: Any) -> None:
    ann = somebody("ann")
    old = harness.take(an_email(ann, collapse_key="code"))
    requests = [Requested(an_email(ann, collapse_key="code")) for _ in range(5)]
    answers = together(harness, *requests, *plain(5), side_by_side=order)
    harness.work()
    statuses = [harness.only(one.head.email_id).status for one in answers]
    assert statuses == [Status.CANCELED] * 4 + [Status.SENT] * 6
    assert harness.only(old).status is Status.CANCELED


def test_who_is_suppressed_is_kept_for_each(harness: Harness) -> None:
    ann, bob = somebody("ann"), somebody("bob")
    now_ms = harness.clock.now_ms
    harness.suppressions.put(Suppression(ann.key, Reason.MANUAL, "asked", now_ms, now_ms + DAY_S * 1000))
    overriding = an_email(ann, override_suppression=True)
    both, none, over = together(harness, Requested(an_email(ann, bob)), Requested(an_email(bob)), Requested(overriding))
    assert [list(one.head.suppressed) for one in (both, none, over)] == [[ann.key], [], []]


def test_addresses_of_many_recipients_are_all_looked_up(harness: Harness) -> None:
    crowds = [[somebody() for _ in range(40)] for _ in range(4)]
    now_ms = harness.clock.now_ms
    for crowd in crowds:
        harness.suppressions.put(Suppression(crowd[-1].key, Reason.MANUAL, "asked", now_ms, now_ms + DAY_S * 1000))
    answers = together(harness, *(Requested(an_email(*crowd)) for crowd in crowds))
    assert [list(one.head.suppressed) for one in answers] == [[crowd[-1].key] for crowd in crowds]


def test_an_item_that_the_store_refuses_sinks_its_email_alone(harness: Harness) -> None:
    long = an_email(content=Content("Hello", text="x", tags=("a",)))
    requests = [Requested(an_email()), Requested(long), Requested(an_email())]
    huge = harness.contents.__class__(lambda: harness.aws.s3, "none", inline_limit_bytes=500_000)
    noise = bytes(range(256)) * 10
    content = Content("Hello", attachments=(Attachment("a", "a/b", _random(450_000) + noise),))
    requests[1] = Requested(replace(long, content=content))  # an item may have 400 KB
    first, second, third = together(harness, *requests, contents=huge)
    assert (first.replayed, third.replayed) == (False, False)
    assert isinstance(second, ServiceUnavailable)


def test_a_bucket_that_does_not_answer_sinks_its_email_alone(harness: Harness) -> None:
    nowhere = type(harness.contents)(lambda: harness.aws.s3, "no-such-bucket")
    large = an_email(content=Content("Invoice", attachments=(Attachment("a", "a/b", _random(60_000)),)))
    first, second = together(harness, Requested(large), Requested(an_email()), contents=nowhere)
    assert type(first).__name__ == "NoSuchBucket"
    assert not second.replayed


def _random(size: int) -> bytes:
    import random

    return random.Random(1).randbytes(size)  # noqa: S311 because this is no secret


def test_a_topic_that_takes_nothing_is_no_error(harness: Harness) -> None:
    nobody = Topic(client("http://127.0.0.1:9", "sns"), harness.queue.topic.arn)
    answers = together(harness, *plain(3), publish_many=nobody.publish_many)
    assert harness.published() == []
    found = {email_id for email_id, _ in harness.later(10)}
    assert found == {one.head.email_id for one in answers}


@pytest.mark.parametrize("fault", [ServiceUnavailable("no"), ZeroDivisionError()])
def test_nothing_behind_the_heads_fails_the_request(harness: Harness, fault: Exception) -> None:
    def failing(_: Sequence[tuple[str, int]]) -> list[tuple[str, str]]:
        raise fault

    answers = together(harness, *plain(3), publish_many=failing)
    assert [one.replayed for one in answers] == [False] * 3


def test_a_suppression_list_that_does_not_answer_is_told_to_each(harness: Harness) -> None:
    class Silent:
        def among(self, *_: object) -> None:
            raise ServiceUnavailable("the table does not answer")

    answers = together(harness, *plain(3), suppressions=Silent())
    assert [type(one) for one in answers] == [ServiceUnavailable] * 3
    assert harness.published() == []


RUNS = count()
Step = tuple[int, FaultMode]
REQUESTS: tuple[Callable[[], Email], ...] = (
    an_email,
    lambda: an_email(collapse_key="code"),
    lambda: an_email(providers=("nobody",)),
)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    kinds=st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=6),
    point=st.tuples(st.integers(1, 30), st.sampled_from(FaultMode)),
)
def test_whatever_fails_each_is_stored_once_and_what_was_answered_is_sent(
    store: Aws, kinds: list[tuple[int, bool]], point: Step
) -> None:
    """The process dies, or a call fails, at any step. The client asks again under the same keys."""
    harness, run = Harness(store), next(RUNS)
    requests = [
        Requested(REQUESTS[kind](), f"run-{run}-{0 if shares else number}-{kind}")
        for number, (kind, shares) in enumerate(kinds)
    ]
    by_key = {one.key: one.email for one in requests}
    requests = [Requested(by_key[one.key], one.key) for one in requests]
    faults = FaultInjector()
    names = ("heads", "contents", "keys", "collapses", "suppressions")
    stores: dict[str, Any] = {name: FaultyStore(getattr(harness.stores, name), faults) for name in names}
    faults.arm(point)
    publish_many = one_by_one(faults.wrap(harness.queue.topic.publish))
    answers: list[Any] = []
    try:
        parts = {"publish": faults.wrap(harness.queue.topic.publish), "publish_many": publish_many, **stores}
        answers = together(harness, *requests, read_beside=at_once, side_by_side=in_order, **parts)
    except Crash:
        assert point[1] in (FaultMode.BEFORE, FaultMode.AFTER)
    promised = {one.head.email_id for one in answers if isinstance(one, Accepted)}
    assert all(harness.heads.get(email_id) for email_id in promised)
    again = together(harness, *requests)
    ids: dict[str | None, str] = {}
    for request, one in zip(requests, again, strict=True):
        if request.email.providers:
            assert isinstance(one, Invalid)
            continue
        assert ids.setdefault(request.key, one.head.email_id) == one.head.email_id
    assert promised <= set(ids.values())
    harness.work()
    harness.later(10)
    for email_id in ids.values():
        head = harness.head(email_id)
        assert harness.only(email_id).status is (Status.SENT if not head.stopped else Status.CANCELED)
        (address,) = head.recipients
        listed = [one for _, one in harness.recipients.emails_to(address, "team") if harness.heads.get(one)]
        assert set(listed) == {email_id}
    calls = [message.email_id for _, message in harness.send.calls]
    assert len(calls) == len(set(calls))


def test_what_is_read_at_once_fails_when_it_is_asked_for() -> None:
    def refuse() -> None:
        raise ServiceUnavailable("the table does not answer")

    found = at_once(refuse)
    with pytest.raises(ServiceUnavailable):
        found()


def test_a_crash_of_a_thread_ends_the_process(harness: Harness) -> None:
    with pytest.raises(Crash):
        together(harness, *plain(3), keys=crash, publish_many=crash)
