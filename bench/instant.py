"""A provider that answers at once: `python -m bench.instant` prints its port, and ends when standard input closes."""

import asyncio
import sys
from typing import Final

_ANSWER: Final = b"HTTP/1.1 202 Accepted\r\nX-Message-Id: bench\r\nContent-Length: 0\r\n\r\n"


class Instant(asyncio.Protocol):
    """An HTTP/1.1 server with keep-alive. It answers every complete request with 202 and a message id."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start with an empty buffer for the new client."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._received = bytearray()

    def data_received(self, data: bytes) -> None:
        """Add `data` to what the client has sent, and answer if the request's body is complete."""
        self._received += data
        head, end, body = bytes(self._received).partition(b"\r\n\r\n")
        if not end:
            return
        length = next(
            (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        if len(body) >= length:
            del self._received[: len(head) + 4 + length]
            self._transport.write(_ANSWER)


async def main() -> None:
    """Serve until standard input closes."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Instant, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
