"""The interface of every simulated provider, and the values that it exchanges with its listener."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol, runtime_checkable

from app.domain.account import label_of
from app.local.simulator.faults import Ending, Fault
from app.local.simulator.inbox import Entry
from app.local.simulator.mail import Mail, Mailbox
from app.local.simulator.own_lists import OwnLists


@dataclass(frozen=True, slots=True)
class Call:
    """A received HTTP request. `path` is still percent-encoded; header names are lower-case."""

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
    """A signed webhook request. It may be sent several times."""

    body: bytes
    headers: Mapping[str, str]


class Refused(Exception):
    """The provider refuses a call. `reply` is its answer, in the provider's own words."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"{reply.status}")
        self.reply = reply


class Repeated(Exception):
    """The provider has accepted the same call before, by its idempotency key. `reply` is what it answered then."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"{reply.status}")
        self.reply = reply


class NotItsWebhook(Exception):
    """The provider posts no webhook with such a body. The text says why."""


# One event of a webhook as its provider writes it, before it is encoded and signed.
SimulatedEvent = Mapping[str, object]


class Dialect(Protocol):
    """One provider's wire protocol, as one account of it speaks it.

    The module `dialect` of the package with the provider's name has the class as DIALECT, with these members in this
    order. The names of variables come without the account's prefix.
    """

    def __init__(self, account: str) -> None:
        """`account` is the id. Each account has credentials of its own; `labelled` makes them."""

    @property
    def credentials(self) -> Mapping[str, str]:
        """The variables by which the account's calls are authenticated, with the values that it accepts."""

    @property
    def own_lists(self) -> OwnLists:
        """The account's own suppression list, by the provider's names of its parts; without parts if no API has it."""

    def new_key(self) -> bytes:
        """A new key that signs webhooks, as it is kept in a file."""

    def webhook_variables(self, key: bytes) -> Mapping[str, str]:
        """The variables with which the app verifies webhooks that `key` signs, with their values."""

    @property
    def failures(self) -> Mapping[Fault, Reply]:
        """The provider's answer under each fault that is an answer."""

    def sends(self, call: Call) -> bool:
        """Whether this is the call that sends an email."""

    def read(self, call: Call) -> Mail:
        """The email of a call that sends one.

        Raises Refused if the call is not authenticated or the provider would not accept the email; Repeated if the
        provider knows idempotency keys and has accepted the same call before.
        """

    def answer_other(self, call: Call) -> Reply:
        """The answer to a call that sends no email. Raises Refused if the call is not authenticated."""

    def message_id(self) -> str:
        """A new message id, in the form that the answer has."""

    def accept(self, call: Call, message_id: str, /) -> Reply:
        """The answer to a call that sends an email and is accepted now."""

    def accepted(self, entry: Entry) -> list[SimulatedEvent]:
        """The events that report that the provider has accepted the email."""

    def final(self, entry: Entry, ending: Ending, recipients: Iterable[Mailbox], /) -> list[SimulatedEvent]:
        """The events that report how the email ended for some of its recipients, one for each of them."""

    def bodies(self, events: Iterable[SimulatedEvent]) -> list[bytes]:
        """The bodies of the webhooks that carry `events`, without what `sign` adds."""

    def sign(self, body: bytes, key: bytes) -> Post:
        """The webhook with this body, signed at the present time, in the envelope in which the provider posts it.

        The body may be one that the provider has posted elsewhere: its signature or envelope is replaced, and the same
        body is the same webhook again. Raises NotItsWebhook if the provider posts no such body.
        """


@runtime_checkable
class Subscriber(Protocol):
    """What a dialect has besides, if its webhooks come through a subscription that the app must confirm."""

    @property
    def certificate_url(self) -> str:
        """The URL that webhooks name, for the certificate that proves their signature."""

    def certificate(self, key: bytes) -> str:
        """The certificate at `certificate_url`, as PEM."""

    def request_to_confirm(self, key: bytes) -> tuple[str, Post]:
        """A new URL that confirms the subscription when it is fetched, and the signed webhook that asks for that."""


def labelled(text: str, account: str) -> str:
    """`text`, with the label of `account` behind it if it has one: `SG.simulator` or `SG.simulator-eu`."""
    label = label_of(account)
    return f"{text}-{label}" if label else text


def json_in(body: bytes) -> object:
    """The JSON in the body of a webhook. Raises NotItsWebhook."""
    try:
        value: object = json.loads(body.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise NotItsWebhook("the body is not UTF-8") from None
    except json.JSONDecodeError as wrong:
        raise NotItsWebhook(f"the body is not JSON: see line {wrong.lineno}, column {wrong.colno}") from None
    except (RecursionError, ValueError):
        raise NotItsWebhook("the body cannot be read: it is nested too deeply, or a number is too long") from None
    return value


def json_reply(status: int, body: object, headers: Mapping[str, str] | None = None) -> Reply:
    """An answer in JSON."""
    return Reply(status, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})})


# The answer of a proxy in front of an API that does not respond. It is the same for every provider.
BAD_GATEWAY_HTML: Final = Reply(
    502,
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
    {"Content-Type": "text/html"},
)
RETRY_AFTER_S: Final = 5
DELIVERY: Final = timedelta(milliseconds=100)  # the time from acceptance to delivery that events report
