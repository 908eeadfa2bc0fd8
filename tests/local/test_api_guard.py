"""Local mode's API, whose key everybody knows, is for this machine only."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from app.api.guard import Guard
from app.local.api_guard import refuse

TUNNELS = [
    {"Host": "abc.tunnel.example"},
    {"Host": "localhost:8000", "X-Forwarded-Host": "abc.tunnel.example", "X-Forwarded-For": "203.0.113.9"},
    {"Host": "localhost:8000", "Via": "1.1 tunnel"},
    {"Host": "localhost:8000", "Forwarded": "for=203.0.113.9"},
]
OWN = ["127.0.0.1:8000", "localhost:8000", "[::1]:8000"]


async def _answer(_: Request) -> PlainTextResponse:
    return PlainTextResponse("reached")


def ask(path: str, method: str = "POST", **headers: str) -> httpx.Response:
    """One request to an application that answers everything, behind the guard."""
    routes = [Route("/{path:path}", _answer, methods=["GET", "POST", "OPTIONS", "DELETE"])]
    app = Starlette(routes=routes, middleware=[Middleware(Guard)])
    app.state.refuse = refuse

    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8000") as client:
            return await client.request(method, path, headers=headers)

    return asyncio.run(send())


@pytest.mark.parametrize("host", OWN)
def test_programs_of_this_machine_reach_everything(host: str) -> None:
    for path in ("/v1/emails", "/docs", "/health", "/v1/webhooks/ses"):
        assert ask(path, Host=host).status_code == 200


@pytest.mark.parametrize("tunnel", TUNNELS)
def test_a_tunnel_publishes_webhooks_and_health_and_nothing_else(tunnel: dict[str, str]) -> None:
    for path in ("/v1/webhooks/ses", "/v1/webhooks/sendgrid:eu", "/health"):
        assert ask(path, **tunnel).status_code == 200
    for path in ("/v1/emails", "/v1/providers", "/docs", "/", "/v1/webhooks", "/v1/emails/v1/webhooks/ses"):
        answer = ask(path, **tunnel)
        assert answer.status_code == 403
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert "LOCAL_HOSTS" in answer.json()["detail"]


def test_a_host_that_is_named_reaches_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_HOSTS", "mine.tunnel.example, dev.example")
    assert ask("/v1/emails", Host="dev.example:8000").status_code == 200
    behind = {"Host": "localhost:8000", "X-Forwarded-Host": "mine.tunnel.example", "X-Forwarded-For": "203.0.113.9"}
    assert ask("/v1/emails", **behind).status_code == 200
    assert ask("/v1/emails", Host="abc.tunnel.example").status_code == 403


@pytest.mark.parametrize("origin", ["null", "https://evil.example", "http://localhost:8025"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "DELETE"])
def test_another_sites_page_reaches_nothing(origin: str, method: str) -> None:
    for path in ("/v1/emails", "/health", "/v1/webhooks/ses", "/docs"):
        assert ask(path, method, Host="localhost:8000", Origin=origin).status_code == 403


def test_a_link_may_lead_to_the_documentation() -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert ask("/docs", "GET", Host="localhost:8000", **link).status_code == 200
    assert ask("/v1/emails", "GET", Host="localhost:8000", **link).status_code == 403


def test_the_documentation_may_call_the_api() -> None:
    own = {"Origin": "http://localhost:8000", "Sec-Fetch-Site": "same-origin"}
    assert ask("/v1/emails", Host="localhost:8000", **own).status_code == 200
