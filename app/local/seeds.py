"""What the examples of the API's documentation name, so that each can be tried as it is: emails, a key, an endpoint.

The emails are stored as they are long after a send: nothing is sent for them, until somebody moves or retries one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from email.utils import parseaddr
from typing import Any

from app.api import times
from app.api.v1 import examples, key_examples, notify_examples
from app.domain.attempts import Attempt
from app.domain.change_types import ChangeType
from app.domain.email import Attachment, Content, Mailbox, Role
from app.domain.endpoint import Endpoint
from app.domain.event import ProviderEvent
from app.domain.head import Evidence, Head, Recipient, Status, Stop
from app.domain.kinds import Cause, Kind
from app.domain.lifetime import KEPT_FOR_S, scheduled
from app.domain.shards import shard_of
from app.domain.suppression import LASTS_MS, Reason, Suppression
from app.store.api_keys import ApiKey, ApiKeyItem
from app.store.endpoints import Endpoints
from app.wiring.parts import Container

Example = Mapping[str, Any]


def seed(parts: Container) -> None:
    """Store what is missing of it. Raises what the stores raise."""
    now_ms = int(parts.clock() * 1000)
    for example in (examples.STORY, examples.CANCELED, examples.FAILED, examples.MOVED):
        if parts.accept.heads.get(example["id"]) is None:
            _store(example, now_ms, parts)
    _seed_key(now_ms, parts)
    _seed_endpoint(now_ms, parts)
    address = examples.TO_SUPPRESS["address"]
    if parts.suppressions.get(address).in_force(now_ms) is None:
        until_ms = now_ms + LASTS_MS[Reason.MANUAL]
        parts.suppressions.put(Suppression(address, Reason.MANUAL, examples.TO_SUPPRESS["note"], now_ms, until_ms))


def _seed_key(now_ms: int, parts: Container) -> None:
    """Store the key of the examples, again if somebody has tried what revokes it. Nobody knows a secret of it."""
    key_id = key_examples.KEY["id"].removeprefix("key_")
    known = parts.api_keys.get(key_id)
    if not isinstance(known, ApiKey) or not known.works(now_ms) or known.expires_at_ms is not None:
        ApiKeyItem(
            key_id,
            name=key_examples.KEY["name"],
            project=key_examples.KEY["project"],
            scopes=set(key_examples.KEY["scopes"]),
            created_at=now_ms,
        ).save()


def _seed_endpoint(now_ms: int, parts: Container) -> None:
    """Store the endpoint of the examples, again if somebody has tried what deletes it."""
    example = notify_examples.ENDPOINT
    endpoints = Endpoints(parts.clock)
    if endpoints.get(example["project"], example["id"]) is None:
        types = tuple(map(ChangeType, example["types"]))
        endpoint = Endpoint(example["id"], example["project"], example["url"], now_ms, (now_ms,), types)
        endpoints.put(replace(endpoint, description=example["description"]))


def _store(example: Example, now_ms: int, parts: Container) -> None:
    shift_ms = now_ms - times.read(example["created_at"])
    head = _head(example, shift_ms, parts.settings.shards)
    parts.partitions.note(head.project)
    parts.accept.contents.put(head, _content())
    stored = replace(head, version=1)  # as it will be: whoever finds a head finds the rest
    parts.record.events.put(_events(example, shift_ms), {head.email_id: stored}, now_ms)
    parts.accept.heads.create(head, now_ms)


def _content() -> Content:
    """What both emails say."""
    story, said = examples.STORY, examples.CONTENT
    return Content(
        subject=said["subject"],
        text=said["text"],
        html=said["html"],
        reply_to=tuple(Mailbox(address) for address in story["reply_to"]),
        headers=tuple(story["headers"].items()),
        attachments=tuple(
            Attachment(file["filename"], file["content_type"], b"4711: 19.90\n") for file in said["attachments"]
        ),
        tags=tuple(story["tags"]),
        metadata=story["metadata"],
    )


def _head(example: Example, shift_ms: int, shards: int) -> Head:
    """The head of which the API makes this example, but for its times."""
    name, address = parseaddr(example["from"])
    expires_at_ms = times.read(example["expires_at"]) + shift_ms
    attempts = tuple(_attempts(example, shift_ms))
    head = Head(
        email_id=example["id"],
        fingerprint="",
        sender=Mailbox(address, name),
        subject=example["subject"],
        recipients={it.key: it for it in _recipients(example)},
        created_at_ms=times.read(example["created_at"]) + shift_ms,
        expires_at_ms=expires_at_ms,
        retry_until_ms=expires_at_ms,
        ttl_s=expires_at_ms // 1000 + KEPT_FOR_S,
        project=example["project"],
        shard=shard_of(example["id"], shards),
        accepted_by="seed",
        stopped=Stop.CANCELED if example["status"] == Status.CANCELED else None,
        attempts=attempts,
        next_attempt=len(attempts) + 1,
    )
    if "send_at" in example:  # it waits for the very time of the example, which is far ahead
        return scheduled(head, times.read(example["send_at"]), head.created_at_ms, None, 0)
    return head


def _recipients(example: Example) -> Iterator[Recipient]:
    for it in example["recipients"]:
        number, status = it["attempt"] or 0, Status(it["status"])
        evidence = {number: frozenset({Evidence.ACCEPTED, Evidence.DELIVERED})} if status is Status.DELIVERED else {}
        why: Any = {"cause": it["cause"] and Cause(it["cause"]), "detail": it["detail"] or ""}
        yield Recipient(it["address"], Role(it["role"]), status, attempt=number, evidence=evidence, **why)


def _attempts(example: Example, shift_ms: int) -> Iterator[Attempt]:
    for it in example.get("attempts", ()):
        outcome: Any = Kind(it["outcome"])
        yield Attempt(
            number=it["number"],
            provider=it["provider"],
            recipients=tuple(it["recipients"]),
            started_at_ms=times.read(it["started_at"]) + shift_ms,
            outcome=outcome,
            cause=it["cause"] and Cause(it["cause"]),
            status_code=it["status_code"],
            reply=it["reply"],
            message_id=it["message_id"] or "",
            duration_ms=it["duration_ms"],
        )


def _events(example: Example, shift_ms: int) -> Iterator[ProviderEvent]:
    for it in example.get("events", ()):
        kind: Any = Kind(it["kind"])
        yield ProviderEvent(
            provider=it["provider"],
            kind=kind,
            email_id=example["id"],
            attempt=it["attempt"],
            recipient=it["recipient"],
            at_ms=times.read(it["at"]) + shift_ms,
            detail=it["detail"],
        )
