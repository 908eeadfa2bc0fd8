"""Which URLs may be named as the target of a webhook, by how they are written. Who resolves to what comes later."""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

from app.outgoing.addresses import why_closed

MOST_CHARACTERS: Final = 2_000
USUAL_PORTS: Final = {"https": 443, "http": 80}
FIRST_FREE_PORT: Final = 1024  # those below belong to other services: mail, shells, names

# In local mode only, and written exactly so: the receiver that a developer runs. Nobody is asked where they are.
THIS_MACHINE: Final = {"localhost": ("127.0.0.1", "::1"), "127.0.0.1": ("127.0.0.1",), "[::1]": ("::1",)}
ONLY_HERE: Final = "; http:// is for localhost, 127.0.0.1 and [::1] only"

_URL: Final = re.compile(r"(https?)://([^/?]+)(.*)")
_AUTHORITY: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(?::([0-9]{1,5}))?")
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
# The last label of what a browser or a resolver reads as an IPv4 address: 2130706433, 0x7f000001, 127.1, 0177.0.0.1.
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_NAMES_OF_NETWORKS: Final = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "localdomain", "arpa")


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that may be called, in its parts: they are read once, and nothing reads the text again."""

    scheme: str
    host: str  # lower-case; an IPv6 address in its brackets
    port: int
    path: str  # with the query

    @property
    def fixed_addresses(self) -> tuple[str, ...]:
        """The addresses of a host of this machine, as only `read_target` in local mode lets one through."""
        return THIS_MACHINE.get(self.host, ())

    @property
    def name(self) -> str:
        """The host without brackets: what is resolved, and what its certificate must be for."""
        return self.host.strip("[]")

    @property
    def authority(self) -> str:
        """What the header Host says: the port is left out if it is the usual one of the scheme."""
        return self.host if self.port == USUAL_PORTS[self.scheme] else f"{self.host}:{self.port}"


def read_target(url: str, *, is_local: bool) -> Target:
    """The target that `url` names. Raises ValueError, which says what is wrong and what to write instead.

    Only https is allowed; in local mode, http to this machine as well. Ports are 443, and 1024 and above; on this
    machine all.
    """
    if not url.isascii() or not url.isprintable() or set(url) & set(' \\"<>^`{|}'):
        raise ValueError("has a character that a URL has not; write a host with others as xn--…, a path with %XX")
    if len(url) > MOST_CHARACTERS:
        raise ValueError(f"is longer than {MOST_CHARACTERS} characters")
    if "#" in url:
        raise ValueError("has a fragment (#…), which is never sent; leave it out")
    found = _URL.fullmatch(url)
    if found is None:
        raise ValueError("must begin with https:// and name a host")
    scheme, authority, path = found.groups()
    if "@" in authority:
        raise ValueError("has a user or a password; the signature proves who calls, so leave them out")
    host, port = _host_and_port(authority, USUAL_PORTS[scheme])
    is_this_machine = is_local and host in THIS_MACHINE
    if not is_this_machine:
        host = _checked_host(host)
        if scheme == "http":
            raise ValueError(f"must begin with https://{ONLY_HERE if is_local else ''}")
        if port != USUAL_PORTS["https"] and port < FIRST_FREE_PORT:
            raise ValueError(f"names port {port}; ports are 443, and 1024 and above")
    return Target(scheme, host, port, path if path.startswith("/") else f"/{path}")


def _host_and_port(authority: str, usual_port: int) -> tuple[str, int]:
    found = _AUTHORITY.fullmatch(authority)
    if found is None or not 0 < int(found[2] or usual_port) < 65_536:
        raise ValueError("is no URL like https://HOST/PATH or https://HOST:PORT/PATH")
    return found[1], int(found[2] or usual_port)


def _checked_host(host: str) -> str:
    if host.startswith("["):
        return f"[{_public(IPv6Address, host[1:-1], 'write it as RFC 5952 does')}]"
    host = host.lower()
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _public(IPv4Address, host, "write it as four decimal numbers")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("has no valid host; write it like hooks.example.com, without a full stop at its end")
    if len(labels) < 2 or labels[-1] in _NAMES_OF_NETWORKS:
        raise ValueError(f"names {host!r}, which only a network of its own knows; name a public host")
    return host


def _public(form: type[IPv4Address] | type[IPv6Address], host: str, how: str) -> str:
    """The address, which must be written as its standard writes it: other spellings hide what they mean."""
    try:
        address = form(host)
    except AddressValueError:
        raise ValueError(f"names an address as {host!r}, which is not its plain spelling; {how}") from None
    if why := why_closed(address):
        raise ValueError(f"names {host}, which may not be called: {why}; name a public host")
    return str(address)
