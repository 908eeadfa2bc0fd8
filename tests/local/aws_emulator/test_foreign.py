"""Which requests are this machine's own, and which may be those of another site's page."""

import socket

import pytest

from app.local.aws_emulator.foreign import is_forwarded, is_own_host, names_of, refusal

NAVIGATION = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


def headers(host: str = "127.0.0.1:4566", **more: str) -> list[tuple[bytes, bytes]]:
    found = {"host": host} | {name.replace("_", "-"): value for name, value in more.items()}
    return [(name.encode(), value.encode()) for name, value in found.items()]


OWN = [
    "127.0.0.1", "127.0.0.1:4566", "localhost", "localhost:8000", "LOCALHOST:8000", "localhost.", "app.localhost:1",
    "[::1]:8000", "[::1]", "0.0.0.0:8000", "192.168.1.7:8025", "host.docker.internal:4566", socket.gethostname(),
    f"{socket.gethostname().upper()}:8000", "named.example:9",
]  # fmt: skip
FOREIGN = [
    "", "evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.1.nip.io",
    "notlocalhost", "localhost@evil.example", "[::1", "[evil]", "2130706433x", "named.example.evil", "other.example",
    "evil.example@127.0.0.1", "127.0.0.1/.evil.example", "evil.example\\@127.0.0.1", "127.0.0.1?x", "127.0.0.1#x",
]  # fmt: skip


@pytest.mark.parametrize("host", OWN)
def test_a_host_of_this_machine(host: str) -> None:
    assert is_own_host(host, {"named.example"})
    assert refusal("POST", headers(host), {"named.example"}) is None


@pytest.mark.parametrize("host", FOREIGN)
def test_a_host_that_may_have_been_pointed_here(host: str) -> None:
    assert not is_own_host(host, {"named.example"})
    assert "Host" in (refusal("GET", headers(host), {"named.example"}) or "")


def test_a_request_without_a_host_or_with_two_is_refused() -> None:
    assert refusal("GET", []) is not None
    assert refusal("GET", [*headers(), *headers()]) is not None


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "http://evil.example",
        "http://127.0.0.1:8025",
        "http://localhost:4566",
        "http://[",
        "127.0.0.1:4566",
    ],
)
def test_the_origin_of_another_page_is_refused_whatever_it_asks(method: str, origin: str) -> None:
    assert "Origin" in (refusal(method, headers(origin=origin), is_page=True) or "")


@pytest.mark.parametrize("origin", ["http://127.0.0.1:4566", "https://127.0.0.1:4566", "HTTP://127.0.0.1:4566"])
def test_the_own_origin_is_not(origin: str) -> None:
    assert refusal("POST", headers(origin=origin, sec_fetch_site="same-origin")) is None


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_another_site_asks_for_is_refused_also_without_an_origin(method: str, site: str) -> None:
    """An `<img>` sends no Origin."""
    assert "another site" in (refusal(method, headers(sec_fetch_site=site)) or "")
    image = headers(sec_fetch_site=site, sec_fetch_mode="no-cors", sec_fetch_dest="image")
    assert refusal(method, image, is_page=True) is not None


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_what_this_page_or_somebody_at_the_keyboard_asks_for_is_not(site: str) -> None:
    assert refusal("GET", headers(sec_fetch_site=site)) is None


def test_a_link_may_lead_to_a_page_and_to_nothing_else() -> None:
    link = [(name.encode(), value.encode()) for name, value in ({"host": "localhost"} | NAVIGATION).items()]
    assert refusal("GET", link, is_page=True) is None
    assert refusal("GET", link) is not None
    assert refusal("POST", link, is_page=True) is not None
    framed = [(name, value.replace(b"document", b"iframe")) for name, value in link]
    assert refusal("GET", framed, is_page=True) is not None


@pytest.mark.parametrize(
    "header",
    [
        {"forwarded": "for=1.2.3.4"},
        {"via": "1.1 tunnel"},
        {"x_forwarded_for": "1.2.3.4"},
        {"x_forwarded_host": "abc.tunnel.example"},
        {"x_forwarded_host": "named.example, abc.tunnel.example"},
        {"x_forwarded_proto": "https"},
        {"x_real_ip": "1.2.3.4"},
        {"cf_connecting_ip": "1.2.3.4"},
        {"true_client_ip": "1.2.3.4"},
        {"fly_client_ip": "1.2.3.4"},
        {"x_client_ip": "1.2.3.4"},
        {"x_azure_clientip": "1.2.3.4"},
        {"x_forwarded_port": "443"},
        {"x_forwarded_server": "tunnel"},
        {"host": "abc.tunnel.example"},
    ],
)
def test_what_came_through_a_tunnel(header: dict[str, str]) -> None:
    assert is_forwarded(headers(**header), {"named.example"})


def test_what_did_not() -> None:
    assert not is_forwarded(headers())
    named = {"named.example"}
    assert not is_forwarded(headers(x_forwarded_host="named.example", x_forwarded_for="1.2.3.4"), named)
    assert not is_forwarded(headers("named.example:8000"), named)


def test_the_names_of_a_setting() -> None:
    assert names_of(" A.example , b.example,, ") == {"a.example", "b.example"}
    assert names_of("") == frozenset()
