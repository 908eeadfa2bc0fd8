"""A service that does not answer is told in a sentence; a call that is at fault, with its traceback."""

import logging
from pathlib import Path

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)
from pynamodb.exceptions import DoesNotExist, PutError, TransactWriteError, VerboseClientError

from app.errors import Contention, Invalid, ServiceUnavailable, Unreadable
from app.faults import code_of, is_silent, log_fault, reason_of

SECRET = "ann@example.net"  # stands in what is passed to the service, and so in what AWS says of it


def answer(code: str, status: int = 400, *parts: str) -> ClientError:
    """An answer of AWS with this code, and these codes of the parts of a transaction."""
    said = {
        "Error": {"Code": code, "Message": f"about {SECRET}"},
        "ResponseMetadata": {"HTTPStatusCode": status},
        "CancellationReasons": [{"Code": part} for part in parts],
    }
    return ClientError(said, "PutItem")  # type: ignore[arg-type] # because botocore's types want more members


def behind(error: Exception, said: str = "it is not taken") -> ServiceUnavailable:
    """What our code makes of this error."""
    made = ServiceUnavailable(said)
    made.__cause__ = error
    return made


SILENT: dict[str, BaseException] = {
    "of ours": ServiceUnavailable("the table is silent"),
    "of ours, behind another library's": behind(OSError("connection refused")),
    "another version's item": Unreadable("an item", "shop"),
    "an error of the server": answer("InternalServerError", 500),
    "a gateway": answer("502", 502),
    "throttled by DynamoDB": answer("ThrottlingException"),
    "throttled by a table": answer("ProvisionedThroughputExceededException"),
    "throttled by an account": answer("RequestLimitExceeded"),
    "throttled by SNS": answer("Throttled"),
    "throttled by SQS": answer("RequestThrottled"),
    "throttled by status": answer("SlowDown", 429),
    "too slow for S3": answer("RequestTimeout"),
    "part of a transaction is throttled": answer("TransactionCanceledException", 400, "None", "ThrottlingError"),
    "no connection": EndpointConnectionError(endpoint_url="http://x"),
    "no connection in time": ConnectTimeoutError(endpoint_url="http://x"),
    "no answer in time": ReadTimeoutError(endpoint_url="http://x"),
}
AT_FAULT: dict[str, BaseException] = {
    "a mistake in the code": KeyError(SECRET),
    "a mistake behind what is ours": behind(TypeError(SECRET)),
    "a value behind nothing": ValueError(SECRET),
    "not allowed": answer("AccessDeniedException"),
    "not there": answer("ResourceNotFoundException"),
    "malformed": answer("ValidationException"),
    "a condition": answer("ConditionalCheckFailedException"),
    "a condition in a transaction": answer("TransactionCanceledException", 400, "None", "ConditionalCheckFailed"),
    "not sent": ParamValidationError(report=SECRET),
    "no credentials": NoCredentialsError(),
    "no item": DoesNotExist(),
    "lost to other writers": Contention("a head"),
    "a request that is wrong": Invalid(("to", "is required")),
}


def wrapped(error: BaseException) -> list[BaseException]:
    """The error, and all that the stores and topics make of it if it is AWS's."""
    if not isinstance(error, (BotoCoreError, ClientError)):
        return [error]
    if isinstance(error, ClientError):  # as PynamoDB passes it on: with code and message, and the rest behind it
        verbose: Exception = VerboseClientError({"Error": error.response["Error"]}, error.operation_name)
        verbose.__cause__ = error
    else:
        verbose = error
    put = PutError(f"Failed to put item: {error}", verbose)
    return [error, put, TransactWriteError("failed", verbose), behind(put), behind(error)]


@pytest.mark.parametrize("name", SILENT)
def test_a_service_that_does_not_answer_is_an_error_without_a_traceback(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    for error in wrapped(SILENT[name]):
        assert is_silent(error), error
        log_fault(logging.getLogger("tested"), "not told", error, email_id="eml_1")
        line = vars(caplog.records.pop())
        found = {name: line[name] for name in ("levelno", "message", "reason", "email_id", "exc_info")}
        assert found == {
            "levelno": logging.ERROR,
            "message": "not told",
            "reason": reason_of(error),
            "email_id": "eml_1",
            "exc_info": None,
        }


@pytest.mark.parametrize("name", AT_FAULT)
def test_a_call_that_is_at_fault_has_its_traceback_whatever_level_silence_has(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    for error in wrapped(AT_FAULT[name]):
        assert not is_silent(error), error
        log_fault(logging.getLogger("tested"), "not told", error, logging.INFO)
        record = caplog.records.pop()
        assert record.levelno == logging.ERROR
        assert record.exc_info is not None
        assert record.exc_info[2] is error.__traceback__


def test_silence_that_loses_nothing_has_the_level_that_is_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    log_fault(logging.getLogger("tested"), "not read", ServiceUnavailable("silent"), logging.INFO)
    assert [record.levelno for record in caplog.records] == [logging.INFO]


def test_a_line_is_of_whoever_logs_it(caplog: pytest.LogCaptureFixture) -> None:
    for error in (ServiceUnavailable("silent"), KeyError()):
        log_fault(logging.getLogger("tested"), "not told", error)
    assert [Path(record.pathname).name for record in caplog.records] == [Path(__file__).name] * 2


@pytest.mark.parametrize("name", ["not allowed", "malformed", "not sent"])
def test_what_was_passed_to_aws_is_in_no_traceback_either(name: str, caplog: pytest.LogCaptureFixture) -> None:
    for error in wrapped(AT_FAULT[name]):
        caplog.clear()
        with pytest.raises(type(error)) as raised:
            raise error
        log_fault(logging.getLogger("tested"), "not told", raised.value)
        assert "in test_what_was_passed_to_aws" in caplog.text
        assert SECRET not in caplog.text
        assert (code_of(AT_FAULT[name]) or type(AT_FAULT[name]).__name__) in caplog.text


@pytest.mark.parametrize("error", [*SILENT.values(), *AT_FAULT.values()], ids=[*SILENT, *AT_FAULT])
def test_what_was_passed_to_the_service_is_in_no_reason(error: BaseException) -> None:
    for one in wrapped(error):
        assert SECRET not in reason_of(one)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PutError("failed", answer("InternalServerError", 500)), "PutError: InternalServerError"),
        (PutError("failed", ReadTimeoutError(endpoint_url="http://x")), "PutError: ReadTimeoutError"),
        (answer("AccessDenied"), "ClientError: AccessDenied"),
        (ServiceUnavailable("the table is silent"), "the table is silent"),
        (KeyError(SECRET), "KeyError"),
    ],
)
def test_the_reason_names_what_was_answered(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason
