import inspect
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from threading import Event as Signal
from threading import Thread
from typing import Any

import httpx
import pytest
from botocore.credentials import Credentials

from app.domain.email import Attachment, Message
from app.domain.kinds import Cause, Kind
from app.errors import ConfigurationError
from app.providers.sdk.bodies import ANSWER_LIMIT
from app.providers.sdk.http_transport import FAILURES, HttpTransport, failure
from app.providers.sendgrid.provider import SendGrid
from app.providers.ses.provider import Ses
from tests.providers.calls import ACCEPTED, BRIEF_S, PATIENT_S, SOON_S, Call, send, transport_of
from tests.providers.case import SAMPLE
from tests.providers.peer import Line, Script, answer, peer

OK = b"HTTP/1.1 202 Accepted\r\nX-Message-Id: m-1\r\nContent-Length: 0\r\n\r\n"
NOT_SENT = {
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
}
EXPORTED = [
    value
    for value in vars(httpx).values()
    if inspect.isclass(value) and issubclass(value, Exception) and value.__module__ == "httpx"
]


def call(script: Script, timeout_s: float = PATIENT_S, message: Message = SAMPLE) -> Call:
    with peer(script) as server, transport_of(timeout_s) as transport:
        return send(transport, server.url, message)


@pytest.mark.parametrize("raised", EXPORTED, ids=lambda raised: raised.__name__)
def test_every_exception_of_httpx_has_its_outcome(raised: type[Exception]) -> None:
    assert raised in FAILURES
    blank = raised.__new__(raised)
    assert failure(blank).kind is (Kind.UNAVAILABLE if raised in NOT_SENT else Kind.UNCERTAIN)
    assert failure(blank).cause is not None


def test_httpx_exports_what_was_enumerated() -> None:
    assert len(EXPORTED) >= 28


def test_an_exception_that_nobody_knows_may_have_sent() -> None:
    assert failure(OSError("?")).kind is Kind.UNCERTAIN


def _ignore(line: Line) -> None:
    line.read_request()
    line.hold()


def _drip_head(line: Line) -> None:
    line.read_request()
    line.drip(b"HTTP/1.1 202 Accepted\r\nX-Filler: " + b"x" * 2000)


def _drip_interim(line: Line) -> None:
    line.read_request()
    line.drip(b"HTTP/1.1 102 Processing\r\n\r\n" * 80)


