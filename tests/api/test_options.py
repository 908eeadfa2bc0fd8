"""POST /v1/emails: collapse keys, critical mail, overridden suppression, and who may carry it."""

import logging
from typing import Any
from uuid import uuid4

import pytest

from app.wiring.parts import Container
from tests.api.conftest import Client

GOOD: dict[str, Any] = {"from": "app@example.com", "to": "ann@example.com", "subject": "Hello", "text": "It works."}


def head(parts: Container, email_id: str) -> Any:
    return parts.read.story(email_id, None).head


def test_the_options_reach_the_store(client: Client, parts: Container) -> None:
    options = {"collapse_key": "reset of ann", "critical": True, "override_suppression": True}
    answer = client.post("/v1/emails", json=GOOD | options)
    assert answer.status_code == 202, answer.text
    stored = head(parts, answer.json()["id"])
    assert stored.collapse_scope
    assert "ann" not in stored.collapse_scope  # its text is not kept: it may hold an address
    assert (stored.critical, stored.override_suppression) == (True, True)


def test_without_options_none_is_on(client: Client, parts: Container) -> None:
    nulls = dict.fromkeys(["collapse_key", "critical", "override_suppression"])
    stored = head(parts, client.post("/v1/emails", json=GOOD | nulls).json()["id"])
    assert (stored.collapse_scope, stored.critical, stored.override_suppression) == ("", False, False)


def test_a_longest_collapse_key_is_taken(client: Client) -> None:
    assert client.post("/v1/emails", json=GOOD | {"collapse_key": "k" * 128}).status_code == 202


def test_a_collapse_key_is_one_of_a_project(client: Client, parts: Container) -> None:
    colleague = parts.api_keys.create("colleague", {"send"}, ())
    other = parts.api_keys.create("other", {"send"}, (), project="other")
    body = GOOD | {"collapse_key": "the same"}
    first, second, foreign = (
        head(parts, client.post("/v1/emails", json=body, key=key).json()["id"]).collapse_scope
        for key in ("", colleague, other)
    )
    assert first == second != foreign


# Suppression overridden


@pytest.mark.parametrize("path", ["/v1/emails", "/v1/emails/explain"])
@pytest.mark.parametrize(("scope", "is_let"), [("send", False), ("admin", True)])
def test_only_an_admin_key_overrides_suppression(
    client: Client, parts: Container, path: str, scope: str, is_let: bool
) -> None:
    secret = parts.api_keys.create(scope, {scope}, ())
    answer = client.post(path, json=GOOD | {"override_suppression": True}, key=secret)
    assert (answer.status_code < 400) is is_let
    if not is_let:
        assert answer.status_code == 403
        assert answer.json()["type"] == "urn:emailsminder:problem:forbidden"
        assert "`admin`" in answer.json()["detail"]


def test_any_key_may_say_that_it_does_not(client: Client, parts: Container) -> None:
    secret = parts.api_keys.create("sender", {"send"}, ())
    assert client.post("/v1/emails", json=GOOD | {"override_suppression": False}, key=secret).status_code == 202


def overridden(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [vars(record) for record in caplog.records if record.getMessage() == "suppression overridden"]


def test_an_override_is_audited_also_if_the_answer_of_the_store_was_lost(
    client: Client, parts: Container, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = parts.accept.heads.create
    monkeypatch.setattr(parts.accept.heads, "create", lambda *arguments: create(*arguments) and None)
    secret = parts.api_keys.create("auditor of losses", {"admin"}, ())
    with caplog.at_level(logging.INFO, "app.api"):
        answer = client.post("/v1/emails", json=GOOD | {"override_suppression": True}, key=secret)
    assert answer.status_code == 202
    assert "Idempotent-Replayed" not in answer.headers
    (line,) = overridden(caplog)
    assert line["email_id"] == answer.json()["id"]


def test_an_override_is_audited_once(client: Client, parts: Container, caplog: pytest.LogCaptureFixture) -> None:
    secret = parts.api_keys.create("auditor", {"admin"}, ())
    key = parts.api_keys.find(secret)
    assert key is not None
    headers = {"Idempotency-Key": uuid4().hex}
    with caplog.at_level(logging.INFO, "app.api"):
        for _ in range(2):
            answer = client.post("/v1/emails", json=GOOD | {"override_suppression": True}, headers=headers, key=secret)
    assert answer.headers["Idempotent-Replayed"] == "true"
    [line] = overridden(caplog)
    assert (line["email_id"], line["key_id"]) == (answer.json()["id"], key.id[:12])
    assert "ann@example.com" not in str(line)


def test_an_email_like_any_other_is_not_audited(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "app.api"):
        client.post("/v1/emails", json=GOOD)
    assert overridden(caplog) == []


# Who may carry it


def eligible(client: Client, **changes: Any) -> Any:
    answer = client.post("/v1/emails", json=GOOD | changes)
    assert answer.status_code == 202, answer.text
    return answer.json()["eligible_providers"]


def test_every_configured_provider_may_carry_a_plain_email(client: Client) -> None:
    assert eligible(client) == ["sendgrid", "mailgun", "ses"]


def test_those_that_the_email_names_in_the_configured_order(client: Client) -> None:
    assert eligible(client, providers=["ses", "sendgrid"]) == ["sendgrid", "ses"]


def test_one_that_refuses_the_file_is_not_among_them(client: Client, parts: Container) -> None:
    refused = {name: one.limits.blocked_extensions.value for name, one in parts.providers.items()}
    picky = [name for name, extensions in refused.items() if "exe" in extensions]
    assert picky
    assert len(picky) < 3
    named = eligible(client, attachments=[{"filename": "setup.EXE", "content": "TVo="}])
    assert named == [name for name in parts.settings.providers if name not in picky]


def test_no_way_out_is_told_with_the_reasons(client: Client, parts: Container) -> None:
    [picky, *_] = [name for name, one in parts.providers.items() if "exe" in one.limits.blocked_extensions.value]
    body = GOOD | {"providers": [picky], "attachments": [{"filename": "setup.exe", "content": "TVo="}]}
    answer = client.post("/v1/emails", json=body)
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["field"] == "providers"
    assert f"{picky}: refuses .exe attachments" in error["message"]


def test_a_replay_tells_it_too(client: Client) -> None:
    headers = {"Idempotency-Key": uuid4().hex}
    first, second = (
        client.post("/v1/emails", json=GOOD | {"providers": ["ses"]}, headers=headers).json() for _ in range(2)
    )
    assert first["eligible_providers"] == second["eligible_providers"] == ["ses"]
