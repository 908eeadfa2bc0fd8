"""The shapes of the requests and answers about endpoints. Class names are schema names in the OpenAPI document."""

from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints

from app.api import times
from app.api.v1.fields import OneLine, Project, Time
from app.api.v1.forms import Request, accepting, list_of
from app.api.v1.views import Time as ShownTime
from app.domain.change_types import ChangeType
from app.domain.endpoint import Disabled, Endpoint, old_secret_until_ms
from app.domain.project import is_of_test_keys, plain
from app.domain.tried import Tried
from app.notify.read_deliveries import is_taken

MOST_CHARACTERS = 2_000  # of a URL, as `app.outgoing.targets` has it: that is loaded for the first one only
_WHERE = (
    "where webhooks are posted: https, a public host, port 443 or 1024 and above; with `make run` also http://localhost"
)

_Url = Annotated[str, StringConstraints(min_length=1, max_length=MOST_CHARACTERS)]
_Types = Annotated[
    list[ChangeType], accepting(list_of(Annotated[ChangeType, Field(strict=False)], max_length=len(ChangeType)))
]
_Description = Annotated[str, StringConstraints(max_length=200), OneLine]


class WebhookEndpointRequest(Request):
    """A new endpoint."""

    url: Annotated[_Url, Field(description=_WHERE)]
    types: Annotated[_Types, Field(default_factory=list, description="the types of events that it is told; none: all")]
    description: Annotated[_Description, Field(description="what it is for")] = ""
    project: Annotated[
        Project | None, Field(description="of whose emails it is told; default: the key's; another one for `admin`")
    ] = None


class WebhookEndpointChangeRequest(Request):
    """What is to be changed about an endpoint. What is left out stays."""

    url: Annotated[_Url | None, Field(description=_WHERE)] = None
    types: Annotated[
        _Types | None, Field(description="the types of events that it is told from now on; an empty list: all")
    ] = None
    description: Annotated[_Description | None, Field(description="what it is for")] = None
    disabled: Annotated[
        bool | None,
        Field(description="true: it is not called any more; false: it is called again, and its failures are forgotten"),
    ] = None


class WebhookReplayRequest(Request):
    """Which events to send to an endpoint again: a range of time, or one event."""

    first: Annotated[
        Time | None, Field(alias="from", description="what was recorded then or later; needed without an `event_id`")
    ] = None
    to: Annotated[Time | None, Field(description="what was recorded before that; default: now")] = None
    event_id: Annotated[
        str | None,
        StringConstraints(max_length=64),
        Field(description="only this event; with `from`, it is found sooner"),
    ] = None
    email_id: Annotated[str | None, StringConstraints(max_length=64), Field(description="only of this email")] = None
    types: Annotated[
        _Types, Field(default_factory=list, description="only these types; none: all that the endpoint wants")
    ]
    after: Annotated[
        str | None,
        StringConstraints(max_length=600),
        Field(description="the `after` of the previous answer, with all else as it was"),
    ] = None


class WebhookEndpoint(BaseModel):
    """An endpoint, without its secret.

    `disabled_because`: `by_user`; `gone`, it has answered 410; `failing`, for five days. `failing_since` is null if the
    last webhook was taken. `old_secret_until` is until when the secret before the last rotation signs as well.
    """

    id: str
    project: str
    test: Annotated[bool, Field(description="it is told of what the project's test keys send")]
    url: Annotated[str, Field(description='"" for `default`')]
    types: Annotated[list[ChangeType], Field(description="the types of events that it is told; none: all")]
    description: str
    disabled: bool
    disabled_because: Disabled | None
    disabled_at: ShownTime | None
    failing_since: ShownTime | None
    created_at: Annotated[ShownTime | None, Field(description="null for `default` while its first secret is in use")]
    old_secret_until: ShownTime | None


class CreatedWebhookEndpoint(WebhookEndpoint):
    """A new endpoint. `secret` is in this answer only: it is stored nowhere."""

    secret: Annotated[str, Field(description="what its webhooks are verified with")]


class RotatedWebhookEndpoint(WebhookEndpoint):
    """An endpoint with another secret, which is in this answer only. The one before signs until `old_secret_until`."""

    secret: Annotated[str, Field(description="what its webhooks are verified with from now on")]


class WebhookEndpointList(BaseModel):
    """One page of endpoints, newest first. `after` is the cursor of the next page; null: there are no more."""

    endpoints: list[WebhookEndpoint]
    after: str | None


class WebhookDelivery(BaseModel):
    """One try to tell an endpoint of one event.

    `status_code` is null if nothing was answered, and `fault` then says why; `reply` begins what was answered by an
    endpoint that did not take it. `next_try_at` is null if it was delivered, or is not tried again.
    """

    event_id: str
    type: str
    email_id: Annotated[str | None, Field(description="null for a test")]
    at: ShownTime
    try_number: int
    delivered: bool
    status_code: int | None
    fault: str | None
    reply: str | None
    duration_ms: int
    next_try_at: ShownTime | None


class WebhookDeliveryList(BaseModel):
    """One page of tries, newest first. `after` is the cursor of the next page; null: there are no more."""

    deliveries: list[WebhookDelivery]
    after: str | None


class WebhookTest(BaseModel):
    """The test that is on its way."""

    event_id: Annotated[str, Field(description="the test's `webhook-id`; the deliveries have it some seconds later")]


class WebhookReplay(BaseModel):
    """How many events were queued for the endpoint. `after` goes on with the others; null: there are no more."""

    replayed: int
    after: str | None


def fields(endpoint: Endpoint, now_ms: int) -> dict[str, Any]:
    """What is shown of an endpoint."""
    return {
        "id": endpoint.id,
        "project": plain(endpoint.project),
        "test": is_of_test_keys(endpoint.project),
        "url": endpoint.url,
        "types": list(endpoint.types),
        "description": endpoint.description,
        "disabled": endpoint.disabled is not None,
        "disabled_because": endpoint.disabled,
        "disabled_at": times.write_optional(endpoint.disabled_at_ms),
        "failing_since": times.write_optional(endpoint.failing_since_ms),
        "created_at": times.write_optional(endpoint.created_at_ms or None),
        "old_secret_until": times.write_optional(old_secret_until_ms(endpoint, now_ms)),
    }


def write_delivery(tried: Tried) -> WebhookDelivery:
    """A try as it is shown."""
    return WebhookDelivery(
        event_id=tried.event_id,
        type=tried.type,
        email_id=tried.email_id or None,
        at=times.write(tried.at_ms),
        try_number=tried.number,
        delivered=is_taken(tried),
        status_code=tried.status_code,
        fault=tried.fault or None,
        reply=tried.reply or None,
        duration_ms=tried.duration_ms,
        next_try_at=times.write_optional(tried.next_try_ms),
    )
