"""cancel: end the recipients of an email that are still queued."""

from dataclasses import dataclass

from app.delivery.ports import Clock, HeadStore
from app.delivery.rewrite import rewrite
from app.domain.head import Head
from app.domain.protocol import DeliveryProtocol
from app.errors import Conflict, NotFound, Unreadable


@dataclass(frozen=True)
class Cancel:
    """Cancels an email."""

    heads: HeadStore
    clock: Clock
    protocol: DeliveryProtocol

    def __call__(self, email_id: str, project: str | None) -> Head:
        """Cancel every recipient of an email of `project` (None: of any) who is still queued.

        To cancel again changes nothing.

        Once this has returned, no new call begins for any recipient: a copy that a provider has taken before may still
        arrive, but is not followed by another. Raises NotFound if there is no such email, and Conflict if no recipient
        is queued and the email was not canceled or superseded before.
        """

        def change(head: Head, _now_ms: int) -> Head | None:
            return self.protocol.cancel(head) if project in (None, head.project) else None

        try:
            head = rewrite(self.heads, self.clock, email_id, change)
        except Unreadable as unreadable:
            if unreadable.hidden_from(project):
                raise NotFound("no such email") from None
            raise
        if head is None:
            raise NotFound("no such email")
        if head.stopped is None:
            raise Conflict("too late: every recipient's email was already handed to a provider or has ended")
        return head
