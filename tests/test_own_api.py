"""The look at our own API: what counts as an answer."""

import socket
from threading import Event, Thread

import pytest

from app.wiring.own_api import answers
from tests.support.provider_server import ProviderServer


@pytest.mark.parametrize("path", ["", "/production"])
def test_an_api_that_is_well_answers(server: ProviderServer, path: str) -> None:
    assert answers(server.url + path)
    assert server.calls == [(f"{path}/health", b"")]


@pytest.mark.parametrize("status", [204, 301, 403, 404, 429, 500, 503])
def test_any_status_but_200_is_no_answer(server: ProviderServer, status: int) -> None:
    server.statuses = {"/": status}
    assert not answers(server.url)


def test_nobody_who_listens_and_no_such_name_are_no_answer() -> None:
    assert not answers("http://127.0.0.1:9")
    assert not answers("https://nowhere.invalid")
    assert not answers("https://a..b")


def test_who_speaks_no_tls_does_not_answer(server: ProviderServer) -> None:
    assert not answers(server.url.replace("http:", "https:"))


@pytest.mark.parametrize("says", [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 200 OK\r\nSlow: "])
def test_who_says_nothing_or_no_http_or_never_ends_does_not_answer(says: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def speak() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(says)
                done.wait(20)

        done = Event()
        thread = Thread(target=speak)
        thread.start()
        assert not answers(f"http://127.0.0.1:{listener.getsockname()[1]}", within_s=0.2)
        done.set()
        thread.join()
