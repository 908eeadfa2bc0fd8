"""Which addresses may be called: those of the public internet, and none of a network that only we can reach.

An IPv4 address may be called unless IANA's registry of special purposes names it. An IPv6 address may be called only if
it is global unicast, so that every form that carries an IPv4 address (mapped, compatible, NAT64) is refused as such.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

Address = IPv4Address | IPv6Address

# https://www.iana.org/assignments/iana-ipv4-special-registry and .../iana-ipv6-special-registry, read 2026-11-30. They
# stand here, and not in the standard library's `is_global`, whose answers differ between patch releases of Python.
_CLOSED_IPV4: Final = tuple(
    (IPv4Network(network), what)
    for network, what in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by a carrier's customers"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local, where clouds serve metadata"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved for protocols"),
        ("192.0.2.0/24", "for documentation"),
        ("192.88.99.0/24", "a relay of 6to4"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "for benchmarks"),
        ("198.51.100.0/24", "for documentation"),
        ("203.0.113.0/24", "for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("168.63.129.16/32", "where a cloud serves metadata"),
    )
)
_OPEN_IPV6: Final = IPv6Network("2000::/3")
_CLOSED_IPV6: Final = tuple(
    (IPv6Network(network), what)
    for network, what in (
        ("2001::/23", "reserved for protocols, Teredo among them"),
        ("2001:db8::/32", "for documentation"),
        ("2002::/16", "6to4"),
        ("3fff::/20", "for documentation"),
    )
)
_ISATAP: Final = (0x0000_5EFE, 0x0200_5EFE)  # the identifier before an IPv4 address in a tunnel's (RFC 5214 §6.1)


def why_closed(address: Address) -> str:
    """Why nothing may be sent to this address. "": something may."""
    if isinstance(address, IPv4Address):
        return next((what for network, what in _CLOSED_IPV4 if address in network), "")
    if address not in _OPEN_IPV6:
        return "no global unicast address"
    if address.packed[8:12] in (identifier.to_bytes(4, "big") for identifier in _ISATAP):
        return "the end of a tunnel"
    return next((what for network, what in _CLOSED_IPV6 if address in network), "")


def why_host_closed(found: Sequence[str]) -> str:
    """Why a host with these addresses, as a resolver wrote them, may not be called. "": it may.

    One closed address closes the host: whoever names an open one beside it wants us to take the closed one by chance.
    """
    if not found:
        return "the host has no address"
    for text in found:
        try:
            address = ip_address(text)
        except ValueError:
            return f"{text!r} is no address"
        if isinstance(address, IPv6Address) and address.scope_id is not None:
            return f"{text} is an address of one network only"
        if why := why_closed(address):
            return f"{text} may not be called: {why}"
    return ""
