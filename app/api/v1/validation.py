"""Reads the body of a request into an Email or a Suppression. Everything that is wrong is reported, field by field."""

import difflib
from collections.abc import Iterator, Sequence
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from app.api import body as bodies
from app.api.problems import SHOWN_ERRORS, path, words
from app.api.v1 import remedies
from app.api.v1.fields import METADATA_LIMIT, MORE_RECIPIENTS, RECIPIENT_LIMIT, TagRequest
from app.api.v1.forms import FORMS
from app.api.v1.later_schemas import RetryRequest, ScheduleRequest
from app.api.v1.schemas import AttachmentRequest, BatchEmailRequest, EmailRequest, SuppressionRequest, TrackingRequest
from app.api.v1.webhook_urls import DEPLOYED, WebhookUrls
from app.domain import headers
from app.domain.address import address_key
from app.domain.email import Attachment, Content, Email, OnUncertain, Tracking
from app.domain.lifetime import SCHEDULED_WITHIN_S
from app.domain.retry import Again
from app.domain.suppression import LASTS_MS, Suppression
from app.errors import Invalid

TAG_LIMIT = 10
DAY_MS = 24 * 3600 * 1000
EXPIRES_WITHIN_MS = 30 * DAY_MS
SUPPRESSED_WITHIN_MS = 3653 * DAY_MS

_KNOWN = {"headers": "a header has name and value", "tags": "a tag has name and value, or is a text"}
_WITHIN: dict[str, type[BaseModel]] = {"attachments": AttachmentRequest, "tracking": TrackingRequest}
_REMEDIES = {
    EmailRequest: remedies.UNKNOWN_FIELDS,
    BatchEmailRequest: remedies.UNKNOWN_FIELDS,
    AttachmentRequest: remedies.UNKNOWN_FIELDS_OF_A_FILE,
}

Request = TypeVar("Request", bound=BaseModel)
Wanted = TypeVar("Wanted", bound=EmailRequest)
Fault = tuple[str, str]  # field, what is wrong with it


def read_email(body: bytes, *, now_ms: int, urls: WebhookUrls = DEPLOYED) -> Email:
    """The email in `body`. Whether the providers that it names are configured is not checked here.

    Raises Malformed if the body is not JSON, Invalid naming each wrong field.
    """
    return check(EmailRequest, bodies.parse(body), now_ms, urls)[1]


def check(model: type[Wanted], value: object, now_ms: int, urls: WebhookUrls) -> tuple[Wanted, Email]:
    """The request in `value`, as JSON has it, and its email. Raises Invalid naming each wrong field."""
    request = _validated(model, value)
    faults = [*_check_together(request, now_ms)]
    if request.webhook_url and (fault := urls.fault(request.webhook_url)):
        faults.append(("webhook_url", fault))
    if faults:
        raise Invalid(*faults)
    return request, to_email(request)


def to_email(request: EmailRequest) -> Email:
    """The domain's Email with the content of `request`."""
    return Email(
        sender=request.sender,
        to=tuple(request.to),
        cc=tuple(request.cc),
        bcc=tuple(request.bcc),
        content=Content(
            subject=request.subject,
            text=request.text,
            html=request.html,
            reply_to=tuple(request.reply_to),
            headers=tuple(request.headers.items()),
            attachments=tuple(
                Attachment(item.filename, item.media_type, item.content.data, item.content_id or "")
                for item in request.attachments
            ),
            tags=request.labels,
            metadata=request.all_metadata,
        ),
        expires_at_ms=request.expires_at,
        send_at_ms=request.begins_at,
        providers=tuple(request.providers),
        on_uncertain=OnUncertain(request.on_uncertain),
        collapse_key=request.collapse_key or "",
        critical=request.critical,
        override_suppression=request.override_suppression,
        lane=request.lane,
        tracking=Tracking(request.tracking.opens, request.tracking.clicks),
        webhook_url=request.webhook_url or "",
        named_tags=tuple(dict.fromkeys(tag.name for tag in request.tags if isinstance(tag, TagRequest))),
    )


def read_schedule(body: bytes) -> int:
    """The time in `body`, for an email that is scheduled. Raises Malformed or Invalid."""
    request = read_request(ScheduleRequest, body)
    if faults := [*_check_names_of_schedule(request)]:
        raise Invalid(*faults)
    at_ms = request.send_at if request.send_at is not None else request.scheduled_at
    if at_ms is None:
        raise Invalid(("send_at", "is required"))
    return at_ms


def read_retry(body: bytes) -> Again:
    """Whom and how to retry, as `body` says. Raises Malformed or Invalid."""
    request = read_request(RetryRequest, body)
    keys = tuple(dict.fromkeys(map(address_key, request.recipients)))
    return Again(keys, request.provider or "", request.allow_second_copy)


