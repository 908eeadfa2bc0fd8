"""Makes the calls of the providers that speak HTTP. A provider's failure is returned as an Outcome and never raised."""

import socket
import ssl
import time
from collections.abc import Callable
from typing import Final

import httpx

from app.domain.email import Message
from app.domain.freshness import Clocks
from app.domain.kinds import Cause, Kind, OutcomeKind
from app.domain.outcome import Outcome, shorten
from app.errors import ConfigurationError
from app.providers.sdk.contract import CredentialsCheck, NoAnswer, Provider
from app.providers.sdk.network import Lookup, Wire
from app.providers.sdk.refusal import Unsendable
from app.providers.sdk.standstill import Stopwatch

_NOT_SENT: Final = (Kind.UNAVAILABLE, Cause.OUTAGE)  # the request never left
_BROKEN: Final = (Kind.UNCERTAIN, Cause.OUTAGE)  # it may have left, and the provider or the connection is at fault
_UNKNOWN: Final = (Kind.UNCERTAIN, Cause.UNKNOWN)  # it may have left, and the cause is not known

# Every exception that httpx exports, and what it proves. An exception that httpx may add later counts as its parent.
FAILURES: Final[dict[type[Exception], tuple[OutcomeKind, Cause]]] = {
    httpx.ConnectError: _NOT_SENT,  # a failure of DNS, TCP or TLS, which httpx does not distinguish
    httpx.ConnectTimeout: _NOT_SENT,
    httpx.PoolTimeout: _NOT_SENT,
    httpx.ProxyError: _NOT_SENT,
    httpx.UnsupportedProtocol: _NOT_SENT,
    httpx.InvalidURL: _NOT_SENT,
    httpx.ReadTimeout: _BROKEN,
    httpx.ReadError: _BROKEN,
    httpx.WriteTimeout: _BROKEN,
    httpx.WriteError: _BROKEN,
    httpx.CloseError: _BROKEN,
    httpx.RemoteProtocolError: _BROKEN,
    httpx.TimeoutException: _BROKEN,
    httpx.NetworkError: _BROKEN,
    httpx.LocalProtocolError: _UNKNOWN,
    httpx.ProtocolError: _UNKNOWN,
    httpx.DecodingError: _UNKNOWN,
    httpx.TooManyRedirects: _UNKNOWN,
    httpx.HTTPStatusError: _UNKNOWN,
    httpx.TransportError: _UNKNOWN,
    httpx.RequestError: _UNKNOWN,
    httpx.HTTPError: _UNKNOWN,
    httpx.CookieConflict: _UNKNOWN,
    httpx.StreamConsumed: _UNKNOWN,
    httpx.StreamClosed: _UNKNOWN,
    httpx.ResponseNotRead: _UNKNOWN,
    httpx.RequestNotRead: _UNKNOWN,
    httpx.StreamError: _UNKNOWN,
}
_FAULTS: Final = tuple(FAILURES)
_BAD_URL: Final = (httpx.InvalidURL, UnicodeError)  # UnicodeError: a host that IDNA cannot encode
_ASKING_FAULTS: Final[tuple[type[Exception], ...]] = (*_BAD_URL, *_FAULTS)


HttpProvider = Provider[httpx.Request, httpx.Response]


class HttpTransport:
    """Sends through any provider that speaks HTTP, over connections that are kept open for a few seconds.

    Every call ends within `timeout_s`, whatever the server does; connecting may take `connect_timeout_s` of that.
    Redirects are not followed. A request is made again only if the first one surely did not arrive. Certificates are
    verified, with `ssl_context` if given.
    A transport may be shared between threads.
    """

    def __init__(
        self,
        timeout_s: float,
        connect_timeout_s: float = 3.0,
        *,
        ssl_context: ssl.SSLContext | None = None,
        lookup: Lookup = socket.getaddrinfo,
        clocks: Clocks | None = None,
    ) -> None:
        """`lookup` finds the addresses of a host."""
        context = ssl_context or httpx.create_ssl_context(trust_env=False)
        self._timeout_s, self._clocks = timeout_s, clocks or Clocks(time.time)
        wire = Wire(timeout_s, connect_timeout_s, context, lookup, self._clocks)
        self._client = httpx.Client(transport=wire, follow_redirects=False, trust_env=False)

    def send(self, provider: HttpProvider, message: Message) -> Outcome:
        """Make one call of `provider` for `message`; returns its outcome. Raises nothing that the network can cause."""
        try:
            request = provider.build(message)
        except Unsendable as reason:
            return Outcome(Kind.REFUSED, Cause.MESSAGE, reply=shorten(str(reason)))
        except UnicodeEncodeError:  # half a surrogate pair, which JSON can hold and UTF-8 cannot
            return Outcome(Kind.REFUSED, Cause.MESSAGE, reply="the email holds text that is not Unicode")
        except ConfigurationError as fault:  # there are no credentials to sign with, so nothing was sent
            return Outcome(Kind.UNAVAILABLE, Cause.ACCOUNT, reply=shorten(str(fault)))
        except _BAD_URL as fault:
            return _outcome(_NOT_SENT, fault)
        watch = Stopwatch.start(self._clocks)
        try:
            response = self._client.send(request)
        except _FAULTS as fault:
            # Over a call during which this process stood still, neither host nor connection can be judged.
            return failure(fault, is_ours=watch.stood_still(self._timeout_s))
        return provider.read(response)

    def check_credentials(self, provider: HttpProvider) -> CredentialsCheck:
        """Check the credentials of `provider` by its harmless call."""
        try:
            response = self.ask(provider.credentials_call)
        except NoAnswer as why:
            return CredentialsCheck(works=False, status_code=None, reply=str(why))
        if response.is_success:
            return CredentialsCheck(works=True, status_code=response.status_code, reply="")
        return CredentialsCheck(works=False, status_code=response.status_code, reply=provider.read(response).reply)

    def ask(self, make: Callable[[], httpx.Request]) -> httpx.Response:
        """The answer to the call that `make` makes, which sends no email. Raises NoAnswer."""
        try:
            return self._client.send(make())
        except ConfigurationError as fault:
            raise NoAnswer(shorten(str(fault))) from None
        except _ASKING_FAULTS as fault:
            raise NoAnswer(failure(fault).reply) from None

    def close(self) -> None:
        """Close every connection."""
        self._client.close()


def failure(fault: Exception, *, is_ours: bool = False) -> Outcome:
    """The outcome of a call that ended in an exception: by its class or the nearest parent in FAILURES.

    With `is_ours`, this process stood still, so that the cause is not known.
    """
    kind, cause = next((FAILURES[parent] for parent in type(fault).__mro__ if parent in FAILURES), _UNKNOWN)
    if is_ours:
        return Outcome(kind, Cause.UNKNOWN, reply=f"{_named(fault)}: this process stood still during the call")
    return _outcome((kind, cause), fault)


def _outcome(meaning: tuple[OutcomeKind, Cause], fault: Exception) -> Outcome:
    return Outcome(*meaning, reply=_named(fault))


def _named(fault: BaseException) -> str:
    """The class of a fault and that of its first cause: a message may repeat a header, and with it a secret."""
    first = fault
    while (before := first.__cause__ or first.__context__) is not None:
        first = before
    names = (type(fault).__name__, type(first).__name__)
    return ": ".join(dict.fromkeys(names))
