"""Which URLs may be configured: the address of our own API, and those of the providers'."""

import re
from typing import Final
from urllib.parse import urlsplit

_THIS_MACHINE: Final = ("127.0.0.1", "localhost", "::1")


def is_safe_url(url: str) -> bool:
    """Whether `url` is HTTPS, or HTTP to this machine, and has no query, user or odd character."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # reading the port checks it
    except ValueError:
        return False
    is_private = parts.scheme == "https" or (parts.scheme == "http" and host in _THIS_MACHINE)
    return bool(host) and is_private and url.isascii() and url.isprintable() and not set(url) & set(" ?#@")


def what_is_wrong_with(url: str) -> str:
    """What to say of a URL that is not safe. What stands before an `@` may be a password, and is not shown."""
    shown = re.sub(r"[^/@]*@", "…@", url)
    return f"must look like https://HOST/PATH (http only for this machine), is {shown!r}"
