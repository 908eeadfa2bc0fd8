"""What a page of a listing costs, and that pages are whole while emails come in and shards are added."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain, pairwise
from typing import Any

import pytest

from app.delivery import read
from app.delivery.read import CHUNK, READ_AT_MOST, SPARE, Read
from app.domain.due import REPUBLISH_AFTER_MS
from app.domain.email import Role
from app.domain.head import EmailStatus, Head, Recipient, Status
from app.domain.kinds import Kind
from app.domain.listing import Wanted
from app.domain.shards import SHARDS, shard_of
from app.store.batches import put_all
from app.store.entries import entries_of
from app.store.head_items import HeadItem, as_item
from app.store.partitions import CACHE_FOR_S
from tests.support.harness import Harness
from tests.support.round_trips import RoundTrips, counted
from tests.support.samples import a_head, an_email, somebody
from tests.support.size import FULL

MANY = 2_500
PAGED = 10_000 if FULL else 2_000
NEVER_S = 4_000_000_000  # when DynamoDB deletes them
ANN = "ann@example.net"
FILTERS = [
    Wanted("many"),
    Wanted("many", from_ms=1_000, to_ms=2_000),
    Wanted("many", recipient=ANN),
    Wanted("many", tag="receipt"),
    Wanted("many", tag="order=7"),
    Wanted("many", status=EmailStatus.SENT),
    Wanted("many", status=EmailStatus.CANCELED),
    Wanted("many", tag="receipt", status=EmailStatus.CANCELED),
    Wanted("many", recipient=ANN, tag="receipt", status=EmailStatus.FAILED),
    Wanted("many", recipient_status=Status.BOUNCED),
    Wanted("many", recipient=ANN, recipient_status=Status.SENT),
    Wanted("many", recipient=ANN, provider="ses"),
    Wanted(),
    Wanted(status=EmailStatus.CANCELED),
]


def put(harness: Harness, heads: list[Head]) -> None:
    """Store heads and their entries without a request for each."""
    for project in {head.project for head in heads}:
        harness.partitions.note(project)
    items = [*(as_item(head, head.created_at_ms) for head in heads), *chain.from_iterable(map(entries_of, heads))]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda start: put_all(items[start : start + 25]), range(0, len(items), 25)))


def sent_to(address: str) -> dict[str, Recipient]:
    return {address: Recipient(address, Role.TO, Status.SENT)}


def sent_at(at_ms: int, project: str, **fields: Any) -> Head:
    """The head of an email that was accepted then and sent, so that no sweep looks for it."""
    return a_head(at_ms, **{"project": project, "ttl_s": NEVER_S, "recipients": sent_to("bob@example.net")} | fields)


def head_of(number: int, project: str, **fields: Any) -> Head:
    """The head of one of many emails with tags, three of them in each millisecond."""
    return sent_at(1_000 + number // 3, project, tags=("receipt", f"order={number % 9}"), **fields)


@pytest.fixture
def many(harness: Harness) -> Harness:
    """A project with many emails, every tenth to Ann."""
    if "many" not in harness.partitions.known().projects:
        ann = {"recipients": sent_to(ANN)}
        put(harness, [head_of(n, "many", **(ann if n % 10 == 0 else {})) for n in range(MANY)])
    return harness


def cost(reader: Read, wanted: Wanted, limit: int, after: str | None = None) -> RoundTrips:
    with counted(reader) as (counting, trips):
        counting.page(wanted, after, limit)
    return trips


def ids(reader: Read, wanted: Wanted, limit: int) -> list[str]:
    """The emails of all pages."""
    found: list[str] = []
    after: str | None = None
    while True:
        page = reader.page(wanted, after, limit)
        found += [head.email_id for head in page.heads]
        if page.after is None:
            return found
        after = page.after


@pytest.mark.parametrize("wanted", FILTERS, ids=str)
def test_a_page_of_any_filter_takes_four_round_trips_at_most(many: Harness, wanted: Wanted) -> None:
    """The fifth is the API key's. A process that has just started knows no partition yet."""
    for limit in (1, 100):
        trips = cost(many.another_process().read, wanted, limit)
        assert trips.calls["GetItem"] == 1
        assert trips.one_after_another <= 4


