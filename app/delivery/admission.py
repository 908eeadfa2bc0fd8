"""What limits say before emails are stored: the runaway guard of their key, then the cap of their project."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from botocore.exceptions import BotoCoreError
from pynamodb.exceptions import PynamoDBException

from app.delivery.drafts import Draft, answer_together, open_ones
from app.delivery.guard import RunawayGuard
from app.delivery.project_caps import ProjectCaps
from app.faults import log_fault

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Admission:
    """Both limits, each of which may be switched off. What is off costs nothing."""

    guard: RunawayGuard | None = None
    caps: ProjectCaps | None = None

    def __call__(self, drafts: Sequence[Draft], key_id: str) -> None:
        """Answer those of these drafts, of one project, that must wait."""
        if self.guard is not None and key_id and drafts:
            answer_together(drafts, partial(self.guard, [draft.head for draft in drafts], key_id))
        left = open_ones(drafts)
        if self.caps is None or not left:
            return
        answer_together(left, partial(self.caps.take, [draft.head for draft in left]))

    def give_back(self, drafts: Sequence[Draft]) -> None:
        """Give back the places of drafts that were surely not stored. If that fails, the day has fewer of them."""
        if self.caps is None or not drafts:
            return
        try:
            self.caps.give_back([draft.head for draft in drafts])
        except (PynamoDBException, BotoCoreError) as error:
            log_fault(log, "places not given back", error, logging.WARNING)


UNLIMITED = Admission()
