"""Whoever changes an endpoint undoes nothing that another writer has changed; and where a host leads is looked at."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from app.domain.change_types import ChangeType
from app.domain.endpoint import Endpoint
from app.errors import Conflict, Contention, Invalid, NotFound
from app.notify.endpoints import MOST_OF_A_PROJECT, TRIES, Edit, ManageEndpoints
from app.notify.feed import Seen
from app.settings import Settings
from app.store import tables
from app.store.endpoints import EndpointItem, Endpoints
from app.store.partitions import Partitions
from app.wiring.notify import build_notify, publish_nothing
from tests.support.aws import REGION, Aws
from tests.support.clock import Clock
from tests.support.feed_writer import MASTER, PUBLIC


@pytest.fixture(scope="module", autouse=True)
def table(aws: Aws) -> Iterator[None]:
    """A table of the endpoints."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "MODELS", {"endpoints": (EndpointItem,)})
        tables.connect("test_managing_endpoints-", REGION, aws.endpoint_url)
        tables.create_all()
        yield


class Interrupted(Endpoints):
    """The store, in which something happens after each of the next reads of one endpoint."""

    def __init__(self, clock: Clock, steps: Sequence[Callable[[], object]]) -> None:
        super().__init__(clock)
        self.steps = list(steps)

    def get(self, project: str, endpoint_id: str) -> Endpoint | None:
        found = super().get(project, endpoint_id)
        if self.steps:
            self.steps.pop(0)()
        return found


def managing(lookup: Callable[[str, int], Sequence[str]] | None = None, *, is_local: bool = False) -> ManageEndpoints:
    clock = Clock()
    settings = Settings.from_env({"AWS_REGION": REGION, "WEBHOOK_SECRET": MASTER})
    notify = build_notify(settings, clock, Partitions(clock), publish_nothing, is_local=is_local, lookup=lookup)
    return notify.endpoints


def interrupted(manage: ManageEndpoints, *steps: Callable[[], object]) -> ManageEndpoints:
    return replace(manage, store=Interrupted(Clock(), steps))


@pytest.fixture
def manage() -> ManageEndpoints:
    return managing()


@pytest.fixture
def seen() -> Seen:
    return Seen(f"p{uuid4().hex[:12]}")


def made(manage: ManageEndpoints, seen: Seen) -> Endpoint:
    assert seen.project is not None
    return manage.create(seen.project, PUBLIC, [ChangeType.BOUNCED], "orders")[0]


def test_a_change_that_another_one_came_before_is_made_of_that(manage: ManageEndpoints, seen: Seen) -> None:
    endpoint = made(manage, seen)
    between = [
        lambda: manage.change(seen, endpoint.id, Edit(types=[])),
        lambda: manage.rotate(seen, endpoint.id),
    ]
    changed = interrupted(manage, *between).change(seen, endpoint.id, Edit(description="both"))
    assert changed == manage.get(seen, endpoint.id)
    assert (changed.types, changed.description, len(changed.began_ms)) == ((), "both", 2)


def test_of_two_rotations_none_is_lost(manage: ManageEndpoints, seen: Seen) -> None:
    endpoint = made(manage, seen)
    secrets = []
    between = [lambda: None, lambda: secrets.append(manage.rotate(seen, endpoint.id)[1])]
    changed, secret = interrupted(manage, *between).rotate(seen, endpoint.id)
    assert len(changed.began_ms) == 3
    assert secrets == [manage.secret_of(endpoint.id, 2)]
    assert secret == manage.secret_of(endpoint.id, 3)


def test_the_first_rotation_of_the_default_may_meet_another_one(manage: ManageEndpoints, seen: Seen) -> None:
    between = [lambda: None, lambda: manage.rotate(seen, "default")]
    changed, _ = interrupted(manage, *between).rotate(seen, "default")
    assert len(changed.began_ms) == 3


def test_what_is_deleted_meanwhile_is_not_there_any_more(manage: ManageEndpoints, seen: Seen) -> None:
    endpoint = made(manage, seen)
    late = interrupted(manage, lambda: manage.delete(seen, endpoint.id))
    with pytest.raises(NotFound):
        late.change(seen, endpoint.id, Edit(disabled=True))
    assert manage.all(seen) == []


def test_a_change_that_never_comes_first_ends(manage: ManageEndpoints, seen: Seen) -> None:
    endpoint = made(manage, seen)
    steps = [
        lambda number=number: manage.change(seen, endpoint.id, Edit(description=str(number))) for number in range(TRIES)
    ]
    with pytest.raises(Contention):
        interrupted(manage, *steps).change(seen, endpoint.id, Edit(disabled=True))
    assert manage.get(seen, endpoint.id).disabled is None


def test_many_who_come_at_once_do_not_exceed_the_number_of_endpoints(manage: ManageEndpoints, seen: Seen) -> None:
    for _ in range(MOST_OF_A_PROJECT - 1):
        made(manage, seen)

    def another(_: int) -> bool:
        try:
            return bool(made(manage, seen))
        except Conflict:
            return False

    with ThreadPoolExecutor(6) as pool:
        came = sum(pool.map(another, range(6)))
    assert came <= 1
    assert len(manage.all(seen)) == MOST_OF_A_PROJECT - 1 + came


HOSTS: dict[str, Any] = {
    "hooks.example.com": ["8.8.8.8", "2606:4700:4700::1111"],
    "inside.example.com": ["10.0.0.7"],
    "mixed.example.com": ["8.8.8.8", "169.254.169.254"],
    "mapped.example.com": ["::ffff:127.0.0.1"],
    "empty.example.com": [],
}


def look_up(host: str, _: int) -> list[str]:
    if host not in HOSTS:
        raise OSError("no such host")
    return list(HOSTS[host])


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("inside.example.com", "private"),
        ("mixed.example.com", "metadata"),
        ("mapped.example.com", "may not be called"),
        ("empty.example.com", "no address"),
        ("unknown.example.com", "was not found"),
    ],
)
def test_a_host_is_looked_up_when_it_is_named(seen: Seen, host: str, why: str) -> None:
    manage = managing(look_up)
    assert seen.project is not None
    endpoint, _ = manage.create(seen.project, "https://hooks.example.com/a")
    with pytest.raises(Invalid, match=why) as refused:
        manage.create(seen.project, f"https://{host}/a")
    assert refused.value.errors[0][0] == "url"
    with pytest.raises(Invalid, match=why):
        manage.change(seen, endpoint.id, Edit(url=f"https://{host}/a"))
    assert manage.all(seen) == [endpoint]


def test_this_machine_is_for_local_mode_only(seen: Seen) -> None:
    assert seen.project is not None
    local = managing(look_up, is_local=True)
    assert local.create(seen.project, "http://localhost:9000/hook")[0].url == "http://localhost:9000/hook"
    for url in ("http://127.1:9000/", "http://2130706433/", "http://hooks.example.com/"):
        with pytest.raises(Invalid):
            local.create(seen.project, url)
    with pytest.raises(Invalid):
        managing(look_up).create(seen.project, "http://localhost:9000/hook")
