"""The API under a real server: what happens to bodies that arrive in pieces."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.api.body import BODY_LIMIT_BYTES
from tests.api.conftest import Client
from tests.support.served import serving

PIECE = b" " * 100_000


@pytest.fixture(scope="module")
def served(app: FastAPI, client: Client) -> Iterator[httpx.Client]:
    """A client of the running server, with the key of `client`."""
    with serving(app) as port:
        headers = {"Authorization": f"Bearer {client.key}", "Content-Type": "application/json"}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=20) as found:
            yield found


def pieces(size: int) -> Iterator[bytes]:
    for _ in range(size // len(PIECE)):
        yield PIECE


@pytest.mark.parametrize("path", ["/v1/emails", "/v1/webhooks/mailgun"])
@pytest.mark.parametrize("factor", [2, 8])
def test_too_large_a_body_is_refused_with_its_length_told_or_not(served: httpx.Client, path: str, factor: int) -> None:
    size = factor * BODY_LIMIT_BYTES
    for content in (b" " * size, pieces(size)):
        answer = served.post(path, content=content)
        assert answer.status_code == 413
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_an_email_in_pieces_is_accepted(served: httpx.Client) -> None:
    body = b'{"from": "app@example.com", "to": "ann@example.com", "subject": "Hello", "text": "It works."}'
    assert served.post("/v1/emails", content=iter([body[:40], body[40:]])).status_code == 202


def test_without_a_key_not_even_a_large_body_is_looked_at(served: httpx.Client) -> None:
    answer = served.post("/v1/emails", content=pieces(2 * BODY_LIMIT_BYTES), headers={"Authorization": ""})
    assert answer.status_code == 401


def test_a_body_that_ends_early_is_nobodys_fault(app: FastAPI, client: Client) -> None:
    """The client is gone, so this is about our log: no error of ours, no traceback."""
    sent: list[Any] = []

    async def disconnected() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"authorization", f"Bearer {client.key}".encode()), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/v1/emails", "query_string": b"", "headers": headers}
    asyncio.run(app(scope, disconnected, send))
    assert sent[0]["status"] == 400