def test_a_page_costs_what_it_returns(many: Harness) -> None:
    many.partitions.read()
    trips = cost(many.read, Wanted("many"), 20)
    assert trips.calls == {"Query": SHARDS, "BatchGetItem": 1}
    assert (trips.one_after_another, trips.read["BatchGetItem"]) == (2, 20)
    assert trips.read["Query"] == SHARDS * (20 + SPARE + 1)


@pytest.mark.parametrize("wanted", FILTERS, ids=str)
def test_a_smaller_page_never_costs_more_than_a_larger_one(many: Harness, wanted: Wanted) -> None:
    many.partitions.read()
    costs = [cost(many.read, wanted, limit) for limit in (1, 20, 100)]
    for smaller, larger in pairwise(costs):
        assert smaller.one_after_another <= larger.one_after_another
        assert smaller.calls <= larger.calls
        assert smaller.read <= larger.read


def test_a_status_that_no_email_has_reads_a_thousand_heads_and_says_where_to_go_on(many: Harness) -> None:
    many.partitions.read()
    wanted, after, pages = Wanted("many", status=EmailStatus.CANCELED), None, 0
    seen = 0
    while pages == 0 or after is not None:
        with counted(many.read) as (counting, trips):
            page = counting.page(wanted, after, 1)
        assert (page.heads, trips.read["BatchGetItem"] <= READ_AT_MOST) == ([], True)
        seen, after, pages = seen + trips.read["BatchGetItem"], page.after, pages + 1
    assert seen == MANY
    assert pages <= MANY // READ_AT_MOST + 2  # a page ends where a partition was read to


def test_a_status_that_a_new_email_has_is_found_in_the_first_heads(many: Harness) -> None:
    many.partitions.read()
    trips = cost(many.read, Wanted("many", status=EmailStatus.SENT), 1)
    assert (trips.one_after_another, trips.calls["BatchGetItem"]) == (2, 1)
    assert trips.read["BatchGetItem"] == CHUNK


@pytest.mark.parametrize("wanted", [Wanted("many", provider="ses"), Wanted("many", recipient_status=Status.BOUNCED)])
def test_a_page_that_finds_nothing_reads_a_thousand_heads_and_has_a_next_one(many: Harness, wanted: Wanted) -> None:
    many.partitions.read()
    trips = cost(many.read, wanted, 20)
    assert READ_AT_MOST * 0.9 < trips.read["BatchGetItem"] <= READ_AT_MOST
    assert trips.calls["BatchGetItem"] == READ_AT_MOST // CHUNK
    assert trips.one_after_another <= 3
    page = many.read.page(wanted, None, 20)
    assert (page.heads, page.after is None) == ([], False)


@pytest.mark.parametrize("wanted", FILTERS, ids=str)
def test_every_filter_finds_what_is_wanted_and_nothing_else(many: Harness, wanted: Wanted) -> None:
    found = many.read.page(wanted, None, 100).heads
    assert all(wanted.includes(head, (head.created_at_ms, head.email_id)) for head in found)
    assert all(wanted.from_ms <= head.created_at_ms < wanted.to_ms for head in found)
    places = [(head.created_at_ms, head.email_id) for head in found]
    assert places == sorted(places, reverse=True)
    is_of_all = wanted.status in (None, EmailStatus.SENT) and wanted.recipient_status in (None, Status.SENT)
    assert len(found) == (100 if is_of_all and not wanted.provider else 0)


