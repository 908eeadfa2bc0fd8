"""Tables of limits as tests need them: nothing is limited but what the test says."""

from dataclasses import fields
from typing import Any

from app.domain.capability import Capability
from app.providers.sdk.content_types import ContentTypes
from app.providers.sdk.limits import ALL_TRACKING, ANY_TEXT, Limit, Limits

_FREE: dict[str, Any] = {
    "recipients": 1000,
    "size_bytes": 30_000_000,
    "to_required": False,
    "ascii_addresses": frozenset(),
    "empty_subject": True,
    "tag_characters": ANY_TEXT,
    "metadata_characters": ANY_TEXT,
    "empty_attachments": True,
    "blocked_extensions": frozenset(),
    "filename_replaced": "",
    "unicode_filenames": True,
    "content_types": ContentTypes.ANY,
    "reserved_headers": frozenset(),
    "reserved_header_prefixes": (),
    "unique_headers": frozenset(),
    "tracking": ALL_TRACKING,
    "idempotent_for_s": 0,
    "sandbox": "none",
    "webhook_authentication": "none",
    "regions": (),
}


def some_limits(**values: Any) -> Limits:
    """A table with these values. Every other row has none, or one that allows everything."""
    unknown = set(values) - {field.name for field in fields(Limits)}
    assert not unknown
    found = {field.name: None for field in fields(Limits)} | _FREE | values
    return Limits(**{name: Limit(value, "a test", "2026-11-28") for name, value in found.items()})


def limits_of(capability: Capability, **values: Any) -> Limits:
    """A table that says what `capability` says. Its `from_domains` and its `organization` are the account's."""
    names = [field.name for field in fields(Capability) if field.name not in ("from_domains", "organization")]
    return some_limits(**{name: getattr(capability, name) for name in names}, **values)
