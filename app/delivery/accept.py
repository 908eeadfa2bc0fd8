"""accept: store an email, put it on the queue, answer. From then on it is never lost."""

import base64
import hashlib
import logging
import secrets
from dataclasses import dataclass

from app.delivery.ports import Clock, ContentStore, HeadStore, Publish, RecipientStore
from app.delivery.rewrite import announce
from app.domain.email import Email, Role, fingerprint
from app.domain.head import Head, Recipient
from app.errors import Conflict, Invalid, Unavailable

log = logging.getLogger(__name__)

LIFETIME_S = 24 * 3600  # until expires_at, where the client names none
KEPT_FOR_S = 7 * 24 * 3600  # after the last moment at which anything may still be sent


@dataclass(frozen=True, slots=True)
class Accepted:
    """The email as stored; `replayed`: an earlier request with the same idempotency key had stored it."""

    head: Head
    replayed: bool


@dataclass(frozen=True)
class Accept:
    """Content first, then the head that names it, then the recipients' index, then the message."""

    heads: HeadStore
    contents: ContentStore
    recipients: RecipientStore
    publish: Publish
    clock: Clock
    retry_for_s: int

    def __call__(self, email: Email, *, owner: str, key: str | None) -> Accepted:
        """Accept `email` from the API key with id `owner`, once per idempotency `key` if one is given.

        Raises Conflict if the key was used for another request, Invalid if the email has expired already. A topic
        that does not answer is no error: the sweep publishes.
        """
        head = self._new_head(email, owner, key)
        if key and (earlier := self._find(head)):
            return self._replay(earlier, head)
        if head.expires_at_ms <= head.created_at_ms:  # after the replay: a late repetition is no new email
            raise Invalid(("expires_at", "must be in the future"))
        created = self._create(head, email)
        if created is None:
            return self._replay(self._winner(head), head)
        self._index(created)
        announce(self.publish, self.clock, created)
        return Accepted(created, replayed=False)

    def _new_head(self, email: Email, owner: str, key: str | None) -> Head:
        now_ms = int(self.clock() * 1000)
        expires_at_ms = email.expires_at_ms or now_ms + LIFETIME_S * 1000
        retry_until_ms = now_ms + self.retry_for_s * 1000
        roles = ((Role.TO, email.to), (Role.CC, email.cc), (Role.BCC, email.bcc))
        return Head(
            email_id=new_id() if key is None else id_for(owner, key),
            fingerprint=fingerprint(email),
            sender=email.sender,
            subject=email.content.subject,
            recipients={m.key: Recipient(m.address, role, m.name) for role, mailboxes in roles for m in mailboxes},
            created_at_ms=now_ms,
            expires_at_ms=expires_at_ms,
            retry_until_ms=retry_until_ms,
            ttl_s=max(expires_at_ms, retry_until_ms) // 1000 + KEPT_FOR_S,
            on_uncertain=email.on_uncertain,
            providers=email.providers,
        )

    def _find(self, head: Head) -> Head | None:
        found = self.heads.get(head.email_id)
        return found if found and found.ttl_s >= self.clock() else None  # DynamoDB deletes up to days late

    def _create(self, head: Head, email: Email) -> Head | None:
        self.contents.put(head.email_id, head.fingerprint, email.content, head.ttl_s)
        return self.heads.create(head, head.created_at_ms)

    def _winner(self, head: Head) -> Head:
        winner = self._find(head)
        if winner is None:
            raise Unavailable("the email could not be stored; send the request again")
        return winner

    def _replay(self, earlier: Head, head: Head) -> Accepted:
        if earlier.fingerprint != head.fingerprint:
            raise Conflict("this Idempotency-Key was used for another request; use a new key for a new email")
        self._index(earlier)  # the first request may have died before it did this
        return Accepted(earlier, replayed=True)

    def _index(self, head: Head) -> None:
        """Once the head is stored the email is accepted: an error now would make the client send it twice."""
        try:
            self.recipients.put(head.recipients, head.email_id, head.created_at_ms, head.ttl_s)
        except Unavailable as error:
            log.warning("not listed by recipient", extra={"email_id": head.email_id, "reason": error.detail})


def new_id() -> str:
    """A new email id: 128 random bits."""
    return _as_id(secrets.token_bytes(16))


def id_for(owner: str, key: str) -> str:
    """The email id of an idempotency key: the same key of the same API key always names the same email."""
    return _as_id(hashlib.sha256(f"idempotency\n{owner}\n{key}".encode()).digest()[:16])


def _as_id(bits: bytes) -> str:
    return "eml_" + base64.b32encode(bits).decode().rstrip("=").lower()