def read_suppression(body: bytes, *, now_ms: int) -> Suppression:
    """The suppression in `body`. Raises Malformed if the body is not JSON, Invalid naming each wrong field."""
    request = read_request(SuppressionRequest, body)
    until_ms = now_ms + LASTS_MS[request.reason] if request.until is None else request.until
    if until_ms <= now_ms:
        raise Invalid(("until", "must be in the future"))
    if until_ms > now_ms + SUPPRESSED_WITHIN_MS:
        raise Invalid(("until", "must be within 10 years"))
    return Suppression(request.address.key, request.reason, request.note, now_ms, until_ms, request.project or "")


def read_request(model: type[Request], body: bytes) -> Request:
    """The request in `body`. Raises Malformed if the body is not JSON, Invalid naming each wrong field."""
    return _validated(model, bodies.parse(body))


def _validated(model: type[Request], value: object) -> Request:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise Invalid(*_faults(error, model)) from None


def _faults(error: ValidationError, model: type[BaseModel]) -> Iterator[Fault]:
    for found in error.errors(include_url=False, include_input=False)[:SHOWN_ERRORS]:
        location = [part for part in found["loc"] if part not in FORMS]
        if found["type"] == "extra_forbidden":
            yield path(location), _unknown(location, model)
        else:
            yield path(location), words(found)


def _unknown(location: Sequence[int | str], model: type[BaseModel]) -> str:
    name = str(location[-1])
    if len(location) > 1:
        part = str(location[0])
        if part not in _WITHIN:
            return "is not a known field; " + _KNOWN.get(part, "an address has email and name")
        model = _WITHIN[part]
    if remedy := _REMEDIES.get(model, {}).get(name):
        return remedy
    known = [field.alias or name for name, field in model.model_fields.items()]
    close = difflib.get_close_matches(name[:40], known, n=1)
    return f"is not a known field; did you mean {close[0]}?" if close else "is not a known field"


def _check_together(request: EmailRequest, now_ms: int) -> Iterator[Fault]:
    """The faults that show only when several fields are compared, or a field with the clock."""
    given = {"to": request.to, "cc": request.cc, "bcc": request.bcc}
    count = sum(map(len, given.values()))
    if not count:
        yield "to", "must have at least one recipient, or cc or bcc must"
    if count > RECIPIENT_LIMIT:
        yield "to", f"to, cc and bcc may have {RECIPIENT_LIMIT} recipients together, not {count}; {MORE_RECIPIENTS}"
    seen: dict[str, str] = {}
    for role, mailboxes in given.items():
        for index, mailbox in enumerate(mailboxes):
            field = f"{role}[{index}]"
            first = seen.setdefault(mailbox.key, field)
            if first != field:
                yield field, f"is the same address as {first}; an address may be there once"
    if not request.text and not request.html:
        yield "text", "is required, unless there is html"
    ids = [item.content_id for item in request.attachments if item.content_id]
    if len(set(ids)) < len(ids):
        yield "attachments", "two attachments have the same content_id"
    yield from _check_names(request)
    yield from _check_schedule(request, now_ms)
    begins_ms = max(now_ms, request.begins_at or 0)
    if request.expires_at is not None and request.expires_at > begins_ms + EXPIRES_WITHIN_MS:
        yield "expires_at", "must be within 30 days" + (" after send_at" if begins_ms > now_ms else "")


def _check_schedule(request: EmailRequest, now_ms: int) -> Iterator[Fault]:
    """The faults of the time at which an email is to be sent.

    A time that is over is none: who asks for it wants the email sent, and a clock may be wrong by a little.
    """
    yield from _check_names_of_schedule(request)
    for field, at_ms in (("send_at", request.send_at), ("scheduled_at", request.scheduled_at)):
        if at_ms is not None and at_ms > now_ms + SCHEDULED_WITHIN_S * 1000:
            yield field, "must be within 30 days"


def _check_names_of_schedule(request: EmailRequest | ScheduleRequest) -> Iterator[Fault]:
    if request.send_at is not None and request.scheduled_at is not None:
        yield "scheduled_at", "is another name of send_at, which is there, too; send one of them"


def _check_names(request: EmailRequest) -> Iterator[Fault]:
    """The faults of headers, tags and metadata."""
    for name, value in request.headers.items():
        if fault := headers.fault(name, value):
            yield path(("headers", name)), fault
    if len(request.labels) > TAG_LIMIT:
        yield "tags", f"must have at most {TAG_LIMIT} entries"
    known = dict(request.metadata)
    for index, tag in enumerate(request.tags):
        if isinstance(tag, TagRequest) and known.setdefault(tag.name, tag.value) != tag.value:
            yield f"tags[{index}]", f"gives {tag.name} another value; metadata has one value for a name"
    if len(known) > METADATA_LIMIT:
        yield "metadata", f"must have at most {METADATA_LIMIT} entries, with those of tags"
