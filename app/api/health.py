"""The health check. It needs no API key, so its answer says which parts do not answer, and nothing more.

On a laptop a part may say in words what is wrong.
"""

import asyncio
from collections.abc import Callable, Mapping

from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pynamodb.exceptions import PynamoDBException

from app.api.auth import Parts
from app.api.openapi import answer, errors
from app.api.problems import render
from app.api.views import ServiceHealth
from app.errors import ServiceUnavailable
from app.wiring.parts import Container

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

    `degraded` is 200, too, because emails are accepted and go through the other accounts: `reasons` has a line for each
    account of which a call has failed in the last five minutes. `draining` lists the accounts, if any, that are no
    longer in PROVIDERS and whose webhooks are still taken.
    """
    checks: Mapping[str, Check] = {"aws": parts.ping, **request.app.state.checks}
    reasons, *said = await asyncio.gather(_reasons(parts), *map(_ask, checks.values()))
    answers = dict(zip(checks, said, strict=True))
    down = [name for name, answer in answers.items() if answer != "ok"]
    if down:
        return render(ServiceUnavailable(_detail({name: answers[name] for name in down})), parts=answers)
    draining = parts.draining()
    found = {"reasons": reasons.splitlines(), "draining": list(draining)}
    shown = {name: value for name, value in found.items() if value}
    return JSONResponse({"status": "degraded" if reasons else "ok", "parts": answers, **shown})


async def _reasons(parts: Container) -> str:
    """A line for each account that fails. Nobody proves who asks, so that it has a count and no more."""

    def read() -> str | None:
        try:
            recent = parts.recent_calls()
        except PynamoDBException as error:
            raise ServiceUnavailable(f"the calls are not read: {type(error).__name__}") from error
        return "\n".join(
            f"{account}: {calls.failed} failed call{'' if calls.failed == 1 else 's'} in the last five minutes"
            for account, calls in recent.items()
            if calls.failed
        )

    answer = await _ask(read)
    return {"ok": "", _NO_ANSWER: "it cannot be read how the accounts do"}.get(answer, answer)


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
