"""Tracking: what is asked for is stored, told again, and told before."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from app.api.application import create
from app.domain.suppression import Reason, Suppression
from app.wiring.parts import Container
from tests.api.conftest import Client, installed
from tests.support.clock import Clock

GOOD: dict[str, Any] = {"from": "app@example.com", "to": "ann@example.com", "subject": "Hello", "text": "It works."}
OFF = {"opens": False, "clicks": False}


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({}, OFF),
        ({"tracking": None}, OFF),
        ({"tracking": ""}, OFF),
        ({"tracking": {}}, OFF),
        ({"tracking": {"opens": None, "clicks": ""}}, OFF),
        ({"tracking": OFF}, OFF),
        ({"tracking": {"opens": True}}, {"opens": True, "clicks": False}),
        ({"tracking": {"clicks": True}}, {"opens": False, "clicks": True}),
        ({"tracking": {"opens": True, "clicks": True}}, {"opens": True, "clicks": True}),
    ],
)
def test_it_is_off_unless_asked_for_and_told_wherever_the_email_is(
    client: Client, given: dict[str, Any], stored: dict[str, bool]
) -> None:
    recipient = f"{uuid4().hex}@example.com"
    answer = client.post("/v1/emails", json=GOOD | {"to": recipient} | given)
    assert answer.status_code == 202, answer.text
    assert answer.json()["tracking"] == stored
    email_id = answer.json()["id"]
    assert client.get(f"/v1/emails/{email_id}").json()["tracking"] == stored
    (listed,) = client.get(f"/v1/emails?recipient={recipient}").json()["emails"]
    assert listed["tracking"] == stored
    assert client.post(f"/v1/emails/{email_id}/cancel").json()["tracking"] == stored


def test_another_tracking_is_another_request(client: Client) -> None:
    headers = {"Idempotency-Key": uuid4().hex}
    plain, off, on = (
        client.post("/v1/emails", json=GOOD | changes, headers=headers)
        for changes in ({}, {"tracking": OFF}, {"tracking": {"opens": True}})
    )
    assert [answer.status_code for answer in (plain, off, on)] == [202, 200, 409]
    assert plain.json()["id"] == off.json()["id"]


@pytest.fixture(scope="module")
def with_resend(clock: Clock) -> Iterator[Container]:
    with installed(clock, PROVIDERS="sendgrid,mailgun,ses,resend", RESEND_API_KEY="re_test") as found:
        yield found


NOTE = "tracking of opens and clicks: a setting of the domain or account there, which no email changes"


@pytest.mark.parametrize("tracking", [OFF, {"opens": True, "clicks": True}])
def test_a_provider_that_cannot_be_told_carries_it_and_explain_says_so(
    with_resend: Container, tracking: dict[str, bool]
) -> None:
    client = Client(create(lambda: with_resend), with_resend.api_keys.create("all", {"admin"}, ()))
    body = GOOD | {"tracking": tracking}
    assert client.post("/v1/emails", json=body).json()["eligible_providers"] == ["sendgrid", "mailgun", "ses", "resend"]
    route = client.post("/v1/emails/explain", json=body).json()["route"]
    assert {step["provider"]: step["notes"] for step in route} == {
        "sendgrid": [],
        "mailgun": [],
        "ses": [],
        "resend": [NOTE],
    }
    assert {step["state"] for step in route} == {"available"}


@pytest.mark.parametrize("changes", [{"cc": "bob@example.com"}, {"providers": ["ses"]}])
def test_a_provider_that_does_not_carry_it_has_nothing_to_note(with_resend: Container, changes: dict[str, Any]) -> None:
    client = Client(create(lambda: with_resend), with_resend.api_keys.create("all", {"admin"}, ()))
    route = client.post("/v1/emails/explain", json=GOOD | changes).json()["route"]
    (resend,) = [step for step in route if step["provider"] == "resend"]
    assert (resend["state"], resend["notes"]) == ("excluded", [])


def test_explain_says_what_tags_make_a_provider_add(with_resend: Container) -> None:
    client = Client(create(lambda: with_resend), with_resend.api_keys.create("all", {"admin"}, ()))
    route = client.post("/v1/emails/explain", json=GOOD | {"tags": ["welcome"]}).json()["route"]
    noted = {step["provider"]: " ".join(step["notes"]) for step in route}
    assert "List-Unsubscribe" in noted.pop("mailgun")
    assert noted == {"sendgrid": "", "ses": "", "resend": NOTE}


OWN_LISTS = {
    "sendgrid": "SendGrid app",
    "mailgun": "Mailgun control panel",
    "ses": "DeleteSuppressedDestination",
    "resend": "Resend dashboard",
}


@pytest.mark.parametrize("why", ["override", "lifted", "on a list"])
def test_explain_says_whose_own_list_holds_all_the_same_and_where_it_is_cleared(
    with_resend: Container, clock: Clock, why: str
) -> None:
    client = Client(create(lambda: with_resend), with_resend.api_keys.create("all", {"admin"}, ()))
    address = f"{uuid4().hex}@example.com"
    assert not any("own suppression list" in note for note in noted(client, to=address).values())
    if why != "override":
        now_ms = clock.now_ms
        told = Suppression(address, Reason.PROVIDER_LIST, "on a list", now_ms, now_ms + 10**9)
        with_resend.suppressions.put(told)
    if why == "lifted":
        with_resend.suppressions.lift(address, clock.now_ms + 1)
    notes = noted(client, to=address, override_suppression=why == "override")
    for provider, words in OWN_LISTS.items():
        assert "own suppression list" in notes[provider]
        assert words in notes[provider]


def noted(client: Client, **changes: Any) -> dict[str, str]:
    route = client.post("/v1/emails/explain", json=GOOD | changes).json()["route"]
    return {step["provider"]: " ".join(step["notes"]) for step in route}


def test_every_account_names_its_own_list_in_stories(with_resend: Container) -> None:
    assert with_resend.attempt.own_lists == with_resend.record.own_lists
    assert set(with_resend.attempt.own_lists) == set(OWN_LISTS)
    for provider, words in OWN_LISTS.items():
        assert words in with_resend.attempt.own_lists[provider]
