"""The HTTP door: `app` for a server such as uvicorn, `handler` for Lambda."""

import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache, partial
from typing import Any

from anyio import to_thread
from fastapi import FastAPI
from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES

from app import logs
from app.api.application import create
from app.api.problems import MEDIA_TYPE
from app.api.stage import StageRootPath
from app.providers.web import Web
from app.settings import Settings, is_local
from app.store import tables
from app.store.api_keys import ApiKeys
from app.wiring import process


@asynccontextmanager
async def live(app: FastAPI) -> AsyncIterator[None]:
    """What a server's process does from start to end. Lambda never comes here: it has no lifespan."""
    # Every request has a line of ours; uvicorn's would add the query, and so whose emails were asked for.
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    if not is_local(os.environ):
        app.state.connect()  # a fault of the settings stops the start, not the first request
        yield
        return
    # Here and not above, because app.local is not deployed.
    from app.local import banner, certificates, environment, health, ports
    from app.local.mode import API_KEY, LocalError
    from app.local.stack import Stack

    try:
        environment.adopt(os.environ)
        settings = Settings.from_env(os.environ)
        logs.configure(settings.log_level)
        web = Web(certificates.fetcher(os.environ), certificates.confirmer(os.environ))
        parts = process.connect(settings, web=web)
        stack = Stack(os.environ, partial(_prepare, parts.api_keys, API_KEY))
        await to_thread.run_sync(stack.start)
    except LocalError:
        sys.tracebacklimit = 0  # its message says it all; the server prints whatever passes by here
        raise
    app.state.connect = lambda: parts
    app.state.checks = health.checks(os.environ)
    if stack.is_owner:
        sys.stdout.write(banner.text(ports.read(os.environ)))
    try:
        yield
    finally:
        await to_thread.run_sync(stack.stop)


def _prepare(api_keys: ApiKeys, secret: str) -> None:
    """Make the tables, and the key that the documentation tells of."""
    tables.create_all()
    api_keys.create("local development", {"send", "read", "admin"}, (), secret)


app = create(process.container, lifespan=live)


@cache
def gateway() -> Mangum:
    """The application as API Gateway speaks to it. Made at the first event, for Mangum wants an event loop."""
    # What Mangum does not know as text it sends in base64, and API Gateway hands that on as it is.
    return Mangum(StageRootPath(app), lifespan="off", text_mime_types=[*DEFAULT_TEXT_MIME_TYPES, MEDIA_TYPE])


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's way in: an event of a REST API, or of an HTTP API."""
    return gateway()(event, context)
