"""What goes wrong with a command although it has no fault, each in one sentence with what to do about it."""

import os
from typing import Any, Final

import typer
from botocore import exceptions as aws
from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException
from typer.core import TyperGroup

from app.errors import ConfigurationError, Contention, Problem, ServiceUnavailable

EXPECTED: Final = (PynamoDBException, BotoCoreError, ClientError, ConfigurationError, Contention, Problem)

DEPLOYED: Final = "env $(.deploy/bin/python -m infra.stack outputs STAGE)"  # puts an installation before a command
_RENEW: Final = "renew them (aws sso login, or another AWS_PROFILE), and try aws sts get-caller-identity"
_NO_CREDENTIALS: Final = (
    aws.NoCredentialsError,
    aws.PartialCredentialsError,
    aws.CredentialRetrievalError,
    aws.ProfileNotFound,
    aws.SSOError,
    aws.TokenRetrievalError,
)
_NOT_TAKEN: Final = frozenset(
    {
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "MissingAuthenticationToken",
    }
)
_NOT_THERE: Final = frozenset(
    {"ResourceNotFoundException", "NotFound", "NoSuchBucket", "AWS.SimpleQueueService.NonExistentQueue"}
)
_LATER: Final = frozenset({"ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded"})


class Commands(TyperGroup):
    """Commands that end with a sentence and status 1 after such a mistake, and never with a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except EXPECTED as error:
            typer.echo(sentence(error), err=True)
            raise typer.Exit(1) from None


def sentence(error: Exception) -> str:
    """What went wrong, and what to do about it, in one line."""
    while (cause := _cause(error)) is not None:
        error = cause
    if isinstance(error, ClientError):
        said = _of_answer(error)
    elif isinstance(error, _NO_CREDENTIALS):
        said = f"no AWS credentials: {error}; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    elif isinstance(error, aws.NoRegionError):
        said = "no AWS region: set AWS_REGION to that of the deployment"
    elif isinstance(error, (aws.ConnectionError, aws.HTTPClientError)):
        said = f"{error}; {_where_to_look()}"
    elif isinstance(error, Contention):
        said = f"{error}: run it again"
    elif isinstance(error, ConfigurationError) and str(error).startswith("not set: "):
        said = f"{error}; for a deployed installation, put {DEPLOYED} before the command"
    else:
        said = error.detail if isinstance(error, Problem) else str(error)
    return " ".join(said.split())


def _cause(error: Exception) -> Exception | None:
    """What AWS or botocore said, behind what the store made of it: only that tells what to do."""
    if isinstance(error, PynamoDBException):
        return error.cause
    behind = error.__cause__ if isinstance(error, ServiceUnavailable) else None
    return behind if isinstance(behind, (PynamoDBException, BotoCoreError, ClientError)) else None


def _of_answer(error: ClientError) -> str:
    code = error.response.get("Error", {}).get("Code", "")
    asked = f"AWS answers {code} to {error.operation_name}"
    if code in _NOT_TAKEN:
        return f"{asked}: it does not take these credentials; {_RENEW}"
    if code.startswith(("AccessDenied", "UnauthorizedOperation", "AuthorizationError")):
        return f"{asked}: these credentials may not do that; take those of an operator of the installation"
    if code in _NOT_THERE:
        where = f"tables {os.environ.get('TABLE_PREFIX') or 'emailsminder-'}… in {os.environ.get('AWS_REGION', '?')}"
        return f"{asked}: it is not there; look at {where}, or put {DEPLOYED} before the command"
    if code in _LATER:
        return f"{asked}: it has too much to do; run it again"
    return f"{asked}: {error.response.get('Error', {}).get('Message', '')}"


def _where_to_look() -> str:
    """What may be wrong where nothing answers: it is another machine's AWS, or this one's emulator."""
    url = os.environ.get("AWS_ENDPOINT_URL", "")
    if url.startswith(("http://127.0.0.1", "http://localhost")):
        return "start make run, or give the command the AWS_PORT that make run has"
    if url:
        return "is AWS_ENDPOINT_URL right?"
    return f"is this machine online, and AWS_REGION ({os.environ.get('AWS_REGION', 'not set')}) right?"
