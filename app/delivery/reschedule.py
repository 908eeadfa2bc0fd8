"""reschedule: move the `send_at` of an email that waits for it."""

from dataclasses import dataclass

from app.delivery.keep import Keep
from app.delivery.ports import Clock, CollapseStore, HeadStore
from app.delivery.queue_ports import Publish
from app.delivery.rewrite import publish_if_ready, rewrite
from app.domain.head import Head
from app.domain.protocol import DeliveryProtocol
from app.domain.schedule import REPLACED
from app.errors import Conflict, NotFound, Unreadable


@dataclass(frozen=True)
class Reschedule:
    """Moves a scheduled email."""

    heads: HeadStore
    collapses: CollapseStore
    keep: Keep
    publish: Publish
    clock: Clock
    protocol: DeliveryProtocol
    retry_for_s: int

    def __call__(self, email_id: str, project: str | None, send_at_ms: int) -> Head:
        """Send an email of `project` (None: of any) at another time; at once if that is over.

        To ask for the time that it has changes nothing. The start of the email and this are two conditional writes of
        one head, so it is sent once: at the time that the head has when a worker claims it. Raises NotFound if there is
        no such email, Conflict if it is not scheduled any more, Invalid if it would have expired by then.
        """
        now_ms = int(self.clock() * 1000)

        def change(head: Head, _now_ms: int) -> Head:
            return self.protocol.reschedule(head, send_at_ms, now_ms, self.retry_for_s)

        head = owned(self.heads, email_id, project)
        moved = change(head, now_ms)
        if moved == head:
            return head
        if head.collapse_scope and self.collapses.newest(head.collapse_scope) not in (None, email_id):
            raise Conflict(REPLACED)
        self.keep(head, moved, now_ms)
        written = rewrite(self.heads, self.clock, email_id, change, known=head)
        if written is None:
            raise NotFound("no such email")
        publish_if_ready(self.publish, self.clock, written)
        return written


def owned(heads: HeadStore, email_id: str, project: str | None) -> Head:
    """The head of an email of `project` (None: of any). Raises NotFound if there is no such email."""
    try:
        head = heads.get(email_id)
    except Unreadable as unreadable:
        if unreadable.hidden_from(project):
            raise NotFound("no such email") from None
        raise
    if head is None or project not in (None, head.project):
        raise NotFound("no such email")
    return head
