"""A store that hangs, drops or refuses the connection, answers nonsense or has too much to do does not answer.

Every call of every store fails then as `app.faults` takes for that. A call that DynamoDB refuses is at fault.
"""

import socket
from collections import Counter
from collections.abc import Callable, Iterator
from time import monotonic
from types import FunctionType

import pytest
from pynamodb.exceptions import PynamoDBException

from app.domain.changes import EmailChange, changes
from app.domain.counts import Sums
from app.domain.endpoint import Endpoint
from app.domain.event import Nonce, ProviderEvent
from app.domain.health import Health
from app.domain.kinds import Kind
from app.domain.stats import CountedHour, position_at
from app.domain.suppression import Entry, Reason, Suppression
from app.domain.tried import Tried
from app.faults import is_silent
from app.notify.notification import Notification
from app.store import batches, tables
from app.store.api_keys import ApiKeys
from app.store.change_feed import ChangeFeed
from app.store.collapses import Collapses
from app.store.content import Bucket, Contents
from app.store.cursors import Cursors
from app.store.delivery_log import DeliveryLog
from app.store.endpoints import Endpoints
from app.store.entries import Recipients
from app.store.events import Events
from app.store.heads import Heads
from app.store.health import Healths
from app.store.idempotency import IdempotencyKeys
from app.store.key_rotation import rotate
from app.store.listings import Listings, Partition
from app.store.nonces import Nonces
from app.store.partitions import Partitions
from app.store.places import Places
from app.store.shard_feed import ShardFeed
from app.store.stats import CountedHours
from app.store.stories import Stories
from app.store.suppressions import Suppressions
from app.store.usage import Usage
from app.store.waiting_notifications import WaitingNotifications
from tests.support.samples import a_head, an_email
from tests.support.troubled_server import Refusal, Trouble, troubled_server

NOW_MS, NOW_S = 1_800_000_000_000, 1_800_000_000
SHORT_S = 0.05
LONG_S = 20.0  # so that what is answered is read, however busy this machine is


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "LONGEST_WAIT_S", SHORT_S / 100)


def connect_to(url: str, read_timeout_s: float = LONG_S) -> None:
    tables.connect("troubled-", "us-east-1", url, read_timeout_s=read_timeout_s, retries=0)


@pytest.fixture(params=Trouble)
def troubled(request: pytest.FixtureRequest) -> Iterator[None]:
    with troubled_server(request.param) as url:
        connect_to(url, SHORT_S if request.param is Trouble.STALLS else LONG_S)
        yield


def an_event() -> ProviderEvent:
    return ProviderEvent("ses", Kind.DELIVERED, "eml_1", 1, "to@example.net", NOW_MS)


def a_suppression() -> Suppression:
    return Suppression("to@example.net", Reason.MANUAL, "by hand", NOW_MS, NOW_MS + 1000)


def an_endpoint(version: int = 0) -> Endpoint:
    return Endpoint("whe_1", "shop", "https://hooks.example.com/", NOW_MS, (NOW_MS,), version=version)


def a_notification() -> Notification:
    return Notification("evt_1", "email.sent", "shop", "ep_1", "{}", NOW_MS)


def told() -> list[EmailChange]:
    return list(changes(None, a_head(NOW_MS, project="shop"), NOW_MS))


def an_hour() -> CountedHour:
    return CountedHour(500_000, position_at(NOW_MS), Counter())


def clock() -> float:
    return NOW_S


def waiting() -> WaitingNotifications[Notification]:
    return WaitingNotifications(4, Notification.from_json)


def put_many() -> None:
    faults = Contents(no_bucket, "").put_many([(a_head(NOW_MS), an_email().content) for _ in range(2)])
    for fault in faults:
        if fault is not None:
            raise fault


