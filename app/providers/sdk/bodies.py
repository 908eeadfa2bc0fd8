"""The body of an answer, as far as it came: bounded, inflated within the same bound, and marked if it was cut off."""

import zlib
from collections.abc import Iterable
from typing import Final

import httpcore
import httpx

from app.providers.sdk.answers import CUT

ANSWER_LIMIT: Final = 1_000_000  # bytes of a body that are read; a usual answer has a few hundred

_BROKEN: Final = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)
_INFLATES: Final = ("gzip", "x-gzip", "deflate")
_EITHER: Final = zlib.MAX_WBITS | 32  # zlib finds out by itself whether it is gzip or its own format


def take(answer: httpcore.Response, request: httpx.Request) -> httpx.Response:
    """The answer with its body, whose status counts also if the line breaks behind it.

    Bodies are asked for as they are. One that comes compressed all the same is inflated to ANSWER_LIMIT at most: a
    hundred kilobytes may hold hundreds of megabytes. What cannot be inflated counts as cut off.
    """
    body, is_whole = _read(answer.iter_stream())
    coding = next((value.lower() for name, value in answer.headers if name.lower() == b"content-encoding"), b"")
    if coding not in (b"", b"identity"):
        body, inflates = _inflate(body) if coding.decode("latin-1").strip() in _INFLATES else (b"", False)
        is_whole = is_whole and inflates
    headers = [(name, value) for name, value in answer.headers if name.lower() != b"content-encoding"]
    return httpx.Response(answer.status, headers=headers, content=body, request=request, extensions={CUT: not is_whole})


def _read(chunks: Iterable[bytes]) -> tuple[bytes, bool]:
    """What came within ANSWER_LIMIT, and whether that is all that was to come."""
    body = bytearray()
    try:
        for chunk in chunks:
            body += chunk
            if len(body) >= ANSWER_LIMIT:
                break
    except _BROKEN:
        return bytes(body), False
    return bytes(body[:ANSWER_LIMIT]), True


def _inflate(body: bytes) -> tuple[bytes, bool]:
    stream = zlib.decompressobj(_EITHER)
    try:
        inflated = stream.decompress(body, ANSWER_LIMIT)
    except zlib.error:
        return b"", False
    return inflated, stream.eof or len(inflated) == ANSWER_LIMIT
