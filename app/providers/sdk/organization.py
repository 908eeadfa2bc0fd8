"""Organizational domains: the part of a domain that somebody has registered, as the public suffix list says."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


def organization(domain: str) -> str:
    """The organizational domain of `domain` (RFC 7489 §3.2): `example.co.uk` of `mg.example.co.uk`.

    A domain that is a public suffix itself is its own. `domain` is in ASCII and lower case; so is the result.
    """
    return _suffixes().privatesuffix(domain) or domain


@cache
def _suffixes() -> "PublicSuffixList":
    from publicsuffixlist import PublicSuffixList  # loads the list, which takes some 50 ms

    return PublicSuffixList()
