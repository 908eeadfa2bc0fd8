"""Puts the sandbox beside the real accounts. None of its parts has a way to a provider, to health or suppressions."""

from dataclasses import replace

from app.delivery import sandbox
from app.delivery.attempt import MakeAttempt
from app.delivery.capacity import Capacity
from app.delivery.places import PlaceTaker
from app.delivery.ports import CollapseStore, PlaceStore
from app.delivery.record import Record
from app.delivery.watching import Unwatched
from app.domain.findings import Finding


def with_sandbox(real: MakeAttempt, record: Record, collapses: CollapseStore, places: PlaceStore) -> MakeAttempt:
    """The same attempts, which make those of test mail in the sandbox. What it reports is recorded as `record` does."""
    unwatched, uncapped = Unwatched(), PlaceTaker(places, {}, real.clock, real.wait)
    apart = replace(
        real,
        send=sandbox.send,
        read_context=sandbox.ReadSandbox(collapses, real.clock),
        monitor=unwatched,
        capacity=Capacity(unwatched, uncapped),
        suppress=_suppress_nobody,
        own_lists={},
    )
    recorded = replace(record, monitor=unwatched, places=uncapped, suppress=_suppress_nobody, own_lists={})
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


def _suppress_nobody(finding: Finding) -> None:
    """Do nothing: what test mail meets says nothing of an address."""
