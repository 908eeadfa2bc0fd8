"""The fetches that webhooks cause: over the same wire as emails."""

import socket

import httpx
import pytest

from app.errors import ServiceUnavailable
from app.providers.sdk.web import internet
from tests.providers.peer import Line, answer, peer


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody, peer(answer(httpx.Response(200, text="PEM"))) as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{nobody.getsockname()[1]}")
        assert internet().certificate(f"{server.url}/x.pem") == b"PEM"
        internet().confirm(f"{server.url}/?Action=ConfirmSubscription")
        assert server.connections == 2


def test_a_certificate_that_is_cut_off_is_none() -> None:
    def script(line: Line) -> None:
        line.read_request()
        line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nPEM")

    with peer(script) as server, pytest.raises(httpx.ReadError):
        internet().certificate(f"{server.url}/x.pem")


def test_a_confirmation_that_fails_is_ours_to_make_again() -> None:
    with peer(answer(httpx.Response(500))) as server, pytest.raises(ServiceUnavailable):
        internet().confirm(f"{server.url}/?Action=ConfirmSubscription")
