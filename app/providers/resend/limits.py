"""What Resend carries."""

from typing import Final

from app.domain.capability import EVERY_NAME
from app.providers.sdk.content_types import ContentTypes
from app.providers.sdk.limits import TAG_CHARACTERS, Limit, Limits

_READ: Final = "2026-11-25"
_SEND: Final = "resend.com/docs, Send Email"
_OPENAPI: Final = "github.com/resend/resend-openapi (2026-08-21)"
_UNDOCUMENTED: Final = f"{_SEND}: none documented"
_TAGS: Final = f"{_OPENAPI}: tags; metadata travels in them"
_BLOCKED: Final = """
    adp app asp bas bat cer chm cmd com cpl crt csh der exe fxp gadget hlp hta inf ins isp its js jse ksh lib
    lnk mad maf mag mam maq mar mas mat mau mav maw mda mdb mde mdt mdw mdz msc msh msh1 msh2 mshxml msh1xml
    msh2xml msi msp mst ops pcd pif plg prf prg reg scf scr sct shb shs sys ps1 ps1xml ps2 ps2xml psc1 psc2 tmp
    url vb vbe vbs vps vsmacros vss vst vsw vxd ws wsc wsf wsh xnk
"""

LIMITS: Final = Limits(
    recipients=Limit(50, f"{_SEND}: `to`", _READ),
    traceable_recipients=Limit(1, "docs/decisions/0011-one-recipient-at-resend.md", _READ),
    to_required=Limit(True, _SEND, _READ),
    size_bytes=Limit(40_000_000, "resend.com/docs, Attachments: 40 MB after base64", _READ),
    header_section_bytes=Limit(None, _UNDOCUMENTED, _READ),
    ascii_addresses=Limit(
        frozenset({"from", "to", "cc", "bcc", "reply_to"}),
        "django-anymail 15.2 (2026-09): such an address is an error",
        _READ,
    ),
    empty_subject=Limit(True, f"{_OPENAPI}: has no minLength", _READ),
    subject_chars=Limit(None, _UNDOCUMENTED, _READ),
    tags=Limit(None, _UNDOCUMENTED, _READ),
    tag_chars=Limit(256, _TAGS, _READ),
    tag_characters=Limit(TAG_CHARACTERS, _TAGS, _READ),
    tags_add=Limit("", _UNDOCUMENTED, "2026-11-29"),
    metadata=Limit(None, _UNDOCUMENTED, _READ),
    metadata_name_chars=Limit(256, _TAGS, _READ),
    metadata_value_chars=Limit(256, _TAGS, _READ),
    metadata_characters=Limit(TAG_CHARACTERS, _TAGS, _READ),
    metadata_bytes=Limit(None, _UNDOCUMENTED, _READ),
    options_bytes=Limit(None, _UNDOCUMENTED, _READ),
    attachments=Limit(None, _UNDOCUMENTED, _READ),
    attachment_bytes=Limit(None, f"{_UNDOCUMENTED} beside the size of the email", _READ),
    empty_attachments=Limit(False, f"{_SEND}: an attachment must have a `content` or a `path`", _READ),
    blocked_extensions=Limit(
        frozenset(_BLOCKED.split()),
        "resend.com/docs/knowledge-base/what-attachment-types-are-not-supported",
        "2026-11-28",
    ),
    filename_chars=Limit(None, _UNDOCUMENTED, _READ),
    filename_replaced=Limit("", _UNDOCUMENTED, _READ),
    unicode_filenames=Limit(True, _UNDOCUMENTED, _READ),
    content_types=Limit(
        ContentTypes.FITTING,
        "django-anymail 14.0 (2025-12-17), Limitations and quirks: otherwise the email is dropped without a word",
        _READ,
    ),
    headers=Limit(None, _UNDOCUMENTED, _READ),
    header_name_chars=Limit(None, _UNDOCUMENTED, _READ),
    header_value_chars=Limit(None, _UNDOCUMENTED, _READ),
    reserved_headers=Limit(
        frozenset(
            {"to", "from", "cc", "bcc", "subject", "reply-to", "content-type", "content-transfer-encoding"}
            | {"mime-version", "received", "dkim-signature"}
        ),
        f"{_SEND}: headers that Resend writes from the fields of the call, or in the MIME that it makes",
        _READ,
    ),
    reserved_header_prefixes=Limit((), _UNDOCUMENTED, _READ),
    unique_headers=Limit(frozenset({EVERY_NAME}), f"{_SEND}: `headers` is an object", _READ),
    own_list=Limit(
        "Resend dashboard, Suppressions, or DELETE /suppressions/ADDRESS (private beta)",
        f"resend.com/docs, Remove Suppression; {_OPENAPI}",
        "2026-11-29",
    ),
    tracking=Limit(
        frozenset(),
        f"resend.com/docs, Open and Click Tracking: a setting of the domain, off by default; {_OPENAPI}: Send Email has"
        " no field for it",
        "2026-11-29",
    ),
    idempotent_for_s=Limit(24 * 3600, "resend.com/docs, Idempotency Keys: 24 hours", _READ),
    sandbox=Limit("none; delivered@, bounced@ and complained@resend.dev", "resend.com/docs, Test Emails", _READ),
    webhook_authentication=Limit(
        "Svix: HMAC-SHA256 of id, timestamp and body, in headers", "resend.com/docs, Verify Webhooks Requests", _READ
    ),
    regions=Limit(("global",), f"{_SEND}: one address; a domain chooses where it sends from", _READ),
)
