"""The calls about what endpoints were told: the log of deliveries, a test, and a replay."""

import logging
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from app.api.auth import EndpointManager, Parts, Reader, short_id
from app.api.body import JsonBody
from app.api.openapi import LOCATION, answer, body_errors, errors, json_request, refusals
from app.api.threads import Route
from app.api.v1 import endpoint_views as views
from app.api.v1 import notify_examples, queries
from app.api.v1.endpoints import BAD_PROJECT, NO_KEY, Chosen, EndpointId, Owner, ProjectName, find
from app.api.v1.events import position_of
from app.api.v1.queries import BAD_CURSOR
from app.api.v1.validation import read_request
from app.errors import Invalid
from app.notify.endpoints import UNKNOWN
from app.notify.feed import Filter as Wanted
from app.notify.replay import DISABLED, HAS_NO_URL

logger = logging.getLogger(__name__)
router = APIRouter(route_class=Route, tags=["endpoints"])


class Filter(Owner):
    """Which tries to list."""

    failed: Annotated[bool, Field(description="only those that the endpoint did not take")] = False
    project: ProjectName = None
    after: queries.Cursor = None
    limit: queries.Limit = 100


@router.get(
    "/v1/webhook-endpoints/{endpoint_id}/deliveries",
    dependencies=[queries.checked(Filter)],
    responses=answer(notify_examples.DELIVERIES) | refusals("read") | errors(UNKNOWN, BAD_CURSOR),
)
def list_webhook_deliveries(
    endpoint_id: EndpointId, chosen: Annotated[Filter, Query()], key: Reader, parts: Parts
) -> views.WebhookDeliveryList:
    """List the tries to tell an endpoint, newest first, for seven days.

    A page may hold fewer than `limit` although a next page exists.
    """
    endpoint = find(endpoint_id, chosen, key, parts)
    position = position_of(chosen.after)
    try:
        found, after = parts.notify().deliveries(endpoint, position, chosen.limit, only_failed=chosen.failed)
    except ValueError:
        raise BAD_CURSOR from None
    return views.WebhookDeliveryList(
        deliveries=[views.write_delivery(one) for one in found], after=after and queries.encode(after)
    )


@router.post(
    "/v1/webhook-endpoints/{endpoint_id}/test",
    status_code=202,
    dependencies=[queries.checked(Owner), NO_KEY],
    responses=answer(notify_examples.TESTED, 202, description="On its way", headers=LOCATION)
    | refusals("send")
    | errors(UNKNOWN, HAS_NO_URL, BAD_PROJECT),
)
def test_webhook_endpoint(
    request: Request, response: Response, endpoint_id: EndpointId, chosen: Chosen, key: EndpointManager, parts: Parts
) -> views.WebhookTest:
    """Send a webhook of the type `webhook.test` to an endpoint, the way of all others, whatever types it wants.

    It is sent to a disabled one, too. What came of it is among the deliveries some seconds later.
    """
    endpoint = find(endpoint_id, chosen, key, parts)
    event_id = parts.notify().send_test(endpoint)
    response.headers["Location"] = f"{request.scope['root_path']}/v1/webhook-endpoints/{endpoint.id}/deliveries"
    return views.WebhookTest(event_id=event_id)


@router.post(
    "/v1/webhook-endpoints/{endpoint_id}/replay",
    dependencies=[queries.checked(Owner), NO_KEY],
    responses=answer(notify_examples.REPLAYED)
    | refusals("send")
    | body_errors(Invalid(("from", "is required, unless there is an event_id")))
    | errors(UNKNOWN, DISABLED),
    openapi_extra=json_request(
        views.WebhookReplayRequest,
        {
            "range": ("what was recorded within an hour", notify_examples.TO_REPLAY),
            "one": ("one event", notify_examples.TO_REPLAY_ONE),
        },
    ),
)
def replay_webhooks(
    endpoint_id: EndpointId, chosen: Chosen, key: EndpointManager, body: JsonBody, parts: Parts
) -> views.WebhookReplay:
    """Send events of the last 30 days to an endpoint again, with the same ids.

    At most 1,000 a call: send the same with the `after` of the answer, until that is null. What the endpoint does not
    want is left out, and so is what was recorded within the last ten seconds.
    """
    wanted = read_request(views.WebhookReplayRequest, body)
    if wanted.first is None and wanted.event_id is None:
        raise Invalid(("from", "is required, unless there is an event_id"))
    if wanted.first is not None and wanted.to is not None and wanted.to <= wanted.first:
        raise Invalid(("to", "must be later than from"))
    endpoint = find(endpoint_id, chosen, key, parts)
    chosen_ones = Wanted(wanted.types, email_id=wanted.email_id or "", event_id=wanted.event_id or "")
    try:
        done = parts.notify().replay(endpoint, chosen_ones, wanted.first, wanted.to, position_of(wanted.after))
    except ValueError:
        raise BAD_CURSOR from None
    about = {"endpoint_id": endpoint.id, "count": done.count, "key_id": short_id(key)}
    logger.warning("events replayed", extra=about)
    return views.WebhookReplay(replayed=done.count, after=done.after and queries.encode(done.after))
