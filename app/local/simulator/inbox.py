"""The emails that the simulated providers accepted, in order of arrival."""

from dataclasses import dataclass
from datetime import datetime

from app.local.simulator.mail import Mail


@dataclass(frozen=True, slots=True)
class Entry:
    """One accepted call. `provider` is the account, `id` the message id that it answered."""

    provider: str
    id: str
    mail: Mail
    received_at: datetime

    def as_json(self) -> dict[str, object]:
        """The entry as `GET /control/messages` shows it. These names are stable."""
        return {"provider": self.provider, "id": self.id, **self.mail.as_json(), "received_at": iso(self.received_at)}


class Inbox:
    """The accepted calls of all accounts, in memory."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def add(self, entry: Entry) -> None:
        """Keep an accepted call."""
        self._entries.append(entry)

    def entries(self) -> tuple[Entry, ...]:
        """All accepted calls, in order of arrival."""
        return tuple(self._entries)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()


def iso(at: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, as AWS writes it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
