"""Whatever publishes an email publishes it in its lane, and the urgent ones first."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from app.delivery.queue_ports import Asked
from app.delivery.sweep import LANE_ENDS
from app.domain.due import REPUBLISH_AFTER_MS
from app.domain.head import Status
from app.domain.lane import Lane, of_lane, rank_of, read_lane
from app.domain.shards import due_partition
from app.errors import Conflict
from tests.support.harness import Harness
from tests.support.outcomes import UNAVAILABLE
from tests.support.samples import an_email

NUDGE_S = REPUBLISH_AFTER_MS / 1000


class Watched:
    """A queue that keeps what it was asked, with the lane."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []

    def publish(self, email_id: str, attempt: int, lane: Lane) -> None:
        self.asked.append((email_id, attempt, lane))

    def publish_many(self, attempts: Sequence[Asked]) -> Sequence[tuple[str, str]]:
        self.asked += attempts
        return ()

    def publish_later(self, email_id: str, attempt: int, at_ms: int, lane: Lane) -> None:  # noqa: ARG002
        self.publish(email_id, attempt, lane)


def accept(harness: Harness, named: Lane | None, lane: Lane = Lane.NORMAL) -> str:
    accepted = harness.accept(replace(an_email(), lane=named), project="team", key=None, lane=lane)
    harness.taken.add(accepted.head.email_id)
    harness.queue.published()
    return accepted.head.email_id


@pytest.mark.parametrize("lane", Lane)
def test_a_new_email_is_published_in_its_lane_and_keeps_it(harness: Harness, lane: Lane) -> None:
    seen = Watched()
    accepted = replace(harness.accept, publish=seen.publish)(replace(an_email(), lane=lane), project="team", key=None)
    email_id = accepted.head.email_id
    assert seen.asked == [(email_id, 1, lane)]
    assert harness.head(email_id).lane is lane


def test_an_email_that_names_no_lane_takes_the_one_that_the_door_says(harness: Harness) -> None:
    assert harness.head(accept(harness, None)).lane is Lane.NORMAL
    assert harness.head(accept(harness, None, lane=Lane.BULK)).lane is Lane.BULK
    assert harness.head(accept(harness, Lane.URGENT, lane=Lane.BULK)).lane is Lane.URGENT


def test_a_repeated_request_is_the_same_one_whatever_the_door_says_by_now(harness: Harness) -> None:
    """The key may have been exchanged for one that is fixed to a lane."""
    email = an_email()
    first = harness.accept(email, project="team", key="again")
    harness.taken.add(first.head.email_id)
    again = harness.accept(email, project="team", key="again", lane=Lane.BULK)
    assert again.replayed
    assert again.head.lane is Lane.NORMAL
    with pytest.raises(Conflict):
        harness.accept(replace(email, lane=Lane.URGENT), project="team", key="again")


def test_the_next_attempt_is_published_in_the_same_lane(harness: Harness) -> None:
    email_id, seen = accept(harness, Lane.BULK), Watched()
    harness.send.plan("sendgrid", UNAVAILABLE)
    replace(harness.attempt, publish=seen.publish)(email_id, 1)
    assert seen.asked == [(email_id, 2, Lane.BULK)]


def test_a_message_that_comes_too_early_goes_back_to_the_lane_in_which_it_came(harness: Harness) -> None:
    seen, at_ms = Watched(), harness.clock.now_ms + 60_000
    replace(harness.attempt, publish_later=seen.publish_later)("eml_1", 1, at_ms, Lane.URGENT)
    assert seen.asked == [("eml_1", 1, Lane.URGENT)]


def test_a_lost_message_is_swept_to_its_lane_and_the_urgent_ones_come_first(harness: Harness) -> None:
    lanes = {accept(harness, lane): lane for lane in (Lane.BULK, Lane.NORMAL, Lane.URGENT) * 3}
    harness.clock.advance(NUDGE_S)
    seen = Watched()
    replace(harness.sweep, publish_many=seen.publish_many)(within_s=60)
    ours = [one for one in seen.asked if one[0] in lanes]
    assert {email_id: lane for email_id, _, lane in ours} == lanes
    assert [rank_of(lane) for _, _, lane in ours] == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_an_email_that_is_replaced_is_published_in_its_own_lane(harness: Harness) -> None:
    earlier = harness.take(replace(an_email(collapse_key="again"), lane=Lane.BULK))
    harness.queue.published()
    (to,) = harness.head(earlier).recipients.values()
    seen = Watched()
    email = replace(an_email(collapse_key="again"), lane=Lane.URGENT)
    email = replace(email, to=(replace(email.to[0], address=to.address),))
    new = replace(harness.accept, publish=seen.publish)(email, project="team", key=None).head.email_id
    harness.taken.add(new)
    assert set(seen.asked) == {(earlier, 1, Lane.BULK), (new, 1, Lane.URGENT)}


def test_a_message_in_another_lane_than_its_emails_is_answered_all_the_same(harness: Harness) -> None:
    """A deployment is under way, or somebody published by hand."""
    email_id = accept(harness, Lane.BULK)
    harness.attempt(email_id, 1, 0, Lane.URGENT)
    assert harness.only(email_id).status is Status.SENT


def test_no_lane_keeps_the_others_from_being_swept(harness: Harness) -> None:
    """Its emails stay due, as those of a provider that is down: the run's time is divided."""
    for lane in Lane:
        accept(harness, lane)
    harness.clock.advance(NUDGE_S)
    began_s, read = harness.clock(), list[str]()

    class Endless:
        def due(self, partition: str, *_: Any) -> tuple[list[str], Any]:
            read.append(partition)
            harness.clock.advance(1)
            return [], {"due_at": {"N": "1"}}

        def __getattr__(self, name: str) -> Any:
            return getattr(harness.heads, name)

    heads: Any = Endless()
    replace(harness.sweep, heads=heads, shards=[0], wake=lambda _: None, watchdog=lambda: None)(within_s=50)
    counts = {lane: read.count(due_partition(0, lane)) for lane in Lane}
    assert counts == {Lane.URGENT: 40, Lane.NORMAL: 5, Lane.BULK: 5}
    assert harness.clock() - began_s == 50
    assert LANE_ENDS[Lane.BULK] == 1
    harness.cursors.put({})


@pytest.mark.parametrize("text", [None, "", "express", 7, [], {}, "Lane.BULK"])
def test_a_message_that_names_no_lane_that_there_is_is_a_normal_one(text: Any) -> None:
    assert read_lane(text) is Lane.NORMAL


def test_a_name_without_a_place_for_the_lane_is_that_of_all_lanes() -> None:
    assert [of_lane("arn:topic", lane) for lane in Lane] == ["arn:topic"] * 3
    assert [of_lane("topic-{lane}", lane) for lane in Lane] == ["topic-urgent", "topic-normal", "topic-bulk"]
