"""Test keys: what they send goes to the sandbox, and is seen by test keys of the project and by operators."""

from typing import Any

import pytest

from app.domain.project import check_project
from app.wiring.parts import Container
from tests.api.conftest import Client

EMAIL: dict[str, Any] = {"from": "app@example.com", "to": "failover@any.example", "subject": "Hello", "text": "Hi."}


@pytest.fixture
def keys(parts: Container) -> dict[str, str]:
    scopes = {"send", "read"}
    return {
        "test": parts.api_keys.create("tests", scopes, (), project="shop", is_test=True),
        "real": parts.api_keys.create("shop", scopes, (), project="shop"),
        "other": parts.api_keys.create("tests", scopes, (), project="blog", is_test=True),
        "admin": parts.api_keys.create("operator", {"admin"}, ()),
    }


def worked(parts: Container, email_id: str) -> None:
    """Make the attempts that the email expects, as the worker does with its messages."""
    for number in (1, 2, 3):
        parts.attempt(email_id, number)


def test_it_is_accepted_sent_and_told_as_any_other(client: Client, parts: Container, keys: dict[str, str]) -> None:
    answer = client.post("/v1/emails", json=EMAIL, key=keys["test"])
    assert answer.status_code == 202, answer.text
    accepted = answer.json()
    assert (accepted["project"], accepted["test"]) == ("shop", True)
    assert accepted["eligible_providers"] == ["sandbox", "sandbox:second"]
    worked(parts, accepted["id"])
    story = client.get(f"/v1/emails/{accepted['id']}", key=keys["test"]).json()
    assert (story["status"], story["test"]) == ("delivered", True)
    assert [(one["provider"], one["outcome"], one["status_code"]) for one in story["attempts"]] == [
        ("sandbox", "unavailable", 503),
        ("sandbox:second", "accepted", 200),
    ]
    assert [(one["provider"], one["kind"]) for one in story["events"]] == [("sandbox:second", "delivered")]
    assert all(event["at"] >= story["attempts"][-1]["started_at"] for event in story["events"])


def test_who_sees_it(client: Client, keys: dict[str, str]) -> None:
    sent = {
        name: client.post("/v1/emails", json=EMAIL | {"tags": ["seen"]}, key=keys[name]).json()["id"]
        for name in ("test", "real", "other")
    }
    sees = {
        "test": {"test"},
        "real": {"real"},
        "other": {"other"},
        "admin": {"test", "real", "other"},
    }
    for key, names in sees.items():
        listed = client.get("/v1/emails", params={"tag": "seen", "limit": "100"}, key=keys[key]).json()["emails"]
        assert {one["id"] for one in listed} & set(sent.values()) == {sent[name] for name in names}, key
        for name, email_id in sent.items():
            assert client.get(f"/v1/emails/{email_id}", key=keys[key]).status_code == (200 if name in names else 404)
    of_shop = client.get("/v1/emails", params={"tag": "seen", "project": "shop"}, key=keys["admin"]).json()["emails"]
    assert {one["id"]: one.get("test", False) for one in of_shop if one["id"] in sent.values()} == {
        sent["real"]: False,
        sent["test"]: True,
    }
    own = client.get("/v1/emails", params={"project": "shop"}, key=keys["test"])
    assert sent["test"] in {one["id"] for one in own.json()["emails"]}
    assert client.get("/v1/emails", params={"project": "blog"}, key=keys["test"]).status_code == 403


@pytest.mark.parametrize(
    ("key", "named", "said"),
    [
        (
            "test",
            "mailgun",
            "is no account of the sandbox, and a test key sends through these: sandbox, sandbox:second",
        ),
        ("real", "sandbox", "is an account of the sandbox, through which only test keys send: em_test_…"),
        ("real", "sandbox:second", "is an account of the sandbox, through which only test keys send: em_test_…"),
        ("real", "postmark", "is not a configured provider; these are: sendgrid, mailgun, ses"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/emails", "/v1/emails/explain"])
def test_naming_an_account_of_the_other_side_is_refused(
    client: Client, keys: dict[str, str], path: str, key: str, named: str, said: str
) -> None:
    answer = client.post(path, json=EMAIL | {"providers": [named]}, key=keys[key])
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "providers[0]", "message": said}]


def test_a_retry_through_an_account_of_the_other_side_is_refused_in_the_same_words(
    client: Client, keys: dict[str, str]
) -> None:
    sent = client.post("/v1/emails", json=EMAIL, key=keys["test"])
    path = f"/v1/emails/{sent.json()['id']}/retry"
    said = "is no account of the sandbox, and a test key sends through these: sandbox, sandbox:second"
    answer = client.post(path, json={"provider": "mailgun"}, key=keys["test"])
    assert answer.json()["errors"] == [{"field": "provider", "message": said}]


def test_explain_shows_the_sandbox(client: Client, keys: dict[str, str]) -> None:
    explained = client.post("/v1/emails/explain", json=EMAIL | {"cc": "suppressed@any.example"}, key=keys["test"])
    assert [(one["provider"], one["state"], one["why"]) for one in explained.json()["route"]] == [
        ("sandbox", "available", "the sandbox, which reaches nobody"),
        ("sandbox:second", "available", "the sandbox, which reaches nobody"),
    ]
    assert [one["address"] for one in explained.json()["suppressed"]] == ["suppressed@any.example"]


def test_it_may_not_operate_nor_override(client: Client, keys: dict[str, str]) -> None:
    assert client.post("/v1/providers/sendgrid/pause", key=keys["test"]).status_code == 403
    assert client.post("/v1/emails", json=EMAIL | {"override_suppression": True}, key=keys["test"]).status_code == 403


def test_nobody_reports_for_it(client: Client) -> None:
    for account in ("sandbox", "sandbox:second"):
        answer = client.post(f"/v1/webhooks/{account}", content=b"[]", key=None)
        assert answer.status_code == 404


def test_no_project_can_be_called_like_that_of_test_mail() -> None:
    with pytest.raises(ValueError, match="is not the name of a project"):
        check_project("test:shop")


def test_the_suppression_list_of_real_mail_is_not_read_with_it(client: Client, keys: dict[str, str]) -> None:
    made = client.post("/v1/suppressions", json={"address": "real@example.com", "note": "asked us"}).json()
    for path in ("/v1/suppressions", "/v1/suppressions?address=real@example.com", f"/v1/suppressions/{made['id']}"):
        refused = client.get(path, headers={"Authorization": f"Bearer {keys['test']}"})
        assert (refused.status_code, "real mail" in refused.json()["detail"]) == (403, True)
        assert "real@" not in refused.text
