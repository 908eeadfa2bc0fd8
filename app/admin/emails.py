"""`emails`: list, show, send, cancel and retry them, in the tables of the installation."""

import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Annotated, Any, Final

import botocore.session
import typer

from app import settings
from app.admin import story
from app.admin.environment import fail, load, with_all_secrets
from app.admin.output import Json, show, show_json, show_table
from app.api import addresses, times
from app.api.v1 import stories
from app.api.v1.validation import read_email
from app.api.v1.webhook_urls import WebhookUrls
from app.delivery.cancel import Cancel
from app.delivery.read import Read
from app.domain.account import is_account, provider_of
from app.domain.email import Email
from app.domain.head import EmailStatus, Status
from app.domain.lane import Lane
from app.domain.listing import FOR_EVER_MS, Wanted
from app.domain.project import DEFAULT, check_project
from app.domain.protocol import DeliveryProtocol
from app.domain.retry import Again
from app.errors import NotFound
from app.providers import registry
from app.settings import Process
from app.store.content import Contents
from app.store.heads import Heads
from app.store.listings import Listings
from app.store.partitions import Partitions
from app.store.stories import Stories
from app.wiring import aws, process
from app.wiring.parts import Container
from app.wiring.reading import build_read

app = typer.Typer(no_args_is_help=True, help="Emails: list, show, send, cancel, retry.")

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")

EmailId = Annotated[str, typer.Argument(help="The id of an email, such as eml_k5f2qj7wz3xn6c4vb2m7t5h3ae.")]
Addresses = Annotated[list[str] | None, typer.Option(help="May be repeated.")]


@app.command("list")
def list_some(
    *,
    recipient: Annotated[str, typer.Option(help="Only emails with this address in to, cc or bcc.")] = "",
    tag: Annotated[str, typer.Option(help="Only emails with this tag: NAME, or NAME=VALUE.")] = "",
    status: Annotated[EmailStatus | None, typer.Option(help="Only emails of this status.")] = None,
    recipient_status: Annotated[
        Status | None, typer.Option(help="Only emails with a recipient of this status; with --recipient, that one.")
    ] = None,
    provider: Annotated[
        str, typer.Option(help="Only emails of which an attempt went through this account, whatever came of it.")
    ] = "",
    project: Annotated[str | None, typer.Option(help="Only emails of this project; without it, those of all.")] = None,
    first: Annotated[str, typer.Option("--from", help="Only emails accepted then or later, in RFC 3339.")] = "",
    before: Annotated[str, typer.Option("--to", help="Only emails accepted before that.")] = "",
    after: Annotated[str | None, typer.Option(help="The next page: what the page before said.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many.")] = 20,
    as_json: Json = False,
) -> None:
    """List emails, newest first, a page at a time."""
    if provider and not is_account(provider):
        fail(f"--provider: {provider!r} is not the name of an account: NAME or NAME:LABEL, as PROVIDERS has them")
    wanted = Wanted(
        project=_project(project) if project is not None else None,
        recipient=_key(recipient) if recipient else "",
        tag=tag,
        status=status,
        from_ms=_time("--from", first, 0),
        to_ms=_time("--to", before, FOR_EVER_MS),
        recipient_status=recipient_status,
        provider=provider,
        with_tests=True,
    )
    page = _read().page(wanted, after, limit)
    records = [stories.summarize(head).model_dump(mode="json", by_alias=True) for head in page.heads]
    rows = [
        (
            one["id"],
            one["created_at"],
            one["status"],
            story.owner(one),
            one["lane"],
            ", ".join(_to(one)),
            one["subject"],
        )
        for one in records
    ]
    columns = ["ID", "ACCEPTED", "STATUS", "PROJECT", "LANE", "TO", "SUBJECT"]
    show_table(columns, rows, {"emails": records, "after": page.after}, as_json=as_json)
    if page.after and not as_json:
        typer.echo(f"there are more: --after {page.after}", err=True)


@app.command("show")
def show_one(email_id: EmailId, *, as_json: Json = False) -> None:
    """Show an email's whole story: its recipients, every attempt, and what the providers reported later."""
    found = _read().story(_known(email_id), None)
    record = stories.write_story(found.head, found.events, found.details).model_dump(mode="json", by_alias=True)
    if as_json:
        show_json(record)
    else:
        typer.echo(story.write(record))


