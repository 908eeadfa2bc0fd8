"""The control API: shows what the providers accepted, sets how they behave, and asks the app to confirm.

Requests and answers are JSON, and their names are stable.

    GET    /control/health                200
    GET    /control/messages              the inbox, in order of arrival
    DELETE /control/messages              empties the inbox and sets all `calls` to 0: 204
    GET    /control/providers             account -> {base_url, fault, webhooks, latency_ms, calls}
    PUT    /control/providers/{account}   {fault, webhooks, latency_ms} -> the new state, once it is in force
    PUT    /control/webhooks              {url}: where webhooks go from now on, without the account's name
    GET    /control/certificate?url=      the certificate that webhooks name as `url`, as PEM
    POST   /control/subscription          {provider: account}: requests the app to confirm -> {status} of its answer
    GET    /control/confirm?url=          fetches the URL that confirms; 400 if no request to confirm had it
    GET    /control/confirmations         the confirmed subscriptions

Errors are {error, field}: 400 for a body that is not JSON, 404, 405, and 422 for a wrong setting.
"""

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime

from aiohttp import web
from yarl import URL

from app.local.simulator.dialect import Subscriber
from app.local.simulator.faults import BadSetting, read_behavior
from app.local.simulator.inbox import Inbox, iso
from app.local.simulator.listener import Listener
from app.local.simulator.webhooks import Webhooks

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Control:
    """The simulator's own HTTP server."""

    def __init__(self, listeners: Mapping[str, Listener], inbox: Inbox, webhooks: Webhooks) -> None:
        self._listeners = listeners
        self._inbox = inbox
        self._webhooks = webhooks
        self._pending_urls: dict[str, str] = {}  # URLs that confirm and were sent to the app -> the account
        self._confirmations: list[dict[str, str]] = []

    def application(self) -> web.Application:
        """The aiohttp application with all routes of the control API."""
        app = web.Application(middlewares=[_render_errors])
        app.add_routes(
            [
                web.get("/control/health", self._health),
                web.get("/control/messages", self._messages),
                web.delete("/control/messages", self._clear),
                web.get("/control/providers", self._providers),
                web.put("/control/providers/{account}", self._behave),
                web.put("/control/webhooks", self._redirect),
                web.get("/control/certificate", self._certificate),
                web.post("/control/subscription", self._subscribe),
                web.get("/control/confirm", self._confirm),
                web.get("/control/confirmations", self._confirmed),
            ]
        )
        return app

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _messages(self, _: web.Request) -> web.Response:
        return web.json_response([entry.as_json() for entry in self._inbox.entries()])

    async def _clear(self, _: web.Request) -> web.Response:
        self._inbox.clear()
        for listener in self._listeners.values():
            listener.calls = 0
        return web.Response(status=204)

    async def _providers(self, _: web.Request) -> web.Response:
        return web.json_response({account: _state(listener) for account, listener in self._listeners.items()})

    async def _behave(self, request: web.Request) -> web.Response:
        listener = self._listeners.get(request.match_info["account"])
        if listener is None:
            return _error(404, f"no such account; there are {', '.join(self._listeners)}", "name")
        await listener.behave(read_behavior(await _body(request)))
        return web.json_response(_state(listener))

    async def _redirect(self, request: web.Request) -> web.Response:
        url = await _only(request, "url")
        if not _is_http(url):
            raise BadSetting("url", "must be an http or https URL")
        self._webhooks.url = url
        return web.json_response({"url": url})

    async def _certificate(self, request: web.Request) -> web.Response:
        found = {each.certificate_url: each.certificate(key) for _, each, key in self._subscribers()}
        if not found:
            return _error(404, "no account has a certificate", None)
        # The host of the URL is not ours to answer for, so the certificate of an unknown one is the first account's.
        pem = found.get(request.query.get("url", "")) or next(iter(found.values()))
        return web.Response(text=pem, content_type="application/x-pem-file")

    async def _subscribe(self, request: web.Request) -> web.Response:
        wanted = await _only(request, "provider")
        for account, subscriber, key in self._subscribers():
            if account == wanted:
                url, post = subscriber.request_to_confirm(key)
                self._pending_urls[url] = account
                return web.json_response({"status": await self._webhooks.post(account, post)})
        raise BadSetting("provider", "no such account, or its webhooks need no subscription")

    async def _confirm(self, request: web.Request) -> web.Response:
        url = request.query.get("url", "")
        if url not in self._pending_urls:
            return _error(400, "no request to confirm had this URL", "url")
        confirmation = {"provider": self._pending_urls[url], "url": url, "confirmed_at": iso(datetime.now(UTC))}
        self._confirmations.append(confirmation)
        return web.json_response(confirmation)

    async def _confirmed(self, _: web.Request) -> web.Response:
        return web.json_response(self._confirmations)

    def _subscribers(self) -> Iterator[tuple[str, Subscriber, bytes]]:
        """The accounts whose webhooks come through a subscription, and their keys."""
        for name, listener in self._listeners.items():
            if isinstance(listener.account.dialect, Subscriber):
                yield name, listener.account.dialect, listener.account.key


@web.middleware
async def _render_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except BadSetting as bad:
        return _error(422, bad.message, bad.field)
    except json.JSONDecodeError:
        return _error(400, "not JSON", "body")
    except web.HTTPException as problem:
        return _error(problem.status, problem.reason.lower(), None)


def _error(status: int, message: str, field: str | None) -> web.Response:
    return web.json_response({"error": message, "field": field}, status=status)


def _state(listener: Listener) -> dict[str, object]:
    behavior = listener.behavior
    return {
        "base_url": listener.base_url,
        "fault": behavior.fault,
        "webhooks": list(behavior.webhooks),
        "latency_ms": behavior.latency_ms,
        "calls": listener.calls,
    }


async def _body(request: web.Request) -> object:
    try:
        return json.loads(await request.read())
    except UnicodeDecodeError:
        raise BadSetting("body", "must be UTF-8") from None


def _is_http(url: str) -> bool:
    try:
        parsed = URL(url)
    except ValueError:
        return False
    return parsed.scheme in ("http", "https") and bool(parsed.host)


async def _only(request: web.Request, field: str) -> str:
    """The string `field` of a body that has no other field. Raises BadSetting."""
    body = await _body(request)
    if not isinstance(body, dict):
        raise BadSetting("body", "must be a JSON object")
    for name in body:
        if name != field:
            raise BadSetting(name, "unknown field")
    value = body.get(field)
    if not isinstance(value, str):
        raise BadSetting(field, "must be a string")
    return value
