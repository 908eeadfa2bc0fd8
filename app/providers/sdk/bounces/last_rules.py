"""The second half of the table: the host's words, then the codes. The last row always decides."""

import re
from typing import Final

from app.providers.sdk.bounces import english, languages, recipients, tokens
from app.providers.sdk.bounces.report import Label, Proven
from app.providers.sdk.bounces.rule import Patterns, Rule, Weight

_TEXTS: Final = "sisimai, set-of-emails (2025-12); ZoneMTA, bounces.txt (2026-07)"
_PAGES: Final = "The hosts' own pages (2026)"
_ABROAD: Final = "The texts of hosts that do not write English (2026)"
_IANA: Final = "IANA, SMTP Enhanced Status Codes (2026)"

# RFC 3463 §3.2, RFC 7505 §4.2 (5.1.10), and Exchange Online's 5.1.351 for an unknown recipient at another host.
_DEAD: Final = re.compile(r"5\.1\.(?:1|2|3|6|10|351)")
_OF_THE_MAILBOX: Final = re.compile(r"[45]\.2\.[123]|5\.3\.4")
_FULL: Final = re.compile(r"5\.2\.[23]|5\.3\.4")
_OF_POLICY: Final = re.compile(r"[45]\.7\.\d+")
# RFC 3463 §3.2 and §3.8, RFC 7372: they speak of the sender's address or of its authentication.
_OF_THE_SENDER: Final = re.compile(r"[45]\.1\.[78]|[45]\.7\.(?:2\d|5\d\d|60[6-9]|6[1-4]\d)|5\.1\.90")
# Codes that cannot be true together with a dead mailbox. Vague ones such as 5.0.0, 5.1.0 and 5.5.0 can.
_AGAINST: Final = re.compile(r"[45]\.(?:2|7)\.[1-9]\d*|4\.[1-6]\.[1-9]\d*|5\.1\.[5789]|5\.4\.7|5\.[36]\.[1-9]\d*")


def _words(name: str, weight: Weight, proves: Proven, words: Patterns, says: str, source: str) -> Rule:
    return Rule(name=name, weight=weight, proves=proves, says=says, source=source, words=words)


def _about_us(name: str, pattern: re.Pattern[str], says: str, source: str = _TEXTS) -> Rule:
    return _words(name, Weight.ABOUT_US, Proven.BLOCKED, (pattern,), says, source)


def _mailbox(name: str, pattern: re.Pattern[str], says: str, source: str = _TEXTS) -> Rule:
    return _words(name, Weight.MAILBOX, Proven.MAILBOX_CONDITION, (pattern,), says, source)


ABOUT_US: Final = (
    _about_us("sender", english.SENDER, "Our sender address, our server, what comes from us."),
    Rule(
        name="sender-code",
        weight=Weight.ABOUT_US,
        proves=Proven.BLOCKED,
        says="A code that speaks of the sender: 5.1.7, 5.1.8, 5.7.20 to 5.7.29, 5.7.5xx, 5.7.606 to 5.7.649.",
        source=f"{_IANA}; Microsoft, Non-delivery reports in Exchange Online (2026)",
        codes=_OF_THE_SENDER,
    ),
    _about_us("rate", english.RATE, "Rate: too many, too fast, a limit per hour."),
    _about_us("reputation", english.REPUTATION, "Reputation, block lists, blocked, banned."),
    _about_us("authentication", english.AUTHENTICATION, "SPF, DKIM, DMARC, authentication, TLS."),
    _about_us("reverse-dns", english.REVERSE_DNS, "PTR, reverse DNS, HELO."),
    _about_us("content", english.CONTENT, "Spam, viruses, content."),
    _about_us("relaying", english.RELAY, "Relaying."),
    _about_us("policy", english.POLICY, "Policy, access, what the recipient does not want.", f"{_TEXTS}; {_PAGES}"),
    _words("us-abroad", Weight.ABOUT_US, Proven.BLOCKED, languages.US, "The same in other languages.", _ABROAD),
)

