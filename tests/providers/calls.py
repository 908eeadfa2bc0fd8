"""Calls of a transport, timed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from app.domain.email import Message
from app.domain.outcome import Outcome
from app.providers.sdk.http_transport import HttpTransport
from app.providers.sendgrid.provider import SendGrid
from tests.providers.case import SAMPLE

ACCEPTED = httpx.Response(202, headers={"X-Message-Id": "m-1"})


@dataclass
class Call:
    outcome: Outcome
    took_s: float


def send(transport: HttpTransport, url: str, message: Message = SAMPLE) -> Call:
    start = time.monotonic()
    outcome = transport.send(SendGrid("sendgrid", "SG.key", (), url), message)
    return Call(outcome, time.monotonic() - start)


@contextmanager
def transport_of(timeout_s: float = 0.5, connect_timeout_s: float = 3.0, **options: Any) -> Iterator[HttpTransport]:
    transport = HttpTransport(timeout_s, connect_timeout_s, **options)
    try:
        yield transport
    finally:
        transport.close()
