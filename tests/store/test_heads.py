"""The head's conditional writes, and its indexes."""

from collections import Counter
from dataclasses import MISSING, fields, replace

import pytest

from app.domain.attempts import Attempt, EarlierCalls
from app.domain.due import EARLY_MS, REPUBLISH_AFTER_MS
from app.domain.email import Mailbox, OnUncertain, Role, Tracking
from app.domain.head import Evidence, Head, Recipient, Status, Stop
from app.domain.kinds import Cause, Kind
from app.domain.lane import Lane
from app.domain.shards import SHARDS, shard_of
from app.domain.suppression import Notice, Reason
from app.domain.waiting import Waiting
from app.store.head_items import HeadItem
from app.store.heads import Heads
from tests.support.aws import Aws
from tests.support.clock import Clock
from tests.support.samples import a_head

pytestmark = pytest.mark.usefixtures("store")
NOW_MS = Clock().now_ms


def due(head: Head, now_ms: int) -> bool:
    return head.email_id in Heads().due(str(shard_of(head.email_id)), now_ms, 10_000)[0]


def stored(**fields: object) -> Head:
    head = Heads().create(a_head(NOW_MS, **fields), NOW_MS)
    assert head is not None
    return head


def ended(head: Head, status: Status) -> Head:
    return replace(head, recipients={key: replace(r, status=status) for key, r in head.recipients.items()})


def at_their_defaults(kept: Head | Recipient | Attempt) -> list[str]:
    """The names of the fields that a round trip says nothing of, because a lost one would look the same."""
    return [
        one.name
        for one in fields(kept)
        if getattr(kept, one.name) == (one.default if one.default_factory is MISSING else one.default_factory())
    ]


@pytest.mark.parametrize("after_ms", [5, 0, -3000])
def test_each_version_is_written_later_than_the_one_before_whatever_the_clock_says(after_ms: int) -> None:
    head, now_ms = stored(), NOW_MS + after_ms
    assert head.written_at_ms == NOW_MS
    later = Heads().update(replace(head, subject="later"), now_ms)
    assert later is not None
    assert later.written_at_ms == max(now_ms, NOW_MS + 1)
    assert Heads().get(head.email_id) == later


def test_what_is_created_is_read_again_whole() -> None:
    person = Recipient(
        "Ann@Example.net",
        Role.CC,
        status=Status.SENDING,
        wait_until_ms=NOW_MS + 5,
        attempt=2,
        round=1,
        round_ends_at_ms=NOW_MS + 6,
        tried={"sendgrid": True, "mailgun": False},
        evidence={1: frozenset({Evidence.FAILED})},
        cause=Cause.OUTAGE,
        detail="ünavailable",
        passes_lists=True,
        waits_for=Waiting.CAP,
    )
    repetition = Attempt(
        number=4,
        provider="mailgun",
        recipients=(person.key,),
        started_at_ms=NOW_MS + 20,
        outcome=Kind.UNCERTAIN,
        cause=Cause.UNKNOWN,
        status_code=504,
        reply="no answer",
        message_id="<4@mailgun.example>",
        duration_ms=13,
        repeats=3,
        differing={person.key: Kind.REFUSED},
    )
    head = stored(
        recipients={person.key: person},
        sender=Mailbox("a@example.com"),
        on_uncertain=OnUncertain.FAIL,
        providers=("ses", "mailgun"),
        excluded=("resend",),
        collapse_scope="5c0pe",
        critical=True,
        override_suppression=True,
        tracking=Tracking(opens=True, clicks=True),
        suppressed={person.key: Notice(Reason.UNSUBSCRIBED, NOW_MS + 7)},
        attempts=(
            Attempt(2, "sendgrid", (person.key,), NOW_MS, Kind.UNAVAILABLE, Cause.OUTAGE, 503, "down", "", 12),
            Attempt(3, "mailgun", (person.key,), NOW_MS + 20),
            repetition,
        ),
        earlier={"ses": EarlierCalls(1, NOW_MS - 9, NOW_MS - 8, Kind.THROTTLED)},
        next_attempt=5,
        to_repeat=3,
        lease_attempt=4,
        lease_until_ms=NOW_MS + 30_000,
        lease_holder="c1a1m",
        accepted_by="reque5t",
        stopped=Stop.SUPERSEDED,
        turn_ms=NOW_MS + 40_000,
        limited_since_ms=NOW_MS + 50_000,
        project="shop-2",
        tags=("receipt", "order=4711"),
        lane=Lane.BULK,
        shard=9,
        send_at_ms=NOW_MS + 60_000,
        begins_at_ms=NOW_MS + 70_000,
        key_hash="5e6f",
        through="mailgun:eu",
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        webhook_url="https://hooks.example.com/mail?shop=2",
    )
    assert at_their_defaults(head) == at_their_defaults(person) == at_their_defaults(repetition) == []
    assert head.version == 1
    assert Heads().get(head.email_id) == head


