"""What Made Up carries. For a real provider every row says where it is documented, and when that was read."""

from typing import Final

from app.domain.capability import EVERY_NAME
from app.providers.sdk.content_types import ContentTypes
from app.providers.sdk.limits import ALL_TRACKING, ANY_TEXT, Limit, Limits

_DOCUMENTED: Final = "made-up.example, Limits"
_READ: Final = "2026-11-28"

LIMITS: Final = Limits(
    recipients=Limit(100, _DOCUMENTED, _READ),
    traceable_recipients=Limit(None, _DOCUMENTED, _READ),
    to_required=Limit(True, _DOCUMENTED, _READ),
    size_bytes=Limit(20_000_000, _DOCUMENTED, _READ),
    header_section_bytes=Limit(None, _DOCUMENTED, _READ),
    ascii_addresses=Limit(frozenset(), _DOCUMENTED, _READ),
    empty_subject=Limit(True, _DOCUMENTED, _READ),
    subject_chars=Limit(None, _DOCUMENTED, _READ),
    tags=Limit(10, _DOCUMENTED, _READ),
    tag_chars=Limit(128, _DOCUMENTED, _READ),
    tag_characters=Limit(ANY_TEXT, _DOCUMENTED, _READ),
    tags_add=Limit("", _DOCUMENTED, _READ),
    metadata=Limit(None, _DOCUMENTED, _READ),
    metadata_name_chars=Limit(None, _DOCUMENTED, _READ),
    metadata_value_chars=Limit(None, _DOCUMENTED, _READ),
    metadata_characters=Limit(ANY_TEXT, _DOCUMENTED, _READ),
    metadata_bytes=Limit(None, _DOCUMENTED, _READ),
    options_bytes=Limit(None, _DOCUMENTED, _READ),
    attachments=Limit(None, _DOCUMENTED, _READ),
    attachment_bytes=Limit(None, _DOCUMENTED, _READ),
    empty_attachments=Limit(True, _DOCUMENTED, _READ),
    blocked_extensions=Limit(frozenset(), _DOCUMENTED, _READ),
    filename_chars=Limit(None, _DOCUMENTED, _READ),
    filename_replaced=Limit("", _DOCUMENTED, _READ),
    unicode_filenames=Limit(True, _DOCUMENTED, _READ),
    content_types=Limit(ContentTypes.ANY, _DOCUMENTED, _READ),
    headers=Limit(None, _DOCUMENTED, _READ),
    header_name_chars=Limit(None, _DOCUMENTED, _READ),
    header_value_chars=Limit(None, _DOCUMENTED, _READ),
    reserved_headers=Limit(frozenset({"to", "from", "cc", "bcc", "subject", "reply-to"}), _DOCUMENTED, _READ),
    reserved_header_prefixes=Limit((), _DOCUMENTED, _READ),
    unique_headers=Limit(frozenset({EVERY_NAME}), _DOCUMENTED, _READ),
    own_list=Limit("the settings of its account", _DOCUMENTED, _READ),
    tracking=Limit(ALL_TRACKING, _DOCUMENTED, _READ),
    idempotent_for_s=Limit(0, _DOCUMENTED, _READ),
    sandbox=Limit("none", _DOCUMENTED, _READ),
    webhook_authentication=Limit(
        "HMAC-SHA256 of time and body, in a header",
        _DOCUMENTED,
        _READ,
    ),
    regions=Limit(("US",), _DOCUMENTED, _READ),
)
