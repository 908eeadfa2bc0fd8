"""The own list of every provider whose API has one, against its simulated other end, over a real socket."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import botocore.session
import httpx
import pytest

from app.domain.suppression import Reason
from app.local.simulator.accounts import ready_variables
from app.providers import registry
from app.providers.sdk.contract import AnyProvider, Outside
from app.providers.sdk.http_transport import HttpTransport
from app.providers.sdk.own_list import AnyOwnList, NoEntries, NoSuchApi
from app.wiring.own_lists import WAITS_S, NotDone, OwnLists
from tests.local.simulator.rig import Rig
from tests.providers.calls import PATIENT_S
from tests.providers.case import CASES
from tests.providers.peer import answer, peer

ANN, BOB = "ann+x/1@example.com", "bob@example.net"
AT = "2026-01-02T03:04:05Z"
AT_MS = 1_767_323_045_000


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rig, Path]]:
    keys = tmp_path_factory.mktemp("keys")
    with Rig(keys) as running:
        yield running, keys


@pytest.fixture(scope="module")
def transport() -> Iterator[HttpTransport]:
    carries = HttpTransport(PATIENT_S, PATIENT_S)
    yield carries
    carries.close()


@pytest.fixture(params=list(registry.PROVIDERS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def account(rig: tuple[Rig, Path], name: str) -> AnyProvider:
    running, keys = rig
    running.behave(name)
    env = ready_variables(name, keys) | {f"{name.upper()}_BASE_URL": running.base_url(name)}
    return registry.open_account(name, env, Outside(botocore.session.get_session(), lambda _: b""))


@pytest.fixture
def own(account: AnyProvider) -> AnyOwnList:
    found = registry.own_list(account)
    assert found is not None
    return found


@pytest.fixture
def fill(rig: tuple[Rig, Path], name: str) -> Callable[..., list[str]]:
    """Put these addresses, and nobody else, on every part of the simulated list; returns the names of the parts."""

    def put(*addresses: str) -> list[str]:
        parts = list(rig[0].control.get(f"/providers/{name}/lists").json())
        for number, part in enumerate(parts):
            mine = addresses if name not in ("ses", "resend") else addresses[number : number + 1]
            entries = [{"address": address, "at": AT, "words": "550 5.1.1 unknown user"} for address in mine]
            rig[0].control.put(f"/providers/{name}/lists", json={part: entries}).raise_for_status()
        return parts

    return put


def waits(name: str, rig: Rig) -> tuple[list[float], Callable[[float], None]]:
    """What was waited for, and a wait after which the provider is well again."""
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        rig.behave(name)

    return waited, wait


def test_every_entry_is_read_with_its_time(
    account: AnyProvider, own: AnyOwnList, transport: HttpTransport, fill: Callable[..., list[str]]
) -> None:
    fill(ANN, BOB)
    entries = list(OwnLists(account, own, transport).entries())
    assert {entry.address for entry in entries} == {ANN, BOB}
    assert {entry.at_ms for entry in entries} == {AT_MS}
    assert {entry.part for entry in entries} <= set(own.parts)
    reasons = {entry.reason for entry in entries}
    assert {Reason.HARD_BOUNCE, Reason.COMPLAINED} <= reasons
    assert None not in reasons


def test_what_is_looked_up_is_found_cleared_and_then_gone(
    account: AnyProvider, own: AnyOwnList, transport: HttpTransport, fill: Callable[..., list[str]]
) -> None:
    fill(ANN, BOB)
    mine = OwnLists(account, own, transport)
    first = mine.clear(ANN, [])
    assert (first.cleared, bool(first.kept)) == ((), True)
    assert {entry.address for entry in first.kept} == {ANN}
    second = mine.clear(ANN, list(Reason))
    assert [(one.part, one.reason) for one in second.cleared] == [(one.part, one.reason) for one in first.kept]
    assert mine.clear(ANN, list(Reason)).cleared == ()
    assert ANN not in {entry.address for entry in mine.entries()}
    assert BOB in {entry.address for entry in mine.entries()}


def test_who_is_removed_by_somebody_else_meanwhile_is_cleared(
    own: AnyOwnList, transport: HttpTransport, fill: Callable[..., list[str]]
) -> None:
    fill()
    for part in own.parts:
        assert own.is_cleared(transport.ask(partial(own.clear, part, ANN)))


@pytest.mark.parametrize("does", [lambda own: list(own.entries()), lambda own: own.clear(ANN, list(Reason))])
def test_a_throttled_call_is_made_again_after_the_time_that_is_asked_for(
    rig: tuple[Rig, Path],
    name: str,
    account: AnyProvider,
    own: AnyOwnList,
    transport: HttpTransport,
    does: Callable[[OwnLists], object],
    fill: Callable[..., list[str]],
) -> None:
    fill(ANN)
    rig[0].behave(name, fault="rate_limit")
    waited, wait = waits(name, rig[0])
    does(OwnLists(account, own, transport, wait))
    assert waited == [5.0]  # the simulator's Retry-After


def test_a_provider_that_throttles_for_ever_is_given_up(
    rig: tuple[Rig, Path], name: str, account: AnyProvider, own: AnyOwnList, transport: HttpTransport
) -> None:
    rig[0].behave(name, fault="rate_limit")
    waited: list[float] = []
    with pytest.raises(NotDone, match=r"^429 "):
        list(OwnLists(account, own, transport, waited.append).entries())
    assert len(waited) == len(WAITS_S)
    rig[0].behave(name)


@pytest.mark.parametrize(("headers", "expected"), [({}, list(WAITS_S)), ({"Retry-After": "3600"}, [])])
def test_without_a_time_it_waits_longer_each_time_and_it_waits_for_no_hour(
    name: str, transport: HttpTransport, headers: dict[str, str], expected: list[float]
) -> None:
    waited: list[float] = []
    with peer(answer(httpx.Response(429, text="too many", headers=headers))) as server:
        account = CASES[name].make(server.url)
        own = registry.own_list(account)
        assert own is not None
        with pytest.raises(NotDone, match=r"^429 too many"):
            OwnLists(account, own, transport, waited.append).clear(ANN, list(Reason))
    assert waited == expected


@pytest.mark.parametrize("fault", ["unauthorized", "forbidden", "server_error", "bad_gateway_html", "reset_after_body"])
def test_what_is_no_answer_about_the_list_is_said_and_not_taken_for_an_empty_list(
    rig: tuple[Rig, Path], name: str, account: AnyProvider, own: AnyOwnList, transport: HttpTransport, fault: str
) -> None:
    rig[0].behave(name, fault=fault)
    with pytest.raises(NotDone) as failed:
        list(OwnLists(account, own, transport).entries())
    with pytest.raises(NotDone):
        OwnLists(account, own, transport).clear(ANN, list(Reason))
    assert str(failed.value)
    rig[0].behave(name)


JUNK = [
    httpx.Response(200, text="ok"),
    httpx.Response(200, json=None),
    httpx.Response(200, json={"items": "?", "data": 7, "SuppressedDestinationSummaries": None}),
    httpx.Response(200, json="text"),
    httpx.Response(302, headers={"location": "https://elsewhere.example"}),
    httpx.Response(204),
    httpx.Response(400, json={"message": "bad"}),
    httpx.Response(404, text="<html>"),
]


@pytest.mark.parametrize("other", JUNK, ids=lambda other: f"{other.status_code} {other.text[:20]}")
def test_no_other_answer_is_an_empty_list(own: AnyOwnList, other: httpx.Response) -> None:
    for part in own.parts:
        with pytest.raises((NoEntries, NoSuchApi)):
            own.read_page(part, "", other)
        with pytest.raises((NoEntries, NoSuchApi)):
            own.found(part, other)


def test_entries_that_cannot_be_read_have_no_address_or_no_time(own: AnyOwnList) -> None:
    odd: list[Any] = [7, {}, {"email": 7, "address": "x", "EmailAddress": [], "created": "soon", "created_at": "soon"}]
    body = {"items": odd, "data": odd, "SuppressedDestinationSummaries": odd, "stops": odd}
    for part in own.parts:
        for whole in (body, odd):
            try:
                page = own.read_page(part, "", httpx.Response(200, json=whole))
            except NoEntries:
                continue
            assert [(one.address, one.at_ms) for one in page.entries] == [("", None)] * 3
            assert page.next == ""
            break
        else:
            pytest.fail("neither form was read")


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("mailgun", {"items": [{"address": ANN}] * 250, "paging": {}}),
        (
            "mailgun",
            {"items": [{"address": ANN}] * 250, "paging": {"next": "https://api.example/?page=next&address=a"}},
        ),
        ("resend", {"data": [], "has_more": True}),
        ("resend", {"data": [{"email": ANN, "origin": "bounce"}], "has_more": True}),
        ("resend", {"data": [{"email": ANN, "origin": "bounce", "id": "page=next&address=a"}], "has_more": True}),
    ],
    indirect=["name"],
)
def test_a_list_that_goes_on_nobody_knows_where_does_not_seem_to_end(own: AnyOwnList, body: object) -> None:
    with pytest.raises(NoEntries):
        own.read_page(own.parts[0], "page=next&address=a", httpx.Response(200, json=body))


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("Fri, 21 Oct 2011 11:02:55 GMT", 1_319_194_975_000),
        ("Fri, 21 Oct 2011 11:02:55 UTC", 1_319_194_975_000),
        ("Fri, 21 Oct 2011 11:02:55 -0000", 1_319_194_975_000),
        ("Fri, 21 Oct 2011 13:02:55 +0200", 1_319_194_975_000),
        ("Mon, 01 Jan 0001 00:00:00 UTC", None),  # of an entry that was imported without a time
        ("soon", None),
    ],
)
@pytest.mark.parametrize("name", ["mailgun"], indirect=True)
def test_the_times_of_mailgun(own: AnyOwnList, text: str, at_ms: int | None) -> None:
    (entry,) = own.found("complaints", httpx.Response(200, json={"address": ANN, "created_at": text}))
    assert entry.at_ms == at_ms


@pytest.mark.parametrize("name", ["mailgun"], indirect=True)
def test_the_key_goes_to_no_other_host_that_a_page_names(own: AnyOwnList, account: AnyProvider) -> None:
    body = {
        "items": [{"address": ANN}],
        "paging": {"next": "https://evil.example/v3/x?page=next&address=a%40b&limit=9"},
    }
    page = own.read_page("bounces", "", httpx.Response(200, json=body))
    call = own.page("bounces", page.next)
    assert call.url.host == "127.0.0.1"
    assert dict(call.url.params) == {"limit": "250", "page": "next", "address": "a@b"}


@pytest.mark.parametrize(
    ("tags", "scope"),
    [(["*"], ""), ([], ""), (None, ""), (["weekly", "*"], ""), (["weekly", "offers"], "weekly, offers")],
)
@pytest.mark.parametrize("name", ["mailgun"], indirect=True)
def test_an_unsubscribe_from_tags_of_mailgun_is_from_these_only(own: AnyOwnList, tags: object, scope: str) -> None:
    (entry,) = own.found("unsubscribes", httpx.Response(200, json={"address": ANN, "tags": tags}))
    assert (entry.scope, entry.reason) == (scope, Reason.UNSUBSCRIBED)


@pytest.mark.parametrize("name", ["ses", "resend"], indirect=True)
def test_a_reason_that_nobody_knows_is_that_of_a_providers_list(own: AnyOwnList, name: str) -> None:
    entry = {"EmailAddress": ANN, "Reason": "NEW", "email": ANN, "origin": "new"}
    (found,) = own.found(own.parts[0], httpx.Response(200, json={"SuppressedDestination": entry, **entry}))
    assert (found.reason, found.address) == (Reason.PROVIDER_LIST, ANN)


@pytest.mark.parametrize("name", ["mailgun"], indirect=True)
@pytest.mark.parametrize(
    ("answer", "is_absent"),
    [
        (httpx.Response(404, json={"message": "Address not found in bounces table"}), True),
        (httpx.Response(404, json={"message": "Domain not found: mg.example.com"}), False),
        (httpx.Response(404, json={"message": ""}), False),
        (httpx.Response(404, json={}), False),
        (httpx.Response(403, json={"message": "Address not found in bounces table"}), False),
        (httpx.Response(500, json={"message": "Internal Server Error"}), False),
    ],
    ids=lambda value: f"{value.status_code} {value.text}" if isinstance(value, httpx.Response) else "",
)
def test_only_a_404_about_the_address_says_that_it_is_not_on_the_list(
    own: AnyOwnList, answer: httpx.Response, is_absent: bool
) -> None:
    assert own.is_cleared(answer) is is_absent
    if is_absent:
        assert own.found("bounces", answer) == ()
    else:
        with pytest.raises((NoEntries, NoSuchApi)):
            own.found("bounces", answer)


@pytest.mark.parametrize("name", ["mailgun"], indirect=True)
@pytest.mark.parametrize(
    ("part", "code", "words", "reason"),
    [
        ("bounces", "550", "user unknown", Reason.HARD_BOUNCE),
        ("bounces", "", "", Reason.HARD_BOUNCE),
        ("bounces", "552", "mailbox full", None),
        ("bounces", "5.2.2", "", None),  # the code alone says that it is full
        ("complaints", "552", "mailbox full", Reason.COMPLAINED),
        ("unsubscribes", "552", "mailbox full", Reason.UNSUBSCRIBED),
    ],
)
def test_why_an_address_is_on_the_list_of_mailgun(
    own: AnyOwnList, part: str, code: str, words: str, reason: Reason | None
) -> None:
    entry = {"address": ANN, "code": code, "error": words}
    (found,) = own.found(part, httpx.Response(200, json=entry))
    assert found.reason is reason
