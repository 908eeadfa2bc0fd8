"""Replaying a webhook: signed anew by the local key, posted once, and answered with what the app said."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.api.body import BODY_LIMIT_BYTES
from app.local.simulator.replay import WEBHOOK_BYTES
from tests.local.simulator.case import Heard
from tests.local.simulator.rig import CASES, Rig, case_of

PROVIDERS = tuple(CASES)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A simulator with two accounts at each provider."""
    accounts = [account for name in PROVIDERS for account in (name, f"{name}:eu")]
    with Rig(tmp_path_factory.mktemp("keys"), "--accounts", ",".join(accounts)) as rig:
        yield rig


def replay(rig: Rig, account: str, body: str | bytes) -> httpx.Response:
    return rig.control.post(f"/providers/{account}/webhook", content=body)


def posted(rig: Rig, account: str, **setting: object) -> tuple[str, Heard]:
    """The first webhook about a new email, and the email's id."""
    eid = rig.send(account, **setting)
    return eid, rig.receiver.wait(eid, case_of(account).posts)[0]


def again(rig: Rig, eid: str, account: str) -> Heard:
    """The webhook that came after all those of the delivery."""
    return rig.receiver.wait(eid, case_of(account).posts + 1)[-1]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_webhook_is_posted_again_with_a_signature_of_now(rig: Rig, provider: str) -> None:
    eid, genuine = posted(rig, provider)
    answer = replay(rig, provider, genuine.body)
    assert (answer.status_code, answer.json()) == (200, {"status": 200, "body": ""})
    webhook = again(rig, eid, provider)
    assert webhook.account == provider
    assert rig.is_genuine(webhook)
    assert case_of(provider).events(webhook.body) == case_of(provider).events(genuine.body)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_wrong_signature_is_replaced(rig: Rig, provider: str) -> None:
    eid, forged = posted(rig, provider, webhooks=["bad_signature"])
    assert not rig.is_genuine(forged)
    assert replay(rig, provider, forged.body).json()["status"] == 200
    assert rig.is_genuine(again(rig, eid, provider))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_raw_text_in_a_json_string_is_the_same(rig: Rig, provider: str) -> None:
    eid, genuine = posted(rig, provider)
    assert replay(rig, provider, json.dumps(genuine.body.decode())).json()["status"] == 200
    webhook = again(rig, eid, provider)
    assert rig.is_genuine(webhook)
    assert case_of(provider).events(webhook.body) == case_of(provider).events(genuine.body)


@pytest.mark.parametrize("account", [f"{name}:eu" for name in PROVIDERS])
def test_each_account_signs_by_its_own_key(labelled: Rig, account: str) -> None:
    provider = account.removesuffix(":eu")
    eid, genuine = posted(labelled, provider)
    assert replay(labelled, account, genuine.body).json()["status"] == 200
    webhook = again(labelled, eid, provider)
    assert webhook.account == account
    assert labelled.is_genuine(webhook)
    assert not labelled.is_genuine(webhook, of=provider)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_faults_and_settings_do_not_concern_it(rig: Rig, provider: str) -> None:
    eid, genuine = posted(rig, provider)
    rig.behave(provider, fault="refuse_connection", webhooks=["off", "bad_signature", "late", "duplicate"])
    assert replay(rig, provider, genuine.body).json()["status"] == 200
    rig.behave(provider)
    assert rig.is_genuine(again(rig, eid, provider))
    assert rig.receiver.quiet(eid, 0.3)


def test_whatever_the_app_says_is_told_and_nothing_is_repeated(rig: Rig) -> None:
    eid, genuine = posted(rig, "sendgrid")
    rig.receiver.refusals[eid.encode()] = [401]
    answer = replay(rig, "sendgrid", genuine.body)
    assert (answer.status_code, answer.json()) == (200, {"status": 401, "body": ""})
    assert rig.receiver.quiet(eid, 0.7)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "not JSON: see line 1, column 2"),
        (b"", "not JSON"),
        (b'"{"', "not JSON"),
        (b'"no end', "not JSON"),
        (b"<html>", "not JSON"),
        (b"\xff", "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b"9" * 5_000, "a number is too long"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_a_body_that_is_no_webhook_is_said(rig: Rig, provider: str, body: bytes, words: str) -> None:
    answer = replay(rig, provider, body)
    assert (answer.status_code, answer.json()["field"]) == (400, "body")
    assert words in answer.json()["error"]


@pytest.mark.parametrize("account", ["postmark", "sendgrid:eu", "SENDGRID"])
def test_an_account_that_is_not_there_is_said(rig: Rig, account: str) -> None:
    answer = replay(rig, account, b"[]")
    assert (answer.status_code, answer.json()["field"]) == (404, "name")
    assert "no such account; there are sendgrid, mailgun, ses" in answer.json()["error"]


def test_it_takes_as_much_as_the_app_and_no_more(rig: Rig) -> None:
    assert WEBHOOK_BYTES == BODY_LIMIT_BYTES
    whole = b'["' + b"x" * (WEBHOOK_BYTES - 4) + b'"]'
    assert replay(rig, "sendgrid", whole).json()["status"] == 200
    for account, body in (("sendgrid", whole + b" "), ("ses", whole), ("sendgrid", b"x" * 20_000_000)):
        answer = replay(rig, account, body)
        assert (answer.status_code, answer.json()["field"]) == (413, "body")
        assert "at most 4,500,000 bytes" in answer.json()["error"]


@pytest.fixture
def unheard(rig: Rig) -> Iterator[Rig]:
    """A simulator whose app is away."""
    assert rig.control.put("/webhooks", json={"url": "http://127.0.0.1:9/v1/webhooks"}).is_success
    yield rig
    assert rig.control.put("/webhooks", json={"url": rig.receiver.url}).is_success


def test_an_app_that_is_away_is_said(unheard: Rig) -> None:
    answer: Any = replay(unheard, "mailgun", b"{}")
    assert answer.status_code == 502
    assert answer.json() == {
        "error": "the app does not answer at http://127.0.0.1:9/v1/webhooks: is it running?",
        "field": None,
    }
