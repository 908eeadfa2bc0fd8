"""What every provider has: the members of each provider's class, in this order; and what carries its calls."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from app.domain.email import Message
from app.domain.event import Nonce, ProviderEvent, Subscription, Webhook
from app.domain.outcome import Outcome
from app.providers.sdk.limits import Limits
from app.providers.sdk.variables import Values

if TYPE_CHECKING:
    from botocore.session import Session

Call = TypeVar("Call", covariant=True)  # what a transport makes: a request of HTTP, for example
Answer = TypeVar("Answer", contravariant=True)  # what a transport brings back


@dataclass(frozen=True, slots=True)
class Outside:
    """What an account may use of its process. `certificate` fetches the certificate at a URL of AWS.

    `session` has the process's own AWS credentials.
    """

    session: "Session"
    certificate: Callable[[str], bytes]


class Provider(Protocol[Call, Answer]):
    """An account at a provider. It translates between the product's terms and a wire protocol, and does no I/O."""

    @classmethod
    def open(cls, values: Values, outside: Outside) -> Self:
        """The account that these variables describe. Raises ConfigurationError naming a malformed one."""

    @property
    def account(self) -> str:
        """The id in PROVIDERS, in webhook paths and in stories."""

    @property
    def transport(self) -> str:
        """The name of the transport that makes the calls: `http`."""

    @property
    def limits(self) -> Limits:
        """What the provider carries: its table of limits."""

    @property
    def signing_domain(self) -> str:
        """The one domain whose DKIM signature every email of the account has; "" if that depends on its From."""

    def build(self, message: Message) -> Call:
        """The authenticated call that sends `message`. Our email id and attempt travel in it as metadata.

        Raises Unsendable for what the provider cannot carry, which pre-flight finds before. If the provider documents
        idempotency keys, email id and attempt are the key. The same message then always makes
        the same bytes, so that the call may be repeated.
        """

    def read(self, answer: Answer, /) -> Outcome:
        """The outcome that an answer means. Every status and every body has one."""

    def verify(self, webhook: Webhook, now_s: float) -> Nonce | None:
        """Prove, on the raw bytes and in constant time, that the provider sent this webhook.

        If the signature does not cover the body, returns the signed token, which counts for this body only.
        Raises Unauthenticated if it cannot be proved, malformed bodies included, and ServiceUnavailable if it cannot be
        checked now (no key configured, certificate not reachable).
        """

    def parse(self, webhook: Webhook) -> list[ProviderEvent] | Subscription:
        """The events of a verified webhook, in its order. An entry that cannot be read is left out and logged.

        Raises NotAcceptable for a form of webhook that is not read at all, if that answer makes the provider stop.
        """

    def credentials_call(self) -> Call:
        """A harmless authenticated call for `providers check`. A 2xx answer means that the credentials work."""


AnyProvider = Provider[Any, Any]  # of any transport


@dataclass(frozen=True, slots=True)
class CredentialsCheck:
    """What a provider answered to its harmless call. `status_code` is None if there was no answer."""

    works: bool
    status_code: int | None
    reply: str


class NoAnswer(Exception):
    """A call could not be made, or nobody answered. The text says why, and holds no secret."""


class Transport(Protocol):
    """Makes the calls of the providers that name it. It may be shared between threads."""

    def send(self, provider: AnyProvider, message: Message) -> Outcome:
        """Make one call of `provider` for `message`; returns its outcome. Raises nothing that the network can cause."""

    def check_credentials(self, provider: AnyProvider) -> CredentialsCheck:
        """Check the credentials of `provider` by its harmless call."""

    def ask(self, make: Callable[[], Any]) -> Any:
        """The answer to the call that `make` makes, which sends no email. Raises NoAnswer."""

    def close(self) -> None:
        """Close every connection."""
