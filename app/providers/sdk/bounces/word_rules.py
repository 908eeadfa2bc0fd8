"""The rules about the host's words: about us, about the mailbox's condition, about an unknown recipient."""

import re
from typing import Final

from app.providers.sdk.bounces import english, languages, recipients, tokens
from app.providers.sdk.bounces.code_rules import AGAINST, FULL, IANA, OF_THE_SENDER
from app.providers.sdk.bounces.pattern import Pattern
from app.providers.sdk.bounces.report import Label, Proven
from app.providers.sdk.bounces.rule import Patterns, Priority, Rule

_TEXTS: Final = "sisimai, set-of-emails (2025-12); ZoneMTA, bounces.txt (2026-07)"
_PAGES: Final = "The hosts' own pages (2026)"
_ABROAD: Final = "The texts of hosts that do not write English (2026)"


def _words(name: str, priority: Priority, proves: Proven, words: Patterns, says: str, source: str) -> Rule:
    return Rule(name=name, priority=priority, proves=proves, says=says, source=source, words=words)


def _about_us(name: str, pattern: Pattern, says: str, source: str = _TEXTS) -> Rule:
    return _words(name, Priority.ABOUT_US, Proven.BLOCKED, (pattern,), says, source)


def _mailbox(name: str, pattern: Pattern, says: str, source: str = _TEXTS) -> Rule:
    return _words(name, Priority.MAILBOX, Proven.MAILBOX_CONDITION, (pattern,), says, source)


ABOUT_US: Final = (
    _about_us("sender", english.SENDER, "Our sender address, our server, what comes from us."),
    Rule(
        name="sender-code",
        priority=Priority.ABOUT_US,
        proves=Proven.BLOCKED,
        says="A code that speaks of the sender: 5.1.7, 5.1.8, 5.7.20 to 5.7.29, 5.7.5xx, 5.7.606 to 5.7.649.",
        source=f"{IANA}; Microsoft, Non-delivery reports in Exchange Online (2026)",
        codes=OF_THE_SENDER,
    ),
    _about_us("rate", english.RATE, "Rate: too many, too fast, a limit per hour."),
    _about_us("reputation", english.REPUTATION, "Reputation, block lists, blocked, banned."),
    _about_us("authentication", english.AUTHENTICATION, "SPF, DKIM, DMARC, authentication, TLS."),
    _about_us("reverse-dns", english.REVERSE_DNS, "PTR, reverse DNS, HELO."),
    _about_us("content", english.CONTENT, "Spam, viruses, content."),
    _about_us("relaying", english.RELAY, "Relaying."),
    _about_us("policy", english.POLICY, "Policy, access, what the recipient does not want.", f"{_TEXTS}; {_PAGES}"),
    _words("us-abroad", Priority.ABOUT_US, Proven.BLOCKED, languages.US, "The same in other languages.", _ABROAD),
)

MAILBOX: Final = (
    _mailbox("full", english.FULL, "The mailbox is full."),
    _mailbox("disabled", english.DISABLED, "The mailbox is disabled, inactive, suspended."),
    _mailbox("too-large", english.TOO_LARGE, "The email is too large for it."),
    _words(
        "mailbox-abroad",
        Priority.MAILBOX,
        Proven.MAILBOX_CONDITION,
        languages.CONDITION,
        "The same elsewhere.",
        _ABROAD,
    ),
    Rule(
        name="mailbox-label",
        priority=Priority.MAILBOX,
        proves=Proven.MAILBOX_CONDITION,
        says="The provider's label `Mailbox Unavailable`, `MailboxFull` or `MessageTooLarge`.",
        source="SendGrid, Event Webhook (2026-04); SES, bounce subtypes (2026-11)",
        labels=frozenset({Label.MAILBOX_CONDITION}),
    ),
)


def _unknown(name: str, says: str, source: str, words: Patterns, codes: re.Pattern[str] | None = None) -> Rule:
    return Rule(
        name=name,
        priority=Priority.UNKNOWN_RECIPIENT,
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
        priority=Priority.UNKNOWN_RECIPIENT,
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
        priority=Priority.UNKNOWN_RECIPIENT,
        proves=Proven.SOFT_BOUNCE,
        says='au and docomo: a recipient\'s own filter answers "User unknown", without the address or after the data.',
        source="sisimai, rhost KDDI and NTT docomo (2025-02)",
        tokens=recipients.FILTERED,
    ),
    _unreconciled(
        "full-code", "Unknown by the words, full or too large by the code.", "RFC 3463 §3.3", _SAYS_UNKNOWN, FULL
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
        "sisimai, set-of-emails (2025-12)",
        (recipients.INVALID_DOMAIN,),
        re.compile(r"5\.4\.4|5\.1\.2"),
    ),
    _unknown("unknown-abroad", "Unknown recipient, in other languages.", _ABROAD, languages.UNKNOWN),
    Rule(
        name="unavailable-at-host",
        priority=Priority.UNKNOWN_RECIPIENT,
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
        priority=Priority.UNKNOWN_RECIPIENT,
        proves=Proven.SOFT_BOUNCE,
        says="The label `Invalid Address` beside a code that contradicts it.",
        source="SendGrid, Event Webhook (2026-04)",
        labels=frozenset({Label.UNKNOWN_RECIPIENT}),
        codes=AGAINST,
    ),
    Rule(
        name="invalid-address",
        priority=Priority.UNKNOWN_RECIPIENT,
        proves=Proven.HARD_BOUNCE,
        says="The label `Invalid Address`.",
        source="SendGrid, Event Webhook (2026-04)",
        labels=frozenset({Label.UNKNOWN_RECIPIENT}),
        temporary=False,
    ),
)
