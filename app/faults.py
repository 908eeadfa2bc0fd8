"""Tells a service that does not answer from a call that is at fault, and logs either.

That a service is silent for a while is expected: one line says so, with the reason. Whatever else fails is a mistake of
ours, in the code or in the deployment, and is logged with its traceback.
"""

import logging
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as NoConnection
from botocore.parsers import ResponseParserError
from pynamodb.exceptions import PynamoDBException

from app.errors import ServiceUnavailable, Unreadable

_SERVER_ERROR: Final = 500
_TOO_MANY: Final = 429
_NO_ANSWER: Final = (HTTPClientError, NoConnection, IncompleteReadError, ResponseParserError)
_OF_AWS: Final = (PynamoDBException, BotoCoreError, ClientError, ResponseParserError)
_MISTAKES: Final = (TypeError, AttributeError, NameError, LookupError, AssertionError)
# Answers that mean "later" although their status is 400 (DynamoDB, SNS, SQS and S3 API references, "Common errors" and
# "Error responses", read 2026-12-01). Each service has a name of its own for a call that is throttled.
_LATER: Final = frozenset({"ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestTimeout"})
_THROTTLED: Final = "Throttl"
# The same of one part of a transaction, whose own code is always TransactionCanceledException.
_PART_LATER: Final = frozenset({"ThrottlingError", "ProvisionedThroughputExceeded", "TransactionConflict"})


class Refused(Exception):
    """A call that AWS refuses, as it is logged: without AWS's own words, which may quote what was passed to it."""


def code_of(error: BaseException) -> str | None:
    """The code of AWS's answer, or None if there was no answer: a timeout, or a connection that was closed.

    PynamoDB's own property of this kind fails without an answer, because botocore then leaves the response empty.
    """
    answer = getattr(error.cause if isinstance(error, PynamoDBException) else error, "response", None)
    if not isinstance(answer, dict):
        return None
    code = answer.get("Error", {}).get("Code")
    return None if code is None else str(code)


def is_throttled(code: str | None) -> bool:
    """Whether this code of an answer of AWS asks to make the same call again later."""
    return code is not None and (code in _LATER or _THROTTLED in code)


def is_silent(error: BaseException | None) -> bool:
    """Whether the reason is a service that does not answer: the same call may succeed later.

    AWS does not answer if no answer comes, or none that is whole; if it answers with a status of 500 or above; and if
    it asks to come again later. A ServiceUnavailable of ours is judged by what is behind it, if that is of AWS or a
    mistake in our code.
    """
    if isinstance(error, Unreadable):
        return True
    if isinstance(error, ServiceUnavailable):
        behind = error.__cause__
        return is_silent(behind) if isinstance(behind, _OF_AWS) else not isinstance(behind, _MISTAKES)
    if isinstance(error, PynamoDBException):
        return is_silent(error.cause)
    if isinstance(error, ClientError):
        return _is_later(error)
    return isinstance(error, _NO_ANSWER)


def _is_later(error: ClientError) -> bool:
    # PynamoDB makes an error of its own of botocore's, and leaves out all of the answer but its code and message.
    whole = error.__cause__ if isinstance(error.__cause__, ClientError) else error
    status = whole.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    parts = whole.response.get("CancellationReasons", ())
    return (
        status >= _SERVER_ERROR
        or status == _TOO_MANY
        or is_throttled(code_of(error))
        or any(part.get("Code") in _PART_LATER for part in parts)
    )


def reason_of(error: BaseException) -> str:
    """Why a call failed, in some words. What was passed to the service is not among them."""
    if isinstance(error, ServiceUnavailable):
        return error.detail
    name = type(error).__name__
    behind = error.cause if isinstance(error, PynamoDBException) else None
    why = code_of(error) or (type(behind).__name__ if behind else None)
    return f"{name}: {why}" if why else name


def log_fault(
    log: logging.Logger,
    message: str,
    error: BaseException,
    level_if_silent: int = logging.ERROR,
    /,
    **fields: object,
) -> None:
    """Log an error with these fields and its `reason`; a traceback only if it is the call that is at fault.

    `level_if_silent` is for those who ask a silent service again at once, so that nothing is lost by its silence.
    """
    extra = {**fields, "reason": reason_of(error)}
    if is_silent(error):
        log.log(level_if_silent, message, extra=extra, stacklevel=2)
        return
    shown = error
    behind = error.__cause__ if isinstance(error, ServiceUnavailable) else None
    if isinstance(error, _OF_AWS) or isinstance(behind, _OF_AWS):
        said = extra["reason"] if behind is None else f"{extra['reason']}; {reason_of(behind)}"
        shown = Refused(said).with_traceback(error.__traceback__)
    log.error(message, exc_info=(type(shown), shown, shown.__traceback__), extra=extra, stacklevel=2)
