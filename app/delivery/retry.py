"""retry: try those recipients anew whom an email did not reach."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from app.delivery.keep import Keep
from app.delivery.ports import Clock, CollapseStore, ContentStore, HeadStore, SuppressionLookup
from app.delivery.queue_ports import Publish
from app.delivery.reschedule import owned
from app.delivery.rewrite import publish_if_ready, rewrite
from app.domain import sandbox
from app.domain.eligibility import named_fault
from app.domain.head import Head
from app.domain.protocol import CONTENT_LOST, DeliveryProtocol
from app.domain.retry import Again
from app.domain.schedule import REPLACED
from app.errors import Conflict, Invalid, NotFound


def _anybody(_: Head) -> None:
    """Everybody may retry every email."""


@dataclass(frozen=True)
class Retry:
    """Retries emails. `accounts` are the configured ones."""

    heads: HeadStore
    contents: ContentStore
    collapses: CollapseStore
    suppressions: SuppressionLookup
    keep: Keep
    publish: Publish
    clock: Clock
    protocol: DeliveryProtocol
    retry_for_s: int
    accounts: Collection[str]

    def __call__(
        self, email_id: str, project: str | None, again: Again, check: Callable[[Head], None] = _anybody
    ) -> Head:
        """Queue recipients of an email of `project` (None: of any) anew, by one conditional write, and publish it.

        `check` raises if the caller may not send this email. Raises NotFound if there is no such email, Conflict if it
        may not be retried, Invalid if the request names nobody whom the email has, or no configured account.
        """
        now_ms = int(self.clock() * 1000)
        head = owned(self.heads, email_id, project)
        check(head)
        if again.through and (fault := named_fault(again.through, self.accounts, head.project)):
            raise Invalid(("provider", fault))
        suppressed = (
            sandbox.suppressed(head.recipients, now_ms)
            if head.sandbox
            else self.suppressions.among(head.recipients, now_ms, head.project)
        ).keys()

        def change(head: Head, _now_ms: int) -> Head:
            return self.protocol.retry(head, again, suppressed, now_ms, self.retry_for_s)

        begun = change(head, now_ms)
        if head.collapse_scope and self.collapses.newest(head.collapse_scope) not in (None, email_id):
            raise Conflict(REPLACED)
        if self.contents.open(email_id)[1]() is None:
            raise Conflict(f"{CONTENT_LOST}; send a new one")
        self.keep(head, begun, now_ms)
        written = rewrite(self.heads, self.clock, email_id, change, known=head)
        if written is None:
            raise NotFound("no such email")
        publish_if_ready(self.publish, self.clock, written)
        return written
