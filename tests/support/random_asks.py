"""What else is asked for in a random run: another time, retries, and an end of a provider's reports."""

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from app.domain.head import Head, Status
from app.domain.health import Health
from app.domain.retry import REFUSALS, UNDER_WAY, Again
from app.domain.unknown_calls import unknown_calls

if TYPE_CHECKING:
    from tests.support.random_run import FaultPoint, RandomRun


class Asks:
    """The steps of one run, and what follows for its guarantees.

    `scheduled` are the emails that were seen waiting for their time, `passed` the calls of unknown outcome that there
    were when a recipient was retried, which do not count any more.
    """

    def __init__(self, run: "RandomRun") -> None:
        self.run = run
        self.scheduled: set[str] = set()
        self.passed: dict[tuple[str, str], set[int]] = defaultdict(set)
        self.moves = self.retries = 0

    def move(self, number: int, seconds: float, point: "FaultPoint" = None) -> None:
        """Send an email at another time, if it is scheduled still."""
        if self.scheduled:
            email_id = sorted(self.scheduled)[number % len(self.scheduled)]
            at_ms = self.run.clock.now_ms + int(seconds * 1000)
            before = self.run.harness.head(email_id)
            self.run.attempt_to(point, self.run.harness.reschedule, email_id, None, at_ms)
            self.moves += self.run.harness.head(email_id).version > before.version

    def retry(self, number: int, through: str, *, allows: bool, point: "FaultPoint" = None) -> None:
        """Retry an email: all whom it did not reach, those who bounced as well."""
        heads = [head for head in self.run.heads(self.run.requests.promised) if has_ended(head)]
        if not heads:
            return
        before = heads[number % len(heads)]
        email_id = before.email_id
        keys = tuple(key for key, one in before.recipients.items() if not REFUSALS[one.status])
        self.run.attempt_to(point, self.run.harness.retry, email_id, None, Again(keys, through, allows))
        if self.run.harness.head(email_id).version > before.version:
            self.retries += 1
            for key in keys:
                self.passed[email_id, key] |= set(unknown_calls(before.recipients[key], before.attempts))

    def silence(self, provider: str, *, silent: bool) -> None:
        def change(health: Health) -> Health:
            return health if health.silent is silent else replace(health, silent=silent)

        self.run.harness.another_monitor().update(provider, change)

    def see(self, head: Head) -> None:
        """Check that a sweep finds an email that is scheduled at its time."""
        if any(recipient.status is Status.SCHEDULED for recipient in head.recipients.values()):
            self.scheduled.add(head.email_id)
            assert head.due_entry_ms == head.send_at_ms, "scheduled, and no sweep starts it at its time"


def has_ended(head: Head) -> bool:
    """Whether nobody is tried any more, and there is somebody who might be retried."""
    statuses = {recipient.status for recipient in head.recipients.values()}
    return not statuses & {*UNDER_WAY} and any(not REFUSALS[status] for status in statuses)
