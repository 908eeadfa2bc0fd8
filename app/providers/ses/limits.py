"""What Amazon SES carries, in its API v2 and as raw MIME."""

from typing import Final

from app.providers.sdk.content_types import ContentTypes
from app.providers.sdk.limits import ALL_TRACKING, TAG_CHARACTERS, Limit, Limits

_READ: Final = "2026-11-25"
_CHECKED: Final = "2026-11-28"
_QUOTAS: Final = "docs.aws.amazon.com/ses/latest/dg/quotas.html"
_HEADERS: Final = "docs.aws.amazon.com/ses/latest/dg/header-fields.html"
_MODEL: Final = "API model in botocore 1.44.8 (2026-11-20)"
_UNDOCUMENTED: Final = f"{_MODEL}: none for raw MIME"
_TAGS: Final = f"{_MODEL}: MessageTag; metadata travels in them"
_BLOCKED: Final = """
    ade adp app asp bas bat cer chm cmd com cpl crt csh der exe fxp gadget hlp hta inf ins isp its js jse ksh
    lib lnk mad maf mag mam maq mar mas mat mau mav maw mda mdb mde mdt mdw mdz msc msh msh1 msh2 mshxml msh1xml
    msh2xml msi msp mst ops pcd pif plg prf prg reg scf scr sct shb shs sys ps1 ps1xml ps2 ps2xml psc1 psc2 tmp
    url vb vbe vbs vps vsmacros vss vst vsw vxd ws wsc wsf wsh xnk
"""
_UNIQUE: Final = """
    accept-language acceptlanguage archived-at auto-submitted bounces-to comments delivered-to
    disposition-notification-options disposition-notification-to domainkey-signature errors-to importance
    in-reply-to keywords list-archive list-help list-id list-owner list-post list-subscribe list-unsubscribe
    list-unsubscribe-post message-context organization original-from original-message-id original-recipient
    original-subject precedence priority references reply-to return-receipt-to solicitation sensitivity
    thread-index thread-topic user-agent vbr-info
"""

LIMITS: Final = Limits(
    recipients=Limit(50, _QUOTAS, _READ),
    traceable_recipients=Limit(None, "SES Developer Guide, event publishing: an event lists its recipients", _READ),
    to_required=Limit(False, f"{_MODEL}: Destination", _READ),
    size_bytes=Limit(40_000_000, f"{_QUOTAS}: 40 MB after base64", _CHECKED),
    header_section_bytes=Limit(
        32_768,
        "SES answers `Header section too long.` (aws-sdk-php issue 981) and publishes no number; this is the limit of"
        " Sendmail (MaxHeadersLength), the smallest default of a common mail server",
        _CHECKED,
    ),
    ascii_addresses=Limit(
        frozenset({"from", "to", "cc", "bcc", "reply_to"}), f"{_MODEL}: Destination does not support SMTPUTF8", _READ
    ),
    empty_subject=Limit(True, _UNDOCUMENTED, _READ),
    subject_chars=Limit(None, _UNDOCUMENTED, _READ),
    tags=Limit(None, _UNDOCUMENTED, _READ),
    tag_chars=Limit(256, _TAGS, _CHECKED),
    tag_characters=Limit(TAG_CHARACTERS, _TAGS, _CHECKED),
    tags_add=Limit("", _UNDOCUMENTED, "2026-11-29"),
    metadata=Limit(None, _UNDOCUMENTED, _READ),
    metadata_name_chars=Limit(256, _TAGS, _CHECKED),
    metadata_value_chars=Limit(256, _TAGS, _CHECKED),
    metadata_characters=Limit(TAG_CHARACTERS, _TAGS, _CHECKED),
    metadata_bytes=Limit(None, _UNDOCUMENTED, _READ),
    options_bytes=Limit(None, _UNDOCUMENTED, _READ),
    attachments=Limit(495, f"{_QUOTAS}: 500 MIME parts, of which the text and what holds it take five", _CHECKED),
    attachment_bytes=Limit(None, f"{_UNDOCUMENTED}, beside the size of the email", _READ),
    empty_attachments=Limit(True, _UNDOCUMENTED, _READ),
    blocked_extensions=Limit(
        frozenset(_BLOCKED.split()),
        "SES Developer Guide, Unsupported attachment types",
        _READ,
    ),
    filename_chars=Limit(255, f"{_MODEL}: AttachmentFileName", _CHECKED),
    filename_replaced=Limit('/\\:*?"<>|', "no file of Windows may have them; some hosts refuse such a name", _CHECKED),
    unicode_filenames=Limit(True, "RFC 2231, which raw MIME uses", _READ),
    content_types=Limit(ContentTypes.ANY, _UNDOCUMENTED, _READ),
    headers=Limit(None, f"{_MODEL}: 15 with Simple content, which is not used; none for raw MIME", _CHECKED),
    header_name_chars=Limit(126, f"{_MODEL}: MessageHeaderName", _CHECKED),
    header_value_chars=Limit(None, f"{_MODEL}: 995 with Simple content; a line of raw MIME may have 998", _CHECKED),
    reserved_headers=Limit(
        frozenset(
            {"from", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id", "mime-version", "sender"}
            | {"received", "return-path", "dkim-signature"}
        ),
        f"{_HEADERS}: what SES replaces, and what the email's own fields say",
        _CHECKED,
    ),
    # X-SES-… would change how SES handles the email: with another configuration set, its webhooks would stop.
    reserved_header_prefixes=Limit(
        ("content-", "x-ses-"), f"{_HEADERS}, and SES Developer Guide, Specify your configuration set", _CHECKED
    ),
    unique_headers=Limit(
        frozenset(_UNIQUE.split()),
        f"{_HEADERS}: fields that cannot appear more than once",
        _CHECKED,
    ),
    own_list=Limit(
        "SES console, Suppression list (of the account, in its region), or DeleteSuppressedDestination",
        f"{_MODEL}: DeleteSuppressedDestination",
        "2026-11-29",
    ),
    tracking=Limit(
        ALL_TRACKING,
        f"SES Developer Guide, Using configuration overrides; {_MODEL}: TrackingConfigurationOverrides",
        "2026-11-29",
    ),
    idempotent_for_s=Limit(0, f"{_MODEL}: SendEmail has no token", _READ),
    sandbox=Limit(
        "none; success@, bounce@ and complaint@simulator.amazonses.com", "SES Developer Guide, mailbox simulator", _READ
    ),
    webhook_authentication=Limit(
        "SNS: RSA signature in the body, certificate from AWS", "SNS Developer Guide, Verifying signatures", _READ
    ),
    regions=Limit(("each region of AWS that has SES",), "AWS General Reference, SES endpoints", _READ),
)
