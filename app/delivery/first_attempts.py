"""Publishes the first attempts of emails that were just stored, and ends what they replace."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from app.delivery.ports import Clock, HeadStore
from app.delivery.queue_ports import Publish, PublishMany
from app.delivery.rewrite import publish_if_ready, publish_next_attempt, publish_those_ready
from app.domain.due import due_at_ms
from app.domain.head import Head

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FirstAttempts:
    """Publishes one email by one call, several by as few calls as the topic allows. Nothing that fails is an error."""

    heads: HeadStore
    publish: Publish
    publish_many: PublishMany
    clock: Clock

    def __call__(self, created: Sequence[Head], replaced: Sequence[str], now_ms: int) -> None:
        """Publish the emails in `created`, of which later ones replace earlier ones, and those in `replaced` (by id).

        What is replaced is canceled then, also if it was to be sent later.
        """
        for email_id in replaced:
            _try(email_id, partial(self._end, email_id, now_ms))
        if len(created) == 1:
            _try(created[0].email_id, partial(publish_if_ready, self.publish, self.clock, created[0]))
        elif created:
            outdone = _replaced_among(created)
            _try(created[0].email_id, partial(publish_those_ready, self.publish_many, self.clock, created, outdone))

    def _end(self, replaced: str, now_ms: int) -> None:
        """Publish an email that was just replaced, so that it does not sit in a round's wait."""
        earlier = self.heads.get(replaced)
        if earlier is not None and due_at_ms(earlier, now_ms) is not None:
            publish_next_attempt(self.publish, earlier)


def _replaced_among(created: Sequence[Head]) -> set[str]:
    """The ids of those that a later one of them replaces."""
    newest = {head.collapse_scope: head.email_id for head in created}
    return {one.email_id for one in created if one.collapse_scope and newest[one.collapse_scope] != one.email_id}


def _try(email_id: str, publish: Callable[[], None]) -> None:
    """Publish an email. Whatever goes wrong is left to the sweep, because the request has been accepted."""
    try:
        publish()
    except Exception as error:  # noqa: BLE001 because no fault whatever may refuse what is stored
        log.warning("not published, the sweep will", extra={"email_id": email_id, "reason": type(error).__name__})
