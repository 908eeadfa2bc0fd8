"""Endpoints are written under their version, and found by their project."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from app.domain.change_types import ChangeType
from app.domain.endpoint import Disabled, Endpoint, disable, failed, rotated
from app.errors import Unreadable
from app.store import tables
from app.store.endpoints import CACHE_FOR_S, EndpointItem, Endpoints
from tests.support.aws import REGION, Aws
from tests.support.clock import Clock


@pytest.fixture(scope="module", autouse=True)
def table(aws: Aws) -> Iterator[None]:
    """A table of the endpoints."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "MODELS", {"endpoints": (EndpointItem,)})
        tables.connect("test_endpoints-", REGION, aws.endpoint_url)
        tables.create_all()
        yield


def an_endpoint(**fields: object) -> Endpoint:
    known = {"id": f"whe_{uuid4().hex}", "project": f"p{uuid4().hex[:8]}"} | fields
    endpoint = Endpoint("", "", "https://hooks.example.com/a?b=c", 1_800_000_000_000, (1_800_000_000_000,))
    return replace(endpoint, **known)  # type: ignore[arg-type] # because the fields are those of Endpoint


def stored(endpoint: Endpoint) -> Endpoint:
    written = Endpoints(Clock()).put(endpoint)
    assert written is not None
    return written


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {
            "types": (ChangeType.SENT, ChangeType.OPENED),
            "description": "Büro",
            "failing_since_ms": 1_800_000_000_001,
            "probed_at_ms": 1_800_000_000_003,
            "disabled": Disabled.GONE,
            "disabled_at_ms": 1_800_000_000_002,
            "began_ms": (1_800_000_000_000, 1_800_000_000_005),
        },
    ],
)
def test_what_was_put_comes_back_whole(fields: dict[str, object]) -> None:
    endpoint = an_endpoint(**fields)
    assert stored(endpoint) == replace(endpoint, version=1)
    endpoints = Endpoints(Clock())
    assert endpoints.get(endpoint.project, endpoint.id) == replace(endpoint, version=1)
    assert endpoints.of(endpoint.project) == [replace(endpoint, version=1)]


def test_of_two_writers_one_wins_and_the_other_reads_again() -> None:
    endpoint = stored(an_endpoint())
    endpoints = Endpoints(Clock())
    first = endpoints.put(rotated(endpoint, 1_800_000_000_009))
    assert first is not None
    assert endpoints.put(failed(endpoint, 500, 1_800_000_000_010)) is None
    assert endpoints.get(endpoint.project, endpoint.id) == first
    assert endpoints.put(an_endpoint(id=endpoint.id, project=endpoint.project)) is None
    assert first.version == 2


def test_one_that_was_deleted_does_not_come_back() -> None:
    endpoint = stored(an_endpoint())
    endpoints = Endpoints(Clock())
    assert endpoints.delete(endpoint.project, endpoint.id)
    assert not endpoints.delete(endpoint.project, endpoint.id)
    assert endpoints.put(failed(endpoint, 500, 1_800_000_000_010)) is None
    assert endpoints.get(endpoint.project, endpoint.id) is None


def test_a_project_sees_its_own_the_oldest_first() -> None:
    old, new = (stored(an_endpoint(project="q1", created_at_ms=ms)) for ms in (5, 9))
    stored(an_endpoint(project="q2"))
    assert Endpoints(Clock()).of("q1") == [old, new]


def test_what_is_known_is_some_seconds_old_at_most() -> None:
    clock = Clock()
    endpoints = Endpoints(clock, clock)
    endpoint = stored(an_endpoint())
    assert endpoints.known(endpoint.project) == [endpoint]
    changed = stored(disable(endpoint, Disabled.BY_USER, 1_800_000_000_010))
    assert endpoints.known(endpoint.project) == [endpoint]
    clock.advance(CACHE_FOR_S)
    assert endpoints.known(endpoint.project) == [changed]
    assert endpoints.delete(endpoint.project, endpoint.id)
    assert endpoints.known(endpoint.project) == []


def test_whoever_writes_knows_it_at_once() -> None:
    endpoints = Endpoints(Clock())
    endpoint = an_endpoint()
    assert endpoints.known(endpoint.project) == []
    assert endpoints.put(endpoint) is not None
    assert len(endpoints.known(endpoint.project)) == 1


def test_a_damaged_one_hides_no_other() -> None:
    well = stored(an_endpoint())
    damaged = stored(an_endpoint(project=well.project))
    item = EndpointItem.get(damaged.project, damaged.id)
    item.update(actions=[EndpointItem.types.set(["email.of_tomorrow"])])
    endpoints = Endpoints(Clock())
    assert endpoints.of(well.project) == [well]
    with pytest.raises(Unreadable, match="this endpoint is of another version"):
        endpoints.get(damaged.project, damaged.id)


def test_a_reason_of_another_version_keeps_it_disabled() -> None:
    endpoint = stored(an_endpoint(disabled=Disabled.GONE))
    EndpointItem.get(endpoint.project, endpoint.id).update(actions=[EndpointItem.disabled.set("of_tomorrow")])
    (found,) = Endpoints(Clock()).of(endpoint.project)
    assert found.disabled is Disabled.BY_USER


@contextmanager
def answer_lost() -> Iterator[list[str]]:
    """Let the next write be made again, as botocore does if the answer is lost. Yields the name of the operation."""
    repeated: list[str] = []

    def again(operation: Any, **_: Any) -> int | None:
        if repeated:
            return None
        repeated.append(operation.name)
        return 0

    events: Any = EndpointItem._get_connection().connection.client.meta.events
    events.register_first("needs-retry.dynamodb.PutItem", again)
    try:
        yield repeated
    finally:
        events.unregister("needs-retry.dynamodb.PutItem", again)


@pytest.mark.parametrize("is_new", [True, False])
def test_a_write_whose_answer_is_lost_is_no_other_writer(is_new: bool) -> None:
    endpoints, endpoint = Endpoints(Clock()), an_endpoint()
    if not is_new:
        endpoint = disable(stored(endpoint), Disabled.GONE, 1_800_000_000_002)
    with answer_lost() as repeated:
        assert endpoints.put(endpoint) == replace(endpoint, version=endpoint.version + 1)
    assert repeated == ["PutItem"]
    assert endpoints.get(endpoint.project, endpoint.id) == replace(endpoint, version=endpoint.version + 1)


def test_another_writer_is_known_though_it_wrote_the_same() -> None:
    endpoints, endpoint = Endpoints(Clock()), stored(an_endpoint())
    assert endpoints.put(rotated(endpoint, 1_800_000_000_002)) is not None
    assert endpoints.put(rotated(endpoint, 1_800_000_000_002)) is None
