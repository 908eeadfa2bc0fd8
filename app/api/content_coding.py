"""Undoes `Content-Encoding: gzip`, within a limit, so that a small body cannot fill the memory."""

import zlib
from typing import Final

from app.api.problems import Malformed, TooLarge, UnsupportedCoding

_MAGIC: Final = b"\x1f\x8b"  # no JSON, form or text begins so
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS


def is_gzip(coding: str) -> bool:
    """Whether a value of Content-Encoding says so. Raises UnsupportedCoding for anything else but `identity`."""
    names = [name for part in coding.split(",") if (name := part.strip().lower()) not in ("", "identity")]
    if names not in ([], ["gzip"], ["x-gzip"]):  # RFC 9110 §8.4.1.3: both are one
        raise UnsupportedCoding("Content-Encoding: send the body as it is, or as `gzip`")
    return bool(names)


class Decoder:
    """Takes a body piece by piece, and keeps it as it was before it was coded.

    A body that is announced as gzip and is not is read as it is: API Gateway unpacks such a body and may leave the
    header.
    """

    def __init__(self, coding: str, limit_bytes: int, too_large: TooLarge) -> None:
        """Raises what `is_gzip` raises. `too_large` is what is raised beyond `limit_bytes`, packed or unpacked."""
        self._left_bytes = {"as sent": limit_bytes, "unpacked": limit_bytes}
        self._too_large = too_large
        self._announced = is_gzip(coding)
        self._start = b""  # the first byte, until the second tells what the body is
        self._unpacker: zlib._Decompress | None = None
        self._pieces: list[bytes] = []

    def feed(self, piece: bytes) -> None:
        """Take the next piece. Raises TooLarge beyond the limit, Malformed for what is not gzip all through."""
        self._count("as sent", piece)
        if self._announced:
            self._start += piece
            if len(self._start) < len(_MAGIC):
                return
            piece, self._start, self._announced = self._start, b"", False
            if piece.startswith(_MAGIC):
                self._unpacker = zlib.decompressobj(_GZIP_WINDOW)
        self._keep(piece if self._unpacker is None else self._unpacked(self._unpacker, piece))

    def end(self) -> bytes:
        """The whole body. Raises Malformed if its end is missing."""
        self._keep(self._start)
        if self._unpacker is not None and not self._unpacker.eof:
            raise Malformed("the body is gzip, but its end is missing")
        return b"".join(self._pieces)

    def _unpacked(self, unpacker: "zlib._Decompress", piece: bytes) -> bytes:
        try:
            found = unpacker.decompress(piece, self._left_bytes["unpacked"] + 1)
        except zlib.error:
            raise Malformed("the body is announced as gzip, and cannot be unpacked") from None
        # RFC 1952 allows several members in a file. A million empty ones would keep the processor busy.
        if unpacker.eof and unpacker.unused_data:
            raise Malformed("the body goes on behind the end of the gzip; send one member")
        return found

    def _keep(self, piece: bytes) -> None:
        self._count("unpacked", piece)
        self._pieces.append(piece)

    def _count(self, what: str, piece: bytes) -> None:
        self._left_bytes[what] -= len(piece)
        if self._left_bytes[what] < 0:
            raise self._too_large
