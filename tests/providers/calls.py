"""Calls of a transport, timed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from app.domain.email import Message
from app.domain.freshness import Clocks
from app.domain.outcome import Outcome
from app.providers.sdk.http_transport import HttpTransport
from app.providers.sendgrid.provider import SendGrid
from tests.providers.case import SAMPLE
from tests.support.clock import Clock

PATIENT_S = 60.0
"""A limit for a call that must succeed, or fail for another reason: no slow machine may reach it."""
BRIEF_S = 3.0
"""A limit that a call must reach. Until then a busy machine has time to connect and to send the request."""

SOON_S = 25.0
"""Less than any of the waits that would be added to a call that is not ended in time, and more than a pause adds."""

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
def transport_of(
    timeout_s: float = PATIENT_S, connect_timeout_s: float = PATIENT_S, **options: Any
) -> Iterator[HttpTransport]:
    """A transport. Its clocks stand still, so that a pause of this machine is not taken for a standstill or for age."""
    options = {"clocks": Clocks(Clock(), Clock()), **options}
    transport = HttpTransport(timeout_s, connect_timeout_s, **options)
    try:
        yield transport
    finally:
        transport.close()