CALLS: dict[str, Callable[[], object]] = {
    "heads.create": lambda: Heads().create(a_head(NOW_MS), NOW_MS),
    "heads.update": lambda: Heads().update(a_head(NOW_MS), NOW_MS),
    "heads.get": lambda: Heads().get("eml_1"),
    "heads.get_many": lambda: Heads().get_many(["eml_1"]),
    "heads.due": lambda: Heads().due("0", NOW_MS, 10),
    "heads.waiting": lambda: Heads().waiting("0", NOW_MS, 10),
    "heads.created": lambda: list(Heads().created("default#0", None)),
    "contents.put": lambda: Contents(no_bucket, "").put(a_head(NOW_MS), an_email().content),
    "contents.open": lambda: Contents(no_bucket, "").open("eml_1"),
    "recipients.emails_to": lambda: list(Recipients().emails_to("to@example.net", "default")),
    "listings.newest": lambda: Listings().newest(Partition("default#0", is_index=True), 0, (NOW_MS, ""), 10),
    "listings.newest of entries": lambda: Listings().newest(Partition("tag#default#0#x"), 0, (NOW_MS, ""), 10),
    "partitions.note": lambda: Partitions(lambda: NOW_S).note("shop"),
    "partitions.read": lambda: Partitions(lambda: NOW_S).read(),
    "collapses.create": lambda: Collapses().create(a_head(NOW_MS, collapse_scope="scope"), NOW_MS),
    "collapses.newest": lambda: Collapses().newest("scope"),
    "events.put": lambda: Events().put([an_event()], {"eml_1": a_head(NOW_MS, email_id="eml_1")}, NOW_MS),
    "events.keep": lambda: Events().keep("eml_1", NOW_S),
    "events.of": lambda: Events().of("eml_1"),
    "nonces.admit": lambda: Nonces(60).admit("mailgun", Nonce("token", "hash"), NOW_S),
    "places.taken": lambda: Places().taken("ses", 1),
    "places.take": lambda: Places().take("ses", 1, 1, 5, NOW_S),
    "places.add": lambda: Places().add("ses", 1, 1, NOW_S),
    "places.book": lambda: Places().book("ses", NOW_S, 1, 5),
    "places.book several seconds": lambda: Places().book("ses", NOW_S, 9, 5),
    "places.turn": lambda: Places().turn("ses", 1, 5, NOW_S),
    "places.next_turn": lambda: Places().next_turn("ses", 5),
    "places.give_back": lambda: Places().give_back("ses", 1, 1),
    "healths.get": lambda: Healths().get("ses"),
    "healths.get_many": lambda: Healths().get_many(["ses"]),
    "healths.update": lambda: Healths().update(Health("ses")),
    "healths.add_minute": lambda: Healths().add_minute("ses", 1, 1, Sums(accepted=1), NOW_S),
    "healths.mark_judged": lambda: Healths().mark_judged("ses", 1, 1),
    "healths.minutes": lambda: Healths().minutes("ses", 1, 1, 2),
    "healths.newest_minutes": lambda: list(Healths().newest_minutes("ses", 1, 1, 2)),
    "suppressions.put": lambda: Suppressions("secret").put(a_suppression()),
    "suppressions.get": lambda: Suppressions("secret").get("to@example.net"),
    "suppressions.entries": lambda: Suppressions("secret").entries(["to@example.net"], "shop"),
    "suppressions.lift": lambda: Suppressions("secret").lift("to@example.net", NOW_MS),
    "suppressions.all": lambda: list(Suppressions("secret").all(None, NOW_MS)),
    "cursors.get": lambda: Cursors().get(),
    "cursors.put": lambda: Cursors().put({}),
    "api_keys.find": lambda: ApiKeys(lambda: NOW_S).find("em_secret"),
    "api_keys.create": lambda: ApiKeys(lambda: NOW_S).create("name", ["send"], []),
    "api_keys.all": lambda: ApiKeys(lambda: NOW_S).all(),
    "api_keys.revoke": lambda: ApiKeys(lambda: NOW_S).revoke("id"),
    "api_keys.read": lambda: ApiKeys(clock).read(),
    "api_keys.get": lambda: ApiKeys(clock).get("id"),
    "rotate": lambda: rotate("id", 1000, NOW_MS),
    "change_feed.add": lambda: ChangeFeed(clock, 4).add(told(), NOW_MS),
    "change_feed.add late": lambda: ChangeFeed(clock, 4).add(told(), NOW_MS - 3_600_000),
    "change_feed.read": lambda: ChangeFeed(clock, 4).read("shop", None, 10),
    "shard_feed.behind": lambda: ShardFeed(clock).behind("shop", 1, None, 10),
    "counted_hours.newest": lambda: CountedHours().newest("shop", 1),
    "counted_hours.between": lambda: CountedHours().between("shop", 1, 0, 9),
    "counted_hours.add": lambda: CountedHours().add("shop", 1, an_hour(), None),
    "counted_hours.add more": lambda: CountedHours().add("shop", 1, an_hour(), position_at(NOW_MS - 1)),
    "delivery_log.add": lambda: DeliveryLog(clock).add("shop", "ep_1", [a_try()]),
    "delivery_log.read": lambda: DeliveryLog(clock).read("shop", "ep_1", None, 10),
    "waiting_notifications.put_all": lambda: waiting().put_all([(a_notification(), NOW_MS)]),
    "waiting_notifications.due": lambda: waiting().due(1, NOW_MS, 10),
    "waiting_notifications.remove": lambda: waiting().remove(1, ["key"]),
    "endpoints.put": lambda: Endpoints(clock).put(an_endpoint()),
    "endpoints.put changed": lambda: Endpoints(clock).put(an_endpoint(version=3)),
    "endpoints.get": lambda: Endpoints(clock).get("shop", "whe_1"),
    "endpoints.of": lambda: Endpoints(clock).of("shop"),
    "endpoints.all": lambda: Endpoints(clock).all(),
    "endpoints.known": lambda: Endpoints(clock).known("shop"),
    "endpoints.delete": lambda: Endpoints(clock).delete("shop", "whe_1"),
    "usage.take_rate": lambda: Usage().take_rate("id", 1, now_us=1, latest_us=2, beyond_us=3, is_busy=False),
    "usage.take_rate busy": lambda: Usage().take_rate("id", 1, now_us=1, latest_us=2, beyond_us=3, is_busy=True),
    "usage.count_hour": lambda: Usage().count_hour("id", 1, 1, 9, {"a": 1}, NOW_S),
    "usage.hours": lambda: Usage().hours("id", 1, 2),
    "stories.of": lambda: Stories(Contents(no_bucket, "")).of("eml_1"),
    "contents.put_many": put_many,
    "contents.keep": lambda: Contents(no_bucket, "").keep(a_head(NOW_MS), NOW_MS),
    "contents.whole": lambda: Contents(no_bucket, "").whole("eml_1"),
    "events.stored": lambda: Events().stored("eml_1"),
    "healths.calls": lambda: Healths().calls("ses", 1, 1, 2),
    "idempotency_keys.keep": lambda: IdempotencyKeys().keep("hash", "eml_1", NOW_S),
    "idempotency_keys.name": lambda: IdempotencyKeys().name("team", "key", "eml_1", NOW_S, NOW_S),
    "partitions.known": lambda: Partitions(clock).known(),
    "suppressions.note": lambda: Suppressions("secret").note(a_suppression()),
    "suppressions.among": lambda: Suppressions("secret").among(["to@example.net"], NOW_MS, "shop"),
    "suppressions.of": lambda: Suppressions("secret").of("to@example.net", ["shop"]),
    "suppressions.find": lambda: Suppressions("secret").find(suppression_id()),
    "suppressions.lift_by_id": lambda: Suppressions("secret").lift_by_id(suppression_id(), NOW_MS),
    "suppressions.take_over": lambda: Suppressions("secret").take_over("to@example.net", lambda _: pytest.fail("read")),
}


