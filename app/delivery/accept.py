"""accept: store an email and publish its first attempt. Once it is stored, it is never lost."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from app.delivery.admission import UNLIMITED, Admission
from app.delivery.drafts import (
    Accepted,
    Answer,
    Draft,
    Requested,
    answer_faults,
    answer_repetitions,
    answer_together,
    by_scope,
    first_of_each_key,
    open_ones,
    replay,
)
from app.delivery.first_attempts import FirstAttempts
from app.delivery.keep import OUTLIVES_KEY_S
from app.delivery.listing_ports import PartitionStore
from app.delivery.look_up import LookedUp, LookUp, with_suppressed
from app.delivery.new_head import new_head, new_id
from app.delivery.ports import Clock, CollapseStore, ContentStore, HeadStore, KeyStore, SuppressionLookup
from app.delivery.queue_ports import Publish, PublishMany
from app.delivery.read_beside import Read, SideBySide, in_a_thread, side_by_side
from app.delivery.traced import TraceRequest, untraced_request
from app.domain.eligibility import check_named
from app.domain.email import Email
from app.domain.head import Head
from app.domain.key_hash import key_hash
from app.domain.lane import Lane
from app.domain.shards import shard_of
from app.errors import Invalid, ServiceUnavailable

log = logging.getLogger(__name__)

# Emails of a batch whose contents are written by one call: 24 items of 25, if each has one recipient and no tag.
STORED_TOGETHER = 12


@dataclass(frozen=True)
class Accept:
    """Stores the key that names the email, then its content and the entries that find it, then its head; and publishes.

    The emails of a batch take these steps together, and each has an answer of its own. Once a head is stored, nothing
    fails its request any more: the client would send the email again.
    """

    heads: HeadStore
    contents: ContentStore
    keys: KeyStore
    publish: Publish
    publish_many: PublishMany
    clock: Clock
    retry_for_s: int
    objections: Callable[[Email], Mapping[str, str]]  # provider → why it cannot carry this email ("": it can)
    collapses: CollapseStore
    accounts: Collection[str]  # the configured ones
    suppressions: SuppressionLookup
    partitions: PartitionStore
    shards: int  # how many shards new emails are spread over
    admission: Admission = UNLIMITED
    new_id: Callable[[], str] = new_id
    trace: TraceRequest = untraced_request
    read_beside: Callable[[Read[LookedUp]], Read[LookedUp]] = in_a_thread
    side_by_side: SideBySide = side_by_side

    def __call__(
        self, email: Email, *, project: str, key: str | None, sender: str = "", lane: Lane = Lane.NORMAL
    ) -> Accepted:
        """Accept `email` for `project`, once per idempotency `key` of the project if one is given.

        `sender` is the id of the API key that sends ("": of none, which the runaway guard does not know). An email that
        names no lane takes `lane`. Nothing is published of one that is to be sent later: the sweep starts it. Raises
        Conflict if the key was used for another request, Invalid if the email has expired already, TooMany if a limit
        allows no more. A topic that does not answer is no error: the sweep publishes.
        """
        (answer,) = self.together([Requested(email, key, lane)], project=project, sender=sender)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def together(self, requests: Sequence[Requested], *, project: str, sender: str = "") -> list[Answer]:
        """Accept each of these emails as a call of its own would, in their order.

        Returns for each what the call would return, or the exception that it would raise. Of two with one idempotency
        key, the later one repeats the earlier one, unless that was refused.
        """
        now_ms = int(self.clock() * 1000)
        drafts = [Draft(request, self._new_head(request, project, now_ms)) for request in requests]
        while waiting := open_ones(drafts):
            first = first_of_each_key(waiting)
            self._store(first, project, sender, now_ms)
            answer_repetitions(first, open_ones(waiting))
        return [draft.answer for draft in drafts if draft.answer is not None]

    def _new_head(self, request: Requested, project: str, now_ms: int) -> Head:
        settings = {"retry_for_s": self.retry_for_s, "shards": self.shards}
        head = new_head(request.email, project, now_ms, self.new_id(), lane=request.lane, **settings)
        return head if request.key is None else replace(head, key_hash=key_hash(project, request.key))

    def _store(self, drafts: Sequence[Draft], project: str, sender: str, now_ms: int) -> None:
        """Give each of these drafts its answer. No two of them have the same key."""
        keyed = [draft for draft in drafts if draft.request.key is not None]
        self.side_by_side([partial(answer_faults, self._name, draft) for draft in keyed])
        for draft in open_ones(drafts):
            answer_faults(self._check, draft)
        left = open_ones(drafts)
        self.admission(left, sender)
        left = admitted = open_ones(left)
        if not left:
            return
        traceparent = self.trace(left[0].head.email_id if len(drafts) == 1 else "")
        for draft in left:
            draft.head = replace(draft.head, traceparent=traceparent)
        known = self.read_beside(partial(self._look_up(), [draft.head for draft in left], project, now_ms))
        groups = [left[at : at + STORED_TOGETHER] for at in range(0, len(left), STORED_TOGETHER)]
        self.side_by_side([partial(self._put_contents, group) for group in groups])
        left = open_ones(left)
        suppressed, replaced = self._known(known, left) if left else ({}, {})
        for draft in left:
            draft.head = with_suppressed(draft.head, suppressed)
        self.side_by_side([partial(self._create_in_order, group) for group in by_scope(open_ones(left))])
        self.admission.give_back([draft for draft in admitted if not draft.may_be_stored])
        created = [one.answer.head for one in left if isinstance(one.answer, Accepted) and not one.answer.replayed]
        scopes = dict.fromkeys(head.collapse_scope for head in created)
        ended = [replaced[scope] for scope in scopes if scope in replaced]
        FirstAttempts(self.heads, self.publish, self.publish_many, self.clock)(created, ended, now_ms)

    def _name(self, draft: Draft) -> None:
        """Put the head under the id that its idempotency key names. Answers it, if there is a head of that id.

        There is none if this request is the first, or if an earlier one was refused or died before it stored a head.
        """
        head, key = draft.head, draft.request.key or ""
        email_id, ttl_s = self.keys.name(head.project, key, head.email_id, head.ttl_s - OUTLIVES_KEY_S, self.clock())
        if email_id == head.email_id:
            return
        shard, ttl_s = shard_of(email_id, self.shards), max(head.ttl_s, ttl_s + OUTLIVES_KEY_S)
        draft.head = replace(head, email_id=email_id, shard=shard, ttl_s=ttl_s)
        if earlier := self.heads.get(email_id):
            draft.answer = replay(earlier, draft.head)

    def _check(self, draft: Draft) -> None:
        """Check the expiry, and which providers can carry the email. The head excludes those that cannot.

        A request that repeats an earlier one skips these checks, because an accepted email must not be refused later.
        Raises Invalid.
        """
        head, email = draft.head, draft.request.email
        check_expiry(head)
        check_named(email, self.accounts, head.project)
        # A test email is refused if a real one would be, whatever accounts of the sandbox it names.
        objections = self.objections(replace(email, providers=()) if head.sandbox else email)
        eligible = tuple(name for name, objection in objections.items() if not objection)
        if not eligible:
            reasons = "; ".join(f"{name}: {objection}" for name, objection in objections.items())
            raise Invalid(("providers", f"no provider can carry this email: {reasons}"))
        draft.head = replace(head, excluded=tuple(name for name in objections if name not in eligible))

    def _look_up(self) -> LookUp:
        return LookUp(self.suppressions, self.collapses, self.partitions, self.side_by_side)

    def _put_contents(self, drafts: Sequence[Draft]) -> None:
        contents = [(one.head, replace(one.request.email.content, names=_names(one.request.email))) for one in drafts]
        answer_together(drafts, partial(self.contents.put_many, contents))

    def _known(self, known: Read[LookedUp], drafts: Sequence[Draft]) -> LookedUp:
        try:
            return known()
        except Exception as error:  # noqa: BLE001 because it is the answer to all of them
            for draft in drafts:
                draft.answer = error
            return {}, {}

    def _create_in_order(self, drafts: Sequence[Draft]) -> None:
        """Store the heads of one collapse scope, of which the last replaces the others."""
        for draft in drafts:
            answer_faults(self._create, draft)

    def _create(self, draft: Draft) -> None:
        draft.may_be_stored = True
        created = self._created(draft.head) or self._winner(draft.head)
        draft.may_be_stored = is_ours = created.accepted_by == draft.head.accepted_by
        draft.answer = Accepted(created, replayed=False) if is_ours else replay(created, draft.head)

    def _created(self, head: Head) -> Head | None:
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


def check_expiry(head: Head) -> None:
    """Raise Invalid if a new email expires before anything of it can be sent."""
    if head.expires_at_ms <= head.lives_from_ms:
        when = "in the future" if head.begins_at_ms is None else "later than send_at"
        raise Invalid(("expires_at", f"must be {when}"))


def _names(email: Email) -> dict[str, str]:
    """The display names of the recipients who have one, by key."""
    return {mailbox.key: mailbox.name for mailbox in (*email.to, *email.cc, *email.bcc) if mailbox.name}
