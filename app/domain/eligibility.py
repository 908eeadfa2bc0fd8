"""Pre-flight: which providers can carry an email at all, decided before any of them is called.

The rules are pure, and their numbers and lists come from the providers' tables of limits. A provider's own `build`
refuses what `misfit` finds, in the same words, so that nothing is refused after the email was accepted.
"""

from collections.abc import Collection, Iterator, Mapping

from app.domain.address import domain_of
from app.domain.capability import EVERY_NAME, Capability
from app.domain.email import Attachment, Email
from app.domain.project import is_of_test_keys
from app.domain.sandbox_accounts import ACCOUNTS as SANDBOX
from app.domain.sizes import Carried, email_bytes, header_section_bytes, metadata_bytes, options_bytes
from app.errors import Invalid

FILENAME_SHOWN = 80  # characters of a file's name in an objection


def check_named(email: Email, configured: Collection[str], project: str) -> None:
    """Raise Invalid for each provider that the email names and that mail of this project cannot be sent through."""
    found = ((f"providers[{n}]", named_fault(name, configured, project)) for n, name in enumerate(email.providers))
    if faults := [fault for fault in found if fault[1]]:
        raise Invalid(*faults)


def named_fault(name: str, configured: Collection[str], project: str) -> str:
    """Why mail of this project cannot be sent through the provider of that name; "" if it can.

    Test mail goes through the sandbox only, real mail through those that are `configured`.
    """
    allowed: Collection[str] = SANDBOX if is_of_test_keys(project) else configured
    if name in allowed:
        return ""
    if name in SANDBOX:
        return "is an account of the sandbox, through which only test keys send: em_test_…"
    if allowed is SANDBOX:
        return f"is no account of the sandbox, and a test key sends through these: {_names(SANDBOX)}"
    return f"is not a configured provider; these are: {_names(configured)}"


def _names(accounts: Collection[str]) -> str:
    return ", ".join(accounts) or "none"


def objection(capability: Capability, email: Email) -> str:
    """Why this provider cannot carry the email, or "" if it can. It names the field or the file."""
    return next(_objections(capability, email), "")


def objections(capabilities: Mapping[str, Capability], email: Email) -> dict[str, str]:
    """Why each provider that the email allows cannot carry it ("": it can), by name, in the order of `capabilities`."""
    return {
        name: objection(capability, email)
        for name, capability in capabilities.items()
        if not email.providers or name in email.providers
    }


def misfit(capability: Capability, carried: Carried) -> str:
    """Which address, header or file of this email or copy the provider cannot express or refuses; "" for none."""
    return next(_misfits(capability, carried), "")


def _objections(capability: Capability, email: Email) -> Iterator[str]:
    yield from _recipients(capability, email)
    yield from _too_large("", email_bytes(email), capability.size_bytes)
    domain = domain_of(email.sender.address)
    if capability.from_domains and domain not in capability.from_domains:
        yield f"may not send from {domain}"
    organization = capability.organization
    if organization and not f".{domain}".endswith(f".{organization}"):
        yield f"signs as {organization}, so DMARC fails for a From of {domain} (…_FROM_DOMAINS says what it may send)"
    yield from _misfits(capability, email)
    yield from _counts(capability, email)
    content = email.content
    yield from _too_large("header section: ", header_section_bytes(email), capability.header_section_bytes)
    yield from _too_large("metadata: ", metadata_bytes(content), capability.metadata_bytes)
    yield from _too_large("headers, tags and metadata: ", options_bytes(content), capability.options_bytes)


def _recipients(capability: Capability, email: Email) -> Iterator[str]:
    # With nobody in `to`, each recipient is sent a copy of its own and is in its `to`.
    recipients = len(email.to) + len(email.cc) + len(email.bcc) if email.to else 1
    most = min(capability.recipients, capability.traceable_recipients or capability.recipients)
    if recipients > most:
        yield f"takes {most} recipient{'' if most == 1 else 's'} at most, not {recipients}"


def _too_large(what: str, size_bytes: int, limit_bytes: int | None) -> Iterator[str]:
    if limit_bytes is not None and size_bytes > limit_bytes:
        yield f"{what}takes {limit_bytes:,} bytes at most, the email has about {size_bytes:,}"


def _counts(capability: Capability, email: Email) -> Iterator[str]:
    content = email.content
    counts = {
        "headers": (len(content.headers), capability.headers),
        "attachments": (len(content.attachments), capability.attachments),
    }
    for field, (count, most) in counts.items():
        if most is not None and count > most:
            yield f"{field}: takes {most} at most, not {count}"


def _misfits(capability: Capability, carried: Carried) -> Iterator[str]:
    yield from _addresses(capability, carried)
    yield from _subject(capability, carried.content.subject)
    yield from _headers(capability, carried)
    for index, file in enumerate(carried.content.attachments):
        name = file.filename[:FILENAME_SHOWN]
        yield from (f"{why}: attachments[{index}], {name}" for why in _attachment(capability, file))


def _addresses(capability: Capability, carried: Carried) -> Iterator[str]:
    fields = {
        "from": (carried.sender,),
        "to": carried.to,
        "cc": carried.cc,
        "bcc": carried.bcc,
        "reply_to": carried.content.reply_to,
    }
    for field, mailboxes in fields.items():
        if field in capability.ascii_addresses and not all(
            one.address.rpartition("@")[0].isascii() for one in mailboxes
        ):
            yield f"{field}: takes no address with other than ASCII letters before its @"


def _subject(capability: Capability, subject: str) -> Iterator[str]:
    if not subject and not capability.empty_subject:
        yield "subject: must not be empty"
    if capability.subject_chars is not None and len(subject) > capability.subject_chars:
        yield f"subject: takes {capability.subject_chars} characters at most, not {len(subject)}"


def _headers(capability: Capability, carried: Carried) -> Iterator[str]:
    seen = {"reply-to"} if carried.content.reply_to else set()
    for name, value in carried.content.headers:
        lower = name.lower()
        if lower in capability.reserved_headers or lower.startswith(capability.reserved_header_prefixes):
            yield f"header {name}: the provider writes it itself"
        if lower in seen and not capability.unique_headers.isdisjoint((lower, EVERY_NAME)):
            yield f"header {name}: the provider takes a name only once"
        seen.add(lower)
        if capability.header_name_chars is not None and not _is_name(name, capability.header_name_chars):
            most = capability.header_name_chars
            yield f"header {name}: the name must have 1 to {most} ASCII characters, and no colon"
        if capability.header_value_chars is not None and len(value) > capability.header_value_chars:
            yield f"header {name}: takes {capability.header_value_chars} characters at most, not {len(value)}"


def _is_name(name: str, most: int) -> bool:
    return 0 < len(name) <= most and all("!" <= character <= "~" and character != ":" for character in name)


def _attachment(capability: Capability, file: Attachment) -> Iterator[str]:
    _, dot, extension = file.filename.lower().rstrip(". ").rpartition(".")
    size_bytes = len(file.content)
    if dot and extension in capability.blocked_extensions:
        yield f"refuses .{extension} attachments"
    if not size_bytes and not capability.empty_attachments:
        yield "takes no empty file"
    if capability.filename_chars is not None and len(file.filename) > capability.filename_chars:
        yield f"takes file names of {capability.filename_chars} characters at most, not {len(file.filename)}"
    if capability.attachment_bytes is not None and size_bytes > capability.attachment_bytes:
        yield f"takes files of {capability.attachment_bytes:,} bytes at most, not {size_bytes:,}"
