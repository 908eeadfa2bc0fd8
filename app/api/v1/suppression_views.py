"""The shapes of the answers about suppressions. Class names are schema names in the OpenAPI document."""

from typing import Annotated

from pydantic import BaseModel, Field

from app.api.v1.views import Time
from app.domain.suppression import Reason

Note = Annotated[str | None, Field(description="the evidence; null without the scope `admin`: it may be of any email")]


class SuppressionGrounds(BaseModel):
    """One reason for which an address is suppressed, its evidence, and its time."""

    reason: Reason
    note: Note
    since: Time
    until: Time


class Suppression(BaseModel):
    """An address to which nothing is sent: the strongest reason that holds now, and the latest end of all.

    What a provider reports of a mailbox, and what names no project, stops the mail of every project; complaints and
    unsubscribes stop that of the project whose email it was.

    From the strongest on: `manual`, `complained`, `repeated_hard_bounce`, `hard_bounce`, `unsubscribed`,
    `provider_list`.
    """

    id: Annotated[str, Field(description="names the suppression in URLs, instead of the address")]
    address: str
    project: Annotated[str | None, Field(description="whose mail is stopped; null: that of every project")]
    reason: Reason
    note: Note
    since: Time
    until: Time
    reasons: Annotated[
        list[SuppressionGrounds],
        Field(description="every reason that is known, strongest first; one that has ended stays"),
    ]


class SuppressionList(BaseModel):
    """One page of suppressions, in no particular order. `after` is the cursor of the next page; null: no more."""

    suppressions: list[Suppression]
    after: str | None
