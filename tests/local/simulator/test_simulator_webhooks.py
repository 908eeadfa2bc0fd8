"""What the providers report, how they sign it, and how their webhooks misbehave."""

import json
import time
from itertools import pairwise
from typing import Any

import pytest

from tests.local.simulator.case import RECIPIENTS
from tests.local.simulator.rig import CASES, Rig

PROVIDERS = tuple(CASES)
LATE_S = 4.5  # what is late takes five seconds, and the others a fraction of one


@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_recipient_is_reported_delivered_and_not_late(rig: Rig, provider: str) -> None:
    eid = rig.send(provider)
    sent_s = time.monotonic()

    heard, told = rig.reported(eid, CASES[provider].posts)

    assert heard[-1].at_s - sent_s < LATE_S
    assert {webhook.account for webhook in heard} == {provider}
    assert all(rig.is_genuine(webhook) for webhook in heard)
    assert {CASES[provider].kind(event) for event in told} == {CASES[provider].delivered}
    assert sorted(map(CASES[provider].recipient, told)) == list(RECIPIENTS)
    assert rig.receiver.quiet(eid, 0.3)


@pytest.mark.parametrize(("fault", "provider"), [(fault, name) for name in CASES for fault in CASES[name].failed])
def test_each_recipient_is_reported_failed(rig: Rig, fault: str, provider: str) -> None:
    eid = rig.send(provider, fault=fault)

    heard, told = rig.reported(eid, CASES[provider].posts)

    assert all(rig.is_genuine(webhook) for webhook in heard)
    assert sorted(map(CASES[provider].recipient, told)) == list(RECIPIENTS)
    for event in told:
        assert CASES[provider].failed[fault].items() <= event.items()
        explained = {"5.1.1": fault == "accept_then_bounce", "5.7.1": fault == "accept_then_block"}
        assert {status: status in json.dumps(event) for status in explained} == explained
        if fault == "accept_then_bounce_unexplained":
            assert not {"reason", "status"} & event.keys()
            assert '"code"' not in json.dumps(event)
            assert "diagnosticCode" not in json.dumps(event)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_dropped_answer_is_followed_by_the_evidence(rig: Rig, provider: str) -> None:
    rig.behave(provider, fault="reset_after_accept")
    eid, request = rig.letter(provider)

    with pytest.raises(Exception, match="reset"):
        rig.http.send(request)

    rig.behave(provider)
    assert len(rig.reported(eid, CASES[provider].posts)[1]) == 3


@pytest.mark.parametrize("setting", [{"fault": "accept_then_silence"}, {"webhooks": ["off", "duplicate"]}])
def test_silence(rig: Rig, setting: dict[str, Any]) -> None:
    eids = [rig.send(provider, **setting) for provider in PROVIDERS]

    assert rig.receiver.quiet(eids[-1], 0.5)
    assert [rig.receiver.about(eid) for eid in eids] == [[] for _ in PROVIDERS]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_duplicates_are_the_same_bytes_twice(rig: Rig, provider: str) -> None:
    eid = rig.send(provider, webhooks=["duplicate"])

    heard = rig.receiver.wait(eid, 2 * CASES[provider].posts)

    bodies = [webhook.body for webhook in heard]
    assert len(set(bodies)) == CASES[provider].posts
    assert all(bodies.count(body) == 2 for body in bodies)
    assert all(rig.is_genuine(webhook) for webhook in heard)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_reordered_events_end_with_the_first(rig: Rig, provider: str) -> None:
    eid = rig.send(provider, webhooks=["reorder"])

    _, told = rig.reported(eid, CASES[provider].posts_reordered)

    kinds = [CASES[provider].kind(event) for event in told]
    assert kinds[:3] == [CASES[provider].delivered] * 3
    assert set(kinds[3:]) == {CASES[provider].accepted}
    assert list(map(CASES[provider].recipient, told[:3])) == list(RECIPIENTS)[::-1]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_bad_signature_is_bad_and_combines(rig: Rig, provider: str) -> None:
    eid = rig.send(provider, webhooks=["bad_signature", "duplicate"])

    heard = rig.receiver.wait(eid, 2 * CASES[provider].posts)

    assert not any(rig.is_genuine(webhook) for webhook in heard)


def test_late_webhooks_come_after_five_seconds(rig: Rig) -> None:
    sent_s = time.monotonic()
    eids = {provider: rig.send(provider, webhooks=["late"]) for provider in PROVIDERS}

    for provider, eid in eids.items():
        heard = rig.receiver.wait(eid, CASES[provider].posts)
        assert heard[0].at_s - sent_s > LATE_S
        assert all(rig.is_genuine(webhook) for webhook in heard)


def test_a_webhook_that_is_not_taken_is_sent_again(rig: Rig) -> None:
    rig.behave("sendgrid")
    eid, request = rig.letter("sendgrid")
    rig.receiver.refusals[eid.encode()] = [503, 500]
    rig.http.send(request)

    heard = rig.receiver.wait(eid, 3)

    assert len({webhook.body for webhook in heard}) == 1
    pauses_s = [later.at_s - earlier.at_s for earlier, later in pairwise(heard)]
    assert all(pause_s > wait_s for pause_s, wait_s in zip(pauses_s, (0.4, 0.9), strict=True))
    assert rig.receiver.quiet(eid, 0.3)


def test_a_webhook_that_is_not_believed_is_sent_once_more(rig: Rig) -> None:
    rig.behave("sendgrid")
    eid, request = rig.letter("sendgrid")
    rig.receiver.refusals[eid.encode()] = [401, 401, 401]
    rig.http.send(request)

    rig.receiver.wait(eid, 2)

    assert rig.receiver.quiet(eid, 1.3)


def test_webhooks_go_where_they_are_told(rig: Rig) -> None:
    old = rig.receiver.url
    try:
        # Nobody there: the webhook is lost for the first tries only.
        assert rig.control.put("/webhooks", json={"url": "http://127.0.0.1:9/"}).status_code == 200
        eid = rig.send("sendgrid")
        assert rig.receiver.quiet(eid, 0.4)
    finally:
        assert rig.control.put("/webhooks", json={"url": old}).json() == {"url": old}
    rig.receiver.wait(eid, 1)
