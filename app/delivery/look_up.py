"""Reads what accept must know beside the emails themselves, while their contents are stored."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from app.delivery.listing_ports import PartitionStore
from app.delivery.ports import CollapseStore, SuppressionLookup
from app.delivery.read_beside import SideBySide
from app.domain import sandbox
from app.domain.head import Head
from app.domain.project import is_of_test_keys
from app.domain.suppression import Notice
from app.errors import ServiceUnavailable

log = logging.getLogger(__name__)

READ_TOGETHER = 50  # addresses that one call of the store looks up

LookedUp = tuple[Mapping[str, Notice], Mapping[str, str]]  # who is suppressed; by collapse scope, whom it replaces


@dataclass(frozen=True)
class LookUp:
    """Reads for all emails of a batch together."""

    suppressions: SuppressionLookup
    collapses: CollapseStore
    partitions: PartitionStore
    side_by_side: SideBySide

    def __call__(self, heads: Sequence[Head], project: str, now_ms: int) -> LookedUp:
        """Who of all their recipients is suppressed, and by collapse scope the id of the email that is replaced.

        Before a head is stored, every reader can know that there is something in its project and shard.
        """
        self.partitions.note(project)
        scopes = [scope for scope in dict.fromkeys(head.collapse_scope for head in heads) if scope]
        newest = self.side_by_side([partial(self._newest, scope) for scope in scopes])
        keys = (key for head in heads if not head.override_suppression for key in head.recipients)
        addresses = list(dict.fromkeys(keys))
        suppressed = self._suppressed(addresses, project, now_ms)
        return suppressed, {scope: replaced for scope, replaced in zip(scopes, newest, strict=True) if replaced}

    def _suppressed(self, addresses: Sequence[str], project: str, now_ms: int) -> Mapping[str, Notice]:
        if is_of_test_keys(project):
            return {}  # the list is not asked: the addresses say themselves who counts as suppressed
        pages = [addresses[at : at + READ_TOGETHER] for at in range(0, len(addresses), READ_TOGETHER)]
        found = self.side_by_side([partial(self.suppressions.among, page, now_ms, project) for page in pages])
        return {key: one.notice for page in found for key, one in page.items()}

    def _newest(self, scope: str) -> str | None:
        """The email that a new one of this scope replaces. None if that cannot be read: it ends by itself."""
        try:
            return self.collapses.newest(scope)
        except ServiceUnavailable as error:
            log.warning("not known which email is replaced", extra={"reason": error.detail})
            return None


def with_suppressed(head: Head, suppressed: Mapping[str, Notice]) -> Head:
    """The head that keeps which recipients are suppressed, so that a repeated request is answered as the first.

    Each attempt looks again; who is lifted before the first one gets the email. A suppression that ends before an email
    is to be sent does not stop it.
    """
    if head.sandbox:
        return replace(head, suppressed=sandbox.suppressed(head.recipients, head.lives_from_ms))
    if head.override_suppression:
        return head
    known = {key: suppressed[key] for key in head.recipients if key in suppressed}
    return replace(head, suppressed={key: one for key, one in known.items() if head.lives_from_ms < one.until_ms})
