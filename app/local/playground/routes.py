"""The pages and what their forms do. They are of this process; the emails' stories and health come from our own API."""

import base64
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

from aiohttp import web

from app.local.playground import compose, frame, messages, pages, source, stories, words
from app.local.playground.api import Answer, Api
from app.local.playground.cards import cards, turned
from app.local.simulator.faults import BadSetting
from app.local.simulator.inbox import ATTEMPT, EMAIL_ID, Inbox
from app.local.simulator.listener import Listener

_NUMBER: Final = re.compile(r"[0-9]{1,10}")
NOTES: Final = {
    "ten": "Ten emails are on their way.",
    "failed": "The API did not take it: see whether it runs.",
    "cleared": "The inbox is empty.",
}


class Playground:
    """The pages at the simulator's port. `titles` names each account; `real` are those that are not simulated."""

    def __init__(
        self,
        listeners: Mapping[str, Listener],
        inbox: Inbox,
        api: Api,
        titles: Mapping[str, str],
        real: frozenset[str] = frozenset(),
    ) -> None:
        self._listeners = listeners
        self._inbox = inbox
        self._api = api
        self._titles = titles
        self._real = real
        self._samples = compose.Samples()

    def routes(self) -> list[web.RouteDef]:
        """The routes of all pages and forms."""
        number = r"{number:[0-9]{1,10}}"
        return [
            web.get("/", self._home),
            web.get(f"/messages/{number}", self._message),
            web.get(f"/messages/{number}/frame", self._frame),
            web.get(f"/messages/{number}/source", self._source),
            web.get(rf"/messages/{number}/files/{{index:[0-9]{{1,4}}}}", self._file),
            web.post("/messages/clear", self._clear),
            web.get("/emails/{email_id}", self._email),
            web.get("/send", self._form),
            web.post("/send", self._send),
            web.post("/send/one", self._send_one),
            web.post("/send/ten", self._send_ten),
            web.post("/accounts/{account}/switch", self._switch),
            web.post("/accounts/{account}/pause", self._change(self._api.pause)),
            web.post("/accounts/{account}/resume", self._change(self._api.resume)),
            web.get("/static/{name}", self._static),
        ]

    async def _home(self, request: web.Request) -> web.Response:
        query, before = request.query.get("q", ""), request.query.get("before", "")
        page = messages.find(self._inbox, query, int(before) if _NUMBER.fullmatch(before) else None)
        older = f"?{urlencode({'q': query, 'before': page.older})}" if page.older else ""
        return await self._show(request, "home.html", page=page, query=query, older=older)

    async def _message(self, request: web.Request) -> web.Response:
        number = int(request.match_info["number"])
        message = self._read(number)
        answer = await self._api.story(message["metadata"].get(EMAIL_ID, "")) if _is_ours(message) else None
        return await self._show_email(request, number, message, answer)

    async def _email(self, request: web.Request) -> web.Response:
        email_id = request.match_info["email_id"]
        answer = await self._api.story(email_id)
        if answer is not None and answer.status == 404:
            raise web.HTTPNotFound(reason="There is no such email")
        numbers = messages.copies(self._inbox.summaries(), email_id).values()
        newest = max(numbers, default=None)
        message = None if newest is None else self._inbox.read(newest)
        return await self._show_email(request, newest, message, answer)

    async def _show_email(
        self, request: web.Request, number: int | None, message: Mapping[str, Any] | None, answer: Answer | None
    ) -> web.Response:
        email_id = (message or {"metadata": {}})["metadata"].get(EMAIL_ID) or request.match_info.get("email_id", "")
        copies = messages.copies(self._inbox.summaries(), email_id)
        story = answer.body if answer is not None and answer.is_success else None
        return await self._show(
            request,
            "email.html",
            number=number,
            message=message,
            view=None if message is None else messages.view(message, request.query.get("view", "")),
            email_id=email_id,
            subject=(story or message or {"subject": ""})["subject"],
            story=None if story is None else stories.timeline(story, self._titles, copies, datetime.now(UTC)),
            is_repeated=story is not None and _is_repeated(story, message),
            others=sorted(each for each in copies.values() if each != number),
        )

    async def _frame(self, request: web.Request) -> web.Response:
        message = self._read(int(request.match_info["number"]))
        return pages.answer(frame.document(message), "text/html", policy=frame.POLICY)

    async def _source(self, request: web.Request) -> web.Response:
        number = int(request.match_info["number"])
        return pages.download(source.write(self._read(number)), f"message-{number}.eml")

    async def _file(self, request: web.Request) -> web.Response:
        files = self._read(int(request.match_info["number"]))["attachments"]
        index = int(request.match_info["index"])
        if index >= len(files):
            raise web.HTTPNotFound(reason="There is no such attachment")
        return pages.download(base64.b64decode(files[index]["content"]), files[index]["filename"])

    async def _clear(self, _: web.Request) -> web.Response:
        self._inbox.clear()
        raise pages.go("/?note=cleared")

    async def _form(self, request: web.Request) -> web.Response:
        return await self._show(request, "send.html", form=compose.Form())

    async def _send(self, request: web.Request) -> web.Response:
        try:
            posted = await request.post()
        except web.HTTPRequestEntityTooLarge:
            form = compose.Form(errors={compose.FILE: ["must be smaller: the API takes 4.5 MB in all"]})
            return await self._show(request, "send.html", 413, form=form)
        values = {name: str(posted.get(name, "")).replace("\r\n", "\n") for name in compose.TEXTS}
        file = posted.get(compose.FILE)
        upload = file if isinstance(file, web.FileField) and file.filename else None
        answer = await self._api.send(compose.request(values, upload))
        if answer is None or not answer.is_success:
            form = compose.failed(values, answer, self._api.url)
            return await self._show(request, "send.html", 422, form=form)
        raise pages.go(f"/emails/{answer.body['id']}")

    async def _send_one(self, _: web.Request) -> web.Response:
        answer = await self._api.send(self._samples.take(1)[0])
        if answer is None or not answer.is_success:
            raise pages.go("/?note=failed")
        raise pages.go(f"/emails/{answer.body['id']}")

    async def _send_ten(self, _: web.Request) -> web.Response:
        answers = await self._api.send_all(list(self._samples.take(10)))
        is_sent = all(answer is not None and answer.is_success for answer in answers)
        raise pages.go(f"/?note={'ten' if is_sent else 'failed'}")

    async def _switch(self, request: web.Request) -> web.Response:
        listener = self._listeners.get(request.match_info["account"])
        if listener is None:
            raise web.HTTPNotFound(reason="There is no such account")
        posted = await request.post()
        behavior = listener.behavior
        for field in ("mend", "fault", "webhooks", "latency_ms"):
            if field in posted:
                try:
                    behavior = turned(behavior, field, str(posted[field]))
                except BadSetting as bad:
                    raise web.HTTPUnprocessableEntity(reason=f"{bad.field} is none that there is") from bad
        await listener.behave(behavior)
        raise pages.go(str(posted.get("back", "/")))

    def _change(self, change: Callable[[str], Awaitable[Answer | None]]) -> Callable[[web.Request], Awaitable[Any]]:
        async def handle(request: web.Request) -> web.Response:
            posted = await request.post()
            answer = await change(request.match_info["account"])
            if answer is None or not answer.is_success:
                raise pages.go("/?note=failed")
            raise pages.go(str(posted.get("back", "/")))

        return handle

    async def _static(self, request: web.Request) -> web.Response:
        return pages.static(request.match_info["name"])

    def _read(self, number: int) -> dict[str, Any]:
        message = self._inbox.read(number)
        if message is None:
            raise web.HTTPNotFound(reason="This email is not kept any more")
        return message

    async def _show(self, request: web.Request, template: str, status: int = 200, **values: Any) -> web.Response:
        healths = await self._api.providers()
        query = {name: value for name, value in request.query.items() if name in ("q", "before", "view")}
        return pages.show(
            template,
            status,
            cards=cards(self._listeners, self._titles, self._real, healths),
            break_fault=words.BREAK,
            open_card=request.query.get("open", ""),
            api_url=self._api.url,
            titles=self._titles,
            note=NOTES.get(request.query.get("note", ""), ""),
            here=quote(request.path) + (f"?{urlencode(query)}" if query else ""),
            **values,
        )


def _is_ours(message: Mapping[str, Any]) -> bool:
    return bool(message["metadata"].get(EMAIL_ID))


def _is_repeated(story: Mapping[str, Any], message: Mapping[str, Any] | None) -> bool:
    """Whether a later attempt of the story repeats the call that made this copy."""
    number = (message or {"metadata": {}})["metadata"].get(ATTEMPT, "")
    return any(str(attempt["repeats"]) == number for attempt in story["attempts"] if attempt["repeats"])
