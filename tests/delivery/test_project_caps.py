"""The daily cap of a project: never exceeded, whoever accepts at the same time; nothing accepted is lost by it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from pynamodb.exceptions import UpdateError

from app.delivery.accept import Accept
from app.delivery.admission import Admission
from app.delivery.drafts import Accepted, Requested
from app.delivery.project_caps import ProjectCaps
from app.domain.caps import DAY_S
from app.errors import CapReached, Invalid, ServiceUnavailable
from tests.support.crash import Before, Crash, crash
from tests.support.harness import Harness
from tests.support.samples import an_email


def capped(harness: Harness, project: str, cap: int, **stores: Any) -> Accept:
    places = stores.pop("places", harness.stores.places)
    return replace(harness.accept, admission=Admission(caps=ProjectCaps(places, {project: cap})), **stores)


def taken(harness: Harness, project: str) -> int:
    return harness.stores.places.taken(f"project#{project}", int(harness.clock.now_s // DAY_S))


def together(accept: Accept, project: str, count: int) -> list[Any]:
    return list(accept.together([Requested(an_email()) for _ in range(count)], project=project))


def test_beyond_it_emails_are_refused_until_midnight(harness: Harness) -> None:
    accept = capped(harness, "daily", 3)
    for _ in range(3):
        accept(an_email(), project="daily", key=None)
    with pytest.raises(CapReached) as refusal:
        accept(an_email(), project="daily", key=None)
    assert refusal.value.retry_after_s == DAY_S - int(harness.clock.now_s) % DAY_S
    assert "3 emails accepted a day" in refusal.value.detail
    assert accept(an_email(), project="other", key=None), "a project that is not named"
    harness.clock.advance(refusal.value.retry_after_s)
    assert accept(an_email(), project="daily", key=None)


def test_of_a_batch_as_many_are_accepted_as_are_left(harness: Harness) -> None:
    accept = capped(harness, "batch", 25)
    assert [type(one) for one in together(accept, "batch", 20)] == [Accepted] * 20
    assert [type(one) for one in together(accept, "batch", 20)] == [Accepted] * 5 + [CapReached] * 15
    assert taken(harness, "batch") == 25


def test_who_accepts_at_the_same_time_does_not_exceed_it(harness: Harness) -> None:
    accept = capped(harness, "race", 30)
    with ThreadPoolExecutor(6) as pool:
        answers = [one for found in pool.map(lambda _: together(accept, "race", 9), range(6)) for one in found]
    accepted = sum(isinstance(one, Accepted) for one in answers)
    assert accepted == taken(harness, "race") == 30
    assert {type(one) for one in answers} == {Accepted, CapReached}


def test_a_replay_is_not_counted_and_is_answered_when_the_cap_is_reached(harness: Harness) -> None:
    accept, email = capped(harness, "replay", 2), an_email()
    for _ in range(5):
        first = accept(email, project="replay", key="capped-1")
    assert taken(harness, "replay") == 1
    accept(an_email(), project="replay", key=None)
    assert accept(email, project="replay", key="capped-1").head == first.head
    assert accept.together([Requested(email, "capped-1")] * 3, project="replay") == [first] * 3
    assert taken(harness, "replay") == 2


def test_a_key_of_one_that_was_refused_by_it_is_free(harness: Harness) -> None:
    accept, email = capped(harness, "free", 1), an_email()
    accept(an_email(), project="free", key=None)
    with pytest.raises(CapReached):
        accept(email, project="free", key="capped-2")
    assert list(harness.recipients.emails_to(email.to[0].key, "free")) == []
    harness.clock.advance(DAY_S)
    assert not accept(email, project="free", key="capped-2").replayed


def test_what_is_wrong_takes_no_place_and_what_could_not_be_stored_gives_it_back(harness: Harness) -> None:
    def failing() -> None:
        raise ServiceUnavailable("no")

    with pytest.raises(Invalid):
        capped(harness, "back", 5)(an_email(providers=("nobody",)), project="back", key=None)
    contents = Before(harness.contents, "put_many", failing)
    with pytest.raises(ServiceUnavailable):
        capped(harness, "back", 5, contents=contents)(an_email(), project="back", key=None)
    assert taken(harness, "back") == 0


def test_who_loses_a_race_for_a_key_gives_its_place_back(harness: Harness) -> None:
    email, accept = an_email(), capped(harness, "lost", 5)
    racing = Before(harness.heads, "create", lambda: accept(email, project="lost", key="capped-3"))
    assert replace(accept, heads=racing)(email, project="lost", key="capped-3").replayed
    assert taken(harness, "lost") == 1


def test_a_head_that_may_be_stored_keeps_its_place(harness: Harness) -> None:
    class Silent:
        def create(self, *_: object) -> None:
            raise ServiceUnavailable("no answer")

        def __getattr__(self, name: str) -> Any:
            return getattr(harness.heads, name)

    with pytest.raises(ServiceUnavailable):
        capped(harness, "perhaps", 5, heads=Silent())(an_email(), project="perhaps", key=None)
    assert taken(harness, "perhaps") == 1


def test_a_process_that_dies_leaves_a_place_taken_and_the_client_gets_its_email(harness: Harness) -> None:
    email, accept = an_email(), capped(harness, "died", 5)
    with pytest.raises(Crash):
        replace(accept, heads=Before(harness.heads, "create", crash))(email, project="died", key="capped-4")
    assert not accept(email, project="died", key="capped-4").replayed
    assert taken(harness, "died") == 2


def test_a_store_that_does_not_answer_refuses(harness: Harness) -> None:
    class Gone:
        def take(self, *_: object) -> bool:
            raise UpdateError("no answer")

    accept = capped(harness, "outage", 5, places=Gone())
    with pytest.raises(UpdateError):
        accept(an_email(), project="outage", key=None)
    assert [type(one) for one in together(accept, "outage", 2)] == [UpdateError] * 2


def test_places_that_cannot_be_given_back_fail_no_request(harness: Harness) -> None:
    class Keeping:
        def give_back(self, *_: object) -> None:
            raise UpdateError("no answer")

        def __getattr__(self, name: str) -> Any:
            return getattr(harness.stores.places, name)

    email, accept = an_email(), capped(harness, "kept", 5, places=Keeping())
    racing = Before(harness.heads, "create", lambda: accept(email, project="kept", key="capped-5"))
    assert replace(accept, heads=racing)(email, project="kept", key="capped-5").replayed
    assert taken(harness, "kept") == 2


def test_when_others_always_come_first_nothing_is_taken(harness: Harness) -> None:
    class Contended:
        def take(self, *_: object) -> bool:
            return False

        def taken(self, *_: object) -> int:
            return 0

    with pytest.raises(ServiceUnavailable):
        capped(harness, "contended", 5, places=Contended())(an_email(), project="contended", key=None)


@pytest.mark.parametrize("by_s", [-2 * DAY_S, 2 * DAY_S])
def test_a_clock_that_jumps_finds_the_day_it_says(harness: Harness, by_s: int) -> None:
    project = f"jump{by_s}"
    accept = capped(harness, project, 2)
    assert [type(one) for one in together(accept, project, 3)] == [Accepted] * 2 + [CapReached]
    harness.clock.advance(by_s)
    assert [type(one) for one in together(accept, project, 3)] == [Accepted] * 2 + [CapReached]
    harness.clock.advance(-by_s)
    assert [type(one) for one in together(accept, project, 1)] == [CapReached]
