"""What the words of a drop mean: a provider took an email, and then did not try to deliver it.

Words that speak of our account there rest or break the account, as the same words in an answer do; the email itself
goes to the next provider.
"""

import re
from typing import Final

from app.domain.kinds import Cause, Kind
from app.providers.sdk import virus
from app.providers.sdk.bounces import EventMeaning

# By lower-case words; the first that are found count. The sources are the providers' lists of errors as their tables of
# answers name them, and their help pages on suspended accounts (read 2026-11-29). What speaks of the recipient's own
# mailbox is no drop but a bounce, which has a reader of its own.
WORDS: Final[dict[str, Cause]] = {
    "rate limit": Cause.THROTTLE,
    "rate_limit": Cause.THROTTLE,
    "sending rate": Cause.THROTTLE,
    "throttl": Cause.THROTTLE,
    "too many requests": Cause.THROTTLE,
    "too fast": Cause.THROTTLE,
    "quota": Cause.LIMIT,
    "credits": Cause.LIMIT,
    "limit exceeded": Cause.LIMIT,
    "limit reached": Cause.LIMIT,
    "messaging limit": Cause.LIMIT,
    "sending limit": Cause.LIMIT,
    "under review": Cause.ACCOUNT,
    "under_review": Cause.ACCOUNT,
    "not allowed to send": Cause.ACCOUNT,
    "suspended": Cause.ACCOUNT,
    "suspension": Cause.ACCOUNT,
    "deactivated": Cause.ACCOUNT,
    "probation": Cause.ACCOUNT,
    "payment required": Cause.ACCOUNT,
    "past due": Cause.ACCOUNT,
}


# What no page lists, but a provider may write as well: the state of our account or domain, a limit of a time, a bill.
_STATES: Final = (
    r"on hold|disabled|inactive|paused|blocked|banned|closed|terminated|locked|frozen|restricted|"
    r"under investigation|pending|not (?:yet )?(?:activated|approved|verified)"
)
PATTERNS: Final[tuple[tuple[re.Pattern[str], Cause], ...]] = (
    (re.compile(r"\brate (?:was |is )?exceeded\b|\btoo many (?:emails|messages|calls)\b"), Cause.THROTTLE),
    (re.compile(r"\b(?:daily|hourly|weekly|monthly)\b[\w ]{0,20}\b(?:limit|allowance)\b"), Cause.LIMIT),
    (re.compile(rf"\b(?:account|(?:sub)?domain|sending)\b[\w .-]{{0,40}}\b(?:{_STATES})\b"), Cause.ACCOUNT),
    (re.compile(rf"\b(?:{_STATES}) (?:for (?:this |your |the )?)?account\b|\bactivate your\b"), Cause.ACCOUNT),
    (
        re.compile(r"\bpayment (?:failed|declined|overdue)\b|\bbilling\b|\btrial (?:has )?(?:expired|ended)\b"),
        Cause.ACCOUNT,
    ),
)
# A size is that of the email, and a mailbox is the recipient's, whatever limit or quota the words name.
_OF_ANOTHER: Final = re.compile(r"\b(?:size|mailbox|inbox)\b|\brecipient(?:'?s)? (?:account|domain|quota)\b")


def meaning(words: str, otherwise: Cause = Cause.UNKNOWN) -> EventMeaning:
    """The meaning of a drop with these words of the provider: a virus that it found, or a drop and its cause.

    `otherwise` is the cause if they do not speak of us.
    """
    if virus.is_found(words.replace("_", " ")):
        return Kind.VIRUS, Cause.MESSAGE
    return Kind.DROPPED, _of_us(words.lower()) or otherwise


def _of_us(words: str) -> Cause | None:
    """What the lower-case words say of our account. None: nothing."""
    spaced = words.replace("_", " ")
    if _OF_ANOTHER.search(spaced):
        return None
    known = (cause for part, cause in WORDS.items() if part in words)
    return next(known, None) or next((cause for pattern, cause in PATTERNS if pattern.search(spaced)), None)
