"""The FastAPI application, put together."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from starlette.types import ASGIApp, Lifespan

from app.api import docs, health, openapi, problems
from app.api.answered import Answered
from app.api.guard import Guard
from app.api.no_store import NoStore
from app.api.paths import Paths, Table
from app.api.rates import RateHeaders
from app.api.request_log import RequestLog
from app.api.traced import Traced
from app.api.v1 import routes
from app.wiring.parts import Container

DESCRIPTION = """Takes an email over HTTP and delivers it through the next provider when the first one fails.

Every call but `/health` and the webhooks needs an API key: `Authorization: Bearer em_…`. A key has scopes: `send`,
`read`, or `admin` for both and for what only an operator may do.

Errors are `application/problem+json` (RFC 9457). Their `type` is `urn:emailsminder:problem:` and a word that never
changes: `malformed`, `unauthenticated`, `forbidden`, `not-found`, `method-not-allowed`, `not-acceptable`, `timeout`,
`conflict`, `too-large`, `unsupported-media-type`, `invalid`, `rate-limited`, `daily-cap`, `runaway`, `unavailable`,
`internal`. An `invalid` one lists its `errors`, each with the `field` (`to[0]`, `attachments[1].content`) and a
`message`.

Times are RFC 3339 in UTC. What is not known is `null`; a field of a request that is `null` counts as left out.
"""
TAGS = [
    {"name": "emails", "description": "Send emails and see what became of them."},
    {"name": "events", "description": "What became of emails, in one list to follow."},
    {"name": "endpoints", "description": "URLs of yours that are told what becomes of emails."},
    {"name": "stats", "description": "How many emails became what, by hour or day."},
    {"name": "providers", "description": "See the health of the providers; pause and resume them."},
    {"name": "suppressions", "description": "Addresses to which nothing is sent."},
    {"name": "keys", "description": "API keys: create, rotate and revoke them. For keys with the scope `admin`."},
    {"name": "webhooks", "description": "Where providers report; authenticated by their signatures."},
    {"name": "health", "description": "Whether the service works."},
]

# FastAPI's own spans and metrics would have paths and queries in them, and so addresses. They stay off whoever installs
# a provider of OpenTelemetry for the whole process; `Traced` makes ours.
NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}

ROUTERS = (*routes.ROUTERS, health.router, docs.router)


def _operation_id(route: APIRoute) -> str:
    """The name of a route's function as clients in most languages write it: `sendEmail`."""
    first, *others = route.name.split("_")
    return first + "".join(word.capitalize() for word in others)


class Application(FastAPI):
    """FastAPI with our own OpenAPI document."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document. It is generated at the first call and kept."""
        if self.openapi_schema is None:
            self.openapi_schema = openapi.describe(self, routes.REQUESTS, routes.NAMES)
        return self.openapi_schema

    def build_middleware_stack(self) -> ASGIApp:
        """FastAPI's stack with ours on the outside, so that its answer to an unexpected exception is like others."""
        return Answered(Traced(RequestLog(NoStore(RateHeaders(super().build_middleware_stack())))))


def create(
    connect: Callable[[], Container],
    *,
    checks: Mapping[str, health.Check] | None = None,
    lifespan: Lifespan[FastAPI] | None = None,
) -> Application:
    """The application. `connect` returns the container, and is called at every request.

    `checks` are the parts that /health checks besides AWS. A lifespan may replace `app.state.connect` and
    `app.state.checks`, and set `app.state.refuse`, which says why a request is refused, and `app.state.local_key`, the
    API key that the page of the documentation names.
    """
    app = Application(
        title="EmailsMinder",
        version="1",
        description=DESCRIPTION,
        openapi_tags=TAGS,
        docs_url=None,  # its page takes Swagger UI from a CDN
        redoc_url=None,
        generate_unique_id_function=_operation_id,
        openapi_url=None,  # its document would list the host's root as a server beside the path of a stage
        servers=[{"url": "/"}],
        license_info={"name": "MIT", "identifier": "MIT"},
        lifespan=lifespan,
        redirect_slashes=False,  # to an absolute URL, made of Host and a guessed scheme
        telemetry=NO_TELEMETRY,
    )
    app.state.connect = connect
    app.state.checks = checks or {}
    for router in ROUTERS:
        app.include_router(router)
    problems.install(app)
    app.state.refuse = None
    app.state.local_key = None
    app.add_middleware(Paths, table=Table([*(route for router in ROUTERS for route in router.routes), *app.routes]))
    app.add_middleware(Guard)
    return app
