"""The first half of the table: whether it is a failure, the provider's label, a receiver's token."""

import re
from typing import Final

from app.providers.sdk.bounces import tokens
from app.providers.sdk.bounces.pattern import Pattern, phrases
from app.providers.sdk.bounces.recipients import ACCESS_DENIED
from app.providers.sdk.bounces.report import Label, Proven
from app.providers.sdk.bounces.rule import Priority, Rule

_OWN_LIST: Final = phrases(
    r"suppression list|has suppressed sending|was suppressed|previously (?:bounced|unsubscribed) address"
)

IS_IT_A_FAILURE: Final = (
    Rule(
        name="delayed",
        priority=Priority.ACTION,
        proves=Proven.DELAYED,
        says="The action is `delayed`.",
        source="RFC 3464 §2.3.3 (2003)",
        action=lambda action: action == "delayed",
    ),
    Rule(
        name="other-action",
        priority=Priority.ACTION,
        proves=Proven.NOT_A_FAILURE,
        says="The action is another one than `failed`: `delivered`, `relayed`, `expanded`.",
        source="RFC 3464 §2.3.3 (2003)",
        action=lambda action: action not in ("", "failed"),
    ),
    Rule(
        name="goes-on-trying",
        priority=Priority.ACTION,
        proves=Proven.DELAYED,
        says="The provider's label says that it goes on trying.",
        source="Mailgun, Events: severity `temporary` (2024-07)",
        action=lambda action: not action,
        labels=frozenset({Label.DELAYED}),
    ),
    Rule(
        name="automatic-reply",
        priority=Priority.ACTION,
        proves=Proven.NOT_A_FAILURE,
        says="Not Permanent, a subtype that says nothing, no `action: failed`. An absence note comes like this.",
        source="SES, Using the mailbox simulator: ooto@ (2026-11)",
        action=lambda action: not action,
        labels=frozenset({Label.SAYS_NOTHING}),
    ),
    Rule(
        name="no-reply",
        priority=Priority.ACTION,
        proves=Proven.NOT_A_FAILURE,
        says="The same from a provider that reports no action, and no 4xx or 5xx code in its text.",
        source="Resend, Email Bounces (2026-11)",
        action=lambda action: not action,
        labels=frozenset({Label.SAYS_NOTHING_WITHOUT_REPLY}),
        fails=False,
    ),
    Rule(
        name="success",
        priority=Priority.ACTION,
        proves=Proven.NOT_A_FAILURE,
        says="There are codes, and all of them are 2xx or 2.x.x.",
        source="RFC 3463 §2 (2003)",
        final=False,
        fails=False,
        succeeds=True,
    ),
    Rule(
        name="temporary",
        priority=Priority.ACTION,
        proves=Proven.DELAYED,
        says="The host's last word was a 4xx, and nobody says that the provider has given up.",
        source="RFC 5321 §4.2.1 (2008)",
        temporary=True,
        final=False,
    ),
)

LABELS: Final = (
    Rule(
        name="own-list",
        priority=Priority.LABEL,
        proves=Proven.SUPPRESSED,
        says="The provider never tried: the address is on its own list.",
        source="SES, bounce subtypes (2026-11); Mailgun, Events (2024-07)",
        labels=frozenset({Label.SUPPRESSED}),
    ),
    Rule(
        name="block-label",
        priority=Priority.LABEL,
        proves=Proven.BLOCKED,
        says="The provider's label speaks of content, reputation, rate or a block.",
        source="SendGrid, Event Webhook (2026-04); SES, bounce subtypes (2026-11); Mailgun, Events (2024-07)",
        labels=frozenset({Label.BLOCKED}),
    ),
    Rule(
        name="own-list-words",
        priority=Priority.LABEL,
        proves=Proven.SOFT_BOUNCE,
        says="The text speaks of somebody's suppression list, and no label confirms that it is the provider's.",
        source="SES, Using the account-level suppression list (2026-11)",
        words=(_OWN_LIST,),
    ),
)


