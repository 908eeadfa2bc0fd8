"""Whom a notification of SES is about."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from app.providers.sdk import payload
from app.providers.sdk.addresses import address

Entry = Mapping[str, object]


class Concerned(NamedTuple):
    """One recipient of the email, and what the notification says of this recipient alone.

    `recipient` is "" if SES does not say who it is. `is_other`: the notification names another address than the one
    written to, which forwards its mail there.
    """

    recipient: str
    entry: Entry = MappingProxyType({})
    is_other: bool = False


def destination(mail: Entry) -> list[str]:
    """The addresses to which SES sent the email."""
    return list(dict.fromkeys(filter(None, map(address, _list(mail.get("destination"))))))


def all_of(to: list[str], *, shared: bool) -> list[Concerned]:
    """Of an event that lists nobody: everybody, if it holds for all of them or there is one only."""
    return [Concerned(one) for one in to] if len(to) == 1 or (to and shared) else [Concerned("")]


def named_in(entries: object, to: list[str]) -> list[Concerned]:
    """Of an event that lists whom it is about. An email to one address is about that one, whatever the list says."""
    named: dict[str, Entry] = {}
    for entry in _list(entries):
        about = payload.fields(entry)
        named.setdefault(address(entry) or address(about.get("emailAddress")), about)
    if len(to) == 1:
        return [_only(to[0], named)]
    return [Concerned(one, about) for one, about in named.items() if one] or [Concerned("")]


def are_several(entries: object) -> bool:
    """Whether an event lists several people."""
    people = {address(entry) or address(payload.fields(entry).get("emailAddress")) for entry in _list(entries)}
    return len(people - {""}) > 1


def _only(recipient: str, named: Mapping[str, Entry]) -> Concerned:
    for own in (recipient, ""):
        if own in named:
            return Concerned(recipient, named[own])
    return Concerned(recipient, next(iter(named.values())), is_other=True) if named else Concerned(recipient)


def _list(value: object) -> list[object]:
    """A list as it is, and an entry or an address that stands without one as a list of it."""
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, dict) or "@" in payload.text(value) else []
