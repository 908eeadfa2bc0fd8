"""Finds the attempt of a report that brings none of our ids back, by the address and the provider's id of the message.

Providers lose metadata, of a bounce that the recipient's host returns days later above all. Nothing is written for
these: the index of recipients, which exists anyway, leads from the address to its newest emails, and their attempts
hold the ids that the providers gave them.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain, islice, repeat
from typing import Final

from app.delivery.listing_ports import PartitionStore, RecipientStore
from app.delivery.ports import HeadStore
from app.domain.event import ProviderEvent
from app.domain.head import Head

LOOKED_AT: Final = 50  # emails to one address, the newest of all projects: a page of each, and one read of heads
SIDE_BY_SIDE: Final = 16  # addresses of one webhook that are looked up at the same time


@dataclass(frozen=True)
class Attribution:
    """Attributes events. Those with an id of ours are left as they are and cost nothing."""

    heads: HeadStore
    recipients: RecipientStore
    partitions: PartitionStore

    def __call__(self, events: Sequence[ProviderEvent]) -> Sequence[ProviderEvent]:
        """The events in their order, with email id and attempt where both were missing and the attempt was found.

        It was found if it is one of the same account, to the same recipient, whose message id is the event's.
        """
        lost: dict[str, list[ProviderEvent]] = defaultdict(list)
        for event in events:
            if event.recipient and event.message_id and not event.email_id:
                lost[event.recipient].append(event)
        if not lost:
            return events
        projects = self.partitions.read().real
        with ThreadPoolExecutor(max_workers=SIDE_BY_SIDE) as pool:
            found = dict(chain.from_iterable(pool.map(self._found, lost, lost.values(), repeat(projects))))
        return [found.get(event, event) for event in events]

    def _found(
        self, address: str, events: Iterable[ProviderEvent], projects: Iterable[str]
    ) -> list[tuple[ProviderEvent, ProviderEvent]]:
        positions = heapq.merge(*(self.recipients.emails_to(address, project) for project in projects), reverse=True)
        heads = self.heads.get_many([email_id for _, email_id in islice(positions, LOOKED_AT)])
        return [(event, _attributed(event, heads)) for event in events]


def _attributed(event: ProviderEvent, heads: Iterable[Head]) -> ProviderEvent:
    for head in heads:
        for attempt in head.attempts:
            is_its_call = (attempt.provider, attempt.message_id) == (event.provider, event.message_id)
            if is_its_call and event.recipient in attempt.recipients:
                return replace(event, email_id=head.email_id, attempt=attempt.original_number)
    return event
