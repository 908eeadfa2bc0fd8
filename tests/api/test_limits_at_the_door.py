"""What can be seen from the email alone is said before the 202: by `explain`, by `eligible_providers`, or by a 422."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from app.api.application import create
from app.wiring.parts import Container
from tests.api.conftest import Client, installed
from tests.support.clock import Clock

GOOD: dict[str, Any] = {"from": "app@example.com", "to": "ann@example.com", "subject": "Hello", "text": "It works."}
ALL = ["sendgrid", "mailgun", "ses", "resend"]


@pytest.fixture(scope="module")
def parts(clock: Clock) -> Iterator[Container]:
    """All four providers. The secret is `secret`."""
    secret = f"whsec_{base64.b64encode(b'secret').decode()}"
    with installed(clock, PROVIDERS=",".join(ALL), RESEND_API_KEY="re_test", RESEND_WEBHOOK_SECRET=secret) as found:
        yield found


@pytest.fixture(scope="module")
def client(parts: Container) -> Client:
    return Client(create(lambda: parts), parts.api_keys.create("all", {"admin"}, ()))


def file(name: str, content_type: str = "application/octet-stream") -> dict[str, str]:
    return {"filename": name, "content": "TVo=", "content_type": content_type}


def pairs(count: int, value_chars: int) -> dict[str, str]:
    return {f"X-Key-{number}": "v" * value_chars for number in range(count)}


# What is changed in a good email, and which providers then do not carry it, with the beginning of the reason.
CASES: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "a plain email": ({}, {}),
    "metadata of 9,700 bytes": ({"metadata": pairs(20, 470)}, {}),
    "metadata of more than 10,000 bytes": (
        {"metadata": pairs(20, 500)},
        {"sendgrid": "metadata: takes 10,000 bytes at most, the email has about 10,"},
    ),
    "headers, metadata and tags of more than 16 kB": (
        {"headers": pairs(16, 950), "metadata": {"a": "v" * 500}, "tags": ["t" * 120]},
        {"mailgun": "headers, tags and metadata: takes 16,000 bytes at most"},
    ),
    "headers of more than 32 KiB": (
        {"headers": pairs(34, 950)},
        {"mailgun": "headers, tags and metadata: takes", "ses": "header section: takes 32,768 bytes at most"},
    ),
    "tags that Resend and SES do not know": ({"tags": ["two words", "x" * 128], "metadata": {"a": "ü"}}, {}),
    "a program": (
        {"attachments": [file("manual.pdf"), file("setup.exe")]},
        {
            "ses": "refuses .exe attachments: attachments[1], setup.exe",
            "resend": "refuses .exe attachments: attachments[1], setup.exe",
        },
    ),
    "a database of Access": ({"attachments": [file("a.ADE")]}, {"ses": "refuses .ade attachments"}),
    "file names with odd characters": ({"attachments": [file('a/b:c"d|ü.pdf')]}, {}),
    "a photo of an unregistered type": ({"attachments": [file("a.jpg", "image/jpg")]}, {}),
    "an archive as Windows calls it": ({"attachments": [file("a.zip", "application/x-zip-compressed")]}, {}),
    "a table as Excel calls it": ({"attachments": [file("a.csv", "application/vnd.ms-excel")]}, {}),
    "several recipients": (
        {"to": ["ann@example.com", "bob@example.com"]},
        {"resend": "takes 1 recipient at most, not 2"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_explain_says_who_does_not_carry_it_and_why(client: Client, name: str) -> None:
    changes, excluded = CASES[name]
    answer = client.post("/v1/emails/explain", json=GOOD | changes)
    assert answer.status_code == 200, answer.text
    whys = {one["provider"]: one["why"] for one in answer.json()["route"] if one["state"] == "excluded"}
    assert list(whys) == list(excluded)
    assert [why.startswith(excluded[provider]) for provider, why in whys.items()] == [True] * len(whys), whys


@pytest.mark.parametrize("name", CASES)
def test_the_others_get_it(client: Client, parts: Container, name: str) -> None:
    changes, excluded = CASES[name]
    answer = client.post("/v1/emails", json=GOOD | changes)
    assert answer.status_code == 202, answer.text
    able = [provider for provider in ALL if provider not in excluded]
    assert answer.json()["eligible_providers"] == able
    stored = parts.read.story(answer.json()["id"], None).head
    assert list(filter(stored.may_use, parts.settings.providers)) == able


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("name", [name for name, (_, excluded) in CASES.items() if excluded])
def test_where_nobody_is_left_the_answer_gives_each_reason(client: Client, name: str) -> None:
    changes, excluded = CASES[name]
    answer = client.post("/v1/emails", json=GOOD | changes | {"providers": list(excluded)})
    assert answer.status_code == 422, answer.text
    [error] = answer.json()["errors"]
    assert error["field"] == "providers"
    assert [f"{provider}: {reason}" in error["message"] for provider, reason in excluded.items()] == [True] * len(
        excluded
    )
