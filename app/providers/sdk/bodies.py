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
_BARE: Final = -zlib.MAX_WBITS  # what some servers mean by `deflate` (RFC 9110 §8.4.1.2)


def take(answer: httpcore.Response, request: httpx.Request) -> httpx.Response:
    """The answer with its body, whose status counts also if the line breaks behind it.

    Bodies are asked for as they are. One that comes compressed all the same is inflated to ANSWER_LIMIT at most: a
    hundred kilobytes may hold hundreds of megabytes. What cannot be inflated counts as cut off.
    """
    body, is_whole = _read(answer.iter_stream())
    values = [value.decode("latin-1") for name, value in answer.headers if name.lower() == b"content-encoding"]
    codings = [coding.strip().lower() for coding in ",".join(values).split(",")]
    for coding in reversed([coding for coding in codings if coding not in ("", "identity")]):
        inflated = _inflate(body) if coding in _INFLATES else None
        if inflated is None:
            is_whole = False
            break
        body, is_end = inflated
        is_whole = is_whole and is_end
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


def _inflate(body: bytes) -> tuple[bytes, bool] | None:
    """What is in `body`, and whether that is all of it. None if it cannot be inflated."""
    return _inflate_as(_EITHER, body) or _inflate_as(_BARE, body)


def _inflate_as(form: int, body: bytes) -> tuple[bytes, bool] | None:
    inflated, left, is_end = bytearray(), body, True
    while left and len(inflated) < ANSWER_LIMIT:  # gzip may have several members
        stream = zlib.decompressobj(form)
        try:
            inflated += stream.decompress(left, ANSWER_LIMIT - len(inflated))
        except zlib.error:
            return (bytes(inflated), False) if inflated else None
        left, is_end = stream.unused_data, stream.eof
    return bytes(inflated), is_end or len(inflated) == ANSWER_LIMIT
