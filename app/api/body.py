"""Reads the body of a request, up to a limit, and parses it as strict JSON."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.requests import ClientDisconnect

from app.api.content_coding import Decoder
from app.api.problems import Malformed, TooLarge, UnsupportedMediaType, path
from app.domain.outcome import shorten
from app.errors import Invalid

# Lambda takes events of 6 MB. The event holds more than the body, and holds some bodies in base64, a third larger.
BODY_LIMIT_BYTES = 4_500_000
TOO_LARGE = (
    f"a request body may have at most {BODY_LIMIT_BYTES:,} bytes, in which base64 makes files a third larger; "
    "put large files where they can be downloaded, and send a link"
)
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


async def raw_body(request: Request) -> bytes:
    """The bytes of the body, unchanged but for `Content-Encoding: gzip`, which is undone.

    Raises TooLarge as soon as BODY_LIMIT_BYTES are passed or announced, packed or unpacked, without reading on;
    UnsupportedCoding for another coding; Malformed if the client disconnects, or sends no whole gzip.
    """
    problem = TooLarge(TOO_LARGE)
    decoder = Decoder(request.headers.get("content-encoding", ""), BODY_LIMIT_BYTES, problem)
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > BODY_LIMIT_BYTES:
        raise problem
    try:
        async for chunk in request.stream():
            decoder.feed(chunk)
    except ClientDisconnect:
        raise Malformed("the connection ended before the body did") from None
    return decoder.end()


async def json_body(request: Request) -> bytes:
    """The body of a call that takes JSON. Raises UnsupportedMediaType, and what `raw_body` raises."""
    _check_media_type(request)
    return await raw_body(request)


def _check_media_type(request: Request) -> None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMediaType("send `Content-Type: application/json`")


async def optional_json_body(request: Request) -> bytes:
    """As `json_body`, of a call that may come without a body: then it is that of an empty object."""
    body = await raw_body(request)
    if not body:
        return b"{}"
    _check_media_type(request)
    return body


RawBody = Annotated[bytes, Depends(raw_body)]
JsonBody = Annotated[bytes, Depends(json_body)]
OptionalJsonBody = Annotated[bytes, Depends(optional_json_body)]


class _Unreadable(ValueError):
    """The body has something that Python's parser takes, but that JSON does not allow or leaves undefined."""


Location = tuple[str | int, ...]  # of a value within the body

NOT_UNICODE = "is not Unicode text: it has half a surrogate pair"


def parse(body: bytes) -> Any:
    """The value of `body` as JSON (RFC 8259), read strictly: UTF-8 (with or without a byte order mark), no NaN, no
    key twice in one object.

    Raises Malformed, or Invalid naming the fields whose text is not Unicode (half a surrogate pair).
    """
    value, broken = parse_with_locations(body)
    if broken:
        raise Invalid(*((path(where), NOT_UNICODE) for where in broken))
    return value


def parse_with_locations(body: bytes) -> tuple[Any, list[Location]]:
    """As `parse`, but returns with the value the locations of what is not Unicode text. Raises Malformed."""
    try:
        text = body.decode("utf-8-sig")
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except json.JSONDecodeError as problem:
        # The parser's own message is not used, because it differs between versions of Python.
        raise Malformed(_not_json(text, problem)) from None
    except UnicodeDecodeError:
        raise Malformed("the body is not UTF-8; send the JSON in UTF-8") from None
    except RecursionError:
        raise Malformed("the body is nested too deeply: nothing here has so many levels") from None
    except _Unreadable as problem:
        raise Malformed(str(problem)) from None
    except ValueError:
        raise Malformed("a number has thousands of digits; write it in quotes, as text") from None
    return value, list(_broken(value)) if _SURROGATE_ESCAPE.search(text) else []


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        shown = shorten(twice.encode(errors="backslashreplace").decode(), 80)
        raise _Unreadable(f'the key "{shown}" is there twice in one object; keep one of them')
    return found


def _not_json(text: str, problem: json.JSONDecodeError) -> str:
    if not text.strip(" \t\r\n"):
        return "the body is empty; send a JSON object"
    return f"the body is not JSON: see line {problem.lineno}, column {problem.colno}"


def _constant(name: str) -> None:
    raise _Unreadable(f"{name} is not JSON; write null, or leave the field out")


def _broken(value: Any) -> Iterator[Location]:
    """The locations of strings and keys that are not Unicode text."""
    # This is a loop and not a recursion, because JSON may be nested deeper than Python's calls.
    left: list[tuple[Location, Any]] = [((), value)]
    while left:
        where, item = left.pop()
        if isinstance(item, str) and _LONE_SURROGATE.search(item):
            yield where
        if isinstance(item, dict):
            for key, below in item.items():
                shown = key.encode(errors="backslashreplace").decode()
                if shown != key:
                    yield (*where, shown)
                left.append(((*where, shown), below))
        if isinstance(item, list):
            left.extend(((*where, index), below) for index, below in enumerate(item))