@pytest.mark.parametrize("tracking", [Tracking(), Tracking(opens=True), Tracking(clicks=True)])
def test_what_is_tracked_is_kept(tracking: Tracking) -> None:
    assert Heads().get(stored(tracking=tracking).email_id).tracking == tracking  # type: ignore[union-attr] # because it was just put


def test_an_empty_subject_is_kept() -> None:
    assert Heads().get(stored(subject="").email_id).subject == ""  # type: ignore[union-attr] # because it was just put


def test_there_is_no_head_that_was_not_created() -> None:
    assert Heads().get("eml_nobody") is None


def test_a_second_create_changes_nothing() -> None:
    head = stored()
    assert Heads().create(replace(head, subject="another", version=0), NOW_MS) is None
    assert Heads().get(head.email_id) == head


def test_an_id_is_never_given_twice_not_even_after_its_time() -> None:
    head = stored()
    late_ms = head.ttl_s * 1000 + 1000
    assert Heads().create(a_head(late_ms, email_id=head.email_id, subject="another"), late_ms) is None
    assert Heads().get(head.email_id) == head


def test_an_update_takes_place_under_the_version_that_was_read_only() -> None:
    read = stored()
    first = Heads().update(replace(read, subject="first"), NOW_MS)
    assert first is not None
    assert first.version == read.version + 1
    assert Heads().update(replace(read, subject="second"), NOW_MS) is None
    assert Heads().get(read.email_id) == first


def test_an_update_does_not_bring_back_what_was_deleted() -> None:
    read = stored()
    HeadItem(read.email_id).delete()
    assert Heads().update(replace(read, subject="late"), NOW_MS) is None
    assert Heads().get(read.email_id) is None


def test_many_heads_come_in_the_order_asked_for_without_those_that_are_not_there() -> None:
    heads = [stored() for _ in range(100)]
    asked = [head.email_id for head in reversed(heads)]
    asked[50] = "eml_nobody"
    found = Heads().get_many(asked)
    assert [head.email_id for head in found] == [email_id for email_id in asked if email_id != "eml_nobody"]
    assert Heads().get_many([]) == []


def test_a_new_email_is_due_after_its_first_chance_to_be_published() -> None:
    head = stored()
    assert not due(head, NOW_MS + REPUBLISH_AFTER_MS - 1)
    assert due(head, NOW_MS + REPUBLISH_AFTER_MS)


def waiting(head: Head, now_ms: int) -> bool:
    return head.email_id in Heads().waiting(str(shard_of(head.email_id)), now_ms, 10_000)[0]


def test_who_has_been_due_for_long_is_not_waiting() -> None:
    head = stored()
    due_ms = NOW_MS + REPUBLISH_AFTER_MS
    assert waiting(head, due_ms + EARLY_MS - 1)
    assert not waiting(head, due_ms + EARLY_MS)


def test_a_claim_leaves_the_entry_where_it_is_and_the_email_is_waiting_all_the_same() -> None:
    head = ended(stored(), Status.SENDING)
    claimed = Heads().update(replace(head, lease_attempt=1, lease_until_ms=NOW_MS + 30_000), NOW_MS)
    assert claimed is not None
    assert claimed.due_entry_ms == head.due_entry_ms == NOW_MS + REPUBLISH_AFTER_MS
    assert Heads().get(head.email_id) == claimed
    assert not due(claimed, NOW_MS + REPUBLISH_AFTER_MS - 1)
    assert due(claimed, NOW_MS + REPUBLISH_AFTER_MS)
    assert waiting(claimed, NOW_MS + 29_999)  # although its entry is earlier


