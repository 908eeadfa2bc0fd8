"""What is there twice, or in two spellings: parameters, idempotency keys, a + in a query."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI

from tests.api.conftest import Client
from tests.support.gateway import call, http_event, problem, proxy_event
from tests.support.served import Wire, request, serving

EMAIL = b'{"from": "app@example.com", "to": "ann@example.com", "subject": "Hello", "text": "It works."}'
TWICE = "is there more than once; give it one value"


@pytest.fixture(scope="module")
def port(app: FastAPI) -> Iterator[int]:
    with serving(app) as found:
        yield found


@pytest.fixture
def authorized(client: Client) -> dict[str, str | list[str]]:
    return {"Authorization": f"Bearer {client.key}", "Content-Type": "application/json"}


def send(port: int, client: Client, *lines: str) -> tuple[int, Any]:
    with Wire(port) as wire:
        status, _, body = wire.ask(request("POST", "/v1/emails", client.key, EMAIL, *lines))
    return status, json.loads(body)


@pytest.mark.parametrize("path", ["/v1/emails", "/v1/suppressions"])
def test_a_parameter_given_twice_is_refused(client: Client, path: str) -> None:
    answer = client.get(f"{path}?limit=1&after=&limit=2&project=&project=")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": name, "message": TWICE} for name in ("limit", "project")]
    assert client.get(f"{path}?limit=1&project=").status_code == 200


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize("event", [proxy_event, http_event])
def test_so_it_is_through_the_gateway(event: Any, authorized: dict[str, str | list[str]]) -> None:
    answer = call(event("GET", "/v1/emails", authorized, query="tag=a&tag=b"))
    assert answer["statusCode"] == 422
    assert problem(answer)["errors"] == [{"field": "tag", "message": TWICE}]


def test_two_idempotency_keys_are_refused(client: Client, port: int, nothing_stored: None) -> None:
    status, found = send(port, client, "Idempotency-Key: a", "idempotency-key: b")
    assert status == 422
    assert found["errors"] == [
        {"field": "Idempotency-Key", "message": "is there 2 times; send one key with one request"}
    ]


@pytest.mark.usefixtures("deployed")
def test_two_idempotency_keys_through_the_gateway(authorized: dict[str, str | list[str]], nothing_stored: None) -> None:
    answer = call(proxy_event("POST", "/v1/emails", authorized | {"Idempotency-Key": ["a", "b"]}, body=EMAIL.decode()))
    assert (answer["statusCode"], problem(answer)["errors"][0]["field"]) == (422, "Idempotency-Key")


@pytest.mark.usefixtures("deployed")
def test_a_comma_does_not_make_two_keys(authorized: dict[str, str | list[str]]) -> None:
    event = proxy_event("POST", "/v1/emails", authorized | {"IDEMPOTENCY-KEY": f"{uuid4()}, b"}, body=EMAIL.decode())
    assert [call(event)["statusCode"] for _ in range(2)] == [202, 200]


@pytest.mark.parametrize("key", ["order 4711", 'a "quoted" one', "back\\slash", ""])
def test_with_and_without_quotes_it_is_one_key(client: Client, port: int, key: str) -> None:
    key = uuid4().hex + key
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    first, second = (send(port, client, f"Idempotency-Key: {form}") for form in (key, f'"{escaped}"'))
    assert (first[0], second[0]) == (202, 200)
    assert first[1]["id"] == second[1]["id"]


@pytest.mark.parametrize("key", ["", '""', "x" * 257, f'"{"x" * 257}"', '"', '"a', '"a" b', '"a"; b=1', '"a\\b"'])
def test_what_is_no_key_is_named(client: Client, key: str, nothing_stored: None) -> None:
    answer = client.post(
        "/v1/emails", content=EMAIL, headers={"Idempotency-Key": key, "Content-Type": "application/json"}
    )
    assert answer.status_code == 422
    [fault] = answer.json()["errors"]
    assert fault["field"] == "Idempotency-Key"
    assert fault["message"] == (
        'begins with a quote, but is not a string in quotes (RFC 9651); write "KEY" or KEY'
        if key.startswith('"') and key not in ('""', f'"{"x" * 257}"')
        else "must have 1 to 256 characters"
    )


def test_the_longest_key_fits_in_quotes(client: Client) -> None:
    key = uuid4().hex.ljust(256, "x")
    headers = {"Idempotency-Key": f'"{key}"', "Content-Type": "application/json"}
    assert client.post("/v1/emails", content=EMAIL, headers=headers).status_code == 202


@pytest.mark.parametrize("url", ["/v1/emails?recipient=", "/v1/suppressions?address="])
def test_a_plus_that_arrives_as_a_space_gets_a_hint(client: Client, url: str) -> None:
    answer = client.get(f"{url}ann+shop@example.com")
    [fault] = answer.json()["errors"]
    assert fault["message"].endswith("; a + in an address is written %2B in a query, where + is a space")
    assert client.get(f"{url}ann%2Bshop@example.com").status_code == 200
    [other] = client.get(f"{url}ann@@example.com").json()["errors"]
    assert "%2B" not in other["message"]
