"""Reads the form of Mailgun's `POST /v3/{domain}/messages`, and refuses what Mailgun refuses."""

from collections.abc import Mapping
from typing import Final

from app.local.simulator.dialect import Refused, Reply, json_reply
from app.local.simulator.mail import File, Mail, Mailbox, Tracking, read_mailboxes, read_words
from app.local.simulator.mailgun.form import Part, read_form
from app.providers import registry

LIMITS: Final = registry.limits("mailgun")
OPTIONS_BYTES: Final = LIMITS.options_bytes.value or 0  # names and values of all o:, h: and v: fields together
TAGS: Final = LIMITS.tags.value or 0
# "Messages" (2026-11-29): what o:tracking-opens may say; the two others may also say htmlonly.
SWITCHES: Final = {"yes": True, "true": True, "no": False, "false": False}


def message(status: int, text: str, headers: Mapping[str, str] | None = None) -> Reply:
    """An answer as Mailgun words it."""
    return json_reply(status, {"message": text}, headers)


def read_mail(content_type: str, body: bytes) -> Mail:
    """The email of a request body. Raises Refused."""
    try:
        parts = read_form(content_type, body)
        fields = [(part.name, part.text) for part in parts if part.filename is None]
    except ValueError as error:
        raise Refused(message(400, f"cannot parse the form: {error}")) from None
    return _mail(fields, [part for part in parts if part.filename is not None])


def _mail(fields: list[tuple[str, str]], files: list[Part]) -> Mail:
    options = [(name, value) for name, value in fields if name.startswith(("o:", "h:", "v:"))]
    if sum(len(name.encode()) + len(value.encode()) for name, value in options) > OPTIONS_BYTES:
        raise Refused(message(400, "Send options (parameters starting with o:, h:, or v:) are limited to 16 kB"))
    single = dict(fields)
    for name in ("from", "to"):
        if not single.get(name):
            raise Refused(message(400, f"{name} parameter is missing"))
    if not single.get("text") and not single.get("html"):
        raise Refused(
            message(400, "Need at least one of 'text', 'html', 'amp-html' or 'template' parameters specified")
        )
    headers = {name[2:]: value for name, value in options if name.startswith("h:")}
    reply_to = [headers.pop(name) for name in list(headers) if name.lower() == "reply-to"]
    mail = Mail(
        sender=_mailboxes([("from", single["from"])], "from")[0],
        to=_mailboxes(fields, "to"),
        cc=_mailboxes(fields, "cc"),
        bcc=_mailboxes(fields, "bcc"),
        reply_to=_mailboxes([("h:Reply-To", value) for value in reply_to], "h:Reply-To"),
        subject=read_words(single.get("subject", "")),
        text=single.get("text", ""),
        html=single.get("html", ""),
        headers={name: read_words(value) for name, value in headers.items()},
        attachments=tuple(_file(part) for part in files if part.name in ("attachment", "inline")),
        tags=tuple(value for name, value in options if name == "o:tag"),
        metadata={name[2:]: value for name, value in options if name.startswith("v:")},
        tracking=_tracking(single),
    )
    if len(mail.recipients) > LIMITS.recipients.value:
        raise Refused(message(400, f"too many recipients: at most {LIMITS.recipients.value} per message"))
    if len(mail.tags) > TAGS:
        raise Refused(message(400, f"too many tags: at most {TAGS} per message"))
    if "from" in LIMITS.ascii_addresses.value and not mail.sender.address.partition("@")[0].isascii():
        raise Refused(message(400, "from parameter is not a valid address. please check documentation"))
    return mail


def _tracking(single: Mapping[str, str]) -> Tracking:
    """What the three options say. `o:tracking` switches both, and the option of each counts more. Raises Refused.

    The documentation lists the values and not what is answered to others; the words are the simulator's.
    """
    both = _switch(single, "o:tracking", SWITCHES | {"htmlonly": True})
    clicks = _switch(single, "o:tracking-clicks", SWITCHES | {"htmlonly": True})
    opens = _switch(single, "o:tracking-opens", SWITCHES)
    return Tracking(both if opens is None else opens, both if clicks is None else clicks)


def _switch(single: Mapping[str, str], option: str, meanings: Mapping[str, bool]) -> bool | None:
    value = single.get(option)
    if value is not None and value.lower() not in meanings:  # their own samples write `False`
        raise Refused(message(400, f"{option} parameter must be one of {', '.join(meanings)}"))
    return None if value is None else meanings[value.lower()]


def _mailboxes(fields: list[tuple[str, str]], wanted: str) -> tuple[Mailbox, ...]:
    """All mailboxes of the field `wanted`, which may be repeated and may hold a list each time. Raises Refused."""
    try:
        return tuple(each for name, value in fields if name == wanted for each in read_mailboxes(value))
    except ValueError:
        raise Refused(message(400, f"{wanted} parameter is not a valid address. please check documentation")) from None


def _file(part: Part) -> File:
    # The HTML refers to an inline file by its file name.
    filename = part.filename or ""
    return File(filename, part.content_type, part.content, filename if part.name == "inline" else "")
