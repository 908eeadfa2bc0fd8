"""The control API: shows what the providers accepted, sets how they behave, and asks the app to confirm.

Requests and answers are JSON, and their names are stable.

    GET    /control/health                200
    GET    /control/messages?limit=&after=
                                          the emails that are kept, oldest first, `limit` at most; `after` is the
                                          `number` of the last one that is known already
    DELETE /control/messages              empties the inbox and sets all `calls` to 0: 204; numbers go on
    GET    /control/providers             account -> {base_url, fault, webhooks, latency_ms, calls}
    PUT    /control/providers/{account}   {fault, webhooks, latency_ms} -> the new state, once it is in force
    POST   /control/providers/{account}/webhook
                                          replays the webhook in the body -> {status, body} of the app's answer
    GET    /control/providers/{account}/lists
                                          the account's own suppression list: {name: [{address, at, words, scopes}]}
    PUT    /control/providers/{account}/lists
                                          the lists that are named, each as a whole -> every list
    PUT    /control/webhooks              {url}: where webhooks go from now on, without the account's name
    GET    /control/certificate?url=      the certificate that webhooks name as `url`, as PEM
    POST   /control/subscription          {provider: account}: requests the app to confirm -> {status} of its answer
    GET    /control/confirm?url=          fetches the URL that confirms; 400 if no request to confirm had it
    GET    /control/confirmations         the confirmed subscriptions

A replayed webhook is one that the account's provider posts, such as one from production: as it is, or as the text in a
JSON string. It is signed by the local key, in place of the signature that it may have, or put into a new envelope, and
posted once, whatever faults are set. The answer is 200 whatever the app said. It says 401 if the app verifies the
account's webhooks by a real secret.

Errors are {error, field}: 400 for a body that is not JSON or no such webhook, 404, 405, 413 for a webhook that has more
bytes than the app takes, 422 for a wrong setting, 502 if the app does not answer to a replayed webhook.
"""

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final

from aiohttp import web
from yarl import URL

from app.local.simulator.dialect import NotItsWebhook, Subscriber
from app.local.simulator.faults import BadSetting, read_behavior
from app.local.simulator.inbox import Inbox, iso
from app.local.simulator.listener import Listener
from app.local.simulator.replay import WEBHOOK_BYTES, TooLarge, replay
from app.local.simulator.webhooks import Webhooks

NUMBER_DIGITS: Final = 10

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _NoSuchAccount(Exception):
    """The simulator does not play the account of the path."""


class Control:
    """The simulator's own HTTP server."""

    def __init__(self, listeners: Mapping[str, Listener], inbox: Inbox, webhooks: Webhooks) -> None:
        self._listeners = listeners
        self._inbox = inbox
        self._webhooks = webhooks
        self._pending_urls: dict[str, str] = {}  # URLs that confirm and were sent to the app -> the account
        self._confirmations: list[dict[str, str]] = []

    def application(self) -> web.Application:
        """The aiohttp application with all routes of the control API, below /control."""
        app = web.Application(middlewares=[_render_errors])
        app.add_routes(
            [
                web.get("/health", self._health),
                web.get("/messages", self._messages),
                web.delete("/messages", self._clear),
                web.get("/providers", self._providers),
                web.put("/providers/{account}", self._behave),
                web.post("/providers/{account}/webhook", self._replay),
                web.get("/providers/{account}/lists", self._own_lists),
                web.put("/providers/{account}/lists", self._fill),
                web.put("/webhooks", self._redirect),
                web.get("/certificate", self._certificate),
                web.post("/subscription", self._subscribe),
                web.get("/confirm", self._confirm),
                web.get("/confirmations", self._confirmed),
            ]
        )
        return app

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _messages(self, request: web.Request) -> web.Response:
        texts = self._inbox.texts(_number(request, "after") or 0, _number(request, "limit"))
        return web.json_response(text=f"[{', '.join(texts)}]")

    async def _clear(self, _: web.Request) -> web.Response:
        self._inbox.clear()
        for listener in self._listeners.values():
            listener.calls = 0
        return web.Response(status=204)

    async def _providers(self, _: web.Request) -> web.Response:
        return web.json_response({account: _state(listener) for account, listener in self._listeners.items()})

    async def _behave(self, request: web.Request) -> web.Response:
        listener = self._listener(request)
        await listener.behave(read_behavior(await _body(request)))
        return web.json_response(_state(listener))

    async def _replay(self, request: web.Request) -> web.Response:
        account = self._listener(request).account
        answer = await replay(account, await request.read(), self._webhooks)
        if answer is None:
            return _error(502, f"the app does not answer at {self._webhooks.url}: is it running?", None)
        return web.json_response(asdict(answer))

    async def _own_lists(self, request: web.Request) -> web.Response:
        return web.json_response(self._listener(request).account.dialect.own_lists.as_json())

    async def _fill(self, request: web.Request) -> web.Response:
        own_lists = self._listener(request).account.dialect.own_lists
        own_lists.fill(await _body(request))
        return web.json_response(own_lists.as_json())

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
                reply = await self._webhooks.post(account, post)
                return web.json_response({"status": None if reply is None else reply.status})
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

    def _listener(self, request: web.Request) -> Listener:
        """The listener of the account in the path. Raises _NoSuchAccount."""
        found = self._listeners.get(request.match_info["account"])
        if found is None:
            raise _NoSuchAccount(f"no such account; there are {', '.join(self._listeners)}: PROVIDERS names them")
        return found

    def _subscribers(self) -> Iterator[tuple[str, Subscriber, bytes]]:
        """The accounts whose webhooks come through a subscription, and their keys."""
        for name, listener in self._listeners.items():
            if isinstance(listener.account.dialect, Subscriber):
                yield name, listener.account.dialect, listener.account.key


@web.middleware
async def _render_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except _NoSuchAccount as unknown:
        return _error(404, str(unknown), "name")
    except NotItsWebhook as wrong:
        return _error(400, str(wrong), "body")
    except (TooLarge, web.HTTPRequestEntityTooLarge):
        return _error(413, f"the app takes at most {WEBHOOK_BYTES:,} bytes, signature and envelope included", "body")
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


def _number(request: web.Request, field: str) -> int | None:
    """The number in the query, or None if it is not there. Raises BadSetting."""
    text = request.query.get(field, "")
    if text and not (text.isascii() and text.isdigit() and len(text) <= NUMBER_DIGITS):
        raise BadSetting(field, f"must be a whole number of at most {NUMBER_DIGITS} digits")
    return int(text) if text else None


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
