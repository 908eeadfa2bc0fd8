"""What the simulator's tests must know of a provider: its words, written from its documentation.

`tests/providers/NAME/simulator_case.py` has them as CASE. Every sample email has the same parts and recipients.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from app.local.simulator.accounts import dialect_of

RECIPIENTS = ("bo@example.com", "cy@example.com", "di@example.com")
PDF = b"%PDF-1.7\r\n\x00\xff\r\n--not-the-boundary\r\n"
LOGO = b"\x89PNG\r\n\x1a\n\x00"

Event = Mapping[str, Any]
Request = Callable[[str], httpx.Request]  # at a base URL


@dataclass(frozen=True)
class Heard:
    """A webhook as it came in; header names are lower-case."""

    account: str
    headers: Mapping[str, str]
    body: bytes
    at_s: float


@dataclass(frozen=True)
class SimulatorCase:
    """One provider, as its clients and the receivers of its webhooks know it.

    `call(base_url, account, eid)`: a valid call of `account` for the sample email, whose metadata are `eid` and `att`.
    `message_id(answer)`: the id in the answer to it; checks what else is in there.
    `answers`: fault -> the status, and a text in the answer's body or in its header x-amzn-ErrorType.
    `said(answer)`: what an answer says, beginning with its status, for `refused`.
    `refused`: the beginning of what is said -> a call that is refused so. An email in it has the eid "refused".
    `known`: a text in the body -> another call, which succeeds.
    `posts`, `posts_reordered`: how many webhooks report a delivery to RECIPIENTS, and with the acceptance before it.
    `is_genuine(webhook, variables, fetch)`: whether a receiver with these variables, who can fetch URLs, believes it.
    `failed`: fault -> what every event holds that reports it.
    `complained`: what an event holds by which a recipient calls the email spam.
    `tracked(base_url, eid, opens, clicks)`: the sample email in a call that says whether to track these. None: no call
    can say it.
    """

    call: Callable[[str, str, str], httpx.Request]
    message_id: Callable[[httpx.Response], str]
    answers: Mapping[str, tuple[int, str]]
    said: Callable[[httpx.Response], str]
    refused: Mapping[str, Request]
    known: Mapping[str, Request]
    posts: int
    posts_reordered: int
    events: Callable[[bytes], Sequence[Event]]  # of a webhook's body
    kind: Callable[[Event], str]
    recipient: Callable[[Event], str]
    accepted: str  # the kind of the event that reports the acceptance
    delivered: str
    is_genuine: Callable[[Heard, Mapping[str, str], Callable[[str], bytes]], bool]
    failed: Mapping[str, Event]
    complained: Event
    tracked: Callable[[str, str, bool, bool], httpx.Request] | None
    inline_name: str = "logo.png"  # the file name of the inline image, whose content id is "logo"


def credentials(account: str) -> Mapping[str, str]:
    """The variables that authenticate the calls of a simulated account, without its prefix."""
    return dialect_of(account).credentials


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def file(filename: str, content_type: str, content: bytes, content_id: str = "") -> dict[str, object]:
    """An attachment as the inbox shows it."""
    return {
        "filename": filename,
        "content_type": content_type,
        "size": len(content),
        "content_id": content_id,
        "content": encoded(content),
    }
