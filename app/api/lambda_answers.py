"""What Lambda lets through of an answer, which is less than what a server does.

A response may have 6,291,556 bytes as JSON (Function.ResponseSizeTooLarge says the number; Lambda quotas, "Invocation
payload", read 2026-11-30), in which the body is a text with escapes, or base64. API Gateway takes 10 MB.
"""

import json
import sys
from typing import Final

from fastapi import Request, Response
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES

from app.api.problems import TooLarge

MOST_BYTES: Final = 6_291_556
_HEADERS_BYTES: Final = 8_192  # are left for the status and the headers
_TEXTS: Final = tuple(DEFAULT_TEXT_MIME_TYPES)


def fitting(request: Request, response: Response, instead: str) -> Response:
    """The response, if it gets through. Raises TooLarge, which says what to do `instead`, if Lambda would cut it."""
    if "aws.event" in request.scope and (size := _size(response)) > MOST_BYTES - _HEADERS_BYTES:
        raise TooLarge(f"this answer has {size:,} bytes as Lambda counts them, of which {MOST_BYTES:,} pass; {instead}")
    return response


def _size(response: Response) -> int:
    body, media_type = bytes(response.body), response.headers.get("content-type", "")
    if media_type.startswith(_TEXTS):
        try:
            # Lambda's client for Python escapes all that is not ASCII, except in Python 3.12 and later.
            return len(json.dumps(body.decode(), ensure_ascii=sys.version_info < (3, 12)).encode())
        except UnicodeDecodeError:
            pass  # Mangum then writes base64, too
    return -(-len(body) // 3) * 4
