"""What one provider can carry: the part of its table of limits that an email may break."""

from dataclasses import dataclass
from typing import Final

EVERY_NAME: Final = "*"  # in `unique_headers`: no header may come twice, whatever its name


@dataclass(frozen=True, slots=True)
class Capability:
    """What one provider carries. None is no limit.

    Sizes are those on the wire. Without `from_domains`, any From at or below `organization` is tried, and any at all
    without that: the provider itself decides. Names of
    headers and extensions are lower-case, extensions without the dot. `ascii_addresses` are the fields of which no
    address may have other than ASCII before its @: `from`, `to`, `cc`, `bcc`, `reply_to`.
    """

    recipients: int
    size_bytes: int
    from_domains: tuple[str, ...] = ()
    organization: str = ""
    traceable_recipients: int | None = None  # more than these its events cannot tell apart
    header_section_bytes: int | None = None
    empty_subject: bool = True
    subject_chars: int | None = None
    ascii_addresses: frozenset[str] = frozenset()
    headers: int | None = None
    header_name_chars: int | None = None
    header_value_chars: int | None = None
    reserved_headers: frozenset[str] = frozenset()
    reserved_header_prefixes: tuple[str, ...] = ()
    unique_headers: frozenset[str] = frozenset()
    metadata_bytes: int | None = None  # with our ids
    options_bytes: int | None = None  # headers, tags and metadata together, with our ids
    attachments: int | None = None
    attachment_bytes: int | None = None  # of one file, before it is encoded
    empty_attachments: bool = True
    blocked_extensions: frozenset[str] = frozenset()
    filename_chars: int | None = None
