"""No call goes to an address that is closed, whatever a name server says, and whenever it says something else."""

import socket

import httpx
import pytest

from app.outgoing.network import look_up
from app.outgoing.post import Poster
from tests.outgoing.receivers import HOST, PUBLIC, Line, Tls, name_server, poster
from tests.providers.peer import answer, peer

BODY = b"{}"
URL = f"https://{HOST}/hook"
TAKEN = answer(httpx.Response(204))
CLOSED = ["127.0.0.1", "10.1.2.3", "169.254.169.254", "100.64.0.1", "0.0.0.0"]


@pytest.mark.parametrize("address", [*CLOSED, "::1", "::ffff:127.0.0.1", "fd00:ec2::254", "fe80::1", "64:ff9b::a00:1"])
def test_a_public_name_of_a_private_address_is_refused_at_registration_and_at_the_call(tls: Tls, address: str) -> None:
    with peer(TAKEN, tls.serving()) as server, name_server({HOST: [[address]]}) as names:
        line = Line(server.port)
        caller = Poster(is_local=False, ssl_context=tls.trusting, lookup=names.lookup, dial=line.dial)
        with pytest.raises(ValueError, match=r"leads nowhere: .* may not be called"):
            caller.check(URL)
        answered = caller.post(URL, {}, BODY)
        assert answered.status_code is None
        assert answered.fault.startswith(f"not called: {address} may not be called")
        assert (line.dialed, server.connections) == ([], 0)


def test_one_private_address_among_public_ones_is_enough(tls: Tls) -> None:
    with name_server({HOST: [[PUBLIC, "10.0.0.1"]]}) as names:
        line = Line(1)
        caller = Poster(is_local=False, ssl_context=tls.trusting, lookup=names.lookup, dial=line.dial)
        assert caller.post(URL, {}, BODY).fault == "not called: 10.0.0.1 may not be called: private"
        assert line.dialed == []


def test_a_name_that_was_public_when_it_was_registered_is_judged_at_every_call(tls: Tls) -> None:
    with (
        peer(TAKEN, tls.serving()) as server,
        name_server({HOST: [[PUBLIC], [PUBLIC], ["127.0.0.1"], [PUBLIC]]}) as names,
    ):
        line = Line(server.port)
        caller = Poster(is_local=False, ssl_context=tls.trusting, lookup=names.lookup, dial=line.dial)
        caller.check(URL)
        assert [caller.post(URL, {}, BODY).status_code for _ in range(3)] == [204, None, 204]
        assert line.dialed == [(PUBLIC, 443)] * 2
        assert names.asked == 4


def test_a_name_is_asked_once_a_call_so_that_what_was_judged_is_what_is_dialed(tls: Tls) -> None:
    # A second question would get the private address.
    with peer(TAKEN, tls.serving()) as server, name_server({HOST: [[PUBLIC], ["127.0.0.1"]]}) as names:
        line = Line(server.port)
        caller = Poster(is_local=False, ssl_context=tls.trusting, lookup=names.lookup, dial=line.dial)
        assert caller.post(URL, {}, BODY).status_code == 204
        assert (names.asked, line.dialed) == (1, [(PUBLIC, 443)])


def test_a_name_that_is_not_found_is_refused_at_registration(tls: Tls) -> None:
    with name_server({}) as names:
        caller = Poster(is_local=False, ssl_context=tls.trusting, lookup=names.lookup)
        with pytest.raises(ValueError, match=f"leads nowhere: the host {HOST} was not found"):
            caller.check(URL)
        assert caller.post(URL, {}, BODY).fault == "host not found"


def test_a_public_name_may_be_registered(tls: Tls) -> None:
    poster(tls, Line(1)).check(URL)


def test_the_systems_own_resolver_is_judged_as_well(tls: Tls) -> None:
    assert look_up("127.0.0.1", 443) == ["127.0.0.1"]
    assert set(look_up("localhost", 443)) <= {"127.0.0.1", "::1"}
    with pytest.raises(OSError, match="label"):
        look_up(f"{'a' * 64}.example.com", 443)
    caller = Poster(is_local=False, ssl_context=tls.trusting)
    for url in ("https://127.0.0.1/", "https://localhost/", "https://2130706433/"):
        assert caller.post(url, {}, BODY).fault.startswith("not called: it names")
        with pytest.raises(ValueError, match="names"):
            caller.check(url)


# --- Local mode --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_in_local_mode_this_machine_is_called_over_http_and_nobody_is_asked_where_it_is(tls: Tls, host: str) -> None:
    def lookup(_host: str, _port: int) -> list[str]:
        raise AssertionError("asked")

    with peer(TAKEN) as server:
        caller = Poster(is_local=True, ssl_context=tls.trusting, lookup=lookup)
        url = f"http://{host}:{server.port}/hook"
        caller.check(url)
        assert caller.post(url, {}, BODY).status_code == 204
        assert Poster(is_local=False, ssl_context=tls.trusting).post(url, {}, BODY).status_code is None
        assert server.connections == 1


def test_in_local_mode_ipv6_loopback_is_called_in_brackets(tls: Tls) -> None:
    line = Line(0, dead=("::1",))
    caller = Poster(is_local=True, ssl_context=tls.trusting, dial=line.dial)
    assert caller.post("http://[::1]:3000/hook", {}, BODY).fault == "connection refused"
    assert line.dialed == [("::1", 3000)]


@pytest.mark.parametrize("address", CLOSED)
def test_in_local_mode_too_no_name_leads_to_a_private_address(tls: Tls, address: str) -> None:
    with peer(TAKEN, tls.serving()) as server:
        line = Line(server.port)
        caller = Poster(is_local=True, ssl_context=tls.trusting, lookup=lambda *_: [address], dial=line.dial)
        assert caller.post(URL, {}, BODY).status_code is None
        assert line.dialed == []


def test_a_receiver_on_this_machine_that_has_gone_is_a_refused_connection(tls: Tls) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    caller = Poster(is_local=True, ssl_context=tls.trusting)
    assert caller.post(f"http://127.0.0.1:{port}/", {}, BODY).fault == "connection refused"
