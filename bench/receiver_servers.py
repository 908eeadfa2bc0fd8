"""Receivers of webhooks for an experiment: one is well, one hangs, one answers 500, one vanishes."""

import asyncio
from contextlib import closing
from functools import partial
from threading import Event, Thread
from time import monotonic
from typing import Final

WELL: Final = "well"
ILL: Final = ("hangs", "answers 500", "vanishes")


class Receivers:
    """The four, in a thread of their own. `arrived_s` is when the well one got each webhook, `bodies` what it said."""

    def __init__(self) -> None:
        self.arrived_s: dict[str, float] = {}
        self.bodies: dict[str, bytes] = {}
        self.calls = dict.fromkeys((WELL, *ILL), 0)
        self.urls: dict[str, str] = {}
        self._ready, self._loop, self._end = Event(), asyncio.new_event_loop(), asyncio.Event()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait()

    def close(self) -> None:
        """End them."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._listen())

    async def _listen(self) -> None:
        servers = [
            await asyncio.start_server(partial(self._serve, name), "127.0.0.1", 0, backlog=512) for name in self.calls
        ]
        self.urls = {
            name: f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            for name, server in zip(self.calls, servers, strict=True)
        }
        self._ready.set()
        await self._end.wait()
        for server in servers:
            server.close()

    async def _serve(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.calls[name] += 1
            headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:-2])
            if name == "hangs":
                await reader.read()  # until the caller has had enough
            if name == WELL:
                self.arrived_s.setdefault(headers["webhook-id"], monotonic())
            status = {WELL: b"204 No Content", "answers 500": b"500 Internal Server Error"}.get(name)
            if status:
                body = await reader.readexactly(int(headers["content-length"]))
                if name == WELL:
                    self.bodies.setdefault(headers["webhook-id"], body)
                writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
