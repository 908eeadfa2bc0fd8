"""The HTTP entry point: `app` for a server such as uvicorn, `handler` for Lambda."""

import atexit
import logging
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
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
from app.errors import ConfigurationError
from app.providers.sdk.web import internet
from app.settings import Process, Settings, is_local
from app.wiring import process


@asynccontextmanager
async def live(app: FastAPI) -> AsyncIterator[None]:
    """Prepare a server's process, and clean up when it ends. Never runs on Lambda, where Mangum has no lifespan."""
    # RequestLog writes a line for every request. Uvicorn's own line would add the query, which holds addresses.
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    if not is_local(os.environ):
        with _one_line_for(ConfigurationError):
            parts = app.state.connect()  # at the start: wrong settings stop the process and not the first request
        yield
        await to_thread.run_sync(parts.close)
        return
    # These imports are here and not at the top, because app.local is not deployed.
    from app.local import (
        api_guard,
        banner,
        certificates,
        disk,
        environment,
        health,
        paths,
        ports,
        reload,
        terminal_log,
        wiring,
    )
    from app.local.mode import API_KEY, LocalError
    from app.local.prepare import prepare

    paths.keep_private()
    with _one_line_for(LocalError, ConfigurationError):
        disk.require_room(os.environ)
        environment.adopt(os.environ)
        logs.configure(Settings.from_env(os.environ).log_level)
        terminal_log.use(os.environ)
        web_of = certificates.chooser(os.environ, internet())
        handing = wiring.HandOver(os.environ)
        parts = process.connect(
            os.environ,
            web_of=web_of,
            rewire=handing.rewire,
            is_local=True,
            publish_notifications=handing.publish_notifications,
        )
        stack = reload.stack_for(os.environ, partial(prepare, parts))
        if isinstance(stack, reload.KeptStack):
            stack.notice_interrupt()
        await to_thread.run_sync(stack.start)
    app.state.connect = lambda: parts
    app.state.refuse = api_guard.refuse
    app.state.local_key = API_KEY
    app.state.checks = health.checks(os.environ)
    if stack.is_owner:
        real = environment.real(os.environ)
        is_revoked = await to_thread.run_sync(parts.api_keys.find, API_KEY) is None
        sys.stdout.write(banner.text(ports.read(os.environ), parts.draining(), real, is_revoked=is_revoked))
    try:
        yield
    finally:
        with _one_line_for(LocalError), _status_for(LocalError):
            await to_thread.run_sync(stack.stop)
        handing.close()
        await to_thread.run_sync(parts.close)


@contextmanager
def _one_line_for(*faults: type[Exception]) -> Iterator[None]:
    """Let the server print such an exception, which ends the process, by its message and without a traceback."""
    try:
        yield
    except faults:
        sys.tracebacklimit = 0
        raise


@contextmanager
def _status_for(fault: type[Exception]) -> Iterator[None]:
    """Let the process end with status 1 after such an exception: uvicorn ends with 0, whatever the end came to."""
    try:
        yield
    except fault:
        atexit.register(_end)
        raise


def _end() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


app = create(partial(process.container, Process.API), lifespan=live)


@cache
def gateway() -> Mangum:
    """The application behind Mangum, the adapter for API Gateway.

    It is created at the first event, because Mangum needs an event loop.
    """
    # Mangum encodes every media type that it does not know as text in base64, which API Gateway would not decode.
    return Mangum(StageRootPath(app), lifespan="off", text_mime_types=[*DEFAULT_TEXT_MIME_TYPES, MEDIA_TYPE])


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point. `event` comes from a REST API or an HTTP API of API Gateway."""
    return gateway()(event, context)
