"""The calls about endpoints: registered, read, changed, given another secret, and deleted."""

import logging
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from app.api.auth import EndpointManager, Parts, Reader, is_operator, project_of, short_id
from app.api.body import JsonBody
from app.api.openapi import LOCATION, answer, body_errors, errors, json_request, nothing, refusals
from app.api.threads import Route
from app.api.v1 import endpoint_views as views
from app.api.v1 import idempotency, notify_examples, queries
from app.api.v1.events import seen
from app.api.v1.queries import BAD_CURSOR
from app.api.v1.validation import read_request
from app.domain.endpoint import Endpoint
from app.domain.project import plain
from app.errors import Invalid
from app.notify.endpoints import FULL, NOT_DEFAULT, UNKNOWN, Edit
from app.notify.feed import Seen
from app.notify.notification import DEFAULT_ENDPOINT
from app.store.api_keys import ApiKey
from app.wiring.parts import Container

logger = logging.getLogger(__name__)
router = APIRouter(route_class=Route, tags=["endpoints"])
# The calls on one endpoint come last, so that who tries all in their order deletes it behind all else.
one = APIRouter(route_class=Route, tags=["endpoints"])

REFUSED: Final = "is for POST /v1/emails; leave it out"
NO_KEY: Final = Depends(idempotency.refused(REFUSED))
_NO_KEY: Final = Depends(
    idempotency.refused(
        f"{REFUSED}: if the answer is lost, the endpoint is in the list, and rotate-secret shows a secret"
    )
)
_BAD_URL: Final = Invalid(("url", "must begin with https://"))
BAD_PROJECT: Final = Invalid(("project", "is not the name of a project: 1 to 40 of a-z, 0-9 and -"))
_IDS: Final = "ep_[a-z2-7]{26}"

EndpointId = Annotated[
    str,
    Path(
        description="the `id` of the endpoint; `default` is the one that stands for the `webhook_url` of emails",
        examples=[notify_examples.ENDPOINT["id"]],
    ),
]
ProjectName = Annotated[
    queries.Project | None,
    queries.OrNone,
    Field(description="only of this project; for `admin`, whose `default` is otherwise that of the key's project"),
]


class Filter(queries.Query):
    """Which endpoints to list."""

    project: Annotated[
        queries.Project | None, queries.OrNone, Field(description="only of this project; for `admin`")
    ] = None
    after: queries.Cursor = None
    limit: queries.Limit = 100


class Owner(queries.Query):
    """Whose endpoint it is."""

    project: ProjectName = None


Chosen = Annotated[Owner, Query()]


@router.post(
    "/v1/webhook-endpoints",
    status_code=201,
    dependencies=[_NO_KEY],
    responses=answer(notify_examples.CREATED_ENDPOINT, 201, description="Created", headers=LOCATION)
    | refusals("send")
    | body_errors(_BAD_URL)
    | errors(FULL),
    openapi_extra=json_request(
        views.WebhookEndpointRequest,
        {
            "local": ("a receiver on this machine, with `make run`", notify_examples.TO_CREATE_LOCAL),
            "deployed": ("a receiver of a project", notify_examples.TO_CREATE),
        },
    ),
)
def create_webhook_endpoint(
    request: Request, response: Response, key: EndpointManager, body: JsonBody, parts: Parts
) -> views.CreatedWebhookEndpoint:
    """Register a URL that is told what becomes of a project's emails. Its secret is in this answer only.

    It is told of what happens ten seconds later and after that. Its host is looked up now: an address that is not of
    the public internet is refused, now and at each webhook. A key with `send` and `read` registers endpoints of its
    project, a test key those of its test mail.
    """
    wanted = read_request(views.WebhookEndpointRequest, body)
    named = project_of(key, wanted.project)
    project = named if named is not None else key.project
    made, secret = parts.notify().endpoints.create(project, wanted.url, wanted.types, wanted.description)
    _log("endpoint created", made, key)
    response.headers["Location"] = f"{request.scope['root_path']}/v1/webhook-endpoints/{made.id}"
    return views.CreatedWebhookEndpoint(**_fields(made, parts), secret=secret)


@router.get(
    "/v1/webhook-endpoints",
    dependencies=[queries.checked(Filter)],
    responses=answer(notify_examples.ENDPOINTS) | refusals("read") | errors(BAD_CURSOR),
)
def list_webhook_endpoints(chosen: Annotated[Filter, Query()], key: Reader, parts: Parts) -> views.WebhookEndpointList:
    """List the endpoints of the key's project, newest first; with the scope `admin`, those of all projects.

    `default`, which stands for the `webhook_url` of emails, is not among them.
    """
    known = parts.notify().endpoints.all(seen(key, chosen.project))
    page, after = queries.newest_first(known, chosen.after, chosen.limit, _IDS)
    shown = [views.WebhookEndpoint(**_fields(one, parts)) for one in page]
    return views.WebhookEndpointList(endpoints=shown, after=after)


