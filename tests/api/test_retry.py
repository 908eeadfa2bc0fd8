"""The call that retries an email: its body, its refusals, and who may."""

from dataclasses import replace
from typing import Any

import pytest

from app.domain.head import Recipient, Status
from app.domain.kinds import Cause
from app.wiring.parts import Container
from tests.api.conftest import Client

GOOD: dict[str, Any] = {"from": "app@example.com", "to": "Ann@example.com", "subject": "Hello", "text": "It works."}


@pytest.fixture
def failed(client: Client, parts: Container) -> str:
    """The id of an email that has failed."""
    return failed_email(client, parts)


def failed_email(client: Client, parts: Container, **changes: Any) -> str:
    email_id = str(client.post("/v1/emails", json=GOOD | changes).json()["id"])
    head = parts.accept.heads.get(email_id)
    assert head is not None

    def end(recipient: Recipient) -> Recipient:
        return replace(recipient, status=Status.FAILED, cause=Cause.OUTAGE, detail="down")

    ended = replace(head, recipients={key: end(one) for key, one in head.recipients.items()})
    assert parts.accept.heads.update(ended, int(parts.clock() * 1000)) is not None
    return email_id


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"json": {}},
        {"json": {"recipients": [], "provider": None, "allow_second_copy": None}},
        {"json": {"recipients": ["ANN@example.com"], "provider": "ses", "allow_second_copy": True}},
    ],
)
def test_the_body_is_optional_and_so_is_all_of_it(client: Client, failed: str, options: dict[str, Any]) -> None:
    answer = client.post(f"/v1/emails/{failed}/retry", **options)
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"/v1/emails/{failed}"
    assert [one["status"] for one in answer.json()["recipients"]] == ["queued"]
    again = client.post(f"/v1/emails/{failed}/retry", **options)
    assert (again.status_code, again.json()["detail"]) == (409, "Ann@example.com is being tried already")


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"recipients": "ann@example.com"}, "recipients", "must be a list"),
        ({"recipients": ["bob@example.com"]}, "recipients[0]", "is no recipient of this email"),
        ({"provider": "pigeon"}, "provider", "is not a configured provider; these are: sendgrid, mailgun, ses"),
        ({"provider": 1}, "provider", "must be a string"),
        ({"allow_second_copy": "yes"}, "allow_second_copy", "must be true or false"),
        ({"recipient": "x"}, "recipient", "is not a known field; did you mean recipients?"),
    ],
)
def test_a_fault_is_named(client: Client, failed: str, body: Any, field: str, message: str) -> None:
    answer = client.post(f"/v1/emails/{failed}/retry", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": field, "message": message}]


def test_a_body_that_is_no_json_is_refused(client: Client, failed: str) -> None:
    path = f"/v1/emails/{failed}/retry"
    assert client.post(path, content=b"x", headers={"Content-Type": "text/plain"}).status_code == 415
    assert client.post(path, content=b"{", headers={"Content-Type": "application/json"}).status_code == 400


def test_an_idempotency_key_is_refused(client: Client, failed: str) -> None:
    answer = client.post(f"/v1/emails/{failed}/retry", headers={"Idempotency-Key": "k"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


def test_only_who_may_send_this_email_retries_it(client: Client, parts: Container, failed: str) -> None:
    overriding = failed_email(client, parts, override_suppression=True)
    keys = {
        "reader": parts.api_keys.create("reader", {"read"}, ()),
        "of another domain": parts.api_keys.create("domain", {"send"}, ("example.org",)),
        "of another project": parts.api_keys.create("other", {"send"}, (), project="other"),
        "sender": parts.api_keys.create("sender", {"send"}, ("example.com",)),
    }
    statuses = {name: client.post(f"/v1/emails/{failed}/retry", key=key).status_code for name, key in keys.items()}
    assert statuses == {"reader": 403, "of another domain": 403, "of another project": 404, "sender": 202}
    assert client.post(f"/v1/emails/{overriding}/retry", key=keys["sender"]).status_code == 403
    assert client.post(f"/v1/emails/{overriding}/retry").status_code == 202
