"""Emails that a provider cannot carry as they are."""

from collections.abc import Collection, Iterable


class Unsendable(ValueError):
    """This provider cannot carry this email as the client wants it.

    A provider's `build` raises it, and `transport` turns it into the outcome `refused`. Nothing is left out silently,
    because another provider may be able to carry the email.
    """


def distinct(headers: Iterable[tuple[str, str]], reserved: Collection[str]) -> dict[str, str]:
    """Headers by name, for a provider that takes each name once and writes those in `reserved` (lower-case) itself.

    Raises Unsendable, naming the header, if one is reserved or comes twice.
    """
    kept: dict[str, tuple[str, str]] = {}
    for name, value in headers:
        if name.lower() in reserved:
            raise Unsendable(f"header {name}: the provider writes it itself")
        if name.lower() in kept:
            raise Unsendable(f"header {name}: the provider takes a name only once")
        kept[name.lower()] = (name, value)
    return dict(kept.values())