def _token(name: str, proves: Proven, pattern: Pattern, says: str, source: str) -> Rule:
    """A token that says "dead" beside a 4xx says it of nothing: the host will look again."""
    only_final = False if proves is Proven.HARD_BOUNCE else None
    return Rule(
        name=name,
        priority=Priority.TOKEN,
        proves=proves,
        says=says,
        source=source,
        tokens=pattern,
        temporary=only_final,
    )


_DEAD, _CONDITION, _BLOCKED = Proven.HARD_BOUNCE, Proven.MAILBOX_CONDITION, Proven.BLOCKED
_GOOGLE: Final = "Google Workspace, SMTP errors and codes (2026)"
_MICROSOFT: Final = "Microsoft, Non-delivery reports in Exchange Online (2026)"
_ORANGE: Final = "Orange and La Poste, OFR and LPN codes, by postmastery.com (2025)"

TOKENS: Final = (
    _token("google-unknown", _DEAD, tokens.GOOGLE_UNKNOWN, "Gmail's link `p=NoSuchUser`.", _GOOGLE),
    _token("google-mailbox", _CONDITION, tokens.GOOGLE_CONDITION, "`p=DisabledUser`, `p=OverQuotaPerm`.", _GOOGLE),
    _token(
        "google-us", _BLOCKED, tokens.GOOGLE_US, "`p=UnsolicitedMessageError`, `p=ReceivingRate` and more.", _GOOGLE
    ),
    _token("microsoft-unknown", _DEAD, tokens.MICROSOFT_UNKNOWN, "`AS(201806281)`, `S2017062302`.", _MICROSOFT),
    Rule(
        name="microsoft-edge-block",
        priority=Priority.TOKEN,
        proves=Proven.HARD_BOUNCE,
        says='5.4.1 with "Recipient address rejected: Access denied": the directory does not have the address.',
        source="Microsoft, Directory-based edge blocking (2026)",
        words=(ACCESS_DENIED,),
        codes=re.compile(r"5\.4\.1"),
        temporary=False,
    ),
    _token(
        "microsoft-us", _BLOCKED, tokens.MICROSOFT_US, "S31xx, S775, SC-001, `RESOLVER.RST.AuthRequired` …", _MICROSOFT
    ),
    _token(
        "exchange-unknown", _DEAD, tokens.EXCHANGE_UNKNOWN, "`RESOLVER.ADR.RecipNotFound` and the like.", _MICROSOFT
    ),
    _token("apple-us", _BLOCKED, tokens.APPLE_US, "CS01, HM08, HME1.", "Apple, iCloud Mail for postmasters (2024)"),
    _token("yahoo-us", _BLOCKED, tokens.YAHOO_US, "TSS04, BL21, PH01 …", "Yahoo, SMTP error codes (2026)"),
    _token("godaddy-us", _BLOCKED, tokens.GODADDY_US, "IB607, IB508 …", "GoDaddy, Fix rejected email (2025)"),
    _token("orange-unknown", _DEAD, tokens.ORANGE_UNKNOWN, "OFR_416, LPN007_416.", _ORANGE),
    _token("orange-mailbox", _CONDITION, tokens.ORANGE_CONDITION, "OFR_417, LPN007_420, LPN007_426.", _ORANGE),
    _token("orange-us", _BLOCKED, tokens.ORANGE_US, "OFR006_102, OFR_506, LPN105_405 …", _ORANGE),
    _token(
        "cable-us",
        _BLOCKED,
        tokens.CABLE_US,
        "Any `AUP#…` of Cox or Spectrum.",
        "postmaster.cox.net, Error codes (2024)",
    ),
    _token("comcast-us", _BLOCKED, tokens.COMCAST_US, "BL000001, RL000002 …", "Comcast, mail error codes (2024)"),
    _token("netease-us", _BLOCKED, tokens.NETEASE_US, "DT:SPM, MI:SPF, RP:TRC …", "NetEase, return codes (2020)"),
    _token("list-link", _BLOCKED, tokens.LIST_LINK, "A link to a block list's page.", "RFC 5782 §2 (2010)"),
)
