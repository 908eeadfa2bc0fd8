"""The HTTP server of one simulated account, with its faults."""

import asyncio
import socket
import struct
from datetime import UTC, datetime
from typing import Final

from aiohttp import web

from app.local.playground.guard import refuse_pages
from app.local.simulator.accounts import Account
from app.local.simulator.dialect import Call, Refused, Repeated, Reply
from app.local.simulator.faults import ENDINGS, Behavior, Fault
from app.local.simulator.inbox import Entry, Inbox
from app.local.simulator.webhooks import Webhooks

BODY_BYTES: Final = 64 * 1024 * 1024  # more than any of the providers accepts
# SO_LINGER on, with 0 seconds: closing the socket then discards unsent data and sends a TCP reset.
RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class Listener:
    """One simulated account, on a port of its own."""

    def __init__(self, account: Account, inbox: Inbox, webhooks: Webhooks) -> None:
        self.account = account
        self._dialect = account.dialect
        self.behavior = Behavior()
        self.calls = 0  # calls that send an email and arrived whole, including refused ones
        self._inbox = inbox
        self._webhooks = webhooks
        self._changed = asyncio.Event()
        self._switch = asyncio.Lock()
        app = web.Application(middlewares=[refuse_pages], client_max_size=BODY_BYTES)
        app.router.add_route("*", "/{path:.*}", self._handle)
        # With handler_cancellation, a hanging call ends as soon as its client disconnects.
        self._runner = web.AppRunner(app, handle_signals=False, handler_cancellation=True, access_log=None)
        self._socket = _bound(0)
        self.port: Final[int] = self._socket.getsockname()[1]
        self._server: asyncio.Server | None = None

    @property
    def base_url(self) -> str:
        """The URL of the API. It stays the same while the account refuses connections."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start to listen."""
        await self._runner.setup()
        await self._open()

    async def behave(self, behavior: Behavior) -> None:
        """Set the behavior. Returns once it is in force. Calls that hang are dropped."""
        async with self._switch:
            self.behavior = behavior
            self._changed.set()
            self._changed = asyncio.Event()
            if behavior.fault is Fault.REFUSE_CONNECTION:
                await self._close()
            else:
                await self._open()

    async def stop(self) -> None:
        """Drop every connection and free the port."""
        await self._close()
        self._socket.close()
        await self._runner.cleanup()

    async def _open(self) -> None:
        if self._server is None:
            server = self._runner.server
            assert server is not None  # noqa: S101 because setup() has made it
            self._server = await asyncio.get_running_loop().create_server(server, sock=self._socket, backlog=256)

    async def _close(self) -> None:
        if self._server is None:
            return
        self._server.close()
        self._server = None
        # The port is bound again without listening, so that connections are refused and no other process can take it.
        self._socket = _bound(self.port)
        # A connection that was accepted just now gets its handler in one of the next turns of the event loop.
        for _ in range(3):
            await asyncio.sleep(0)
        for connection in self._runner.server.connections if self._runner.server else []:
            _reset(connection.transport)
        await asyncio.sleep(0)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        path, _, query = request.raw_path.partition("?")
        call = Call(request.method, path, query, headers, await request.read())
        behavior, changed = self.behavior, self._changed
        self.calls += self._dialect.sends(call)
        await asyncio.sleep(behavior.latency_ms / 1000)
        reply = None
        match behavior.fault:
            case Fault.REFUSE_CONNECTION | Fault.RESET_AFTER_BODY:
                pass
            case Fault.HANG:
                await changed.wait()
            case fault:
                reply = self._reply(call, behavior, fault)
        if reply is None:
            _reset(request.transport)
            reply = Reply(503)  # aiohttp needs an answer, which is not sent: the connection is closed
        return web.Response(status=reply.status, body=reply.body, headers=dict(reply.headers))

    def _reply(self, call: Call, behavior: Behavior, fault: Fault) -> Reply | None:
        """The provider's answer. Returns None if the provider drops the connection."""
        fails = self._dialect.failures.get(fault)
        if fails is not None and fault is not Fault.REFUSE_MESSAGE:
            return fails
        try:
            if not self._dialect.sends(call):
                return self._dialect.answer_other(call)
            mail = self._dialect.read(call)
        except Repeated as again:
            return None if fault is Fault.RESET_AFTER_ACCEPT else again.reply
        except Refused as refused:
            return refused.reply
        if fault not in ENDINGS:
            return fails
        entry = Entry(self.account.name, self._dialect.message_id(), mail, datetime.now(UTC))
        self._inbox.add(entry)
        self._webhooks.report(self.account, entry, behavior)
        reply = self._dialect.accept(call, entry.id)
        return None if fault is Fault.RESET_AFTER_ACCEPT else reply


def _bound(port: int) -> socket.socket:
    """A socket that is bound to `port` (0: any free one) and does not listen yet."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    return sock


def _reset(transport: asyncio.BaseTransport | None) -> None:
    """Close a connection with a TCP reset."""
    if isinstance(transport, asyncio.WriteTransport):
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        transport.abort()
