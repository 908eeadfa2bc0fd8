"""API keys: none, wrong, revoked, of too little scope, for another From domain."""

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.api.application import ROUTERS
from app.store.api_keys import CACHE_FOR_S
from app.wiring.parts import Container
from tests.api.conftest import Client
from tests.support.clock import Clock

GOOD: dict[str, Any] = {"from": "app@example.com", "to": "ann@example.com", "subject": "Hello", "text": "It works."}
# Whoever adds a route without a key writes it here, and thinks twice.
OPEN = {"/health", "/v1/webhooks/{provider}", "/", "/openapi.json", "/docs", "/docs/", "/docs/{name}"}


def routes() -> list[APIRoute]:
    return [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


def test_every_route_needs_a_key_or_is_known_to_be_open(client: Client) -> None:
    assert {route.path for route in routes()} & OPEN == OPEN
    closed = [(method, route.path) for route in routes() if route.path not in OPEN for method in route.methods or ()]
    assert len(closed) == 34
    for method, path in closed:
        answer = client.request(method, path, key=None)
        assert answer.status_code == 401, path
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.json()["type"] == "urn:emailsminder:problem:unauthenticated"


def test_no_other_router_is_included(app: FastAPI) -> None:
    ours = {route.path_format for route in routes()}
    assert set(app.openapi()["paths"]) <= ours


@pytest.mark.parametrize("header", ["Bearer em_wrong", "Bearer", "Basic em_wrong", "em_wrong", "Bearer \xff"])
def test_a_wrong_key_is_refused_before_the_body_is_looked_at(client: Client, header: str, nothing_stored: None) -> None:
    headers = {"Authorization": header.encode("latin-1"), "Content-Type": "text/plain"}
    answer = client.request("POST", "/v1/emails", key=None, content=b"{", headers=headers)
    assert answer.status_code == 401


def test_a_revoked_key_is_refused(client: Client, parts: Container, clock: Clock) -> None:
    secret = parts.api_keys.create("leaver", {"send"}, ())
    assert client.post("/v1/emails", json=GOOD, key=secret).status_code == 202
    key = parts.api_keys.find(secret)
    assert key is not None
    parts.api_keys.revoke(key.id)
    clock.advance(CACHE_FOR_S)
    assert client.post("/v1/emails", json=GOOD, key=secret).status_code == 401


@pytest.mark.parametrize(
    ("scope", "method", "path", "allowed"),
    [
        ("send", "POST", "/v1/emails", True),
        ("send", "POST", "/v1/emails/eml_none/cancel", True),
        ("send", "GET", "/v1/emails", False),
        ("send", "GET", "/v1/emails/eml_none", False),
        ("read", "POST", "/v1/emails", False),
        ("read", "POST", "/v1/emails/eml_none/cancel", False),
        ("read", "GET", "/v1/emails", True),
        ("read", "GET", "/v1/emails/eml_none", True),
        ("send", "POST", "/v1/emails/explain", True),
        ("read", "POST", "/v1/emails/explain", False),
        ("read", "GET", "/v1/providers", True),
        ("send", "GET", "/v1/providers", False),
        ("read", "GET", "/v1/suppressions", True),
        ("send", "GET", "/v1/suppressions", False),
        ("read", "GET", "/v1/suppressions/sup_none", True),
        ("send", "GET", "/v1/suppressions/sup_none", False),
        *(
            (scope, method, path, scope == "admin")
            for scope in ("send", "read", "admin")
            for method, path in [
                ("POST", "/v1/providers/pigeon/pause"),
                ("POST", "/v1/providers/pigeon/resume"),
                ("POST", "/v1/suppressions"),
                ("DELETE", "/v1/suppressions/sup_none"),
            ]
        ),
        ("admin", "POST", "/v1/emails", True),
        ("admin", "GET", "/v1/emails/eml_none", True),
    ],
)
def test_scopes(client: Client, parts: Container, scope: str, method: str, path: str, allowed: bool) -> None:
    secret = parts.api_keys.create(scope, {scope}, ())
    answer = client.request(method, path, key=secret, content=b"{" if method == "POST" else None)
    assert (answer.status_code != 403) is allowed
    assert answer.status_code in ({200, 404, 415} if allowed else {403})


@pytest.mark.parametrize(
    ("sender", "status"),
    [
        ("app@example.com", 202),
        ("App <app@EXAMPLE.com>", 202),
        ("app@mail.example.com", 403),
        ("app@example.com.evil.com", 403),
        ('"app@example.com" <app@evil.com>', 403),
    ],
)
def test_a_key_for_a_domain_sends_from_that_domain_alone(
    client: Client, parts: Container, sender: str, status: int
) -> None:
    secret = parts.api_keys.create("one domain", {"send"}, ("Example.com",))
    answer = client.post("/v1/emails", json=GOOD | {"from": sender}, key=secret)
    assert answer.status_code == status


def test_nothing_is_stored_for_a_forbidden_from(client: Client, parts: Container, nothing_stored: None) -> None:
    secret = parts.api_keys.create("one domain", {"send"}, ("example.com",))
    answer = client.post("/v1/emails", json=GOOD | {"from": "app@evil.com"}, key=secret)
    assert answer.json()["type"] == "urn:emailsminder:problem:forbidden"
    assert "evil.com" in answer.json()["detail"]
