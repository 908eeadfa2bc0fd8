"""GET /v1/stats: whose numbers, of which time, and what is refused."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import TypeAdapter

from app.api import times
from app.api.v1.stats_examples import STATISTICS
from app.api.v1.stats_views import Statistics
from app.domain.change_types import ChangeType
from app.domain.changes import changes
from app.domain.project import of_test_keys
from app.domain.stats import HOUR_MS
from app.store.change_feed import ChangeFeed
from app.store.stats import StatsItem
from app.wiring.parts import Container
from tests.api.conftest import Client
from tests.support.clock import Clock
from tests.support.samples import a_head


@pytest.fixture(scope="module")
def clock() -> Clock:
    """In the middle of an hour and of a day, so that a test and what it reads are in the same ones."""
    clock = Clock()
    clock.now_s += 12.5 * 3600 - clock.now_s % (24 * 3600)
    return clock


def tell(parts: Container, clock: Clock, project: str, emails: int) -> None:
    """Let so many emails of a project be delivered, by a provider after another one."""
    parts.partitions.note(project)
    feed = ChangeFeed(clock, parts.settings.shards)
    for number in range(emails):
        head = a_head(clock.now_ms, email_id=f"eml_{project[-4:]}{clock.now_ms}{number}", version=1, project=project)
        (queued,) = changes(None, head, clock.now_ms)
        feed.add([queued], clock.now_ms)
        delivered = replace(
            queued, type=ChangeType.DELIVERED, was="sent", provider="ses", after_failover=True, version=2, id="evt_2"
        )
        feed.add([delivered], clock.now_ms)


def read(client: Client, key: str = "", **query: Any) -> dict[str, Any]:
    answer = client.get("/v1/stats", params=query, key=key)
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return] # because it is JSON


@pytest.fixture(scope="module")
def keys(parts: Container, clock: Clock) -> dict[str, str]:
    """Three projects of which the feed tells, and their keys."""
    for project, emails in {"shop": 3, "blog": 2, of_test_keys("shop"): 5}.items():
        tell(parts, clock, project, emails)
    clock.advance(20)
    create = parts.api_keys.create
    return {
        "shop": create("shop", {"read"}, (), project="shop"),
        "blog": create("blog", {"read"}, (), project="blog"),
        "test": create("test", {"read"}, (), project="shop", is_test=True),
        "send": create("send", {"send"}, (), project="shop"),
    }


def test_a_key_gets_the_numbers_of_its_project_and_an_operator_those_of_all(
    client: Client, keys: dict[str, str]
) -> None:
    found = {name: read(client, keys[name])["rows"][0]["accepted"] for name in ("shop", "blog", "test")}
    assert found == {"shop": 3, "blog": 2, "test": 5}
    assert read(client)["rows"][0]["accepted"] == 5
    assert read(client, project="blog")["rows"][0]["accepted"] == 2
    assert read(client, keys["shop"], project="shop") == read(client, keys["shop"])
    assert client.get("/v1/stats?project=blog", key=keys["shop"]).status_code == 403
    assert client.get("/v1/stats", key=keys["send"]).status_code == 403
    assert client.get("/v1/stats", key=None).status_code == 401


def test_a_row_has_every_number(client: Client, keys: dict[str, str], clock: Clock) -> None:
    answer = read(client, keys["shop"])
    (row,) = answer["rows"]
    hour_ms = (clock.now_ms - 20_000) // HOUR_MS * HOUR_MS
    assert row["from"] == times.write(hour_ms)
    assert answer["to"] == times.write(hour_ms + HOUR_MS)
    assert answer["counted_until"] == times.write(clock.now_ms - 10_000)
    assert row.keys() == STATISTICS["rows"][0].keys()
    assert (row["queued"], row["delivered"], row["delivered_after_failover"]) == (3, 3, 3)
    assert (row["provider"], row["bounced_by_cause"]) == (None, {})
    assert row["time_to_delivery_ms"]["p50"] is not None
    first, second = read(client, keys["shop"], group="provider", by="day", to="")["rows"]
    assert (first["provider"], first["accepted"], first["delivered"]) == (None, 3, 0)
    assert first["time_to_delivery_ms"] == {"p50": None, "p95": None}
    assert (second["provider"], second["accepted"], second["delivered"]) == ("ses", 0, 3)
    assert second["from"].endswith("T00:00:00.000Z")


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("from=2030-01-01T00:00:00Z&to=2030-02-02T00:00:00Z", "from", "more than 31 days before `to`; ask for less"),
        ("from=2030-01-01T00:00:00Z&to=2030-05-02T00:00:00Z&by=day", "from", "more than 92 days"),
        ("from=2030-01-01T00:00:00Z&to=2029-02-02T00:00:00Z", "to", "must be later than from"),
        ("from=yesterday", "from", "must be an RFC 3339 time"),
        ("by=week", "by", "'hour' or 'day'"),
        ("group=account", "group", "'provider'"),
        ("project=A%20B", "project", "is not the name of a project"),
        ("tag=x", "tag", "is no parameter of this call"),
    ],
)
def test_what_is_refused_names_the_field_and_the_remedy(client: Client, query: str, field: str, words: str) -> None:
    answer = client.get(f"/v1/stats?{query}")
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert words in error["message"]


def test_the_example_is_whole() -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(Statistics)
    assert adapter.dump_python(adapter.validate_python(STATISTICS), mode="json", by_alias=True) == STATISTICS


def test_the_sweep_counts_what_is_told(client: Client, keys: dict[str, str], parts: Container, clock: Clock) -> None:
    before = read(client, keys["shop"], group="provider")["rows"]
    clock.advance(3600)
    parts.sweep(30.0)
    stored = [item for item in StatsItem.scan(StatsItem.partition.startswith("stats#")) if item.counts]
    assert sum(item.counts[""]["accepted"] for item in stored) == 3 + 2 + 5
    assert read(client, keys["shop"], group="provider")["rows"] == before
