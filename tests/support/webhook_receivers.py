"""Receivers of webhooks on real sockets, and what they have received."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Final

from svix.webhooks import Webhook, WebhookVerificationError

from tests.providers.peer import Line, Peer, peer

HANG: Final = "hang"  # read the request, and say nothing
VANISH: Final = "vanish"  # close the connection without an answer
HOLD: Final = "hold"  # answer 204 once `release` is set


@dataclass
class Received:
    """One request, as it arrived."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def is_signed_with(self, secret: str) -> bool:
        """Whether an independent client accepts it. It looks at the clock of this machine."""
        try:
            Webhook(secret).verify(self.body, dict(self.headers))
        except WebhookVerificationError:
            return False
        return True


@dataclass
class Receiver:
    """Answers each request as the next of `answers` says, then always as `otherwise` does."""

    answers: list[int | str] = field(default_factory=list)
    otherwise: int | str = 204
    more_headers: str = ""
    received: list[Received] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    release: Event = field(default_factory=Event)
    server: Peer | None = None
    _lock: Lock = field(default_factory=Lock)

    @property
    def url(self) -> str:
        assert self.server is not None
        return f"{self.server.url}/hook"

    @property
    def ids(self) -> list[str]:
        return [one.id for one in self.received]

    def serve(self, line: Line) -> None:
        request = line.read_request()
        if not request:
            return
        head, _, body = request.partition(b"\r\n\r\n")
        headers = dict(one.split(": ", 1) for one in head.decode().split("\r\n")[1:])
        with self._lock:
            self.received.append(Received(headers, body))
            said = self.answers.pop(0) if self.answers else self.otherwise
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        if said == HANG:
            line.hold()
        if said == HOLD:
            self.release.wait(30)
        with self._lock:
            self.at_once -= 1
        if said in (HANG, VANISH):
            return
        status = 204 if said == HOLD else said
        text = b"" if status == 204 else b"what happened"
        line.send(f"HTTP/1.1 {status} Said\r\n{self.more_headers}Content-Length: {len(text)}\r\n\r\n".encode() + text)


@contextmanager
def receiver(*answers: int | str, otherwise: int | str = 204, more_headers: str = "") -> Iterator[Receiver]:
    """A receiver for the length of a `with` block."""
    one = Receiver(list(answers), otherwise, more_headers)
    with peer(one.serve) as server:
        one.server = server
        try:
            yield one
        finally:
            one.release.set()
