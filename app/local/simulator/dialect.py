"""What every simulated provider is: the members of each provider file, in this order."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol

from app.local.simulator.faults import Ending, Fault
from app.local.simulator.inbox import Entry
from app.local.simulator.keys import Keys
from app.local.simulator.mail import Mail


@dataclass(frozen=True, slots=True)
class Call:
    """An HTTP request as it came in. `path` is as sent (still percent-encoded); header names are lower-case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Post:
    """A webhook, ready to be sent, any number of times."""

    body: bytes
    headers: Mapping[str, str]


class Refused(Exception):
    """The provider does not carry out a call: `reply` says why, in its own words."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"{reply.status}")
        self.reply = reply


class Repeated(Exception):
    """The provider has carried out this very call before: `reply` is what it answered then, and answers again."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"{reply.status}")
        self.reply = reply


SimulatedEvent = Mapping[str, object]


class Dialect(Protocol):
    """One provider's wire protocol."""

    @property
    def name(self) -> str:
        """As in control paths and webhook paths."""

    @property
    def failures(self) -> Mapping[Fault, Reply]:
        """What it answers under each fault that answers."""

    def sends(self, call: Call) -> bool:
        """Is this the call that sends mail?"""

    def read(self, call: Call) -> Mail:
        """The email of a sending call.

        Raises Refused: not authenticated, or not a valid email here; Repeated, where the provider knows idempotency
        keys and has accepted the call already.
        """

    def look(self, call: Call) -> Reply:
        """The answer to any other call."""

    def message_id(self) -> str:
        """A new id, as the answer shows it."""

    def accept(self, call: Call, message_id: str, /) -> Reply:
        """The answer to a sending call that is accepted now."""

    def accepted(self, entry: Entry) -> list[SimulatedEvent]:
        """The events that say "we have it"."""

    def final(self, entry: Entry, ending: Ending) -> list[SimulatedEvent]:
        """The events that say what became of it, one per recipient."""

    def sign(self, events: Iterable[SimulatedEvent], keys: Keys) -> list[Post]:
        """The webhooks that carry `events`, signed now."""


def json_reply(status: int, body: object, headers: Mapping[str, str] | None = None) -> Reply:
    """An answer in JSON."""
    return Reply(status, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})})


# What the proxies in front of an API answer when it does not: no provider words it itself.
BAD_GATEWAY_HTML: Final = Reply(
    502,
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
    {"Content-Type": "text/html"},
)
RETRY_AFTER_S: Final = 5
DELIVERY: Final = timedelta(milliseconds=100)  # how long a mailbox host takes to answer, as events tell it
