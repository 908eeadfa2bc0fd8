"""accept: store an email and publish its first attempt. Once it is stored, it is never lost."""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial

from app.delivery.keep import OUTLIVES_KEY_S
from app.delivery.listing_ports import PartitionStore
from app.delivery.new_head import new_head, new_id
from app.delivery.ports import Clock, CollapseStore, ContentStore, HeadStore, KeyStore, SuppressionLookup
from app.delivery.queue_ports import Publish
from app.delivery.read_beside import LookedUp, in_a_thread
from app.delivery.rewrite import publish_if_ready, publish_next_attempt
from app.delivery.traced import TraceRequest, untraced_request
from app.domain.due import due_at_ms
from app.domain.eligibility import check_named
from app.domain.email import Email
from app.domain.head import Head
from app.domain.key_hash import key_hash
from app.domain.lane import Lane
from app.domain.sandbox import suppressed
from app.domain.shards import shard_of
from app.errors import Conflict, Invalid, ServiceUnavailable

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The email as stored; `replayed`: an earlier request with the same idempotency key had stored it."""

    head: Head
    replayed: bool


def _try(email_id: str, publish: Callable[[], None]) -> None:
    """Publish an email. Whatever goes wrong is left to the sweep, because the request has been accepted."""
    try:
        publish()
    except Exception as error:  # noqa: BLE001 because no fault whatever may refuse what is stored
        log.warning("not published, the sweep will", extra={"email_id": email_id, "reason": type(error).__name__})


@dataclass(frozen=True)
class Accept:
    """Stores the key that names the email, then its content and the entries that find it, then its head; and publishes.

    Once the head is stored, nothing fails the request any more: the client would send the email again.
    """

    heads: HeadStore
    contents: ContentStore
    keys: KeyStore
    publish: Publish
    clock: Clock
    retry_for_s: int
    objections: Callable[[Email], Mapping[str, str]]  # provider → why it cannot carry this email ("": it can)
    collapses: CollapseStore
    accounts: Collection[str]  # the configured ones
    suppressions: SuppressionLookup
    partitions: PartitionStore
    shards: int  # how many shards new emails are spread over
    new_id: Callable[[], str] = new_id
    trace: TraceRequest = untraced_request
    read_beside: Callable[[Callable[[], LookedUp]], Callable[[], LookedUp]] = in_a_thread

    def __call__(self, email: Email, *, project: str, key: str | None, lane: Lane = Lane.NORMAL) -> Accepted:
        """Accept `email` for `project`, once per idempotency `key` of the project if one is given.

        An email that names no lane takes `lane`. Nothing is published of one that is to be sent later: the sweep starts
        it. Raises Conflict if the key was used for another request, Invalid if the email has expired already. A topic
        that does not answer is no error: the sweep publishes.
        """
        now_ms, email_id = int(self.clock() * 1000), self.new_id()
        head = new_head(email, project, now_ms, email_id, retry_for_s=self.retry_for_s, shards=self.shards, lane=lane)
        if key is not None:
            head = replace(head, key_hash=key_hash(project, key))
            head, earlier = self._named(head, key)
            if earlier:
                return self._replay(earlier, head)
        head = replace(self._checked(head, email), traceparent=self.trace(head.email_id))
        known = self.read_beside(partial(self._look_up, head))
        self.contents.put(head, replace(email.content, names=_names(email)))
        head, replaced = known()
        created = self._create(head) or self._winner(head)
        if created.accepted_by != head.accepted_by:
            return self._replay(created, head)
        if replaced and created.collapse_scope:
            _try(replaced, partial(self._end, replaced, created.created_at_ms))
        _try(created.email_id, partial(publish_if_ready, self.publish, self.clock, created))
        return Accepted(created, replayed=False)

    def _checked(self, head: Head, email: Email) -> Head:
        """Check the expiry, and which providers can carry the email. Returns the head, without those that cannot.

        A request that repeats an earlier one skips these checks, because an accepted email must not be refused later.
        Raises Invalid.
        """
        check_expiry(head)
        check_named(email, self.accounts, head.project)
        # A test email is refused if a real one would be, whatever accounts of the sandbox it names.
        objections = self.objections(replace(email, providers=()) if head.sandbox else email)
        eligible = tuple(name for name, objection in objections.items() if not objection)
        if not eligible:
            reasons = "; ".join(f"{name}: {objection}" for name, objection in objections.items())
            raise Invalid(("providers", f"no provider can carry this email: {reasons}"))
        return replace(head, excluded=tuple(name for name in objections if name not in eligible))

    def _with_suppressed(self, head: Head) -> Head:
        """The head that keeps which recipients are suppressed, so that a repeated request is answered as the first.

        Each attempt looks again; who is lifted before the first one gets the email.
        """
        if head.sandbox:
            return replace(head, suppressed=suppressed(head.recipients, head.created_at_ms))
        if head.override_suppression:
            return head
        found = self.suppressions.among(head.recipients, head.created_at_ms, head.project)
        return replace(head, suppressed={key: suppression.notice for key, suppression in found.items()})

    def _look_up(self, head: Head) -> LookedUp:
        """The head that knows who of its recipients is suppressed, and the id of the email that it replaces.

        Before the head is stored, every reader can know that there is something in its project and shard.
        """
        self.partitions.note(head.project)
        replaced = self._newest(head.collapse_scope) if head.collapse_scope else None
        return self._with_suppressed(head), replaced

    def _newest(self, scope: str) -> str | None:
        """The email that a new one of this scope replaces. None if that cannot be read: it ends by itself."""
        try:
            return self.collapses.newest(scope)
        except ServiceUnavailable as error:
            log.warning("not known which email is replaced", extra={"reason": error.detail})
            return None

    def _end(self, replaced: str, now_ms: int) -> None:
        """Publish an email that was just replaced, which is canceled then and does not sit in a round's wait."""
        earlier = self.heads.get(replaced)
        if earlier is not None and due_at_ms(earlier, now_ms) is not None:
            publish_next_attempt(self.publish, earlier)

    def _named(self, head: Head, key: str) -> tuple[Head, Head | None]:
        """The head under the id that its idempotency key names, and the stored head of that id, if there is one.

        There is none if this request is the first, or if an earlier one was refused or died before it stored a head.
        """
        email_id, ttl_s = self.keys.name(head.project, key, head.email_id, head.ttl_s - OUTLIVES_KEY_S, self.clock())
        if email_id == head.email_id:
            return head, None
        shard, ttl_s = shard_of(email_id, self.shards), max(head.ttl_s, ttl_s + OUTLIVES_KEY_S)
        head = replace(head, email_id=email_id, shard=shard, ttl_s=ttl_s)
        return head, self.heads.get(email_id)

    def _create(self, head: Head) -> Head | None:
        if head.collapse_scope:
            try:
                return self.collapses.create(head, head.created_at_ms)
            except ServiceUnavailable as error:
                log.warning("not collapsed, both go out", extra={"email_id": head.email_id, "reason": error.detail})
                head = replace(head, collapse_scope="")
        try:
            return self.heads.create(head, head.created_at_ms)
        except Exception:
            stored = self.heads.get(head.email_id)
            if stored is None or stored.accepted_by != head.accepted_by:
                raise
            return stored  # only the answer was lost

    def _winner(self, head: Head) -> Head:
        """The stored head that kept `head` from being stored.

        It may be `head` itself: if our write succeeded but its answer was lost, the store's client made it again.
        """
        winner = self.heads.get(head.email_id)
        if winner is None:
            raise ServiceUnavailable("the email could not be stored; send the request again")
        return winner

    def _replay(self, earlier: Head, head: Head) -> Accepted:
        if earlier.fingerprint != head.fingerprint:
            raise Conflict("this Idempotency-Key was used for another request; use a new key for a new email")
        return Accepted(earlier, replayed=True)


def check_expiry(head: Head) -> None:
    """Raise Invalid if a new email expires before anything of it can be sent."""
    if head.expires_at_ms <= head.lives_from_ms:
        when = "in the future" if head.begins_at_ms is None else "later than send_at"
        raise Invalid(("expires_at", f"must be {when}"))


def _names(email: Email) -> dict[str, str]:
    """The display names of the recipients who have one, by key."""
    return {mailbox.key: mailbox.name for mailbox in (*email.to, *email.cc, *email.bcc) if mailbox.name}