MAILBOX: Final = (
    _mailbox("full", english.FULL, "The mailbox is full."),
    _mailbox("disabled", english.DISABLED, "The mailbox is disabled, inactive, suspended."),
    _mailbox("too-large", english.TOO_LARGE, "The email is too large for it."),
    _words(
        "mailbox-abroad", Weight.MAILBOX, Proven.MAILBOX_CONDITION, languages.CONDITION, "The same elsewhere.", _ABROAD
    ),
    Rule(
        name="mailbox-label",
        weight=Weight.MAILBOX,
        proves=Proven.MAILBOX_CONDITION,
        says="SendGrid's `Mailbox Unavailable`, SES's and Resend's `MailboxFull` and `MessageTooLarge`.",
        source="SendGrid, Event Webhook (2026-04); SES, bounce subtypes (2026-11)",
        labels=frozenset({Label.MAILBOX_CONDITION}),
    ),
)


def _unknown(name: str, says: str, source: str, words: Patterns, codes: re.Pattern[str] | None = None) -> Rule:
    return Rule(
        name=name,
        weight=Weight.UNKNOWN_RECIPIENT,
        proves=Proven.HARD_BOUNCE,
        says=says,
        source=source,
        words=words,
        codes=codes,
        temporary=False,
    )


def _unreconciled(name: str, says: str, source: str, words: Patterns, codes: re.Pattern[str] | None = None) -> Rule:
    return Rule(
        name=name,
        weight=Weight.UNKNOWN_RECIPIENT,
        proves=Proven.SOFT_BOUNCE,
        says=says,
        source=source,
        words=words,
        codes=codes,
        temporary=False,
    )


_SAYS_UNKNOWN: Final = (recipients.UNKNOWN_RECIPIENT, recipients.UNKNOWN_HOST, *languages.UNKNOWN)

UNKNOWN_RECIPIENT: Final = (
    _unreconciled(
        "not-now",
        "The text also says that it may work later, or that nobody was reached.",
        "Postfix, verify(8): an address that could not be verified has 5.1.1, too (2026)",
        (english.LATER, *languages.LATER),
    ),
    Rule(
        name="filter-says-unknown",
        weight=Weight.UNKNOWN_RECIPIENT,
        proves=Proven.SOFT_BOUNCE,
        says='au and docomo: a recipient\'s own filter answers "User unknown", without the address or after the data.',
        source="sisimai, rhost KDDI and NTT docomo (2025-02)",
        tokens=recipients.FILTERED,
    ),
    _unreconciled(
        "full-code", "Unknown by the words, full or too large by the code.", "RFC 3463 §3.3", _SAYS_UNKNOWN, _FULL
    ),
    _unknown(
        "unknown-recipient",
        "User, recipient, mailbox, address: unknown, not found, invalid …",
        f"{_TEXTS}; {_PAGES}",
        (recipients.UNKNOWN_RECIPIENT,),
    ),
    _unknown(
        "unknown-host",
        "The domain: unknown, not found, null MX; an unrouteable address.",
        "Postfix, Exim 4.98, sendmail 8.18, qmail: their texts (2026)",
        (recipients.UNKNOWN_HOST,),
    ),
    _unknown(
        "invalid-domain",
        '5.4.4 or 5.1.2 with "invalid domain".',
        "sisimai, set-of-emails, Amazon SES (2025-12)",
        (recipients.INVALID_DOMAIN,),
        re.compile(r"5\.4\.4|5\.1\.2"),
    ),
    _unknown("unknown-abroad", "Unknown recipient, in other languages.", _ABROAD, languages.UNKNOWN),
    Rule(
        name="unavailable-at-host",
        weight=Weight.UNKNOWN_RECIPIENT,
        proves=Proven.HARD_BOUNCE,
        says='"Requested action not taken: mailbox unavailable" by a host of Microsoft or United Internet.',
        source="smtp.codes: United Internet (2026); sisimai, rhost Outlook (2025-02)",
        tokens=tokens.SAYS_UNAVAILABLE,
        words=(recipients.MAILBOX_UNAVAILABLE,),
        temporary=False,
    ),
    _unknown(
        "unavailable-with-address",
        "The same after the recipient's address, as United Internet writes it.",
        "smtp.codes: United Internet (2026)",
        (recipients.MAILBOX_UNAVAILABLE_AT,),
    ),
    _unknown(
        "unavailable-with-code",
        "The same with 5.5.0, as outlook.com writes it.",
        "sisimai, rhost Outlook (2025-02)",
        (recipients.MAILBOX_UNAVAILABLE,),
        re.compile(r"5\.5\.0"),
    ),
    Rule(
        name="invalid-address-but",
        weight=Weight.UNKNOWN_RECIPIENT,
        proves=Proven.SOFT_BOUNCE,
        says="SendGrid's `Invalid Address` beside a code that contradicts it.",
        source="SendGrid, Event Webhook (2026-04)",
        labels=frozenset({Label.UNKNOWN_RECIPIENT}),
        codes=_AGAINST,
    ),
    Rule(
        name="invalid-address",
        weight=Weight.UNKNOWN_RECIPIENT,
        proves=Proven.HARD_BOUNCE,
        says="SendGrid's `Invalid Address`.",
        source="SendGrid, Event Webhook (2026-04)",
        labels=frozenset({Label.UNKNOWN_RECIPIENT}),
        temporary=False,
    ),
)


