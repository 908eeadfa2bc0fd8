"""Who watches the calls: the monitor of the providers' health, or, for test mail, nobody."""

from typing import Protocol

from app.domain.counts import Sums
from app.domain.event import ProviderEvent
from app.domain.outcome import Outcome


class Watches(Protocol):
    """What the use cases tell of their calls, and ask before them. `app.delivery.monitor` says what each means."""

    def is_paused(self, provider: str) -> bool:
        """Whether an operator has paused the provider."""

    def lease_probe(self, provider: str) -> bool:
        """Take the single probe of an open breaker."""

    def end_probe(self, provider: str) -> None:
        """Give back the probe, because no call is made."""

    def record_call(
        self,
        provider: str,
        outcome: Outcome,
        recipients: int,
        began_at_ms: int | None = None,
        *,
        duration_ms: int = 0,
    ) -> None:
        """Count a call that has ended."""

    def record_drop(self, event: ProviderEvent) -> None:
        """Write at once what a drop says of the account."""

    def count(self, provider: str, at_ms: int, sums: Sums) -> None:
        """Add to the counts of the minute of `at_ms`."""

    def flush(self) -> None:
        """Write the counts if a flush is due."""


class Unwatched:
    """Counts nothing and keeps nothing: what test mail meets says nothing of any provider's health."""

    def is_paused(self, provider: str) -> bool:  # noqa: ARG002 because the protocol has it
        """Nobody can pause the sandbox."""
        return False

    def lease_probe(self, provider: str) -> bool:  # noqa: ARG002 because the protocol has it
        """The sandbox has no breaker."""
        return True

    def end_probe(self, provider: str) -> None:
        """Do nothing."""

    def record_call(
        self,
        provider: str,
        outcome: Outcome,
        recipients: int,
        began_at_ms: int | None = None,
        *,
        duration_ms: int = 0,
    ) -> None:
        """Do nothing."""

    def record_drop(self, event: ProviderEvent) -> None:
        """Do nothing."""

    def count(self, provider: str, at_ms: int, sums: Sums) -> None:
        """Do nothing."""

    def flush(self) -> None:
        """Do nothing."""
