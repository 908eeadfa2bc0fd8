"""What a path takes. The router's own answers would name no call, and lead to an absolute URL on a guessed scheme.

A trailing slash changes nothing. HEAD is GET without the body. OPTIONS lists the methods, and allows no page of another
origin anything (no CORS): an API key in a page would be everybody's.
"""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from fastapi.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import MethodNotAllowed, render
from app.errors import NotFound

_LONGEST_COMPARED: Final = 80


@dataclass(frozen=True)
class PathEntry:
    """A path of ours: its first route, and the methods that all of its routes take."""

    route: Route
    methods: frozenset[str]

    @property
    def allowed(self) -> str:
        """The value of the header Allow."""
        return ", ".join(sorted(self.methods | {"OPTIONS"} | ({"HEAD"} if "GET" in self.methods else set())))


class Table:
    """All paths, in the order of the routes: of several that match, the first one counts, as in the router."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        ours = [route for route in routes if isinstance(route, Route)]
        firsts: dict[str, Route] = {}
        for route in ours:
            firsts.setdefault(route.path, route)
        self._entries = [
            PathEntry(
                firsts[path],
                frozenset(method for route in ours if route.path == path for method in route.methods or ()),
            )
            for path in dict.fromkeys(route.path for route in ours)
        ]

    def __iter__(self) -> Iterator[PathEntry]:
        return iter(self._entries)

    def find(self, path: str) -> PathEntry | None:
        """The entry at `path`, which is without a prefix. None: there is nothing."""
        return next((entry for entry in self._entries if entry.route.path_regex.match(path)), None)

    def close_to(self, path: str) -> str | None:
        """The path of ours that may be meant."""
        found = difflib.get_close_matches(path[:_LONGEST_COMPARED], [entry.route.path for entry in self._entries], n=1)
        return found[0] if found else None


class Paths:
    """ASGI middleware that finds the entry of a request, and answers those which no route takes."""

    def __init__(self, app: ASGIApp, table: Table) -> None:
        self.app = app
        self.table = table

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request. The scope is changed and not copied, because RequestLog reads the route out of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        prefix, path = split(scope)
        entry = self.table.find(path)
        if entry is None:
            path = path.rstrip("/") or "/"
            entry = self.table.find(path)
        if entry is None:
            await self._not_found(prefix, path)(scope, receive, send)
            return
        scope["path"] = prefix + path
        method = scope["method"]
        if method == "HEAD" and "GET" in entry.methods:
            scope["method"] = "GET"
            await self.app(scope, receive, _bodiless(send))
        elif method in entry.methods:
            await self.app(scope, receive, send)
        else:
            scope["route"] = entry.route
            await _not_taken(method, entry)(scope, receive, send)

    def _not_found(self, prefix: str, path: str) -> Response:
        close = self.table.close_to(path)
        meant = f"did you mean {prefix}{close}? " if close else ""
        return render(NotFound(f"there is nothing at this path; {meant}{prefix}/docs lists all calls"))


def split(scope: Scope) -> tuple[str, str]:
    """The prefix under which the application is served, and the path below it."""
    prefix, path = scope.get("root_path", "").rstrip("/"), scope["path"]
    below = path.removeprefix(prefix)
    if path.startswith(prefix) and below[:1] in ("", "/"):
        return prefix, below or "/"
    return "", path


def _not_taken(method: str, entry: PathEntry) -> Response:
    headers = {"Allow": entry.allowed}
    if method == "OPTIONS":
        return Response(status_code=204, headers=headers)
    return render(MethodNotAllowed(f"{entry.route.path} takes {entry.allowed} only"), headers)


def _bodiless(send: Send) -> Send:
    async def send_without_body(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return send_without_body
