"""HTTP/1.1 as the server speaks it: uvicorn's protocol, for `--http app.api.http11:Protocol`.

Uvicorn waits for ever for a head or a body that stalls, and answers what is not HTTP in plain text.
"""

import asyncio
import logging
import secrets
import sys
from http import HTTPStatus
from typing import ClassVar, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from app.api.problems import Malformed, Slow, render
from app.errors import Problem

logger = logging.getLogger(__name__)

_TLS: Final = b"\x16\x03"  # how a TLS client begins, RFC 8446 §5.1
_KEPT_BYTES: Final = 65_536  # as long as h11 lets a head be
_TOO_LONG: Final = 431


class Protocol(H11Protocol):
    """One connection. Each time limit is for the client; how long the application takes is not looked at."""

    HEAD_WITHIN_S: ClassVar[float] = 30  # from the first byte to the empty line
    PIECE_WITHIN_S: ClassVar[float] = 30  # between two pieces of a body
    WHOLE_WITHIN_S: ClassVar[float] = 300  # from the first byte to the last

    _timer: asyncio.TimerHandle | None = None
    _began_s: float | None = None  # when the request that is on its way began
    _head = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """Give a new connection as long for its first byte as a kept one has for its next request."""
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer of the connection, which is closed now."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has arrived, and say until when the next must."""
        if self._began_s is None:
            self._began_s = self.loop.time()
        if self.conn.their_state is h11.IDLE:
            self._head = (self._head + data)[:_KEPT_BYTES]
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Wait for the next request, of which the beginning may be there already."""
        super().on_response_complete()
        self._watch()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 because these are uvicorn's words
        """Answer what is not HTTP/1.1. Uvicorn calls this while it handles h11's error."""
        self._refuse(Malformed(self._what_is_wrong()))

    def _watch(self) -> None:
        """Set the time limit that fits what the client is sending, if it is sending anything."""
        state, now_s = self.conn.their_state, self.loop.time()
        if state is h11.IDLE and self.conn.trailing_data[0]:
            self._began_s = self._began_s or now_s
            self._set_timer(self._began_s + self.HEAD_WITHIN_S - now_s)
        elif state is h11.SEND_BODY and self._began_s is not None:
            self._set_timer(min(self.PIECE_WITHIN_S, self._began_s + self.WHOLE_WITHIN_S - now_s))
            self._head = b""
        else:
            self._stop_timer()
            self._began_s, self._head = None, b""
            if state is h11.IDLE and self.timeout_keep_alive_task is None:  # uvicorn has set it behind answers only
                self._set_timer(self.timeout_keep_alive)

    def _set_timer(self, after_s: float) -> None:
        self._stop_timer()
        if not self.transport.is_closing():
            self._timer = self.loop.call_later(after_s, self._end_stalled)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end_stalled(self) -> None:
        if self.flow.read_paused:  # it is the application that does not take more
            self._watch()
        elif self._began_s is None:
            self.transport.close()
        else:
            part = "head" if self.conn.their_state is h11.IDLE else "body"
            self._refuse(Slow(f"the {part} of the request did not come in time; send the request again"))

    def _refuse(self, problem: Problem) -> None:
        """Answer, unless an answer has begun, and close the connection: nobody knows where its next request begins."""
        request_id = secrets.token_hex(8)
        logger.warning("refused", extra={"reason": problem.detail, "status": problem.status, "request_id": request_id})
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            headers = {"Connection": "close", "Cache-Control": "no-store", "X-Request-Id": request_id}
            answer = render(problem, headers)
            every = [*self.server_state.default_headers, *answer.raw_headers]
            reason = HTTPStatus(answer.status_code).phrase.encode()
            for event in (
                h11.Response(status_code=answer.status_code, headers=every, reason=reason),
                h11.Data(data=bytes(answer.body)),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        if self.cycle is not None:
            self.cycle.disconnected = True  # what the application still answers goes nowhere
        self.transport.close()

    def _what_is_wrong(self) -> str:
        if getattr(sys.exception(), "error_status_hint", None) == _TOO_LONG:
            return f"the head of the request is too long: {_KEPT_BYTES:,} bytes at most"
        first_line = self._head.partition(b"\n")[0]
        if first_line.startswith(_TLS):
            return "this port speaks plain HTTP, and the request is TLS: write http://, or ask the proxy before it"
        if not first_line.isascii():
            return "path and query must be ASCII: percent-encode them as UTF-8, so that ü is %C3%BC"
        return "this is no request of HTTP/1.1"