@router.post(
    "/v1/webhook-endpoints/{endpoint_id}/rotate-secret",
    dependencies=[queries.checked(Owner), NO_KEY],
    responses=answer(notify_examples.ROTATED) | refusals("send") | errors(UNKNOWN, BAD_PROJECT),
)
def rotate_webhook_secret(
    endpoint_id: EndpointId, chosen: Chosen, key: EndpointManager, parts: Parts
) -> views.RotatedWebhookEndpoint:
    """Give an endpoint another secret, which is in this answer only. The one before signs for 24 hours more.

    Until then each webhook has a signature of either, so that none is lost while the receiver changes over. The
    endpoint `default` gets its first known secret so. If the answer was lost, rotate again.
    """
    changed, secret = parts.notify().endpoints.rotate(where(endpoint_id, chosen, key), endpoint_id)
    _log("endpoint's secret rotated", changed, key)
    return views.RotatedWebhookEndpoint(**_fields(changed, parts), secret=secret)


@one.get(
    "/v1/webhook-endpoints/{endpoint_id}",
    dependencies=[queries.checked(Owner)],
    responses=answer(notify_examples.ENDPOINT) | refusals("read") | errors(UNKNOWN, BAD_PROJECT),
)
def get_webhook_endpoint(endpoint_id: EndpointId, chosen: Chosen, key: Reader, parts: Parts) -> views.WebhookEndpoint:
    """Read one endpoint, without its secret."""
    return views.WebhookEndpoint(**_fields(find(endpoint_id, chosen, key, parts), parts))


@one.patch(
    "/v1/webhook-endpoints/{endpoint_id}",
    dependencies=[queries.checked(Owner)],
    responses=answer(notify_examples.ENDPOINT)
    | refusals("send")
    | body_errors(_BAD_URL)
    | errors(UNKNOWN, NOT_DEFAULT),
    openapi_extra=json_request(
        views.WebhookEndpointChangeRequest, {"example": ("call it again, for these", notify_examples.TO_CHANGE)}
    ),
)
def change_webhook_endpoint(
    endpoint_id: EndpointId, chosen: Chosen, key: EndpointManager, body: JsonBody, parts: Parts
) -> views.WebhookEndpoint:
    """Change an endpoint: its URL, what it is told, and whether it is called. It is in force ten seconds later.

    What is not named stays as it is, whoever changes that meanwhile.
    """
    wanted = read_request(views.WebhookEndpointChangeRequest, body)
    edit = Edit(wanted.url, wanted.types, wanted.description, wanted.disabled)
    if edit == Edit():
        raise Invalid(("body", "names nothing to change: url, types, description or disabled"))
    changed = parts.notify().endpoints.change(where(endpoint_id, chosen, key), endpoint_id, edit)
    _log("endpoint changed", changed, key)
    return views.WebhookEndpoint(**_fields(changed, parts))


@one.delete(
    "/v1/webhook-endpoints/{endpoint_id}",
    status_code=204,
    dependencies=[queries.checked(Owner)],
    responses=nothing(204, "Deleted") | refusals("send") | errors(UNKNOWN, NOT_DEFAULT, BAD_PROJECT),
)
def delete_webhook_endpoint(endpoint_id: EndpointId, chosen: Chosen, key: EndpointManager, parts: Parts) -> None:
    """Delete an endpoint. What waits to be told to it is not told any more."""
    parts.notify().endpoints.delete(where(endpoint_id, chosen, key), endpoint_id)
    logger.warning("endpoint deleted", extra={"endpoint_id": endpoint_id, "key_id": short_id(key)})


def find(endpoint_id: str, chosen: Owner, key: ApiKey, parts: Container) -> Endpoint:
    """The endpoint that a caller names. Raises NotFound."""
    return parts.notify().endpoints.get(where(endpoint_id, chosen, key), endpoint_id)


def where(endpoint_id: str, chosen: Owner, key: ApiKey) -> Seen:
    """The projects in which a caller's endpoint is: `default` is of one, also for who sees all."""
    if endpoint_id == DEFAULT_ENDPOINT and is_operator(key):
        return Seen(chosen.project or key.project)
    return seen(key, chosen.project)


def _log(message: str, endpoint: Endpoint, key: ApiKey) -> None:
    about = {"endpoint_id": endpoint.id, "project": plain(endpoint.project), "key_id": short_id(key)}
    logger.warning(message, extra=about)


def _fields(endpoint: Endpoint, parts: Container) -> dict[str, Any]:
    return views.fields(endpoint, int(parts.clock() * 1000))
