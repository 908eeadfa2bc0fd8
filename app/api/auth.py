"""Authentication by API key (`Authorization: Bearer em_…`), and what a key allows."""

import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pynamodb.exceptions import PynamoDBException

from app.api import threads
from app.api.problems import UnknownKey
from app.domain.address import domain_of
from app.domain.email import Email
from app.domain.head import Head
from app.domain.project import plain
from app.errors import Contention, Forbidden, ServiceUnavailable, Unauthenticated
from app.store.api_keys import ApiKey
from app.wiring.parts import Container

log = logging.getLogger(__name__)

bearer = HTTPBearer(
    scheme_name="apiKey",
    description="A key made by `python -m app.admin keys create NAME --scope send`. One made with `--test` begins with"
    " `em_test_` and sends through the sandbox, which reaches nobody.",
    bearerFormat="em_…",
    auto_error=False,  # FastAPI's own 401 would not say what is wrong
)
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


async def container(request: Request) -> Container:
    """The container of this process. `connect` may build it at the first request."""
    connect: Callable[[], Container] = request.app.state.connect
    parts = connect()
    if parts.monitor.is_flush_due():
        await threads.run(_flush, parts)
    return parts


def _flush(parts: Container) -> None:
    """Write what was counted some seconds ago: the process may be frozen after this request."""
    try:
        parts.monitor.flush()
    except (PynamoDBException, ServiceUnavailable, Contention) as error:
        log.warning("counts not written, the next request will", extra={"reason": type(error).__name__})


Parts = Annotated[Container, Depends(container)]


def require(scope: str) -> Callable[[Credentials, Container], Awaitable[ApiKey]]:
    """A dependency that returns the caller's API key if it has `scope` or `admin`.

    It raises Unauthenticated if there is no key, UnknownKey if it is not ours, Forbidden if the key lacks the scope.
    """

    async def caller(credentials: Credentials, parts: Parts) -> ApiKey:
        if credentials is None:
            raise Unauthenticated("send your API key as `Authorization: Bearer em_…`")
        key = await threads.run(parts.api_keys.find, credentials.credentials)
        if key is None:
            raise UnknownKey("this API key is unknown or was revoked")
        if not key.scopes & {scope, "admin"}:
            raise Forbidden(f"this API key lacks the scope `{scope}`")
        return key

    return caller


may_send = require("send")
may_read = require("read")
may_operate = require("admin")

Reader = Annotated[ApiKey, Depends(may_read)]
Sender = Annotated[ApiKey, Depends(may_send)]
Operator = Annotated[ApiKey, Depends(may_operate)]


async def may_manage(key: Reader) -> ApiKey:
    """The caller's API key if it may change where its project's events go: it has `send` and `read`, or `admin`.

    An endpoint is told what `read` sees, and somebody changes something. Raises Forbidden.
    """
    if not key.scopes & {"send", "admin"}:
        raise Forbidden("this API key lacks the scope `send`: endpoints are changed by keys with `send` and `read`")
    return key


EndpointManager = Annotated[ApiKey, Depends(may_manage)]


def check_email(key: ApiKey, email: Email | Head) -> None:
    """Check that `key` may send `email`.

    Raises Forbidden if the key has domains and the sender's is not among them, or if the email overrides
    suppressions and the key lacks `admin`.
    """
    for _, why in forbidden(key, email):
        raise Forbidden(why)


def forbidden(key: ApiKey, email: Email | Head) -> Iterator[tuple[str, str]]:
    """The fields of `email` that `key` may not send so, each with the reason."""
    domain = domain_of(email.sender.address)
    if key.domains and domain not in key.domains:
        yield "from", f"this API key may not send from {domain}"
    if email.override_suppression and not is_operator(key):
        yield "override_suppression", "override_suppression needs an API key with the scope `admin`"


def check_real(key: ApiKey) -> None:
    """Raise Forbidden for a test key, in a call about the addresses of real mail."""
    if key.is_test:
        raise Forbidden("a test key sees nothing of real mail, and the suppression list is of that; use another key")


def is_operator(key: ApiKey) -> bool:
    """Whether the key may see what is about emails of others: a provider's words, the evidence of a suppression."""
    return "admin" in key.scopes


def project_of(key: ApiKey, named: str | None) -> str | None:
    """The project of which `key` asks something, if it names this one. None: every project.

    Raises Forbidden if it may not see the project that it names.
    """
    if named is not None and is_operator(key):
        return named
    if named is not None and named != plain(key.project):
        raise Forbidden(
            "this API key sees its own project only; leave `project` out, or use a key with the scope `admin`"
        )
    return key.sees


def short_id(key: ApiKey) -> str:
    """The beginning of the key's id, as logs and `keys list` show it."""
    return key.id[:12]
