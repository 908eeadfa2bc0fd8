"""What a provider cannot express."""

from collections.abc import Collection, Iterable


class Unsendable(ValueError):
    """This provider cannot carry this email as it was asked for.

    Raised by `build`; `transport` makes it a `refused` outcome. Nothing is dropped silently: another provider may be
    able to say it.
    """


def distinct(headers: Iterable[tuple[str, str]], reserved: Collection[str]) -> dict[str, str]:
    """Headers as an object, for a provider that takes each name once and keeps `reserved` (lower-case) to itself.

    Raises Unsendable naming the header.
    """
    kept: dict[str, tuple[str, str]] = {}
    for name, value in headers:
        if name.lower() in reserved:
            raise Unsendable(f"header {name}: the provider writes it itself")
        if name.lower() in kept:
            raise Unsendable(f"header {name}: the provider takes a name only once")
        kept[name.lower()] = (name, value)
    return dict(kept.values())
