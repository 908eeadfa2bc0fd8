"""The own suppression list of one simulated account, as the control API fills it and the provider's API shows it.

It stops no email here: it is there to be read and cleared.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from app.local.simulator.faults import BadSetting
from app.local.simulator.inbox import iso
from app.local.simulator.mail import is_address


@dataclass(frozen=True, slots=True)
class Stopped:
    """One address on a list. `words` say why, `scopes` from what somebody unsubscribed (none: from everything)."""

    address: str
    at: datetime
    words: str
    scopes: tuple[str, ...]
    id: str

    def as_json(self) -> dict[str, object]:
        """The entry as the control API shows it and takes it. These names are stable."""
        return {"address": self.address, "at": iso(self.at), "words": self.words, "scopes": list(self.scopes)}


class OwnLists:
    """The lists of one account by the provider's names of them. Addresses are found whatever their case."""

    def __init__(self, *names: str) -> None:
        self._lists: dict[str, dict[str, Stopped]] = {name: {} for name in names}

    def __contains__(self, name: object) -> bool:
        return name in self._lists

    def find(self, name: str, address: str) -> Stopped | None:
        """The entry of an address on one list."""
        return self._lists[name].get(address.lower())

    def first(self, address: str) -> tuple[str, Stopped] | None:
        """The first list that an address is on, and its entry there."""
        found = ((name, self.find(name, address)) for name in self._lists)
        return next(((name, entry) for name, entry in found if entry is not None), None)

    def remove(self, name: str, address: str) -> bool:
        """Take an address from one list. False: it was not there."""
        return self._lists[name].pop(address.lower(), None) is not None

    def sorted(self, name: str) -> list[Stopped]:
        """The entries of one list by address."""
        return [self._lists[name][address] for address in sorted(self._lists[name])]

    def fill(self, setting: object) -> None:
        """Replace the lists that the JSON object names. Raises BadSetting."""
        if not isinstance(setting, dict):
            raise BadSetting("body", "must be a JSON object")
        for name in setting:
            if name not in self._lists:
                raise BadSetting(name, f"is not one of {', '.join(self._lists)}")
        filled = {name: [_read(name, entry) for entry in _array(name, value)] for name, value in setting.items()}
        for name, entries in filled.items():
            self._lists[name] = {entry.address.lower(): entry for entry in entries}

    def as_json(self) -> dict[str, object]:
        """Every list, as the control API shows it."""
        return {name: [entry.as_json() for entry in self.sorted(name)] for name in self._lists}


def _array(name: str, value: object) -> list[object]:
    if not isinstance(value, list):
        raise BadSetting(name, "must be a list")
    return value


def _read(name: str, setting: object) -> Stopped:
    entry: Mapping[str, object] = setting if isinstance(setting, dict) else {}
    address, words, scopes = entry.get("address"), entry.get("words", ""), entry.get("scopes", [])
    if not isinstance(address, str) or not is_address(address):
        raise BadSetting(name, "an entry has no `address`")
    if not isinstance(words, str):
        raise BadSetting(name, "`words` must be a string")
    if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
        raise BadSetting(name, "`scopes` must be a list of strings")
    return Stopped(address, _at(name, entry.get("at")), words, tuple(scopes), str(uuid.uuid4()))


def _at(name: str, value: object) -> datetime:
    if value is None:
        return datetime.now(UTC)
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        raise BadSetting(name, "`at` must be ISO 8601") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
