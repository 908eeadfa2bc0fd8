"""What an outgoing call meets in the tests: a name server that says what a test wants, and a line to a receiver.

A receiver of the tests listens on loopback, where no call may go. So the poster believes in a public address, and
`Line` notes which address it dials and connects it to the receiver.
"""

import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Final

import dns.message
import dns.query
import dns.rdatatype
import dns.rrset

from app.outgoing.post import Poster

HOST: Final = "hooks.example.com"
PUBLIC: Final = "93.184.215.14"


@dataclass
class Tls:
    """A certificate for HOST with its key, a context that trusts it, and the names that clients asked for."""

    file: Path
    trusting: ssl.SSLContext
    asked_for: list[str | None] = field(default_factory=list)

    def serving(self) -> ssl.SSLContext:
        """The context of a server, which notes the name in each greeting."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file)

        def note(_connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
            self.asked_for.append(name)

        context.sni_callback = note
        return context


class NameServer:
    """A DNS server on loopback. Each question for a name takes the next of its answers; the last one stays."""

    def __init__(self, answers: dict[str, list[list[str]]]) -> None:
        self._answers = answers
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.asked = 0
        self._thread = Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            data, sender = self._socket.recvfrom(4096)
            if data == b"end":
                return
            question = dns.message.from_wire(data)
            reply = dns.message.make_response(question)
            (asked,) = question.question
            name = asked.name.to_text(omit_final_dot=True)
            if name in self._answers and asked.rdtype == dns.rdatatype.A:
                self.asked += 1
                several = self._answers[name]
                found = several.pop(0) if len(several) > 1 else several[0]
                for address in found:
                    kind = "AAAA" if ":" in address else "A"
                    reply.answer.append(dns.rrset.from_text(asked.name, 0, "IN", kind, address))
            self._socket.sendto(reply.to_wire(), sender)

    def lookup(self, host: str, _port: int) -> Sequence[str]:
        """Ask for a host's addresses, as a resolver does."""
        question = dns.message.make_query(host, "A")
        reply = dns.query.udp(question, "127.0.0.1", timeout=30, port=self._socket.getsockname()[1])
        found = [record.to_text() for rrset in reply.answer for record in rrset]
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return found

    def close(self) -> None:
        """End it."""
        self._socket.sendto(b"end", self._socket.getsockname())
        self._thread.join()
        self._socket.close()


@contextmanager
def name_server(answers: dict[str, list[list[str]]]) -> Iterator[NameServer]:
    server = NameServer(answers)
    try:
        yield server
    finally:
        server.close()


@dataclass
class Line:
    """Dials: it notes where to, and leads to the receiver on `port` of this machine."""

    port: int
    dialed: list[tuple[str, int]] = field(default_factory=list)
    dead: tuple[str, ...] = ()  # addresses that do not answer

    def dial(self, address: tuple[str, int], timeout_s: float) -> socket.socket:
        self.dialed.append(address)
        if address[0] in self.dead:
            raise ConnectionRefusedError
        return socket.create_connection(("127.0.0.1", self.port), timeout_s)


def poster(tls: Tls, line: Line, answers: Sequence[str] = (PUBLIC,), *, timeout_s: float = 60.0) -> Poster:
    """A deployed process's poster, for which every host has these addresses."""
    return Poster(
        is_local=False,
        ssl_context=tls.trusting,
        lookup=lambda _host, _port: answers,
        dial=line.dial,
        timeout_s=timeout_s,
    )
