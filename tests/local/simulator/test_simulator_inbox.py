"""What arrives in the inbox is what was sent, whichever provider took it."""

import re
from typing import Any

import pytest

from app.providers import registry
from tests.local.simulator.case import LOGO, PDF, file
from tests.local.simulator.rig import CASES, Rig

# What each entry has of its own.
OWN = ("number", "id", "provider", "tags", "received_at")


def shown(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in OWN}


@pytest.mark.parametrize("provider", CASES)
def test_every_part_of_an_email_arrives(rig: Rig, provider: str) -> None:
    eid, request = rig.letter(provider)

    answer = rig.http.send(request)

    (entry,) = rig.inbox(eid)
    assert shown(entry) == {
        "from": "App <app@example.com>",
        "to": ["Bo Ödman <bo@example.com>"],
        "cc": ["cy@example.com"],
        "bcc": ["di@example.com"],
        "reply_to": ["Help <help@example.com>"],
        "subject": "Grüße",
        "text": "Hello",
        "html": "<p>Hello</p>",
        "headers": {"X-Kind": "receipt"},
        "attachments": [
            file("a.pdf", "application/pdf", PDF),
            file(CASES[provider].inline_name, "image/png", LOGO, "logo"),
        ],
        "metadata": {"eid": eid, "att": "1"},
        "tracking": {"opens": None, "clicks": None},
    }
    assert entry["provider"] == provider
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry["received_at"])
    assert entry["id"] == CASES[provider].message_id(answer)


@pytest.mark.parametrize("provider", CASES)
@pytest.mark.parametrize("opens", [False, True])
@pytest.mark.parametrize("clicks", [False, True])
def test_what_a_call_says_of_tracking_is_shown(rig: Rig, provider: str, opens: bool, clicks: bool) -> None:
    tracked = CASES[provider].tracked
    assert bool(tracked) == bool(registry.limits(provider).tracking.value)
    eid, plain = rig.letter(provider)
    rig.http.send(tracked(rig.base_url(provider), eid, opens, clicks) if tracked else plain)
    told = {"opens": opens, "clicks": clicks} if tracked else {"opens": None, "clicks": None}
    assert [entry["tracking"] for entry in rig.inbox(eid)] == [told]


def test_the_inbox_is_read_in_pages(rig: Rig) -> None:
    eids = [rig.send("sendgrid") for _ in range(3)]
    numbers = [entry["number"] for eid in eids for entry in rig.inbox(eid)]
    assert numbers == list(range(numbers[0], numbers[0] + 3))

    page = rig.control.get("/messages", params={"after": numbers[0], "limit": 1}).json()
    assert [entry["metadata"]["eid"] for entry in page] == eids[1:2]
    page = rig.control.get("/messages", params={"after": numbers[1], "limit": ""}).json()
    assert [entry["metadata"]["eid"] for entry in page] == eids[2:]
    assert rig.control.get("/messages", params={"after": numbers[2]}).json() == []


@pytest.mark.parametrize("field", ["limit", "after"])
@pytest.mark.parametrize("value", ["-1", "x", "1.5", "²", "1" * 11])
def test_a_page_that_cannot_be_is_said(rig: Rig, field: str, value: str) -> None:
    answer = rig.control.get("/messages", params={field: value})

    assert answer.status_code == 422
    assert answer.json() == {"error": "must be a whole number of at most 10 digits", "field": field}


def test_the_inbox_keeps_the_order_of_arrival_and_forgets_on_request(rig: Rig) -> None:
    sent = [rig.send(provider) for provider in (*reversed(CASES), *CASES)]

    listed = [entry["metadata"]["eid"] for entry in rig.control.get("/messages").json()]
    assert listed[-len(sent) :] == sent

    assert rig.control.delete("/messages").status_code == 204
    assert rig.control.get("/messages").json() == []
    assert {state["calls"] for state in rig.control.get("/providers").json().values()} == {0}


@pytest.mark.parametrize(("provider", "words"), [(name, words) for name in CASES for words in CASES[name].known])
def test_the_account_can_be_asked_whether_the_key_is_good(rig: Rig, provider: str, words: str) -> None:
    answer = rig.http.send(CASES[provider].known[words](rig.base_url(provider)))

    assert answer.status_code == 200
    assert words in answer.text
