"""What SendGrid carries."""

from typing import Final

from app.domain.capability import EVERY_NAME
from app.providers.sdk.content_types import ContentTypes
from app.providers.sdk.limits import ALL_TRACKING, ANY_TEXT, Limit, Limits

_READ: Final = "2026-11-25"
_MAIL_SEND: Final = "docs.sendgrid.com, Mail Send"
_LIMITATIONS: Final = "docs.sendgrid.com, Mail Send limitations"
_OPENAPI: Final = "github.com/twilio/sendgrid-oai, tsg_mail_v3 (2024-07-09)"
_ERRORS: Final = "twilio.com/docs/sendgrid/api-reference/mail-send/errors"
_UNDOCUMENTED: Final = f"{_MAIL_SEND}: none documented"

LIMITS: Final = Limits(
    recipients=Limit(1000, _LIMITATIONS, _READ),
    traceable_recipients=Limit(None, "Event Webhook Reference: every event names its recipient", _READ),
    to_required=Limit(True, _ERRORS, _READ),
    size_bytes=Limit(30_000_000, _LIMITATIONS, _READ),
    header_section_bytes=Limit(None, _UNDOCUMENTED, _READ),
    ascii_addresses=Limit(
        frozenset({"from", "to", "cc", "bcc", "reply_to"}), f"{_MAIL_SEND}: SMTPUTF8 is not mentioned", _READ
    ),
    empty_subject=Limit(False, f"{_OPENAPI}: minLength 1", _READ),
    subject_chars=Limit(None, _UNDOCUMENTED, _READ),
    tags=Limit(10, f"{_LIMITATIONS}: categories", _READ),
    tag_chars=Limit(255, f"{_LIMITATIONS}: categories", _READ),
    tag_characters=Limit(ANY_TEXT, _UNDOCUMENTED, _READ),
    tags_add=Limit("", _UNDOCUMENTED, "2026-11-29"),
    metadata=Limit(None, _UNDOCUMENTED, _READ),
    metadata_name_chars=Limit(None, _UNDOCUMENTED, _READ),
    metadata_value_chars=Limit(None, _UNDOCUMENTED, _READ),
    metadata_characters=Limit(ANY_TEXT, _UNDOCUMENTED, _READ),
    metadata_bytes=Limit(10_000, f"{_LIMITATIONS}: custom arguments, all together", _READ),
    options_bytes=Limit(None, _UNDOCUMENTED, _READ),
    attachments=Limit(None, _UNDOCUMENTED, _READ),
    attachment_bytes=Limit(None, f"{_UNDOCUMENTED} beside the size of the email", _READ),
    empty_attachments=Limit(False, f"{_OPENAPI}: attachments.content, minLength 1", _READ),
    blocked_extensions=Limit(frozenset(), f"{_MAIL_SEND}: no list is published", "2026-11-28"),
    filename_chars=Limit(None, _UNDOCUMENTED, _READ),
    filename_replaced=Limit("", _UNDOCUMENTED, _READ),
    unicode_filenames=Limit(False, "django-anymail 14.0 (2025-12-17), changelog: such a name arrives garbled", _READ),
    content_types=Limit(ContentTypes.BARE, "django-anymail issue 492 (2026-09-14), and its answer 400", "2026-11-28"),
    headers=Limit(None, _UNDOCUMENTED, _READ),
    header_name_chars=Limit(None, _UNDOCUMENTED, _READ),
    header_value_chars=Limit(None, _UNDOCUMENTED, _READ),
    reserved_headers=Limit(
        frozenset(
            {"to", "from", "cc", "bcc", "subject", "reply-to", "content-type", "content-transfer-encoding"}
            | {"received", "dkim-signature", "x-sg-id", "x-sg-eid"}
        ),
        f"{_LIMITATIONS}: headers that SendGrid writes itself, or from the fields of the call",
        _READ,
    ),
    reserved_header_prefixes=Limit((), _UNDOCUMENTED, _READ),
    unique_headers=Limit(frozenset({EVERY_NAME}), f"{_MAIL_SEND}: `headers` is an object", _READ),
    own_list=Limit(
        "SendGrid app, Suppressions, or DELETE /v3/suppression/bounces/ADDRESS, "
        "/v3/suppression/invalid_emails/ADDRESS, /v3/suppression/spam_reports/ADDRESS, "
        "/v3/asm/suppressions/global/ADDRESS",
        "github.com/twilio/sendgrid-oai, tsg_suppressions_v3 (2026-01-22)",
        "2026-11-29",
    ),
    tracking=Limit(
        ALL_TRACKING,
        "github.com/sendgrid/sendgrid-oai (2024-07-09), Mail Send: tracking_settings; what a call says takes precedence"
        " (docs.sendgrid.com, Tracking)",
        "2026-11-29",
    ),
    idempotent_for_s=Limit(0, _UNDOCUMENTED, _READ),
    sandbox=Limit("mail_settings.sandbox_mode: checks the call and sends nothing", _OPENAPI, _READ),
    webhook_authentication=Limit(
        "ECDSA signature of timestamp and body, in headers", "Event Webhook Security Features", _READ
    ),
    regions=Limit(("global", "EU"), f"{_MAIL_SEND}: api.sendgrid.com, api.eu.sendgrid.com", _READ),
)
