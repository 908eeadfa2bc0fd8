"""The call that sends many emails."""

import logging
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.api import body as bodies
from app.api import rates
from app.api.auth import Parts, Sender, forbidden, short_id
from app.api.body import JsonBody
from app.api.openapi import answer, body_errors, errors, json_request, refusals
from app.api.problems import SHOWN_ERRORS, TYPE_PREFIX, as_problem, path
from app.api.threads import Route
from app.api.v1 import batch_views, examples, idempotency, stories, validation
from app.api.v1.lanes import lane_of
from app.api.v1.schemas import BatchEmailRequest
from app.api.v1.sending import TOO_MANY
from app.api.v1.webhook_urls import WebhookUrls
from app.api.views import FieldFault
from app.delivery.drafts import Accepted, Requested
from app.domain.lane import Lane
from app.errors import Conflict, Forbidden, Invalid, Problem
from app.store.api_keys import ApiKey
from app.wiring.parts import Container

logger = logging.getLogger(__name__)
router = APIRouter(route_class=Route, tags=["emails"])

MOST = 100  # emails of one batch
_NO_KEY = "one key cannot name several emails; give each an `idempotency_key` of its own"
_SHAPE = Invalid(("body", f"must be a list of 1 to {MOST} emails"))
_FOR_GOOD = (Invalid, Conflict, Forbidden)  # the same email would be refused again

Answer = Accepted | Exception


@router.post(
    "/v1/emails/batch",
    dependencies=[Depends(idempotency.refused(_NO_KEY))],
    response_model=batch_views.EmailBatch,
    responses=answer(examples.BATCH_ANSWER, headers=rates.HEADERS)
    | refusals("send")
    | body_errors(_SHAPE)
    | errors(TOO_MANY),
    openapi_extra=json_request(
        BatchEmailRequest, {"batch": ("two emails, each of which is stored once", examples.BATCH)}, MOST
    ),
)
def send_batch(request: Request, key: Sender, body: JsonBody, parts: Parts) -> Response:
    """Accept up to 100 emails at once. Each is accepted or refused by itself, and has its place in the answer.

    What has an `id` in the answer is stored and queued. If not one could be accepted, and for reasons that pass, the
    whole call is a 503 or a 429, as that of a single email is.
    """
    answers: dict[int, Answer] = {}
    wanted: dict[int, Requested] = {}
    values, broken = _split(body)
    rates.take(request, parts, key, len(values))
    for index, one in enumerate(_read(values, broken, key, parts)):
        if isinstance(one, Requested):
            wanted[index] = one
        else:
            answers[index] = one
    answers |= zip(
        wanted, parts.accept.together(list(wanted.values()), project=key.project, sender=key.id), strict=True
    )
    in_order = [answers[index] for index in sorted(answers)]
    if all(isinstance(one, Exception) and not isinstance(one, _FOR_GOOD) for one in in_order):
        raise next(one for one in in_order if isinstance(one, Exception))
    data = [_write(one, request, key, parts.settings.providers) for one in in_order]
    return Response(batch_views.EmailBatch(data=data).model_dump_json(by_alias=True), 200, {}, "application/json")


def _split(body: bytes) -> tuple[list[Any], list[bodies.Location]]:
    """What the batch holds, and the locations of what is not Unicode. Raises Malformed and Invalid."""
    values, broken = bodies.parse_with_locations(body)
    if not isinstance(values, list) or not 1 <= len(values) <= MOST:
        found = f"{len(values)} entries" if isinstance(values, list) else "none"
        raise Invalid(("body", f"must be a list of 1 to {MOST} emails, and is {found}"))
    return values, broken


def _read(
    values: list[Any], broken: list[bodies.Location], key: ApiKey, parts: Container
) -> Iterator[Requested | Problem]:
    """Each email of the batch, or why it is none."""
    now_ms, urls = int(parts.clock() * 1000), WebhookUrls.of(parts)
    faults: dict[int, list[tuple[str, str]]] = {}
    for number, *within in broken:
        faults.setdefault(int(number), []).append((path(within), bodies.NOT_UNICODE))
    for number, value in enumerate(values):
        try:
            if number in faults:
                raise Invalid(*faults[number])
            wanted, email = validation.check(BatchEmailRequest, value, now_ms, urls)
            if refused := list(forbidden(key, email)):
                raise _Refused(*refused)
            yield Requested(email, wanted.idempotency_key, lane_of(key, email, Lane.BULK))
        except Problem as problem:
            yield problem


class _Refused(Forbidden):
    """The key may not send this email. `errors` are pairs of field and reason."""

    def __init__(self, *errors: tuple[str, str]) -> None:
        super().__init__("; ".join(why for _, why in errors))
        self.errors = errors


def _write(one: Answer, request: Request, key: ApiKey, configured: tuple[str, ...]) -> Any:
    if isinstance(one, Accepted):
        if one.head.override_suppression and not one.replayed:
            logger.warning("suppression overridden", extra={"email_id": one.head.email_id, "key_id": short_id(key)})
        summary = stories.summarize_accepted(one.head, configured).model_dump(by_alias=True)
        return batch_views.BatchEmail.model_validate(summary | {"replayed": one.replayed})
    problem = as_problem(one, request)
    errors = [FieldFault(field=field, message=message) for field, message in _errors(problem)]
    return batch_views.BatchRefusal(type=TYPE_PREFIX + problem.type, errors=errors[:SHOWN_ERRORS])


def _errors(problem: Problem) -> Iterator[tuple[str, str]]:
    if isinstance(problem, Invalid | _Refused):
        yield from problem.errors
    else:
        yield "idempotency_key" if isinstance(problem, Conflict) else "body", problem.detail
