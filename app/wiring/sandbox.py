"""Puts the sandbox beside the real accounts. None of its parts has a way to a provider, to health or suppressions."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from app.delivery import sandbox
from app.delivery.attempt import MakeAttempt
from app.delivery.capacity import Capacity
from app.delivery.places import PlaceTaker
from app.delivery.ports import CollapseStore, PlaceStore, Send
from app.delivery.record import Record
from app.delivery.watching import Unwatched
from app.domain.event import ProviderEvent
from app.domain.findings import Finding
from app.domain.head import Head


def with_sandbox(
    real: MakeAttempt, record: Record, collapses: CollapseStore, places: PlaceStore, send: Send
) -> MakeAttempt:
    """The same attempts, which make those of test mail in the sandbox, by its `send`.

    What it reports is recorded as `record` does.
    """
    unwatched, uncapped = Unwatched(), PlaceTaker(places, {}, real.clock, real.wait)
    apart = replace(
        real,
        send=send,
        read_context=sandbox.ReadSandbox(collapses, real.clock),
        monitor=unwatched,
        capacity=Capacity(unwatched, uncapped),
        suppress=_suppress_nobody,
        own_lists={},
    )
    recorded = replace(
        record, events=_Kept(), monitor=unwatched, places=uncapped, suppress=_suppress_nobody, own_lists={}
    )
    return replace(
        real,
        sandbox=sandbox.AttemptInSandbox(
            make=apart.make,
            heads=real.heads,
            events=record.events,
            record=recorded.record,
            publish_later=real.publish_in_time,
            clock=real.clock,
        ),
    )


class _Kept:
    """Stores no events: the sandbox's are stored before they are recorded."""

    def put(self, events: Iterable[ProviderEvent], heads: Mapping[str, Head], now_ms: int) -> None:
        """Do nothing."""

    def keep(self, email_id: str, ttl_s: int) -> None:
        """Do nothing."""

    def of(self, email_id: str) -> list[ProviderEvent]:  # noqa: ARG002 because the protocol has it
        """None: nobody asks here."""
        return []


def _suppress_nobody(finding: Finding) -> None:
    """Do nothing: what test mail meets says nothing of an address."""
