"""POST /v1/emails/explain: the route, and nothing else happens."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from app.api.application import create
from app.domain.health import open_breaker, pause, resume, start_cooldown
from app.wiring.parts import Container
from tests.api.conftest import Client
from tests.support.clock import Clock

pytestmark = pytest.mark.usefixtures("nothing_stored")

GOOD: dict[str, Any] = {"from": "app@example.com", "to": "ann@example.com", "subject": "Hello", "text": "It works."}


def explain(client: Client, **changes: Any) -> Any:
    answer = client.post("/v1/emails/explain", json=GOOD | changes)
    assert answer.status_code == 200, answer.text
    return answer.json()["route"]


def test_when_all_is_well(client: Client) -> None:
    assert explain(client) == [
        {"provider": name, "state": "available", "why": "healthy", "until": None, "notes": []}
        for name in ("sendgrid", "mailgun", "ses")
    ]


def test_what_stands_in_the_way_is_told(client: Client, parts: Container, clock: Clock) -> None:
    until = datetime.fromtimestamp(clock.now_s + 30, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    parts.monitor.update("sendgrid", partial(open_breaker, reason="key revoked", now_ms=clock.now_ms))
    parts.monitor.update("mailgun", partial(start_cooldown, retry_after_s=30, now_ms=clock.now_ms))
    parts.monitor.update("ses", pause)
    try:
        steps = {step.pop("provider"): step for step in explain(client)}
        sender = Client(client.app, parts.api_keys.create("shop", {"send"}, ()))
        told = {step["provider"]: step["why"] for step in explain(sender)}
    finally:
        for name in parts.settings.providers:
            parts.monitor.update(name, partial(resume, now_ms=0))
    later = {"state": "unavailable_for_now", "until": until, "notes": []}
    assert steps["sendgrid"] == later | {"why": "breaker open: key revoked"}
    assert told["sendgrid"] == "breaker open", "the words are about an email that may be another project's"
    assert steps["mailgun"] == later | {"why": "cooldown after throttling"}
    whole = "paused by an operator, without end: until somebody resumes it"
    assert steps["ses"] == {"state": "paused", "why": whole, "until": None, "notes": []}


def test_what_rules_a_provider_out_is_told(client: Client) -> None:
    route = explain(client, providers=["mailgun", "ses"], attachments=[{"filename": "setup.exe", "content": "TVo="}])
    whys = {step["provider"]: (step["state"], step["why"]) for step in route}
    assert whys["sendgrid"] == ("excluded", "not among the email's providers")
    assert whys["ses"] == ("excluded", "refuses .exe attachments: attachments[0], setup.exe")
    assert whys["mailgun"] == ("available", "healthy")


@pytest.mark.parametrize(
    ("hidden", "first"),
    [(["eve@example.com"], "ses"), (["eve@example.com", "bob@elsewhere.example"], "sendgrid")],
)
def test_recipients_in_bcc_count_for_a_domains_preference(
    client: Client, parts: Container, hidden: list[str], first: str
) -> None:
    read_context = parts.explain.read_context
    routing = replace(read_context.routing, preferences={"example.com": ("ses",)})
    explains = replace(parts.explain, read_context=replace(read_context, routing=routing))
    preferring = Client(create(lambda: replace(parts, explain=explains)), client.key)
    assert explain(preferring, bcc=hidden)[0]["provider"] == first


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"to": "nobody"}, "to[0]"),
        ({"text": ""}, "text"),
        ({"send_at": "2999-01-01T00:00:00Z"}, "send_at"),
        ({"providers": ["pigeon"]}, "providers[0]"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "1970-01-01T00:00:00Z"}, "expires_at"),
    ],
)
def test_a_fault_is_told_as_for_sending(client: Client, changes: dict[str, Any], field: str) -> None:
    answers = [client.post(path, json=GOOD | changes) for path in ("/v1/emails", "/v1/emails/explain")]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert answers[1].json() == answers[0].json()
    assert [error["field"] for error in answers[1].json()["errors"]] == [field]


def test_now_is_not_in_the_future_here_either(client: Client, clock: Clock) -> None:
    now = datetime.fromtimestamp(clock.now_s, UTC).isoformat()
    answer = client.post("/v1/emails/explain", json=GOOD | {"expires_at": now})
    assert answer.json()["errors"] == [{"field": "expires_at", "message": "must be in the future"}]


def test_a_from_that_the_key_may_not_use_is_forbidden(client: Client, parts: Container) -> None:
    secret = parts.api_keys.create("one domain", {"send"}, ("example.org",))
    assert client.post("/v1/emails/explain", json=GOOD, key=secret).status_code == 403
