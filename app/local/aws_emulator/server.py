"""Puts the parts together, serves until SIGTERM, and ends when everything is written."""

import argparse
import asyncio
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from . import fitness, unreaped
from .commits import Commits
from .dead_letters import KeptQueues
from .expiry import Cap, Expiry, Lifecycle, Newest
from .foreign import names_of
from .guard import guarded
from .journal import Journal, NotKept
from .objects import Objects
from .serving import server
from .streams import STREAM_PATH, Streams, Wanted
from .tables import Tables

STORAGE_PATH: Final = "/_emailsminder/storage"
"""Answers 200 if everything is kept, else 503 with the reason."""

HEALTH_PATH: Final = "/_ministack/health"

REFUSED: Final = 3
"""The exit status if the last changes before the end were refused, because they could not be kept."""

_LATE_S: Final = 2.0  # how often a slow start says how far it is


def main() -> None:
    """Run the emulator. A start that fails is one sentence and status 1."""
    try:
        status = asyncio.run(_run(_config(sys.argv[1:])))
    except (NotKept, OSError) as why:
        with suppress(OSError):
            sys.stderr.write(f"{why}\n")
            sys.stderr.flush()
        os._exit(1)  # at once: to close the journal would bring its log over to a file that may be damaged
    if status:
        os._exit(status)  # at once: on a full disk Python could not write its log, and would end with another status


def _config(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="of the journal")
    parser.add_argument("--progress", type=Path, required=True, help="the file that says how far the start is")
    parser.add_argument("--hosts", required=True, help="further names of this machine, separated by commas")
    parser.add_argument("--queues", required=True, help="the queues whose messages are kept, separated by commas")
    parser.add_argument("--claim", required=True, help="the attribute of an item that announces an effect outside")
    parser.add_argument("--stream", type=Wanted.of, action="append", default=[], help="what is kept of a stream")
    parser.add_argument("--lifecycle", type=Lifecycle.of, action="append", default=[], help="PREFIX:DAYS, of objects")
    parser.add_argument("--expiry-s", type=float, required=True, help="how often what has expired is deleted")
    parser.add_argument("--cap", type=Cap.of, action="append", default=[], help="TABLE:PREFIX:MOST, any number of them")
    parser.add_argument("--newest", type=Newest.of, action="append", default=[], help="TABLE:[~]PREFIX+PREFIX:MOST")
    return parser.parse_args(arguments)


async def _run(config: argparse.Namespace) -> int:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    with suppress(ValueError, OSError):  # macOS does not let a process have as many open files as it says
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    config.folder.mkdir(parents=True, exist_ok=True)
    journal = Journal(config.folder / "journal.sqlite3")
    journal.require_whole()
    ministack = import_module("ministack.app")
    modules = _modules()
    fitness.require_shape(modules)
    commits = Commits(journal)
    wanted = {one.table: one for one in (*config.stream, fitness.OF_SCRATCH)}
    streams = Streams(modules["dynamodb"], modules["dynamodb_streams"], commits, wanted)
    tables = Tables(modules["dynamodb"], commits, config.claim, streams)
    objects = Objects(modules["s3"], commits)
    queues = KeptQueues(modules["sqs"], config.queues.split(","), commits)
    with journal.reading():
        tables.load(journal, _progress(config.progress, journal.count()))
        queues.load(journal)
    journal.require_room()  # after everything was read: a file that cannot be read stays as it is
    objects.drop_torn()
    for part in (tables, objects, queues, streams):
        part.hook()
    await fitness.require_proof(ministack.SERVICE_HANDLERS["dynamodb"], modules["dynamodb"], journal)
    kept = (config.lifecycle, config.cap, config.newest)
    expiry = Expiry(modules["dynamodb"], modules["s3"], tables, queues, *kept, config.expiry_s)
    tasks = [asyncio.create_task(part.watch()) for part in (commits, expiry)]
    try:
        await _serve(guarded(_keeping(ministack.app, commits, streams), names_of(config.hosts)), config, stop)
    finally:
        for task in tasks:
            task.cancel()
        await commits.close()
        journal.close()
    if commits.trouble is not None:
        return REFUSED
    return 0


def _modules() -> dict[str, Any]:
    """ministack's modules. Raises NotKept if one of them may change items beside the requests."""
    return {
        "dynamodb": unreaped.dynamodb(),
        "dynamodb_streams": import_module("ministack.services.dynamodb_streams"),
        "s3": import_module("ministack.services.s3"),
        "sqs": import_module("ministack.services.sqs"),
    }


def _progress(path: Path, total: int) -> Callable[[int], None]:
    """Writes down how many of `total` items are loaded, every now and then: who waits for the start reads it."""
    clock = asyncio.get_running_loop().time
    said_s = clock()

    def say(count: int) -> None:
        nonlocal said_s
        if clock() - said_s > _LATE_S:
            said_s = clock()
            with suppress(OSError):
                path.write_text(f"{count} of {total} items are loaded")

    return say


def _keeping(app: Any, commits: Commits, streams: Streams) -> Any:
    """`app` without its calls that would empty or change the stores beside the requests, and with our own calls."""

    async def keeping(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] != "http":
            await app(scope, receive, send)
        elif scope["path"] == STORAGE_PATH:
            status = 200 if commits.trouble is None else 503
            await _answer(send, status, {"trouble": commits.trouble, "refused": commits.refused})
        elif scope["path"] == STREAM_PATH and scope["method"] == "POST":
            await _answer(send, *await _passed(streams, dict(parse_qsl(scope["query_string"].decode()))))
        elif scope["path"].startswith(("/_ministack/", "/_localstack/")) and scope["path"] != HEALTH_PATH:
            await _answer(send, 403, {"error": "this emulator keeps its state on disk, and is not reset"})
        else:
            await app(scope, receive, send)

    return keeping


async def _passed(streams: Streams, query: Mapping[str, str]) -> tuple[int, Mapping[str, object]]:
    try:
        found = await streams.passed(
            query["table"], int(query["until"]), resumes="resume" in query, is_healed="healed" in query
        )
    except (KeyError, ValueError):
        return 400, {"error": "table and until are to be named"}
    except NotKept as why:
        return 503, {"error": f"nothing can be kept: {why}"}
    return (404, {"error": "there is no such stream"}) if found is None else (200, found)


async def _live(receive: Any, send: Any) -> None:
    """ministack's own start looks for Docker and runs schedulers of services that are not offered here."""
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def _answer(send: Any, status: int, body: Mapping[str, object]) -> None:
    content = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def _serve(app: Any, config: argparse.Namespace, stop: asyncio.Event) -> None:
    serving = server(app, config.host, config.port)

    async def end() -> None:
        await stop.wait()
        serving.should_exit = True

    ending = asyncio.create_task(end())
    await serving.serve()
    ending.cancel()