@app.command()
def send(
    *,
    sender: Annotated[str, typer.Option("--from", help="The sender, such as 'App <no-reply@example.com>'.")] = "",
    to: Addresses = None,
    cc: Addresses = None,
    bcc: Addresses = None,
    subject: Annotated[str, typer.Option(help="The subject.")] = "",
    text: Annotated[str, typer.Option(help="The text.")] = "",
    lane: Annotated[Lane | None, typer.Option(help="How soon, compared with others.")] = None,
    file: Annotated[
        typer.FileBinaryRead | None,
        typer.Option(help="A body of POST /v1/emails, in JSON; - is standard input. Options replace what it says."),
    ] = None,
    project: Annotated[str, typer.Option(help="Whose email it is.")] = DEFAULT,
    key: Annotated[str | None, typer.Option("--idempotency-key", help="Send it once, however often this runs.")] = None,
    as_json: Json = False,
) -> None:
    """Send an email. When this ends, it is stored and queued, and is delivered afterwards."""
    options = {"from": sender, "to": to, "cc": cc, "bcc": bcc, "subject": subject, "text": text, "lane": lane}
    given = {name: value for name, value in options.items() if value}
    body, owner = file.read() if file else b"{}", _project(project)
    with _installed() as parts:
        email = _email(body, given, parts)
        head = parts.accept(email, project=owner, key=key).head
        accepted = stories.summarize_accepted(head, parts.settings.providers)
    record = accepted.model_dump(mode="json", by_alias=True)
    suppressed = [f"; suppressed: {one['address']}" for one in record["suppressed"]]
    show(f"{record['id']} {record['status']}{''.join(suppressed)}", record, as_json=as_json)


@app.command()
def cancel(email_id: EmailId, *, as_json: Json = False) -> None:
    """Cancel every recipient of an email who is still queued. Canceling again changes nothing."""
    found = load()
    idempotent_ms = {name: registry.limits(provider_of(name)).idempotent_for_s.value * 1000 for name in found.providers}
    protocol = DeliveryProtocol(found.providers, found.uncertain_wait_s * 1000, idempotent_ms)
    head = Cancel(Heads(), time.time, protocol)(_known(email_id), None)
    record = stories.summarize(head).model_dump(mode="json", by_alias=True)
    show(f"{record['id']} {record['status']}", record, as_json=as_json)


@app.command()
def retry(
    email_id: EmailId,
    *,
    recipient: Annotated[
        list[str] | None,
        typer.Option(help="Only this one; may be repeated. Without it, all who are failed or expired."),
    ] = None,
    provider: Annotated[str, typer.Option(help="The only account that is tried.")] = "",
    allow_second_copy: Annotated[
        bool, typer.Option("--allow-second-copy", help="Try also who may have got the email.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Try those again whom an email did not reach, with new deadlines. Its story so far stays."""
    again = Again(tuple(dict.fromkeys(map(_key, recipient or ()))), provider, allow_second_copy)
    with _installed() as parts:
        head = parts.retry(_known(email_id), None, again)
    record = stories.summarize(head).model_dump(mode="json", by_alias=True)
    show(f"{record['id']} {record['status']}", record, as_json=as_json)


def _read() -> Read:
    settings = load()
    s3 = cache(lambda: aws.client(botocore.session.get_session(), settings, "s3"))
    contents = Contents(s3, settings.content_bucket, settings.inline_limit_bytes)
    return build_read(Heads(), Stories(contents), Listings(), Partitions(time.time))


@contextmanager
def _installed() -> Iterator[Container]:
    """What the API has to store and queue emails. It sends nothing, so it needs what the API needs and no more."""
    is_local = settings.is_local(os.environ)  # asked first: the environment is then made that of a deployed process
    found = load()
    rewire: Any = lambda stores, queue: (stores, queue)  # noqa: E731
    if is_local:
        from app.local.wiring import HandOver

        rewire = HandOver(os.environ).rewire
    parts = process.connect(with_all_secrets(found), process=Process.API, rewire=rewire, is_local=is_local)
    try:
        yield parts
    finally:
        parts.close()


def _email(body: bytes, options: Mapping[str, Any], parts: Container) -> Email:
    """The email in `body`, with `options` in the place of what it says. Raises Problem naming what is wrong."""
    try:
        fields = json.loads(body)
    except ValueError as error:
        fail(f"--file: is not JSON: {error}")
    if not isinstance(fields, dict):
        fail("--file: must be a JSON object, as POST /v1/emails takes it")
    text = json.dumps({**fields, **options}).encode()
    return read_email(text, now_ms=int(time.time() * 1000), urls=WebhookUrls.of(parts))


def _known(email_id: str) -> str:
    if _ID.fullmatch(email_id) is None:
        raise NotFound("no such email")
    return email_id


def _key(recipient: str) -> str:
    try:
        return addresses.read(recipient).key
    except ValueError as problem:
        fail(f"--recipient: {recipient!r} {problem}")


def _project(name: str) -> str:
    try:
        return check_project(name)
    except ValueError as problem:
        fail(f"--project: {name!r} {problem}")


def _time(option: str, text: str, default_ms: int) -> int:
    try:
        return times.read(text) if text else default_ms
    except ValueError as problem:
        fail(f"{option}: {text!r} {problem}")


def _to(record: Mapping[str, Any]) -> list[str]:
    return [*record["to"], *record["cc"], *record["bcc"]]