STORES: dict[str, type[object]] = {
    "api_keys": ApiKeys,
    "change_feed": ChangeFeed,
    "collapses": Collapses,
    "contents": Contents,
    "counted_hours": CountedHours,
    "cursors": Cursors,
    "delivery_log": DeliveryLog,
    "endpoints": Endpoints,
    "events": Events,
    "heads": Heads,
    "healths": Healths,
    "idempotency_keys": IdempotencyKeys,
    "listings": Listings,
    "nonces": Nonces,
    "partitions": Partitions,
    "places": Places,
    "recipients": Recipients,
    "shard_feed": ShardFeed,
    "stories": Stories,
    "suppressions": Suppressions,
    "usage": Usage,
    "waiting_notifications": WaitingNotifications,
}
# They ask no table for anything.
ASK_NOTHING = {"contents.details", "listings.partitions", "suppressions.id_of", "waiting_notifications.key_of"}


def a_try() -> Tried:
    return Tried("evt_1", "email.sent", "eml_1", NOW_MS, 1, 200, 35)


def suppression_id() -> str:
    return Suppressions("secret").id_of(Entry("to@example.net"))


def no_bucket() -> Bucket:
    pytest.fail("a small content needs no bucket")


def test_every_call_of_every_store_is_here() -> None:
    public = {
        f"{name}.{method}"
        for name, store in STORES.items()
        for method, value in vars(store).items()
        if isinstance(value, FunctionType) and not method.startswith("_")
    }
    assert public - {name.partition(" ")[0] for name in CALLS} == ASK_NOTHING
    assert len(STORES) > 20


def wrong_ones(*, silent: bool) -> dict[str, str]:
    """The calls that do not fail, or that are taken for something else than `silent` says."""
    wrong = {}
    for name, call in CALLS.items():
        try:
            wrong[name] = f"returned {call()!r}"
        except Exception as error:  # noqa: BLE001 because any exception is judged
            if is_silent(error) is not silent:
                wrong[name] = f"raised {error!r}"
    return wrong


def test_no_call_takes_the_lack_of_an_answer_for_an_answer(troubled: None) -> None:
    assert wrong_ones(silent=True) == {}


def test_a_store_that_refuses_the_connection_does_not_answer() -> None:
    with socket.socket() as nobody:  # it has a port and does not listen, so that every connection is refused
        nobody.bind(("127.0.0.1", 0))
        connect_to(f"http://127.0.0.1:{nobody.getsockname()[1]}")
        assert wrong_ones(silent=True) == {}


@pytest.mark.parametrize("refusal", Refusal)
def test_a_call_that_dynamodb_refuses_is_at_fault(refusal: Refusal) -> None:
    with troubled_server(refusal) as url:
        connect_to(url)
        assert wrong_ones(silent=False) == {}


def test_a_call_to_a_store_that_hangs_ends_within_its_tries() -> None:
    with troubled_server(Trouble.STALLS) as url:
        tables.connect("troubled-", "us-east-1", url, read_timeout_s=SHORT_S, retries=1)
        began_s = monotonic()
        with pytest.raises(PynamoDBException):
            Heads().get("eml_1")
        assert 2 * SHORT_S <= monotonic() - began_s < 30
