"""The health check. It needs no API key, so its answer says which parts do not answer, and nothing more.

On a laptop a part may say in words what is wrong.
"""

import asyncio
from collections.abc import Callable, Mapping

from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from app.api.auth import Parts
from app.api.openapi import answer, errors
from app.api.problems import render
from app.api.views import ServiceHealth
from app.errors import ServiceUnavailable

router = APIRouter(tags=["health"])

ANSWER_WITHIN_S = 1.8  # so that the whole answer takes at most two seconds
_OK = {"status": "ok", "parts": {"aws": "ok"}}

Check = Callable[[], str | None]  # says what is wrong; raises ServiceUnavailable or OSError if the part does not answer

_NO_ANSWER = "unavailable"


@router.get(
    "/health",
    response_model=ServiceHealth,
    responses=answer(_OK) | errors(ServiceUnavailable("no answer from: aws")),
)
async def check_health(request: Request, parts: Parts) -> Response:
    """Answers 200 if every part of the service answers, else 503 naming the parts that do not.

    `draining` lists the accounts, if any, that are no longer in PROVIDERS and whose webhooks are still taken.
    """
    checks: Mapping[str, Check] = {"aws": parts.ping, **request.app.state.checks}
    answers = dict(zip(checks, await asyncio.gather(*map(_ask, checks.values())), strict=True))
    down = [name for name, answer in answers.items() if answer != "ok"]
    if down:
        return render(ServiceUnavailable(_detail({name: answers[name] for name in down})), parts=answers)
    draining = parts.draining()
    return JSONResponse({"status": "ok", "parts": answers} | ({"draining": list(draining)} if draining else {}))


async def _ask(check: Check) -> str:
    try:
        # If a check hangs, its thread is abandoned and the answer does not wait for it.
        wrong = await asyncio.wait_for(to_thread.run_sync(check, abandon_on_cancel=True), ANSWER_WITHIN_S)
    except (ServiceUnavailable, OSError):  # TimeoutError is an OSError
        return _NO_ANSWER
    return wrong or "ok"


def _detail(down: Mapping[str, str]) -> str:
    """The parts that do not answer, then what the others say."""
    silent = [name for name, answer in down.items() if answer == _NO_ANSWER]
    said = [answer for answer in down.values() if answer != _NO_ANSWER]
    return "; ".join([*([f"no answer from: {', '.join(silent)}"] if silent else []), *said])
