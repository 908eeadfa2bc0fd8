"""The rules about codes, and what remains. The last row always decides."""

import re
from typing import Final

from app.providers.sdk.bounces.report import Proven
from app.providers.sdk.bounces.rule import Priority, Rule

IANA: Final = "IANA, SMTP Enhanced Status Codes (2026)"

# RFC 3463 §3.2, RFC 7505 §4.2 (5.1.10), and Exchange Online's 5.1.351 for an unknown recipient at another host.
DEAD: Final = re.compile(r"5\.1\.(?:1|2|3|6|10|351)")
OF_THE_MAILBOX: Final = re.compile(r"[45]\.2\.[123]|5\.3\.4")
FULL: Final = re.compile(r"5\.2\.[23]|5\.3\.4")
OF_POLICY: Final = re.compile(r"[45]\.7\.\d+")
# RFC 3463 §3.2 and §3.8, RFC 7372: they speak of the sender's address or of its authentication.
OF_THE_SENDER: Final = re.compile(r"[45]\.1\.[78]|[45]\.7\.(?:2\d|5\d\d|60[6-9]|6[1-4]\d)|5\.1\.90")
# Codes that cannot be true together with a dead mailbox. Vague ones such as 5.0.0, 5.1.0 and 5.5.0 can.
AGAINST: Final = re.compile(r"[45]\.(?:2|7)\.[1-9]\d*|4\.[1-6]\.[1-9]\d*|5\.1\.[5789]|5\.4\.7|5\.[36]\.[1-9]\d*")


def _code(name: str, proves: Proven, codes: re.Pattern[str], says: str, source: str) -> Rule:
    return Rule(name=name, priority=Priority.ENHANCED_CODE, proves=proves, says=says, source=source, codes=codes)


CODES: Final = (
    Rule(
        name="codes-disagree",
        priority=Priority.ENHANCED_CODE,
        proves=Proven.SOFT_BOUNCE,
        says="A code of a dead mailbox beside one that contradicts it.",
        source="sisimai, set-of-emails, sendmail (2025-12)",
        codes=DEAD,
        beside=AGAINST,
    ),
    _code(
        "mailbox-code", Proven.MAILBOX_CONDITION, OF_THE_MAILBOX, "5.2.1, 5.2.2, 5.2.3, 5.3.4.", "RFC 3463 §3.3, §3.4"
    ),
    _code("policy-code", Proven.BLOCKED, OF_POLICY, "5.7.x.", "RFC 3463 §3.8 (2003)"),
    Rule(
        name="dead-code",
        priority=Priority.ENHANCED_CODE,
        proves=Proven.HARD_BOUNCE,
        says="5.1.1, 5.1.2, 5.1.3, 5.1.6, 5.1.10, 5.1.351.",
        source=f"RFC 3463 §3.2 (2003); RFC 7505 §4.2 (2015); {IANA}",
        codes=DEAD,
        temporary=False,
    ),
    _code(
        "other-code", Proven.SOFT_BOUNCE, re.compile(r"[45].+"), "Any other one; 5.0.0, 5.1.0, 5.4.1, 5.5.0 too.", IANA
    ),
)

REMAINS: Final = (
    Rule(
        name="no-mail-domain",
        priority=Priority.BASIC_CODE,
        proves=Proven.HARD_BOUNCE,
        says="556: the domain accepts no mail.",
        source="RFC 7504 §4 (2015)",
        replies=re.compile("556"),
    ),
    Rule(
        name="basic-code",
        priority=Priority.BASIC_CODE,
        proves=Proven.SOFT_BOUNCE,
        says="Any other 4xx or 5xx.",
        source="RFC 5321 §4.2 (2008)",
        replies=re.compile(r"[45].+"),
    ),
    Rule(
        name="given-up",
        priority=Priority.BASIC_CODE,
        proves=Proven.SOFT_BOUNCE,
        says="`action: failed` or a label such as `bounce`, Permanent/General, NoEmail, with nothing beside it.",
        source="RFC 3464 §2.3.3 (2003); SES, bounce types (2026-11)",
        final=True,
    ),
    Rule(
        name="nothing",
        priority=Priority.BASIC_CODE,
        proves=Proven.UNKNOWN,
        says="Nothing of all this.",
        source="–",
    ),
)