def _drip_body(line: Line) -> None:
    line.read_request()
    line.send(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2000\r\n\r\n")
    line.drip(b"x" * 2000)


HUGE = replace(
    SAMPLE,
    content=replace(SAMPLE.content, attachments=(Attachment("a.bin", "application/octet-stream", bytes(20_000_000)),)),
)


@pytest.mark.parametrize("script", [_ignore, _drip_head, _drip_interim, _drip_body])
def test_a_call_is_over_in_time_whatever_the_server_does(script: Script) -> None:
    told = call(script, BRIEF_S)
    assert told.outcome.kind is Kind.UNCERTAIN
    assert told.outcome.cause is Cause.OUTAGE
    assert BRIEF_S - 0.1 < told.took_s < SOON_S


def test_a_call_is_over_in_time_though_the_server_reads_nothing() -> None:
    told = call(Line.hold, timeout_s=BRIEF_S, message=HUGE)
    assert told.outcome.kind is Kind.UNAVAILABLE  # the request was never whole
    assert told.took_s < SOON_S


def test_a_server_that_reads_slowly_does_not_prolong_the_call() -> None:
    told = call(Line.sip, timeout_s=BRIEF_S, message=HUGE)
    assert told.outcome.kind is Kind.UNAVAILABLE
    assert told.took_s < SOON_S


def test_a_slow_name_lookup_is_not_waited_for() -> None:
    stop = Signal()

    def lookup(*_: object) -> list[tuple[Any, ...]]:
        stop.wait(60)
        return []

    with transport_of(connect_timeout_s=0.3, lookup=lookup) as transport:
        told = send(transport, "https://api.invalid")
        stop.set()
    assert (told.outcome.kind, told.outcome.cause) == (Kind.UNAVAILABLE, Cause.OUTAGE)
    assert told.took_s < SOON_S


def test_a_name_that_does_not_exist_is_surely_not_sent() -> None:
    with transport_of() as transport:
        assert send(transport, "https://" + "a" * 64 + ".invalid").outcome.kind is Kind.UNAVAILABLE

    def lookup(*_: object) -> list[tuple[Any, ...]]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with transport_of(lookup=lookup) as transport:
        outcome = send(transport, "https://api.invalid").outcome
    assert outcome.kind is Kind.UNAVAILABLE
    assert outcome.reply == "ConnectError: gaierror"


@contextmanager
def black_hole() -> Iterator[tuple[str, int]]:
    """An address at which nobody accepts and nobody refuses: a listener whose queue is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as fillers:
        for _ in range(8):
            filler = fillers.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        yield full.getsockname()


def test_a_name_of_several_addresses_is_tried_at_each() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        dead = closed.getsockname()
    with peer(answer(ACCEPTED)) as server, black_hole() as hole:

        def lookup(*_: object) -> list[tuple[Any, ...]]:
            addresses = (dead, hole, ("127.0.0.1", server.port))
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]

        with transport_of(connect_timeout_s=6, lookup=lookup) as transport:
            assert send(transport, "http://api.invalid").outcome.message_id == "m-1"


def test_an_address_family_that_the_machine_lacks_is_passed_over() -> None:
    with peer(answer(ACCEPTED)) as server:

        def lookup(*_: object) -> list[tuple[Any, ...]]:
            good = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))
            return [(999, socket.SOCK_STREAM, 6, "", ("::1", server.port, 0, 0)), good]

        with transport_of(lookup=lookup) as transport:
            assert send(transport, "http://api.invalid").outcome.message_id == "m-1"
    with transport_of(lookup=lambda *_: [(999, socket.SOCK_STREAM, 6, "", ("::1", 80, 0, 0))]) as transport:
        assert send(transport, "http://api.invalid").outcome.kind is Kind.UNAVAILABLE


def test_a_host_that_swallows_packets_does_not_hold_the_call() -> None:
    with black_hole() as hole, transport_of(connect_timeout_s=0.3) as transport:
        told = send(transport, f"http://127.0.0.1:{hole[1]}")
    assert told.outcome.kind is Kind.UNAVAILABLE
    assert told.took_s < SOON_S


def test_nobody_listening_is_surely_not_sent() -> None:
    with peer(answer(httpx.Response(202))) as server:
        url = server.url
    with transport_of() as transport:
        outcome = send(transport, url).outcome
    assert (outcome.kind, outcome.cause, outcome.status_code) == (Kind.UNAVAILABLE, Cause.OUTAGE, None)
    assert outcome.reply.startswith("ConnectError")


@pytest.mark.parametrize("url", ["https://[", "ftp://api.invalid", "https://xn--.invalid", "http://:80"])
def test_a_base_url_that_is_none_is_surely_not_sent(url: str) -> None:
    with transport_of() as transport:
        assert send(transport, url).outcome.kind is Kind.UNAVAILABLE


def _reset(line: Line) -> None:
    line.read_request()
    line.reset()


def _end(line: Line) -> None:
    line.read_request()


def _garbage(line: Line) -> None:
    line.read_request()
    line.send(b"220 mail.example.com ESMTP\r\n")


@pytest.mark.parametrize("script", [_reset, _end, _garbage])
def test_a_line_that_breaks_after_the_request_may_have_sent(script: Script) -> None:
    told = call(script)
    assert told.outcome.kind is Kind.UNCERTAIN
    assert told.outcome.status_code is None
    assert told.took_s < SOON_S


def test_a_line_that_breaks_inside_the_request_twice_has_surely_sent_nothing() -> None:
    def cut(line: Line) -> None:
        line.read_some()
        line.reset()

    told = call(cut, message=HUGE)
    assert (told.outcome.kind, told.outcome.cause) == (Kind.UNAVAILABLE, Cause.OUTAGE)
    assert told.took_s < SOON_S


def test_an_answer_that_comes_before_the_request_is_read_is_heard() -> None:
    def refuse(line: Line) -> None:
        line.send(b"HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        line.read_request()

    assert call(refuse, message=HUGE).outcome.kind is Kind.REFUSED


def test_an_endless_answer_is_read_up_to_the_limit() -> None:
    def endless(line: Line) -> None:
        line.read_request()
        line.send(b"HTTP/1.1 500 Oops\r\nConnection: close\r\n\r\n")
        while True:  # until the client closes the line
            line.send(b"x" * (ANSWER_LIMIT // 10))

    told = call(endless)
    assert told.outcome.kind is Kind.UNAVAILABLE
    assert len(told.outcome.reply) == 500


def test_a_redirect_is_not_followed() -> None:
    with peer(answer(ACCEPTED)) as target:
        away = httpx.Response(307, headers={"Location": f"{target.url}/v3/mail/send"})
        outcome = call(answer(away)).outcome
        assert target.connections == 0
    assert (outcome.kind, outcome.status_code) == (Kind.UNAVAILABLE, 307)


def test_a_failed_call_is_not_repeated() -> None:
    with peer(_reset) as server, transport_of() as transport:
        send(transport, server.url)
        assert server.connections == 1


def test_a_connection_is_kept_for_the_next_call() -> None:
    with peer(answer(ACCEPTED)) as server, transport_of() as transport:
        for _ in range(3):
            assert send(transport, server.url).outcome.kind is Kind.ACCEPTED
        assert server.connections == 1


def test_a_kept_connection_that_the_server_has_closed_is_not_used() -> None:
    def once(line: Line) -> None:
        line.read_request()
        line.send(OK)

    with peer(once) as server, transport_of() as transport:
        for _ in range(3):
            assert send(transport, server.url).outcome.kind is Kind.ACCEPTED
            server.wait_until_served()
        assert server.connections == 3


def test_calls_at_once_have_their_own_time() -> None:
    calls: list[Call] = []
    with peer(_ignore) as slow, peer(answer(ACCEPTED)) as quick, transport_of(BRIEF_S + 2) as transport:
        threads = [Thread(target=lambda: calls.append(send(transport, slow.url))) for _ in range(4)]
        for thread in threads:
            thread.start()
        assert send(transport, quick.url).outcome.kind is Kind.ACCEPTED
        for thread in threads:
            thread.join()
    assert [call.outcome.kind for call in calls] == [Kind.UNCERTAIN] * 4
    assert all(BRIEF_S < call.took_s < SOON_S for call in calls)


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        told = call(answer(ACCEPTED))
    assert told.outcome.kind is Kind.ACCEPTED


def test_what_a_provider_cannot_express_is_refused_with_the_reason() -> None:
    unsendable = replace(SAMPLE, content=replace(SAMPLE.content, headers=(("DKIM-Signature", "v=1"),)))
    with transport_of() as transport:
        outcome = send(transport, "https://api.invalid", unsendable).outcome
    assert (outcome.kind, outcome.cause) == (Kind.REFUSED, Cause.MESSAGE)
    assert "DKIM-Signature" in outcome.reply


def test_a_probe_that_gets_no_answer_says_why() -> None:
    with transport_of(lookup=lambda *_: []) as transport:
        probe = transport.check_credentials(SendGrid("sendgrid", "SG.key", (), "https://api.invalid"))
    assert (probe.works, probe.status_code) == (False, None)
    assert "ConnectError" in probe.reply


def test_without_credentials_to_sign_with_nothing_was_sent() -> None:
    def none() -> Credentials:
        raise ConfigurationError("SES: no AWS credentials")

    ses = Ses("ses", "us-east-1", "", (), none, lambda _: b"", "http://127.0.0.1:9")
    with closing(HttpTransport(PATIENT_S)) as transport:
        outcome = transport.send(ses, SAMPLE)
    assert (outcome.kind, outcome.cause) == (Kind.UNAVAILABLE, Cause.ACCOUNT)
    assert outcome.reply == "SES: no AWS credentials"