def test_the_entry_of_an_email_that_was_due_long_ago_is_moved_by_its_claim() -> None:
    head, now_ms = ended(stored(), Status.SENDING), NOW_MS + EARLY_MS
    claimed = Heads().update(replace(head, lease_attempt=1, lease_until_ms=now_ms + 30_000), now_ms)
    assert claimed is not None
    assert not due(claimed, now_ms + 29_999)
    assert due(claimed, now_ms + 30_000)
    assert waiting(claimed, now_ms + 29_999)


def test_an_email_leaves_the_due_index_when_nothing_is_left_to_do_and_returns_with_new_work() -> None:
    head = stored()
    sent = Heads().update(ended(head, Status.SENT), NOW_MS)
    assert sent is not None
    assert not due(sent, NOW_MS + 10**10)
    queued = Heads().update(ended(sent, Status.QUEUED), NOW_MS)
    assert queued is not None
    assert due(queued, NOW_MS + REPUBLISH_AFTER_MS)


def test_the_longest_due_comes_first_and_the_limit_holds() -> None:
    like = next(iter(stored().recipients.values()))
    shard = 3
    heads: list[Head] = []
    while len(heads) < 4:
        wait_until_ms = 1_000 + len(heads)  # long before anything else in these tables
        people = {like.key: replace(like, wait_until_ms=wait_until_ms)}
        head = a_head(NOW_MS, recipients=people)
        if shard_of(head.email_id) == shard:
            heads.append(stored(email_id=head.email_id, recipients=people))
    first, cursor = Heads().due(str(shard), 2_000, 2)
    assert first == [head.email_id for head in heads[:2]]
    assert cursor is not None
    assert Heads().due(str(shard), 2_000, 100, cursor)[0][:1] == [heads[2].email_id]
    assert Heads().due(str(shard), 1_001, 3)[0] == [head.email_id for head in heads[:2]]


def test_all_emails_are_listed_by_partition_newest_first_from_a_time_on() -> None:
    heads = [stored(created_at_ms=NOW_MS + step, project="shop") for step in range(240)]  # more than pages of the index
    listed = [place for shard in range(SHARDS) for place in Heads().created(f"shop#{shard}", None)]
    assert {(head.created_at_ms, head.email_id) for head in heads} == set(listed)
    for shard in range(SHARDS):
        mine = list(Heads().created(f"shop#{shard}", None))
        assert mine == sorted(mine, reverse=True)
        assert {shard_of(email_id) for _, email_id in mine} == {shard}
        known = [place for place in mine if place[0] <= NOW_MS + 60]
        assert list(Heads().created(f"shop#{shard}", NOW_MS + 60)) == known
        assert not {email_id for _, email_id in Heads().created(f"default#{shard}", None)} & {each[1] for each in mine}


def test_emails_spread_over_all_shards() -> None:
    for shards in (1, 4, 7):
        per_shard = Counter(shard_of(f"eml_{n:026d}", shards) for n in range(200 * shards))
        assert per_shard.keys() == set(range(shards))
        assert min(per_shard.values()) > 100  # 200 on average


def test_the_due_index_is_sparse_and_both_indexes_hold_keys_only(store: Aws) -> None:
    table = HeadItem.describe_table()
    indexes = {index["IndexName"]: index for index in table["GlobalSecondaryIndexes"]}
    assert {name: index["Projection"]["ProjectionType"] for name, index in indexes.items()} == {
        "due": "KEYS_ONLY",
        "created": "KEYS_ONLY",
    }
    head = stored()
    sent = Heads().update(ended(head, Status.SENT), NOW_MS)
    assert sent is not None
    item = HeadItem.get(head.email_id, "email", consistent_read=True)
    assert item.due_at is None
    assert item.due_shard is None


def test_an_email_stays_in_its_shard_and_project_whatever_is_written() -> None:
    """Another number of shards would look for it elsewhere: the head knows, and no writer reckons it again."""
    head = stored(shard=SHARDS + 1, project="shop")
    changed = Heads().update(ended(head, Status.SENT), NOW_MS)
    assert changed is not None
    assert Heads().update(ended(changed, Status.QUEUED), NOW_MS) is not None
    item = HeadItem.get(head.email_id, "email", consistent_read=True)
    assert (item.created_shard, item.due_shard) == (f"shop#{SHARDS + 1}", str(SHARDS + 1))
