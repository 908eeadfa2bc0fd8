"""cancel: end the recipients of an email that are still queued."""

from dataclasses import dataclass

from app.delivery.ports import Clock, HeadStore
from app.delivery.rewrite import rewrite
from app.domain.head import Head, Status
from app.domain.protocol import DeliveryProtocol
from app.errors import Conflict, NotFound


@dataclass(frozen=True)
class Cancel:
    """Cancels an email."""

    heads: HeadStore
    clock: Clock
    protocol: DeliveryProtocol

    def __call__(self, email_id: str) -> Head:
        """Cancel every recipient that is still queued. To cancel again changes nothing.

        Raises NotFound if there is no such email, and Conflict if no recipient is queued or canceled.
        """
        head = rewrite(self.heads, self.clock, email_id, lambda head, _now_ms: self.protocol.cancel(head))
        if head is None:
            raise NotFound("no such email")
        if all(recipient.status is not Status.CANCELED for recipient in head.recipients.values()):
            raise Conflict("too late: every recipient's email was already handed to a provider or has ended")
        return head
