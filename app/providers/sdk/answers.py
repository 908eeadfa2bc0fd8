"""What an HTTP answer means if the provider's own tables do not say it. Every status has a meaning."""

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Final

import httpx

from app.domain.kinds import Cause, Kind, OutcomeKind
from app.domain.outcome import Outcome, shorten
from app.providers.sdk import payload

AnswerMeaning = tuple[OutcomeKind, Cause]
Texts = Mapping[tuple[int, str], AnswerMeaning]  # by status and lower-case words in the body; the first match counts

_ACCOUNT: Final[AnswerMeaning] = (Kind.UNAVAILABLE, Cause.ACCOUNT)
_OUTAGE: Final[AnswerMeaning] = (Kind.UNAVAILABLE, Cause.OUTAGE)
_THROTTLED: Final[AnswerMeaning] = (Kind.THROTTLED, Cause.THROTTLE)
_REFUSED: Final[AnswerMeaning] = (Kind.REFUSED, Cause.MESSAGE)
# The account's own quota of a day or month is used up. Emails wait for it, and not for a provider that is down.
OVER_QUOTA: Final[AnswerMeaning] = (Kind.THROTTLED, Cause.LIMIT)
_NO_ANSWER: Final[AnswerMeaning] = (Kind.UNCERTAIN, Cause.OUTAGE)

STATUSES: Final[dict[int, AnswerMeaning]] = {
    400: _REFUSED,
    401: _ACCOUNT,
    402: _ACCOUNT,
    403: _ACCOUNT,
    404: _ACCOUNT,  # there is no such domain, or the base URL is wrong: we must repair it
    405: _ACCOUNT,
    406: _ACCOUNT,
    407: _ACCOUNT,
    410: _ACCOUNT,
    421: _ACCOUNT,
    408: _NO_ANSWER,  # may be a gateway's answer: the server behind it may have got the request
    413: _REFUSED,
    415: _REFUSED,
    420: _THROTTLED,
    422: _REFUSED,
    429: _THROTTLED,
    500: _OUTAGE,
    502: _OUTAGE,
    503: _OUTAGE,
    504: _NO_ANSWER,
    524: _NO_ANSWER,
}
CLASSES: Final[dict[int, AnswerMeaning]] = {
    2: (Kind.UNCERTAIN, Cause.UNKNOWN),  # a success without a message id
    3: _ACCOUNT,  # a redirect takes no email: the base URL is not the API's
    4: (Kind.REFUSED, Cause.UNKNOWN),  # no email was taken; the cause is not known
    5: _NO_ANSWER,  # only after 500, 502 and 503 is it known that no email was taken
}
# Statuses of the account, at which some providers say by words that only this email was not allowed.
_IN_WORDS: Final = frozenset({403})
CUT: Final = "is_cut"  # the extension of an answer whose body did not come to its end
LONGEST_COOLDOWN_S: Final = 86_400.0  # a longer Retry-After counts as a day


def accepted(response: httpx.Response, message_id: str) -> Outcome:
    """The outcome if the provider took the email and gave it `message_id`."""
    return Outcome(Kind.ACCEPTED, status_code=response.status_code, message_id=message_id)


def judge(
    response: httpx.Response, texts: Texts, *, secrets: Iterable[str], retry_after_s: float | None = None
) -> Outcome:
    """The outcome of an answer that accepts nothing: by its words in `texts`, else by its status, else by its class.

    If its body was cut off, a status that has its meaning from the words is no refusal: nothing was taken, and another
    call may say why. The words that came are not told, because they may end inside a secret.
    `secrets` are removed from the reply, in case the provider repeats them. `retry_after_s` is what the body asks for;
    a Retry-After header counts more.
    """
    status, words = response.status_code, text(response)
    kind, cause = _by_words(status, words.lower(), texts) or _by_status(status, cut=is_cut(response))
    cooldown_s = None
    if kind is Kind.THROTTLED:
        asked_s = header_s(response)
        cooldown_s = _bounded(asked_s if asked_s is not None else retry_after_s)
    reply = "the answer was cut off" if is_cut(response) else shorten(redact(words, secrets))
    return Outcome(kind, cause, status_code=status, reply=reply, retry_after_s=cooldown_s)


def is_cut(response: httpx.Response) -> bool:
    """Whether the body did not come to its end: the line broke, or the time was over."""
    return response.extensions.get(CUT) is True


def text(response: httpx.Response) -> str:
    """The body as text, whatever its bytes are. A charset that the answer names is not asked: some name a codec.

    Zero bytes are left out: ASCII in UTF-16 or UTF-32, a secret in it too, is then read as what it is.
    """
    return response.content.replace(b"\0", b"").decode(errors="replace")


def redact(words: str, secrets: Iterable[str]) -> str:
    """The words without any of the secrets, also as JSON, URLs and HTML may write them."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):  # a secret may contain another
        words = re.sub("".join(map(_written, secret)), "[secret]", words)
    return words


def _written(character: str) -> str:
    """A pattern of every way in which a character of a secret may be written."""
    if character.isalnum():
        return re.escape(character)
    code, named = ord(character), re.escape(escape(character))
    return rf"(?:\\?{re.escape(character)}|{named}|(?i:%{code:02x}|\\u{code:04x}|&#0*{code};|&#x0*{code:x};))"


def header_s(response: httpx.Response) -> float | None:
    """The Retry-After header in seconds (RFC 9110 §10.2.3: seconds or a date). None: there is none."""
    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    return until_s(response, value)


def until_s(response: httpx.Response, moment: str) -> float | None:
    """Seconds from the answer's own Date to `moment`. Our own clock may be wrong and is not used."""
    ours, theirs = payload.mail_date(moment), payload.mail_date(response.headers.get("date", ""))
    return (ours - theirs).total_seconds() if ours and theirs else None


def _by_words(status: int, words: str, texts: Texts) -> AnswerMeaning | None:
    return next((meaning for (at, part), meaning in texts.items() if at == status and part in words), None)


def _by_status(status: int, *, cut: bool) -> AnswerMeaning:
    meaning = STATUSES.get(status) or CLASSES.get(status // 100, _NO_ANSWER)
    if cut and status // 100 == 2:
        return _NO_ANSWER
    if cut and status // 100 == 4 and (meaning[0] is Kind.REFUSED or status in _IN_WORDS):
        return _OUTAGE
    return meaning


def _bounded(seconds: float | None) -> float | None:
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_COOLDOWN_S)
