"""What the errors of SES mean. The source is the API reference of SES v2 unless a line names another."""

import re
from collections.abc import Mapping
from typing import Final

import httpx

from app.domain.kinds import Cause, Kind
from app.providers.sdk import answers, payload

_ACCOUNT: Final[answers.AnswerMeaning] = (Kind.UNAVAILABLE, Cause.ACCOUNT)
_REFUSED: Final[answers.AnswerMeaning] = (Kind.REFUSED, Cause.MESSAGE)
_THROTTLED: Final[answers.AnswerMeaning] = (Kind.THROTTLED, Cause.THROTTLE)
# This email's From (in the sandbox also its recipients) is not verified. Other emails may still be sent.
_UNVERIFIED: Final[answers.AnswerMeaning] = (Kind.REFUSED, Cause.ACCOUNT)

# By error type: "SendEmail, Errors" and "Common Errors". For a type that is missing here, the status decides.
ERRORS: Final[dict[str, answers.AnswerMeaning]] = {
    "BadRequestException": _REFUSED,
    "MessageRejected": _REFUSED,
    "MailFromDomainNotVerifiedException": _UNVERIFIED,
    "AccountSuspendedException": _ACCOUNT,
    "SendingPausedException": _ACCOUNT,
    "LimitExceededException": _ACCOUNT,
    "NotFoundException": _ACCOUNT,  # there is no such configuration set
    "TooManyRequestsException": _THROTTLED,
    "ThrottlingException": _THROTTLED,  # has status 400
    "Throttling": _THROTTLED,
    # Errors of signature and credentials, most with status 403, some with 400.
    "AccessDenied": _ACCOUNT,
    "AccessDeniedException": _ACCOUNT,
    "ExpiredTokenException": _ACCOUNT,
    "ExpiredToken": _ACCOUNT,
    "IncompleteSignature": _ACCOUNT,
    "InvalidClientTokenId": _ACCOUNT,
    "InvalidSignatureException": _ACCOUNT,
    "MissingAuthenticationToken": _ACCOUNT,
    "MissingAuthenticationTokenException": _ACCOUNT,
    "NotAuthorized": _ACCOUNT,
    "OptInRequired": _ACCOUNT,
    "RequestExpired": _ACCOUNT,
    "SignatureDoesNotMatch": _ACCOUNT,
    "UnrecognizedClientException": _ACCOUNT,
}
# The meanings of MessageRejected, by lower-case words of its message. The first match counts.
REJECTIONS: Final[dict[str, answers.AnswerMeaning]] = {
    "not verified": _UNVERIFIED,
    "sending suspended": _ACCOUNT,
    "sending paused": _ACCOUNT,
}
# What a throttling error says if it is not for the rate ("Monitoring your sending quotas", "Errors related to sending
# quotas"). The quota is of the last 24 hours, so it becomes free bit by bit.
DAILY_QUOTA: Final = "daily message quota"

# The role may not have this email tracked. Others may still be sent.
_UNTRACKABLE: Final[answers.AnswerMeaning] = (Kind.REFUSED, Cause.ACCOUNT)

_DENIED: Final = ("AccessDeniedException", "AccessDenied")
IN_WORDS: Final = frozenset({"MessageRejected", *_DENIED})  # the words decide what these mean

# Where AWS writes what was not allowed: "… is not authorized to perform `ses:SendEmail' on resource
# `arn:aws:ses:us-east-1:111122223333:identity/example.com'" (docs.aws.amazon.com, "Troubleshooting IAM: access denied
# error messages", read 2026-11; the resource types are those of "Actions, resources, and condition keys for SES v2").
_DENIED_IDENTITY: Final = re.compile(r"on resource:?\s.*:identity/", re.IGNORECASE | re.DOTALL)

# Saying whether an email is tracked needs a right of its own, which may be limited to switching tracking off (SES
# Developer Guide, "Using configuration overrides", read 2026-11-29). Without it SES sends nothing.
_DENIED_TRACKING: Final = re.compile("ses:ApplyTrackingConfigurationOverrides", re.IGNORECASE)


def is_about_sender(error: str, words: str) -> bool:
    """Whether the account may not send as this From: its role is limited to other identities.

    A role without the right to send at all is answered in the same words, so this is said of single emails only.
    """
    return error in _DENIED and not _DENIED_TRACKING.search(words) and _DENIED_IDENTITY.search(words) is not None


def name(response: httpx.Response, answer: Mapping[str, object]) -> str:
    """The error type without the URL and the namespace that may surround it (AWS REST-JSON protocol, "Errors")."""
    codes = (response.headers.get("x-amzn-errortype"), answer.get("code"), answer.get("Code"), answer.get("__type"))
    return next(filter(None, map(payload.text, codes)), "").split(":")[0].split("#")[-1].strip()


def meaning(error: str, words: str, *, is_tracked: bool) -> answers.AnswerMeaning | None:
    """The meaning of an error of this type with these words; None if the type is not known.

    `is_tracked`: the email asked to be tracked. If that is denied, other emails may still be sent.
    """
    if error in _DENIED and is_tracked and _DENIED_TRACKING.search(words):
        return _UNTRACKABLE
    if error == "MessageRejected":
        return next((meaning for part, meaning in REJECTIONS.items() if part in words.lower()), ERRORS[error])
    if ERRORS.get(error) == _THROTTLED and DAILY_QUOTA in words.lower():
        return answers.OVER_QUOTA
    return ERRORS.get(error)
