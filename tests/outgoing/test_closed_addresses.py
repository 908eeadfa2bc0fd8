"""No address that only we can reach is ever called."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.outgoing.addresses import why_closed, why_host_closed
from tests.support.size import examples

CLOSED = [
    "0.0.0.0", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.8.8.8",
    "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.170", "192.0.2.1",
    "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1", "100::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::",
    "2002:808:808::1", "3fff::1", "5f00::1", "2a00:1450::5efe:7f00:1", "2a00:1450::200:5efe:7f00:1", "4000::1",
]  # fmt: skip
OPEN = ["1.1.1.1", "8.8.8.8", "93.184.215.14", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1", "192.0.1.1",
        "198.17.0.1", "198.20.0.1", "223.255.255.255", "2606:4700:4700::1111", "2a00:1450:4001::200e",
        "2001:4860:4860::8888", "2001:200::1"]  # fmt: skip


@pytest.mark.parametrize("text", CLOSED)
def test_it_is_closed_and_says_why(text: str) -> None:
    assert why_closed(ip_address(text))
    assert text in why_host_closed([text])


@pytest.mark.parametrize("text", OPEN)
def test_the_public_internet_is_open(text: str) -> None:
    assert why_closed(ip_address(text)) == ""
    assert why_host_closed([text]) == ""


@settings(max_examples=examples(4000), deadline=None)
@given(st.ip_addresses(v=4) | st.ip_addresses(v=6))
def test_whatever_the_standard_library_calls_special_is_closed(address: IPv4Address | IPv6Address) -> None:
    # Hypothesis draws from the registries of special purposes as often as from everywhere.
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_link_local:
        assert why_closed(address)


WRAPPINGS = [
    "::ffff:0:0/96", "::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1:ffff::/96", "2001:0:0:0:0:0::/96",
]  # fmt: skip


@settings(max_examples=examples(400), deadline=None)
@given(st.ip_addresses(v=4), st.sampled_from([IPv6Network(network) for network in WRAPPINGS]))
def test_no_ipv4_address_hides_in_an_ipv6_address(inner: IPv4Address, network: IPv6Network) -> None:
    assert why_closed(IPv6Address(int(network.network_address) | int(inner)))
    assert why_closed(IPv6Address(0x2002 << 112 | int(inner) << 80 | 1))


def test_one_closed_address_closes_the_host() -> None:
    assert why_host_closed(["1.1.1.1", "2606:4700:4700::1111"]) == ""
    assert why_host_closed(["1.1.1.1", "10.0.0.1"]) == "10.0.0.1 may not be called: private"


def test_what_is_no_address_is_not_called() -> None:
    assert why_host_closed([]) == "the host has no address"
    assert why_host_closed(["2130706433"]) == "'2130706433' is no address"
    assert why_host_closed(["fe80::1%eth0"]) == "fe80::1%eth0 is an address of one network only"
    assert why_host_closed(["2606:4700::1%eth0"]) == "2606:4700::1%eth0 is an address of one network only"
