"""The calls that read what an email says: its texts, its attachments, and the whole of it as MIME."""

import re
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Path, Request, Response

from app.api.auth import Parts, Reader
from app.api.lambda_answers import fitting
from app.api.openapi import answer, errors, refusals
from app.api.problems import TooLarge
from app.api.threads import Route
from app.api.v1 import content_views as views
from app.api.v1 import examples
from app.api.v1.emails import EmailId, known
from app.api.v1.files import read_media_type
from app.domain.email import Attachment
from app.errors import Conflict, Invalid, NotFound

router = APIRouter(route_class=Route, tags=["emails"])

Number = Annotated[int, Path(description="the `number` of the attachment", examples=[1])]

# A file is somebody's: it is offered for saving, and if a browser shows it all the same, it may run and load nothing.
SAFE: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}
BINARY: Final = "application/octet-stream"
MIME: Final = "message/rfc822"
_UNKNOWN = NotFound("no such email")
_NO_NUMBER = Invalid(("number", "must be a whole number"))
_LARGE = TooLarge("this answer has 7,000,000 bytes as Lambda counts them, of which 6,291,556 pass; download the parts")


def _file(media_type: str, description: str) -> dict[int | str, dict[str, Any]]:
    """The declaration of an answer that is a file: also as plain bytes, because generators know no other types."""
    schema = {"type": "string", "format": "binary"}
    content = {name: {"schema": schema} for name in (media_type, BINARY)}
    return {200: {"description": description, "content": content}}


@router.get(
    "/v1/emails/{email_id}/content",
    response_model=views.EmailContent,
    responses=answer(examples.CONTENT) | refusals("read") | errors(_UNKNOWN, _LARGE),
)
def get_content(request: Request, email_id: EmailId, key: Reader, parts: Parts) -> Response:
    """Read what an email says: subject, text, HTML, and its attachments by name, each with the path of its bytes."""
    head, content = parts.read_content(known(email_id), key.sees)
    start = f"{request.scope['root_path']}/v1/emails/{head.email_id}/attachments"
    view = views.EmailContent(
        id=head.email_id,
        subject=content.subject,
        text=content.text or None,
        html=content.html or None,
        attachments=[
            views.EmailAttachment(
                number=number,
                filename=one.filename,
                content_type=one.content_type,
                size_bytes=len(one.content),
                content_id=one.content_id or None,
                url=f"{start}/{number}",
            )
            for number, one in enumerate(content.attachments, 1)
        ],
    )
    body = view.model_dump_json().encode(errors="replace")
    instead = f"the whole email is at GET /v1/emails/{head.email_id}/raw"
    return fitting(request, Response(body, media_type="application/json"), instead)


@router.get(
    "/v1/emails/{email_id}/attachments/{number}",
    response_class=Response,
    responses=_file(BINARY, "The bytes, under the content type that the email gives them")
    | refusals("read")
    | errors(NotFound("this email has 2 attachments; `GET /v1/emails/{id}/content` lists them"), _LARGE, _NO_NUMBER),
)
def get_attachment(request: Request, email_id: EmailId, number: Number, key: Reader, parts: Parts) -> Response:
    """Download one attachment by its number. A browser saves it and never shows it."""
    _, content = parts.read_content(known(email_id), key.sees)
    count = len(content.attachments)
    if not 0 < number <= count:
        many = f"{count} attachment{'s' if count != 1 else ''}"
        raise NotFound(f"this email has {many}; GET /v1/emails/{email_id}/content lists them")
    found = content.attachments[number - 1]
    headers = {**SAFE, "Content-Type": _media_type(found), "Content-Disposition": _disposition(found, number)}
    return fitting(request, Response(found.content, headers=headers), "ask an installation that runs in a container")


def _media_type(attachment: Attachment) -> str:
    """The type that its email gives it, unless another version stored it and it is none that a header may hold."""
    try:
        return read_media_type(attachment.content_type)
    except ValueError:
        return BINARY


@router.get(
    "/v1/emails/{email_id}/raw",
    response_class=Response,
    responses=_file(MIME, "The email as MIME")
    | refusals("read")
    | errors(_UNKNOWN, Conflict("this email has no form in MIME: header Sender: cannot be set"), _LARGE),
)
def get_raw_email(request: Request, email_id: EmailId, key: Reader, parts: Parts) -> Response:
    """Download the whole email as MIME (RFC 5322): as its first call tells it, without bcc.

    A provider adds to it: its own headers, a signature, what tracks the recipient if that was asked for.
    """
    mime = parts.read_content.raw(known(email_id), key.sees)
    headers = {**SAFE, "Content-Type": MIME, "Content-Disposition": f'attachment; filename="{email_id}.eml"'}
    instead = f"its parts are at GET /v1/emails/{email_id}/content"
    return fitting(request, Response(mime, headers=headers), instead)


def _disposition(file: Attachment, number: int) -> str:
    """RFC 6266: a name in ASCII for every client, and the real one for those that know `filename*` (RFC 8187)."""
    name = re.sub(r"[^\w .,()+@=\[\]{}~-]", "_", file.filename.rpartition("/")[2]).strip(". ") or f"attachment-{number}"
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    real = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'attachment; filename="{plain}"{real}'
