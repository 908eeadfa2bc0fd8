"""Replays a webhook: posts a body that a provider has posted elsewhere to the app, signed by the local key."""

import json
from dataclasses import dataclass
from typing import Final

from app.local.simulator.accounts import Account
from app.local.simulator.dialect import Reply
from app.local.simulator.webhooks import Webhooks

WEBHOOK_BYTES: Final = 4_500_000  # as many as the app takes; no provider posts more than a megabyte


class TooLarge(Exception):
    """The webhook has more than WEBHOOK_BYTES."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the app answered. `body` is its JSON, or its text if it is none."""

    status: int
    body: object


async def replay(account: Account, body: bytes, webhooks: Webhooks) -> Answer | None:
    """Post `body` once, as `account` would, whatever faults are set. Returns None if the app does not answer.

    Raises NotItsWebhook if the provider posts no such body, TooLarge if the signed one has more than WEBHOOK_BYTES.
    """
    post = account.dialect.sign(_unquoted(body), account.key)
    if len(post.body) > WEBHOOK_BYTES:
        raise TooLarge
    reply = await webhooks.post(account.name, post)
    return None if reply is None else Answer(reply.status, _shown(reply))


def _unquoted(body: bytes) -> bytes:
    """The raw text in a JSON string; any other body as it is, because some signatures cover every byte of it."""
    if not body.lstrip().startswith(b'"'):
        return body
    try:
        text = json.loads(body)
    except ValueError:
        return body
    return str(text).encode(errors="replace")


def _shown(reply: Reply) -> object:
    try:
        value: object = json.loads(reply.body)
    except ValueError:
        return reply.body.decode(errors="replace")
    return value