def _code(name: str, proves: Proven, codes: re.Pattern[str], says: str, source: str) -> Rule:
    return Rule(name=name, weight=Weight.ENHANCED_CODE, proves=proves, says=says, source=source, codes=codes)


CODES: Final = (
    Rule(
        name="codes-disagree",
        weight=Weight.ENHANCED_CODE,
        proves=Proven.SOFT_BOUNCE,
        says="A code of a dead mailbox beside one that contradicts it.",
        source="sisimai, set-of-emails, sendmail (2025-12)",
        codes=_DEAD,
        beside=_AGAINST,
    ),
    _code(
        "mailbox-code", Proven.MAILBOX_CONDITION, _OF_THE_MAILBOX, "5.2.1, 5.2.2, 5.2.3, 5.3.4.", "RFC 3463 §3.3, §3.4"
    ),
    _code("policy-code", Proven.BLOCKED, _OF_POLICY, "5.7.x.", "RFC 3463 §3.8 (2003)"),
    Rule(
        name="dead-code",
        weight=Weight.ENHANCED_CODE,
        proves=Proven.HARD_BOUNCE,
        says="5.1.1, 5.1.2, 5.1.3, 5.1.6, 5.1.10, 5.1.351.",
        source=f"RFC 3463 §3.2 (2003); RFC 7505 §4.2 (2015); {_IANA}",
        codes=_DEAD,
        temporary=False,
    ),
    _code(
        "other-code", Proven.SOFT_BOUNCE, re.compile(r"[45].+"), "Any other one; 5.0.0, 5.1.0, 5.4.1, 5.5.0 too.", _IANA
    ),
)

REMAINS: Final = (
    Rule(
        name="no-mail-domain",
        weight=Weight.BASIC_CODE,
        proves=Proven.HARD_BOUNCE,
        says="556: the domain accepts no mail.",
        source="RFC 7504 §4 (2015)",
        replies=re.compile("556"),
    ),
    Rule(
        name="basic-code",
        weight=Weight.BASIC_CODE,
        proves=Proven.SOFT_BOUNCE,
        says="Any other 4xx or 5xx.",
        source="RFC 5321 §4.2 (2008)",
        replies=re.compile(r"[45].+"),
    ),
    Rule(
        name="given-up",
        weight=Weight.BASIC_CODE,
        proves=Proven.SOFT_BOUNCE,
        says="`action: failed` or a label such as `bounce`, Permanent/General, NoEmail, with nothing beside it.",
        source="RFC 3464 §2.3.3 (2003); SES, bounce types (2026-11)",
        final=True,
    ),
    Rule(
        name="nothing",
        weight=Weight.BASIC_CODE,
        proves=Proven.UNKNOWN,
        says="Nothing of all this.",
        source="–",
    ),
)
