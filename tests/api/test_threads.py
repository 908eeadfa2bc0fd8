"""Where a blocking endpoint runs."""

import asyncio
import threading
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api import threads
from app.api.threads import Route

router = APIRouter(route_class=Route)


async def asked() -> str:
    """What a dependency runs that has to wait for AWS."""
    return await threads.run(lambda: threading.current_thread().name)


@router.get("/plain")
def plain(number: int, dependency: str = Depends(asked)) -> dict[str, Any]:
    return {"number": number, "thread": threading.current_thread().name, "dependency": dependency}


@router.get("/async")
async def asynchronous() -> dict[str, str]:
    return {"thread": threading.current_thread().name}


def answer(app: ASGIApp, url: str) -> Any:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
            return await client.get(url)

    return asyncio.run(send()).json()


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()
    app.include_router(router)
    return app


def test_beside_other_requests_it_has_a_thread_of_its_own(app: FastAPI) -> None:
    here = threading.current_thread().name
    found = answer(app, "/plain?number=7")
    assert found["number"] == 7
    assert here not in (found["thread"], found["dependency"])
    assert answer(app, "/async")["thread"] == here


def test_on_lambda_it_runs_in_place(app: FastAPI) -> None:
    async def mangum(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "aws.event": {}}, receive, send)

    here = threading.current_thread().name
    found = answer(mangum, "/plain?number=7")
    assert (found["number"], found["thread"], found["dependency"]) == (7, here, here)
    assert answer(app, "/plain?number=7")["thread"] != here  # decided anew for each request
