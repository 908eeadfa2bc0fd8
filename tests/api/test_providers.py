"""GET /v1/providers, POST …/pause and …/resume."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from app.api import times
from app.delivery.monitor import Monitor
from app.domain.health import Health, open_breaker, resume, start_cooldown
from app.errors import Contention
from app.store.health import Healths
from app.wiring.parts import Container
from tests.api.conftest import Client
from tests.support.clock import Clock

CLOSED = {"open": False, "reason": None, "until": None}


@pytest.fixture(autouse=True)
def _as_new(parts: Container) -> Iterator[None]:
    yield
    for name in parts.settings.providers:
        parts.monitor.update(name, partial(resume, now_ms=0))


def listed(client: Client, name: str = "sendgrid") -> Any:
    answer = client.get("/v1/providers")
    assert answer.status_code == 200, answer.text
    [found] = [each for each in answer.json()["providers"] if each["name"] == name]
    return found


def test_a_provider_that_nothing_is_known_of_is_well(client: Client, parts: Container) -> None:
    answer = client.get("/v1/providers")
    assert answer.json().keys() == {"providers"}
    assert [each["name"] for each in answer.json()["providers"]] == list(parts.settings.providers)
    assert listed(client) == {
        "name": "sendgrid",
        "weight": 100,
        "paused": False,
        "breaker": CLOSED,
        "cooldown_until": None,
        "silent": False,
        "webhooks_failing": False,
        "usual_share": None,
        "epoch": 0,
        "recent": {"calls": 0, "failures": 0, "last_error": None},
    }


def in_trouble(health: Health, now_ms: int) -> Health:
    broken = open_breaker(replace(health, weight=70, silent=True, usual_share=0.9), "key revoked", now_ms)
    return start_cooldown(broken, 60, now_ms)


def test_what_is_wrong_with_it_is_told(client: Client, parts: Container, clock: Clock) -> None:
    clock.now_s = 1_900_000_000.0
    parts.monitor.update("sendgrid", partial(in_trouble, now_ms=clock.now_ms))
    found = listed(client)
    assert (found["weight"], found["silent"], found["usual_share"]) == (70, True, 0.9)
    assert found["breaker"] == {"open": True, "reason": "key revoked", "until": "2030-03-17T17:47:10.000Z"}
    assert found["cooldown_until"] == "2030-03-17T17:47:40.000Z"
    clock.advance(60)
    assert listed(client)["cooldown_until"] is None  # it is over


def test_a_provider_s_words_are_for_operators(client: Client, parts: Container, clock: Clock) -> None:
    """They were said of an email that may be another project's."""
    parts.monitor.update("sendgrid", partial(in_trouble, now_ms=clock.now_ms))
    reader = Client(client.app, parts.api_keys.create("shop", {"read"}, ()))
    assert listed(client)["breaker"]["reason"] == "key revoked"
    assert listed(reader)["breaker"] == listed(client)["breaker"] | {"reason": None}
    assert listed(reader) | {"breaker": None} == listed(client) | {"breaker": None}


def test_that_its_webhooks_fail_with_us_is_told(client: Client, parts: Container) -> None:
    parts.monitor.update("sendgrid", lambda health: replace(health, webhooks_failing=True))
    assert listed(client)["webhooks_failing"]
    assert not listed(client, "mailgun")["webhooks_failing"]


def test_a_change_waits_until_it_is_in_force_and_says_since_when(client: Client, clock: Clock) -> None:
    for change in ("pause", "resume"):
        asked_at_ms = clock.now_ms
        answer = client.post(f"/v1/providers/ses/{change}").json()
        assert answer["in_force_since"] == times.write(asked_at_ms + 2500)


def test_pausing_takes_it_out_and_resuming_puts_it_back(client: Client) -> None:
    answer = client.post("/v1/providers/sendgrid/pause")
    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["paused"]) == ("sendgrid", True)
    assert listed(client).items() <= answer.json().items()
    assert not listed(client, "mailgun")["paused"]
    back = client.post("/v1/providers/sendgrid/resume")
    assert back.status_code == 200
    assert back.json()["paused"] is False
    assert back.json()["epoch"] == answer.json()["epoch"] + 1


def test_pausing_twice_is_fine(client: Client) -> None:
    first, second = (client.post("/v1/providers/ses/pause") for _ in range(2))
    assert (second.status_code, second.json()["paused"]) == (200, True)
    assert second.json()["in_force_since"] > first.json()["in_force_since"]


def test_resuming_clears_everything_for_all_processes(client: Client, parts: Container, clock: Clock) -> None:
    another = Monitor(Healths(), parts.settings.providers, clock)
    parts.monitor.update("sendgrid", partial(in_trouble, now_ms=clock.now_ms))
    assert another.healths()["sendgrid"].weight == 70
    answer = client.post("/v1/providers/sendgrid/resume").json()
    assert (answer["weight"], answer["breaker"], answer["cooldown_until"], answer["silent"]) == (
        100,
        CLOSED,
        None,
        False,
    )
    assert answer["usual_share"] == 0.9  # what is usual has not changed
    assert not another.healths()["sendgrid"].is_impaired(clock.now_ms)


@pytest.mark.parametrize("verb", ["pause", "resume"])
@pytest.mark.parametrize("name", ["pigeon", "SENDGRID", "%00", "a" * 3000])
def test_one_that_is_not_configured_is_not_found(client: Client, verb: str, name: str) -> None:
    answer = client.post(f"/v1/providers/{name}/{verb}")
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:emailsminder:problem:not-found"


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_who_did_it_is_logged(client: Client, parts: Container, caplog: pytest.LogCaptureFixture, verb: str) -> None:
    secret = parts.api_keys.create("operator", {"admin"}, ())
    key = parts.api_keys.find(secret)
    assert key is not None
    with caplog.at_level(logging.INFO, "app.api"):
        client.post(f"/v1/providers/mailgun/{verb}", key=secret)
    [line] = [vars(record) for record in caplog.records if record.name == "app.api.v1.providers"]
    assert (line["message"], line["provider"], line["key_id"]) == (f"provider {verb}d", "mailgun", key.id[:12])


def test_a_health_that_others_keep_writing_is_worth_asking_again(
    client: Client, parts: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = parts.monitor._store
    update = store.update

    def always_late(health: Health) -> Health | None:
        update(health)  # somebody else's write, just before ours
        return update(health)

    monkeypatch.setattr(store, "update", always_late)
    with pytest.raises(Contention):
        parts.monitor.update("sendgrid", partial(resume, now_ms=0))
    answer = client.post("/v1/providers/sendgrid/resume")
    monkeypatch.undo()
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:emailsminder:problem:unavailable"
