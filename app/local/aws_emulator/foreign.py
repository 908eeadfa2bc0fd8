"""Tells which requests are not this machine's own: a browser would let the page of any site use a port of this machine.

It needs nothing but the standard library, because the emulator's Python loads it as well.
"""

import ipaddress
import socket
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import urlsplit

Headers = Sequence[tuple[bytes, bytes]]  # as ASGI has them: lower-case names, several of one name possible

_OWN_NAMES: Final = frozenset({"localhost", "host.docker.internal"})
_NOT_IN_A_HOST: Final = frozenset("@/\\?# ")
_READING: Final = ("GET", "HEAD")
# Headers that a proxy or a tunnel adds: who is behind it is not known to be this machine.
_FORWARDING: Final = (
    b"forwarded",
    b"via",
    b"x-original-host",
    b"x-real-ip",
    b"x-client-ip",
    b"x-azure-clientip",
    b"cf-connecting-ip",
    b"true-client-ip",
    b"fly-client-ip",
)
_FORWARDED: Final = b"x-forwarded-"  # how further ones begin


def names_of(setting: str) -> frozenset[str]:
    """The host names in LOCAL_HOSTS, which are separated by commas."""
    return frozenset(name.strip().lower() for name in setting.split(",") if name.strip())


def refusal(method: str, headers: Headers, names: Iterable[str] = (), *, is_page: bool = False) -> str | None:
    """Why the request may be that of another site's page. Returns None if it is this machine's own.

    `names` are those of LOCAL_HOSTS. `is_page`: a link of another site may lead here. Programs send none of these
    headers but Host; a page cannot keep its browser from sending them.
    """
    hosts = _values(headers, b"host")
    if len(hosts) != 1 or not is_own_host(hosts[0], names):
        return "the header Host is not this machine's: LOCAL_HOSTS names further ones"
    for origin in _values(headers, b"origin"):
        if _netloc(origin) != hosts[0].lower():  # also `null`, which any page can have
            return "the header Origin is another page's"
    site = _values(headers, b"sec-fetch-site")
    if set(site) <= {"same-origin", "none"} or (is_page and _is_navigation(method, headers)):
        return None
    return "the request comes from another site's page"


def is_own_host(host: str, names: Iterable[str] = ()) -> bool:
    """Whether Host (with or without a port) is an address in digits, or a name that only this machine has.

    A name of somebody else may have been pointed here (DNS rebinding); an address in digits cannot be.
    """
    if set(host) & _NOT_IN_A_HOST:  # it names one host, and another one to whoever reads it as a URL
        return False
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    if name in _OWN_NAMES or name.endswith(".localhost") or name in names or name == socket.gethostname().lower():
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_forwarded(headers: Headers, names: Iterable[str] = ()) -> bool:
    """Whether the request came through a proxy or tunnel, or under a name that is not this machine's.

    Not one whose forwarded host is in LOCAL_HOSTS, as those of an editor in the cloud are.
    """
    if any(not is_own_host(host, names) for host in _values(headers, b"host")):
        return True
    forwarded_hosts = _values(headers, b"x-forwarded-host")
    if forwarded_hosts and all(_name(host) in names for host in forwarded_hosts):
        return False
    return any(name.lower() in _FORWARDING or name.lower().startswith(_FORWARDED) for name, _ in headers)


def _is_navigation(method: str, headers: Headers) -> bool:
    """Whether somebody has followed a link: the page is shown, and the other site cannot read it."""
    return (
        method in _READING
        and _values(headers, b"sec-fetch-mode") == ["navigate"]
        and _values(headers, b"sec-fetch-dest") == ["document"]
    )


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host.strip()}").hostname or ""
    except ValueError:
        return ""


def _netloc(url: str) -> str:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""


def _values(headers: Headers, wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in headers if name.lower() == wanted]
