"""A store that hangs, drops the connection or answers nonsense: every call of every store fails as unavailable."""

from collections.abc import Callable, Iterator
from time import monotonic

import pytest
from pynamodb.exceptions import PynamoDBException

from app.domain.counts import Sums
from app.domain.event import Nonce, ProviderEvent
from app.domain.health import Health
from app.domain.kinds import Kind
from app.domain.suppression import Reason, Suppression
from app.errors import ServiceUnavailable
from app.store import tables
from app.store.api_keys import ApiKeys
from app.store.collapses import Collapses
from app.store.content import Bucket, Contents
from app.store.cursors import Cursors
from app.store.entries import Recipients
from app.store.events import Events
from app.store.heads import Heads
from app.store.health import Healths
from app.store.idempotency import IdempotencyKeys
from app.store.listings import Listings, Partition
from app.store.nonces import Nonces
from app.store.partitions import Partitions
from app.store.places import Places
from app.store.suppressions import Suppressions
from tests.support.samples import a_head, an_email
from tests.support.troubled_server import Trouble, troubled_server

NOW_MS, NOW_S = 1_800_000_000_000, 1_800_000_000
SHORT_S = 0.05


@pytest.fixture(params=Trouble)
def troubled(request: pytest.FixtureRequest) -> Iterator[None]:
    with troubled_server(request.param) as url:
        tables.connect("troubled-", "us-east-1", url, read_timeout_s=SHORT_S, retries=1)
        yield


def an_event() -> ProviderEvent:
    return ProviderEvent("ses", Kind.DELIVERED, "eml_1", 1, "to@example.net", NOW_MS)


def a_suppression() -> Suppression:
    return Suppression("to@example.net", Reason.MANUAL, "by hand", NOW_MS, NOW_MS + 1000)


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
    "keys.name": lambda: IdempotencyKeys().name("team", "key", "eml_1", NOW_S, NOW_S),
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
}


def no_bucket() -> Bucket:
    pytest.fail("a small content needs no bucket")


def test_no_call_takes_the_lack_of_an_answer_for_an_answer(troubled: None) -> None:
    wrong = {}
    for name, call in CALLS.items():
        try:
            wrong[name] = f"returned {call()!r}"
        except (PynamoDBException, ServiceUnavailable):
            pass
        except Exception as error:  # noqa: BLE001 because any other exception is what this test looks for
            wrong[name] = f"raised {error!r}"
    assert wrong == {}


def test_a_call_to_a_store_that_hangs_ends_within_its_tries() -> None:
    with troubled_server(Trouble.STALLS) as url:
        tables.connect("troubled-", "us-east-1", url, read_timeout_s=SHORT_S, retries=1)
        began_s = monotonic()
        with pytest.raises(PynamoDBException):
            Heads().get("eml_1")
        assert 2 * SHORT_S <= monotonic() - began_s < 30
