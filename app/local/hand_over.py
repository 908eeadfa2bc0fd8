"""How the API hands messages to the worker of the same machine: over a socket in DATA_DIR, one line of JSON for each.

Nobody answers. A message that the worker does not come to handle is no worse than one that SNS loses: its email is due.
The socket is a file for its owner only, so no web page and no other user can reach it.
"""

import json
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any, Final

SEND_WITHIN_S: Final = 0.5
AGAIN_AFTER_S: Final = 1.0  # so that a worker that stands still does not make every request wait
LONGEST_LINE: Final = 64 * 1024
LONGEST_NAME: Final = 103  # bytes of a socket's path on macOS; Linux takes 107

Line = list[Any]

_log = logging.getLogger(__name__)


class Sender:
    """The end of a process that hands over. Safe to share between threads."""

    def __init__(self, path: Path) -> None:
        """`path` is the socket's, which need not be there yet."""
        self._path = path
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._not_before_s = 0.0

    def send(self, *lines: Line) -> bool:
        """Send lines together. Returns False if no worker takes them within SEND_WITHIN_S, or not all."""
        data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        with self._lock:
            if self._socket is None and monotonic() < self._not_before_s:
                return False
            for _ in range(2):  # a worker that has ended since is found out by sending
                is_new = self._socket is None
                try:
                    self._socket = self._socket or _connect(self._path)
                    self._socket.sendall(data)
                except OSError:
                    self._drop()
                    if is_new:
                        break
                else:
                    return True
            self._not_before_s = monotonic() + AGAIN_AFTER_S
            return False

    def close(self) -> None:
        """Close the connection. The next line opens another."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class Listener:
    """The worker's end. It calls `take` for each line, in a thread for each process that sends."""

    def __init__(self, path: Path, take: Callable[[Line], None]) -> None:
        """Listen at `path` from now on, in the place of an earlier worker. Raises OSError if that cannot be done."""
        self._take = take
        self._readers: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        self._socket = _bound(path)
        self._accepting = threading.Thread(target=self._accept, name="hand-over", daemon=True)
        self._accepting.start()

    def close(self) -> None:
        """Refuse what is sent from now on. Returns once every line that was sent before has been taken."""
        _shut(self._socket, socket.SHUT_RDWR)  # who has connected before is accepted all the same
        self._accepting.join(SEND_WITHIN_S)
        self._socket.close()
        with self._lock:
            readers = dict(self._readers)
        for connection, reader in readers.items():
            _shut(connection, socket.SHUT_RD)
            reader.join(SEND_WITHIN_S)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            reader = threading.Thread(target=self._read, args=(connection,), name="hand-over", daemon=True)
            with self._lock:
                self._readers[connection] = reader
                reader.start()

    def _read(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as lines:
                while (line := lines.readline(LONGEST_LINE)).endswith(b"\n"):
                    self._understand(line)
        except OSError:
            return
        finally:
            with self._lock:
                del self._readers[connection]

    def _understand(self, line: bytes) -> None:
        try:
            self._take(json.loads(line))
        except (ValueError, TypeError):
            _log.warning("a line that was handed over is not understood")


def _bound(path: Path) -> socket.socket:
    """A socket that listens at `path`, whose file is made with mode 0600."""
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with _short(path) as name:
            listening.bind(name)
        listening.listen(64)
    except OSError:
        listening.close()
        raise
    finally:
        os.umask(before)
    return listening


def _connect(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(SEND_WITHIN_S)
        with _short(path) as name:
            connection.connect(name)
    except OSError:
        connection.close()
        raise
    return connection


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """The path in a form that is short enough for a socket. Raises OSError if the system has none."""
    if len(os.fsencode(path)) <= LONGEST_NAME:
        yield str(path)
    elif sys.platform == "linux":
        folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
        try:
            yield f"/proc/self/fd/{folder}/{path.name}"
        finally:
            os.close(folder)
    else:
        raise OSError(f"{path} is too long for a socket")


def _shut(connection: socket.socket, how: int) -> None:
    with suppress(OSError):  # the other end may have closed it
        connection.shutdown(how)
