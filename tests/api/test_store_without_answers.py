"""Every request is answered, as unavailable, when the store hangs, drops the connection or answers nonsense."""

from collections.abc import Iterator

import pytest

from app.api.application import create
from app.store import tables
from tests.api.conftest import Client, installed
from tests.support.clock import Clock
from tests.support.troubled_server import Trouble, troubled_server

EMAIL = {"from": "shop@example.com", "to": ["to@example.net"], "subject": "Hello", "text": "Hello"}
REQUESTS = [
    ("POST", "/v1/emails", EMAIL),
    ("GET", "/v1/emails", None),
    ("GET", "/v1/emails?recipient=to@example.net", None),
    ("GET", "/v1/emails/eml_1", None),
    ("POST", "/v1/emails/eml_1/cancel", None),
    ("GET", "/v1/providers", None),
    ("POST", "/v1/providers/ses/pause", None),
    ("GET", "/v1/suppressions", None),
]


@pytest.fixture(scope="module")
def known() -> Iterator[Client]:
    """A client whose key is known from now on, so that its requests come to the store of emails."""
    with installed(Clock()) as parts:
        key = parts.api_keys.create("all", {"admin"}, ())
        parts.api_keys.find(key)
        yield Client(create(lambda: parts), key)


@pytest.fixture(params=Trouble)
def client(request: pytest.FixtureRequest, known: Client) -> Iterator[Client]:
    with troubled_server(request.param) as url:
        tables.connect("api-", "us-east-1", url, read_timeout_s=0.05, retries=0)
        yield known


def test_a_request_is_unavailable_and_worth_asking_again(client: Client) -> None:
    answers = {(method, url): client.request(method, url, json=body) for method, url, body in REQUESTS}
    assert {request: answer.status_code for request, answer in answers.items()} == dict.fromkeys(answers, 503)
    assert {answer.headers["Content-Type"] for answer in answers.values()} == {"application/problem+json"}
    assert {answer.headers["Retry-After"] for answer in answers.values()} == {"5"}


def test_a_key_that_cannot_be_looked_up_is_no_unknown_key(client: Client) -> None:
    assert client.get("/v1/emails", key="em_another").status_code == 503
