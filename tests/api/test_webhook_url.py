"""The `webhook_url` of an email: what is taken, stored and told again, and what is refused with which words."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from app.api.application import create
from app.wiring.parts import Container
from tests.api.conftest import Client, installed
from tests.support.clock import Clock

GOOD: dict[str, Any] = {"from": "app@example.com", "to": "ann@example.com", "subject": "Hello", "text": "It works."}
URL = "https://hooks.example.com/mail?shop=2"
HERE = ["http://localhost:9000/hook", "http://127.0.0.1:9000", "http://[::1]:80/"]


@pytest.fixture(scope="module")
def with_secret(clock: Clock) -> Iterator[Container]:
    with installed(clock, WEBHOOK_SECRET="w" * 32) as found:
        yield found


def client_of(parts: Container) -> Client:
    app = create(lambda: parts)
    return Client(app, parts.api_keys.create("test", {"send", "read"}, ()))


def faults(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return [(fault["field"], fault["message"]) for fault in answer.json()["errors"]]


def test_it_is_stored_and_told_wherever_the_email_is(with_secret: Container) -> None:
    client, recipient = client_of(with_secret), f"{uuid4().hex}@example.com"
    answer = client.post("/v1/emails", json=GOOD | {"to": recipient, "webhook_url": URL})
    assert answer.status_code == 202, answer.text
    email_id = answer.json()["id"]
    (listed,) = client.get(f"/v1/emails?recipient={recipient}").json()["emails"]
    told = [answer.json(), client.get(f"/v1/emails/{email_id}").json(), listed]
    assert [one["webhook_url"] for one in told] == [URL] * 3
    assert with_secret.read.story(email_id, None).head.webhook_url == URL


@pytest.mark.parametrize("nothing", [{}, {"webhook_url": None}, {"webhook_url": ""}])
def test_without_one_nothing_is_told_of_it(client: Client, nothing: dict[str, Any]) -> None:
    answer = client.post("/v1/emails", json=GOOD | nothing)
    assert answer.status_code == 202
    assert "webhook_url" not in answer.json()


def test_another_url_is_another_request(with_secret: Container) -> None:
    client, headers = client_of(with_secret), {"Idempotency-Key": uuid4().hex}
    first, same, other, none = (
        client.post("/v1/emails", json=GOOD | changes, headers=headers)
        for changes in ({"webhook_url": URL}, {"webhook_url": URL}, {"webhook_url": URL + "&x"}, {})
    )
    assert [answer.status_code for answer in (first, same, other, none)] == [202, 200, 409, 409]
    assert same.json()["webhook_url"] == URL


@pytest.mark.parametrize("path", ["/v1/emails", "/v1/emails/explain"])
@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://localhost:9000/hook", "which only a network of its own knows"),
        ("http://127.0.0.1:9000", "may not be called"),
        ("http://[::1]:80/", "may not be called"),
        ("http://hooks.example.com/", "must begin with https://"),
        ("https://10.0.0.1/", "may not be called"),
        ("https://169.254.169.254/latest", "may not be called"),
        ("https://hooks.example.com:22/", "names port 22"),
        ("hooks.example.com", "must begin with https://"),
    ],
)
def test_what_may_not_be_called_is_refused_by_name(with_secret: Container, path: str, url: str, why: str) -> None:
    ((field, message),) = faults(client_of(with_secret).post(path, json=GOOD | {"webhook_url": url}))
    assert field == "webhook_url"
    assert why in message


@pytest.mark.parametrize("url", HERE)
def test_in_local_mode_this_machine_may_be_called(with_secret: Container, url: str) -> None:
    client = client_of(replace(with_secret, is_local=True))
    assert client.post("/v1/emails", json=GOOD | {"webhook_url": url}).json()["webhook_url"] == url
    ((field, _),) = faults(client.post("/v1/emails", json=GOOD | {"webhook_url": "https://10.0.0.1/"}))
    assert field == "webhook_url"


def test_without_a_secret_it_is_refused_with_the_variable_to_set(client: Client) -> None:
    ((field, message),) = faults(client.post("/v1/emails", json=GOOD | {"webhook_url": URL}))
    assert field == "webhook_url"
    assert "WEBHOOK_SECRET" in message
    one, other = client.post("/v1/emails/batch", json=[GOOD | {"webhook_url": URL}, GOOD]).json()["data"]
    assert [(fault["field"], fault["message"]) for fault in one["errors"]] == [("webhook_url", message)]
    assert other["status"] == "queued"


def test_the_emails_of_a_batch_have_one_each(with_secret: Container) -> None:
    batch = [GOOD | {"webhook_url": URL}, GOOD, GOOD | {"webhook_url": "https://localhost/"}]
    data = client_of(with_secret).post("/v1/emails/batch", json=batch).json()["data"]
    assert [one.get("webhook_url") for one in data] == [URL, None, None]
    assert [error["field"] for error in data[2]["errors"]] == ["webhook_url"]
