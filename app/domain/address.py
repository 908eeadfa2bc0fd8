"""Addresses and domains in the one form in which they are compared, kept and sent.

The domain is in ASCII (IDNA 2008, mapped by UTS 46) and lower case, the local part is in Unicode's form NFC. What comes
in by any door passes through here: requests, settings, the events of providers, lists and what they are filtered by.
"""

import re
import unicodedata
from functools import lru_cache

_LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_DOMAIN = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)+(?![0-9]+\Z){_LABEL}")  # RFC 1123 §2.1; an IP address is none

# Dots that RFC 5321 allows before the @ in quotes only.
_NEEDS_QUOTES = re.compile(r'(?=[^"@]*(?:^\.|\.\.|\.@))[^"@]+@[^"@]+')


@lru_cache(maxsize=1024)
def ascii_domain(text: str) -> str:
    """The domain in ASCII and lower case. Raises ValueError if `text` is no domain that mail can be sent from or to."""
    domain = text.lower()
    if not domain.isascii() or "xn--" in domain:
        # Imported here because most processes meet no such domain, and the sweep loads nothing else that needs it.
        import idna

        try:
            domain = idna.encode(text, uts46=True).decode()
        except idna.IDNAError as problem:
            raise ValueError(f"{text!r} is not a domain such as example.com: {problem}") from None
    if _DOMAIN.fullmatch(domain) is None:
        raise ValueError(f"{text!r} is not a domain such as example.com")
    return domain


def is_domain(text: str) -> bool:
    """Whether `text` is a domain that mail can be sent from or to."""
    try:
        ascii_domain(text)
    except ValueError:
        return False
    return True


def normalized(address: str) -> str:
    """The address as it is kept and sent. What follows its @ is put in lower case if it is no domain."""
    local, at, domain = address.rpartition("@")
    return unicodedata.normalize("NFC", local) + at + _lenient(domain)


def address_key(address: str) -> str:
    """The form under which two spellings of one address are the same: lower case, in quotes where it needs them.

    A program that reads `"a..b"@example.com` may report on `a..b@example.com`.
    """
    local, at, domain = normalized(address).rpartition("@")
    local = unicodedata.normalize("NFC", local.lower())
    return f'"{local}"{at}{domain}' if _NEEDS_QUOTES.fullmatch(f"{local}{at}{domain}") else f"{local}{at}{domain}"


def domain_of(address: str) -> str:
    """The domain of an address."""
    return _lenient(address.rpartition("@")[2])


def _lenient(domain: str) -> str:
    return ascii_domain(domain) if is_domain(domain) else domain.lower()
