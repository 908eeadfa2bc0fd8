"""The shapes of the answers about numbers. Class names are schema names in the OpenAPI document."""

from typing import Annotated

from pydantic import BaseModel, Field

from app.api.v1.views import Time


class DeliveryTimes(BaseModel):
    """The times within which half and 95 % of the deliveries were made, in ms, to 12 %. Null: none was."""

    p50: int | None
    p95: int | None


class StatisticsRow(BaseModel):
    """What recipients were told to be in one hour or day: each counts as often as its status changed."""

    first: Annotated[Time, Field(alias="from", description="when the hour or day began")]
    provider: Annotated[
        str | None,
        Field(
            description="with `group=provider`: the account of these numbers; null without it, and for what came to"
            " pass before any was called"
        ),
    ]
    accepted: Annotated[int, Field(description="recipients of new emails")]
    scheduled: int
    queued: Annotated[int, Field(description="also when a retry queued them again")]
    sent: int
    delivered: int
    bounced: int
    complained: int
    suppressed: int
    failed: int
    expired: int
    canceled: int
    failed_over: Annotated[int, Field(description="calls through another account than the one before")]
    delayed: int
    blocked: int
    opened: int
    clicked: int
    unsubscribed: int
    bounced_by_cause: dict[str, int]
    delivered_after_failover: Annotated[
        int, Field(description="of those delivered: another account had been called before")
    ]
    time_to_delivery_ms: Annotated[
        DeliveryTimes, Field(description="since the email was accepted, or since its `send_at`")
    ]


class Statistics(BaseModel):
    """Numbers by the hour or day (UTC) in which the feed recorded what it tells, the oldest first.

    An hour or day in which nothing was told has no row. What was recorded before `counted_until` is in the numbers.
    """

    first: Annotated[Time, Field(alias="from")]
    to: Time
    counted_until: Annotated[Time, Field(description="some ten seconds ago; longer under very much load")]
    rows: list[StatisticsRow]
