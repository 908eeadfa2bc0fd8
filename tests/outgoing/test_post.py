"""One POST over real sockets: what arrives, and what no receiver can make of it."""

import socket
import ssl

import httpx
import pytest

from app.outgoing import post as posting
from app.outgoing.post import Answer, Poster
from tests.outgoing.receivers import HOST, PUBLIC, Line, Tls, poster
from tests.providers.peer import Line as Connection
from tests.providers.peer import Peer, answer, peer

BODY = b'{"type": "email.delivered"}'
URL = f"https://{HOST}/hook?a=b"
TAKEN = answer(httpx.Response(204))
SOON_MS = 20_000
"""Less than any script here goes on, and more than a pause of this machine adds to a call that is ended in time."""


def post(tls: Tls, server: Peer, url: str = URL, *, timeout_s: float = 60.0) -> tuple[Answer, Line]:
    line = Line(server.port)
    return poster(tls, line, timeout_s=timeout_s).post(url, {"webhook-id": "evt_1"}, BODY), line


def test_it_arrives_with_the_right_name_host_and_headers(tls: Tls) -> None:
    seen: list[bytes] = []

    def keep(connection: Connection) -> None:
        seen.append(connection.read_request())
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfine!")

    tls.asked_for.clear()
    with peer(keep, tls.serving()) as server:
        answered, line = post(tls, server)
    assert (answered.status_code, answered.fault, answered.reply, answered.is_taken) == (200, "", "fine!", True)
    assert line.dialed == [(PUBLIC, 443)]
    assert tls.asked_for == [HOST]
    head, _, body = seen[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /hook?a=b HTTP/1.1"
    assert set(lines[1:]) == {
        f"host: {HOST}",
        "content-type: application/json",
        f"content-length: {len(BODY)}",
        "user-agent: EmailsMinder-Webhooks/1",
        "accept-encoding: identity",
        "connection: close",
        "webhook-id: evt_1",
    }
    assert body == BODY


def test_a_port_stands_in_the_host_header(tls: Tls) -> None:
    seen: list[bytes] = []

    def keep(connection: Connection) -> None:
        seen.append(connection.read_request())
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with peer(keep, tls.serving()) as server:
        _, line = post(tls, server, f"https://{HOST}:8443/")
    assert line.dialed == [(PUBLIC, 8443)]
    assert f"host: {HOST}:8443\r\n".encode() in seen[0]


@pytest.mark.parametrize("status_code", [200, 201, 202, 204, 299])
def test_every_status_of_2xx_takes_it(tls: Tls, status_code: int) -> None:
    with peer(answer(httpx.Response(status_code)), tls.serving()) as server:
        assert post(tls, server)[0].is_taken


@pytest.mark.parametrize("status_code", [300, 304, 400, 410, 429, 500, 503])
def test_no_other_status_does(tls: Tls, status_code: int) -> None:
    with peer(answer(httpx.Response(status_code, content=b"no")), tls.serving()) as server:
        answered, _ = post(tls, server)
    assert (answered.status_code, answered.fault, answered.is_taken) == (status_code, "", False)


@pytest.mark.parametrize(
    ("header", "asked_s"),
    [
        ("", None),
        ("Retry-After: 120\r\n", 120),
        ("retry-after: 0\r\n", 0),
        ("Retry-After: -1\r\n", None),
        ("Retry-After: 1e9\r\n", None),
        ("Retry-After: 9999999999\r\n", None),
        ("Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n", None),
        ("Retry-After: 1\r\nRetry-After: 2\r\n", None),
    ],
)
def test_how_long_it_asks_for(tls: Tls, header: str, asked_s: int | None) -> None:
    def ask(connection: Connection) -> None:
        connection.read_request()
        connection.send(f"HTTP/1.1 429 Slow\r\n{header}Content-Length: 0\r\n\r\n".encode())

    with peer(ask, tls.serving()) as server:
        answered, _ = post(tls, server)
    assert (answered.status_code, answered.retry_after_s) == (429, asked_s)


@pytest.mark.parametrize("status_code", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(tls: Tls, status_code: int) -> None:
    redirect = httpx.Response(status_code, headers={"location": "https://169.254.169.254/latest/meta-data/"})
    with peer(answer(redirect), tls.serving()) as server:
        answered, line = post(tls, server)
        assert server.connections == 1
    assert (answered.status_code, answered.is_taken, line.dialed) == (status_code, False, [(PUBLIC, 443)])


def test_no_proxy_of_the_environment_is_used(tls: Tls, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with peer(TAKEN, tls.serving()) as server:
        answered, line = post(tls, server)
    assert (answered.status_code, line.dialed) == (204, [(PUBLIC, 443)])


def test_each_call_has_a_connection_of_its_own(tls: Tls) -> None:
    with peer(TAKEN, tls.serving()) as server:
        line = Line(server.port)
        caller = poster(tls, line)
        assert [caller.post(URL, {}, BODY).status_code for _ in range(3)] == [204, 204, 204]
        assert server.connections == len(line.dialed) == 3


def test_the_next_address_is_tried_if_one_does_not_answer(tls: Tls) -> None:
    with peer(TAKEN, tls.serving()) as server:
        line = Line(server.port, dead=("1.1.1.1",))
        answered = poster(tls, line, ["1.1.1.1", PUBLIC]).post(URL, {}, BODY)
    assert answered.status_code == 204
    assert line.dialed == [("1.1.1.1", 443), (PUBLIC, 443)]


def test_no_more_than_four_addresses_are_tried(tls: Tls) -> None:
    addresses = [f"1.1.1.{n}" for n in range(1, 9)]
    line = Line(1, dead=tuple(addresses))
    assert poster(tls, line, addresses).post(URL, {}, BODY).fault == "connection refused"
    assert line.dialed == [(address, 443) for address in addresses[:4]]


def test_both_families_are_tried_because_a_machine_may_reach_only_one(tls: Tls) -> None:
    newer = [f"2606:4700::{n}" for n in range(1, 7)]
    with peer(TAKEN, tls.serving()) as server:
        line = Line(server.port, dead=tuple(newer))
        answered = poster(tls, line, [*newer, PUBLIC, "1.1.1.1"]).post(URL, {}, BODY)
    assert answered.status_code == 204
    assert line.dialed == [(newer[0], 443), (PUBLIC, 443)]


# --- What goes wrong ---------------------------------------------------------------------------------------------


def test_a_certificate_must_be_trusted_and_for_the_host_of_the_url(tls: Tls) -> None:
    with peer(TAKEN, tls.serving()) as server:
        answered, _ = post(tls, server, "https://other.example.com/")
        assert answered.status_code is None
        assert answered.fault.startswith("certificate: Hostname mismatch")
        stranger = Poster(
            is_local=False,
            ssl_context=ssl.create_default_context(),
            lookup=lambda _host, _port: [PUBLIC],
            dial=Line(server.port).dial,
        )
        assert stranger.post(URL, {}, BODY).fault == "certificate: self-signed certificate"


def _never(connection: Connection) -> None:
    connection.read_request()
    connection.hold()


def _drip_headers(connection: Connection) -> None:
    connection.read_request()
    connection.drip(b"HTTP/1.1 200 OK\r\nX-Filler: " + b"x" * 4000)


def _informs_for_ever(connection: Connection) -> None:
    connection.read_request()
    connection.drip(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 4000)


@pytest.mark.parametrize("script", [_never, _drip_headers, _informs_for_ever, Connection.hold])
def test_a_call_ends_in_time_whatever_the_receiver_does(tls: Tls, script: object) -> None:
    with peer(script, tls.serving()) as server:  # type: ignore[arg-type] # because each is a script
        answered, _ = post(tls, server, timeout_s=0.5)
    assert (answered.status_code, answered.fault) == (None, "timeout")
    assert 400 < answered.duration_ms < SOON_MS


def test_a_handshake_that_never_ends_is_a_timeout(tls: Tls) -> None:
    with peer(Connection.hold) as server:
        answered, _ = post(tls, server, timeout_s=0.5)
    assert (answered.status_code, answered.fault) == (None, "timeout")
    assert answered.duration_ms < SOON_MS


def test_a_receiver_that_reads_slowly_gets_no_more_time(tls: Tls) -> None:
    with peer(Connection.sip, tls.serving()) as server:
        caller = poster(tls, Line(server.port), timeout_s=0.7)
        answered = caller.post(URL, {}, b"x" * 40_000_000)
    assert (answered.status_code, answered.fault) == (None, "timeout")
    assert answered.duration_ms < SOON_MS


def test_a_name_that_is_never_found_is_a_timeout(tls: Tls) -> None:
    with peer(Connection.hold) as server:

        def lookup(_host: str, _port: int) -> list[str]:
            connection = socket.create_connection(("127.0.0.1", server.port))
            with connection:
                return [str(connection.recv(1))]

        caller = Poster(is_local=False, ssl_context=tls.trusting, lookup=lookup, timeout_s=0.3)
        assert caller.post(URL, {}, BODY).fault == "timeout"


def test_of_a_long_answer_only_the_beginning_is_read(tls: Tls) -> None:
    sent = 0

    def flood(connection: Connection) -> None:
        nonlocal sent
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(3000):
            connection.send(b"\xff" * 65536)
            sent += 65536

    with peer(flood, tls.serving()) as server:
        answered, _ = post(tls, server)
    assert answered.is_taken
    assert len(answered.reply) == posting.REPLY_BYTES
    assert sent < 1000 * 65536, "no more than the buffers of both sides hold"


def test_a_status_counts_though_its_body_breaks_off_or_never_ends(tls: Tls) -> None:
    def break_off(connection: Connection) -> None:
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

    def hang(connection: Connection) -> None:
        break_off(connection)
        connection.hold()

    for script, timeout_s in ((break_off, 60), (hang, 3)):
        with peer(script, tls.serving()) as server:
            answered, _ = post(tls, server, timeout_s=timeout_s)
        assert (answered.status_code, answered.reply, answered.is_taken) == (200, "half", True)


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "no answer of HTTP"),
        (b"", "no answer of HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X-Filler: " + b"x" * 300_000, "no answer of HTTP"),
    ],
)
def test_what_is_no_answer_of_http_is_a_failure(tls: Tls, said: bytes, fault: str) -> None:
    def say(connection: Connection) -> None:
        connection.read_request()
        connection.send(said)

    with peer(say, tls.serving()) as server:
        answered, _ = post(tls, server)
    assert (answered.status_code, answered.fault) == (None, fault)


def test_failures_of_the_network_are_told_in_a_word(tls: Tls) -> None:
    def reset(connection: Connection) -> None:
        connection.read_request()
        connection.reset()

    with peer(reset) as server:
        local = Poster(is_local=True, ssl_context=tls.trusting)
        assert local.post(f"http://127.0.0.1:{server.port}/", {}, BODY).fault == "connection broken"
    with peer(lambda connection: connection.send(b"220 smtp.example.com\r\n")) as server:
        assert local.post(f"https://127.0.0.1:{server.port}/", {}, BODY).fault == "TLS failed"

    def unreachable(_address: tuple[str, int], _timeout_s: float) -> socket.socket:
        raise OSError("Network is unreachable")

    caller = Poster(is_local=False, ssl_context=tls.trusting, lookup=lambda *_: [PUBLIC], dial=unreachable)
    assert caller.post(URL, {}, BODY).fault == "not reached"
