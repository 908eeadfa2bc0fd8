"""What a client may send about an email that was accepted before."""

from typing import Annotated

from pydantic import Field

from app.api.v1.fields import RECIPIENT_LIMIT, Time
from app.api.v1.forms import Request, accepting, list_of


class ScheduleRequest(Request):
    """Another time for a scheduled email."""

    send_at: Annotated[
        Time | None, Field(description="when it is sent; at most 30 days ahead; at once if that is over")
    ] = None
    scheduled_at: Annotated[Time | None, Field(description="the same as `send_at`, as other APIs call it")] = None


class RetryRequest(Request):
    """Whom to try again, and how."""

    recipients: Annotated[
        list[str],
        accepting(list_of(str, max_length=RECIPIENT_LIMIT)),
        Field(
            default_factory=list,
            description="their addresses; default: all who are `failed` or `expired`. Who is `bounced` or"
            " `suppressed` is tried again only if named here, once nothing suppresses the address any more",
        ),
    ]
    provider: Annotated[
        str | None, Field(description="the only account that is tried, with which the email need not have been sent")
    ] = None
    allow_second_copy: Annotated[
        bool,
        Field(
            description="try also who may have got the email, because nobody knows what became of a call; never with"
            " `on_uncertain: fail`"
        ),
    ] = False
