"""What Mailgun carries."""

from typing import Final

from app.domain.capability import EVERY_NAME
from app.providers.sdk.content_types import ContentTypes
from app.providers.sdk.limits import ALL_TRACKING, ANY_TEXT, ASCII_TEXT, Limit, Limits

_READ: Final = "2026-11-25"
_MESSAGES: Final = "documentation.mailgun.com, Messages"
_UNDOCUMENTED: Final = f"{_MESSAGES}: none documented"
_TOGETHER: Final = f"{_MESSAGES}: none of its own; headers, tags and metadata have one together"

LIMITS: Final = Limits(
    recipients=Limit(1000, _MESSAGES, _READ),
    traceable_recipients=Limit(None, "documentation.mailgun.com, Events: every event names its recipient", _READ),
    to_required=Limit(True, f"{_MESSAGES}: `to parameter is missing`", _READ),
    size_bytes=Limit(25_000_000, f"{_MESSAGES}: 25 MB", _READ),
    header_section_bytes=Limit(None, _TOGETHER, _READ),
    ascii_addresses=Limit(
        frozenset({"from", "reply_to"}),
        "django-anymail 14.0 (2025-12-17): such a From makes an email that is not delivered; Reply-To: not mentioned",
        _READ,
    ),
    empty_subject=Limit(True, f"{_MESSAGES}: `subject` is optional", _READ),
    subject_chars=Limit(None, _UNDOCUMENTED, _READ),
    tags=Limit(10, "help.mailgun.com, Tags", _READ),
    tag_chars=Limit(128, "documentation.mailgun.com, Tags", _READ),
    tag_characters=Limit(ASCII_TEXT, "documentation.mailgun.com, Tags: ASCII", _READ),
    tags_add=Limit(
        "a List-Unsubscribe header of Mailgun's own; whoever uses it has unsubscribed from everything",
        "github.com/mailgun/mailgun-php, issue 682: Mailgun's support on o:tag, 2020-06-01; no later word",
        "2026-11-29",
    ),
    metadata=Limit(None, _TOGETHER, _READ),
    metadata_name_chars=Limit(None, _TOGETHER, _READ),
    metadata_value_chars=Limit(None, _TOGETHER, _READ),
    metadata_characters=Limit(ANY_TEXT, _UNDOCUMENTED, _READ),
    metadata_bytes=Limit(None, _TOGETHER, _READ),
    options_bytes=Limit(
        16_000,
        f"{_MESSAGES}: parameters that start with o:, h: or v:, 16 kB (1,000 bytes each: the smaller reading)",
        _READ,
    ),
    attachments=Limit(None, _UNDOCUMENTED, _READ),
    attachment_bytes=Limit(None, f"{_UNDOCUMENTED} beside the size of the email", _READ),
    empty_attachments=Limit(True, _UNDOCUMENTED, _READ),
    blocked_extensions=Limit(frozenset(), f"{_MESSAGES}: no list is published", "2026-11-28"),
    filename_chars=Limit(None, _UNDOCUMENTED, _READ),
    filename_replaced=Limit('"', "a form has it as %22 (WHATWG, HTML §4.10.21.8), which nobody need undo", _READ),
    unicode_filenames=Limit(True, _UNDOCUMENTED, _READ),
    content_types=Limit(ContentTypes.ANY, _UNDOCUMENTED, _READ),
    headers=Limit(None, _TOGETHER, _READ),
    header_name_chars=Limit(None, _TOGETHER, _READ),
    header_value_chars=Limit(None, _TOGETHER, _READ),
    reserved_headers=Limit(
        frozenset(
            {"to", "from", "cc", "bcc", "subject", "content-type", "content-transfer-encoding", "mime-version"}
            | {"received", "dkim-signature"}
        ),
        f"{_MESSAGES}: headers that Mailgun writes from the fields of the call, or in the MIME that it makes",
        _READ,
    ),
    reserved_header_prefixes=Limit((), _UNDOCUMENTED, _READ),
    unique_headers=Limit(frozenset({EVERY_NAME}), f"{_MESSAGES}: one value for a parameter h:NAME", _READ),
    own_list=Limit(
        "Mailgun control panel, Suppressions (of the domain), or DELETE /v3/DOMAIN/bounces/ADDRESS, "
        "/complaints/ADDRESS, /unsubscribes/ADDRESS",
        "documentation.mailgun.com, Bounces, Complaints, Unsubscribe",
        "2026-11-29",
    ),
    tracking=Limit(
        ALL_TRACKING,
        f"{_MESSAGES}: o:tracking-opens and o:tracking-clicks count more than the domain's settings",
        "2026-11-29",
    ),
    idempotent_for_s=Limit(0, "Mailgun's Python SDK 1.10.0 (2026-10-21) sends a key; no server support", _READ),
    sandbox=Limit("o:testmode: accepted and billed, not delivered", _MESSAGES, _READ),
    webhook_authentication=Limit(
        "HMAC-SHA256 of timestamp and token, in the body, which it does not cover",
        "documentation.mailgun.com, Securing Webhooks",
        _READ,
    ),
    regions=Limit(("US", "EU"), f"{_MESSAGES}: api.mailgun.net, api.eu.mailgun.net; a domain is in one", _READ),
)
