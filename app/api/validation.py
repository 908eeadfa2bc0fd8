"""From the body of a request to an Email: everything that is wrong with it, each fault with its field."""

import difflib
from collections.abc import Iterator, Sequence

from pydantic import ValidationError

from app.api import body as bodies
from app.api.problems import SHOWN_ERRORS, path, words
from app.api.schemas import RECIPIENT_LIMIT, AttachmentRequest, EmailRequest
from app.domain.email import Attachment, Content, Email, OnUncertain
from app.errors import Invalid

NOT_YET = frozenset({"send_at", "collapse_key", "critical", "webhook_url"})
EXPIRES_WITHIN_MS = 30 * 24 * 3600 * 1000
_NAMES = [field.alias or name for name, field in EmailRequest.model_fields.items()]
_ATTACHMENT_NAMES = list(AttachmentRequest.model_fields)

Fault = tuple[str, str]  # field, what is wrong with it


def read_email(body: bytes, *, now_ms: int, providers: Sequence[str]) -> Email:
    """The email that `body` asks for; `providers` are the configured ones.

    Raises Malformed (not JSON) or Invalid (each fault with its field).
    """
    try:
        request = EmailRequest.model_validate(bodies.parse(body))
    except ValidationError as error:
        raise Invalid(*_faults(error)) from None
    if faults := [*_together(request, now_ms), *_unknown_providers(request, providers)]:
        raise Invalid(*faults)
    return to_email(request)


def to_email(request: EmailRequest) -> Email:
    """The same in the words of the domain."""
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
                Attachment(item.filename, item.content_type, item.content, item.content_id)
                for item in request.attachments
            ),
            tags=tuple(request.tags),
            metadata=request.metadata,
        ),
        expires_at_ms=request.expires_at,
        providers=tuple(request.providers),
        on_uncertain=OnUncertain(request.on_uncertain),
    )


def _faults(error: ValidationError) -> Iterator[Fault]:
    for found in error.errors(include_url=False, include_input=False)[:SHOWN_ERRORS]:
        location = found["loc"]
        if found["type"] == "extra_forbidden":
            yield path(location), _unknown(str(location[-1]), _NAMES if len(location) == 1 else _ATTACHMENT_NAMES)
        else:
            yield path(location), words(found)


def _unknown(name: str, known: Sequence[str]) -> str:
    if name in NOT_YET:
        return "is not supported yet; remove it"
    close = difflib.get_close_matches(name[:40], known, n=1)
    return f"is not a known field; did you mean {close[0]}?" if close else "is not a known field"


def _together(request: EmailRequest, now_ms: int) -> Iterator[Fault]:
    """What only several fields, or the clock, can tell."""
    if not request.to:
        yield "to", "must have at least one recipient"
    given = {"to": request.to, "cc": request.cc, "bcc": request.bcc}
    if (count := sum(map(len, given.values()))) > RECIPIENT_LIMIT:
        yield "to", f"to, cc and bcc may have {RECIPIENT_LIMIT} recipients together, not {count}"
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
    if request.expires_at is not None and request.expires_at > now_ms + EXPIRES_WITHIN_MS:
        yield "expires_at", "must be within 30 days"


def _unknown_providers(request: EmailRequest, configured: Sequence[str]) -> Iterator[Fault]:
    for index, name in enumerate(request.providers):
        if name not in configured:
            yield f"providers[{index}]", f"is not a configured provider; these are: {', '.join(configured) or 'none'}"