def test_many_emails_are_paged_through_without_a_gap_or_a_repeat_while_others_come_in(harness: Harness) -> None:
    heads = [sent_at(1_000 + n // 3, "paged", recipients={}) for n in range(PAGED)]
    put(harness, heads)
    expected = [email_id for _, email_id in sorted(((h.created_at_ms, h.email_id) for h in heads), reverse=True)]
    found: list[str] = []
    after: str | None = None
    for step in range(100):
        page = harness.read.page(Wanted("paged"), after, PAGED // 10)
        found += [head.email_id for head in page.heads]
        if page.after is None:
            break
        after = page.after
        put(harness, [head_of(20_000 + step, "paged")])
    assert found == expected


@pytest.mark.parametrize("limit", [1, 7])
def test_pages_within_one_millisecond_are_whole(harness: Harness, limit: int) -> None:
    project = f"moment-{limit}"
    heads = [sent_at(5_000, project) for _ in range(30)]
    put(harness, heads)
    assert ids(harness.read, Wanted(project), limit) == sorted((h.email_id for h in heads), reverse=True)


@pytest.mark.parametrize("limit", [3, 100])
def test_shards_of_different_sizes_leave_no_gap(harness: Harness, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    """Of a full shard only a part is read for a page, and the others' older emails must wait for the rest of it."""
    monkeypatch.setattr(read, "READ_AT_MOST", 12)
    monkeypatch.setattr(read, "SPARE", 2)
    project = f"uneven-{limit}"
    heads = [sent_at(1_000 + n, project, shard=0 if n % 8 else 1 + n % 3) for n in range(120)]
    put(harness, heads)
    newest_first = [head.email_id for head in reversed(heads)]
    for wanted in (Wanted(project), Wanted(project, status=EmailStatus.SENT)):
        assert ids(harness.read, wanted, limit) == newest_first


def test_the_emails_of_all_projects_are_merged_newest_first(harness: Harness) -> None:
    tag = "in all projects"
    heads = [sent_at(7_000 + n, f"merged-{n % 3}", tags=(tag,)) for n in range(60)]
    put(harness, heads)
    newest_first = [head.email_id for head in reversed(heads)]
    assert ids(harness.read, Wanted(tag=tag), 7) == newest_first
    assert ids(harness.read, Wanted(from_ms=7_000, to_ms=7_060), 50) == newest_first


def test_emails_that_are_gone_leave_a_page_filled(harness: Harness) -> None:
    heads = [sent_at(n, "gaps", recipients=sent_to(ANN)) for n in range(40)]
    put(harness, heads)
    for head in heads[-15:]:
        HeadItem(head.email_id).delete()  # its entry stays
    page = harness.read.page(Wanted("gaps", recipient=ANN), None, 1)
    assert [head.email_id for head in page.heads] == [heads[-16].email_id]
    assert ids(harness.read, Wanted("gaps", recipient=ANN), 10) == [h.email_id for h in heads[-16::-1]]


# The number of shards


def with_shards(harness: Harness, shards: int) -> None:
    """Let the use cases be those of a process that has this setting."""
    harness.settings = replace(harness.settings, shards=shards)
    harness.build()


def taken(harness: Harness, count: int) -> list[str]:
    harness.clock.advance(1)
    return [harness.take(an_email(somebody())) for _ in range(count)]


def listing(harness: Harness) -> set[str]:
    return set(ids(harness.read, Wanted("team"), 100))


@pytest.mark.parametrize("after", [9, 1], ids=["raised", "lowered"])
def test_another_number_of_shards_hides_no_email(harness: Harness, after: int) -> None:
    with_shards(harness, 5)
    before, old = taken(harness, 30), harness.another_process()
    assert max(head.shard for head in map(harness.head, before)) > 0
    old_listing = old.read.page(Wanted("team"), None, 100)  # knows of five shards now
    assert set(before) <= {head.email_id for head in old_listing.heads}
    with_shards(harness, after)
    since = taken(harness, 30)
    assert {head.shard for head in map(harness.head, since)} <= set(range(after))
    assert {*before, *since} <= listing(harness)
    harness.clock.advance(CACHE_FOR_S)
    assert {*before, *since} <= {head.email_id for head in old.read.page(Wanted("team"), None, 100).heads}
    for process in (old, harness.another_process()):
        harness.published()
        harness.clock.advance(REPUBLISH_AFTER_MS / 1000)
        process.sweep(within_s=60)
        assert {*before, *since} <= {email_id for email_id, _ in harness.published()}


def test_an_email_is_delivered_in_its_old_shard_after_the_number_was_raised(harness: Harness) -> None:
    with_shards(harness, 2)
    email_id = harness.take(an_email())
    with_shards(harness, 64)
    harness.work()
    harness.report(harness.event(email_id, Kind.DELIVERED))
    assert harness.head(email_id).shard == shard_of(email_id, 2)
    assert email_id in listing(harness)


def test_two_processes_that_start_at_once_lose_no_project(harness: Harness) -> None:
    processes = [harness.another_process() for _ in range(8)]
    for number, process in enumerate(processes):
        process.partitions.read()
        process.partitions.note(f"started-{number}")
    assert {f"started-{number}" for number in range(8)} <= harness.partitions.read().projects
