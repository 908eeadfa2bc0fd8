"""Decides, before any provider is called, which providers can carry an email at all."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.email import Email

# Base64 makes four bytes of three, and adds a line break of two bytes to every 76.
BASE64_GROWTH = 4 / 3 * 78 / 76
OVERHEAD_BYTES = 4096  # headers and boundaries


@dataclass(frozen=True, slots=True)
class Capability:
    """What one provider carries. Without `from_domains`, any From is tried and the provider itself decides."""

    recipients: int
    size_bytes: int
    from_domains: tuple[str, ...] = ()
    refused_extensions: frozenset[str] = frozenset()


def objection(capability: Capability, email: Email) -> str:
    """Why this provider cannot carry the email, or "" if it can."""
    recipients = len(email.to) + len(email.cc) + len(email.bcc)
    if recipients > capability.recipients:
        noun = "recipient" if capability.recipients == 1 else "recipients"
        return f"takes {capability.recipients} {noun} at most, not {recipients}"
    size_bytes = encoded_size(email)
    if size_bytes > capability.size_bytes:
        return f"takes {capability.size_bytes:,} bytes at most, the email has about {size_bytes:,}"
    domain = email.sender.address.rpartition("@")[2].lower()
    if capability.from_domains and domain not in capability.from_domains:
        return f"may not send from {domain}"
    for attachment in email.content.attachments:
        extension = attachment.filename.rpartition(".")[2].lower()
        if extension in capability.refused_extensions:
            return f"refuses .{extension} attachments"
    return ""


def objections(capabilities: Mapping[str, Capability], email: Email) -> dict[str, str]:
    """Why each provider that the email allows cannot carry it ("": it can), by name, in the order of `capabilities`."""
    return {
        name: objection(capability, email)
        for name, capability in capabilities.items()
        if not email.providers or name in email.providers
    }


def encoded_size(email: Email) -> int:
    """About how large the email is on the wire, in bytes; rather too large than too small."""
    content = email.content
    text = sum(len(part.encode()) for part in (content.subject, content.text, content.html))
    files = sum(len(attachment.content) for attachment in content.attachments)
    headers = sum(len(name) + len(value.encode()) + 4 for name, value in content.headers)
    return OVERHEAD_BYTES + headers + int((text + files) * BASE64_GROWTH)
