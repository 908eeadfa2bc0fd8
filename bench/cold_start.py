"""Measures cold starts: a new process from its first instruction to the end of its first event."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter
from typing import Final, NamedTuple

from tests.support.installation import ROOT

_EVENT: Final = "import json, os; event = json.loads(os.environ['BENCH_EVENT']); "
_CONTEXT: Final = "from types import SimpleNamespace as N; c = N(get_remaining_time_in_millis=lambda: 50_000); "
_LOOP: Final = "import asyncio; asyncio.set_event_loop(asyncio.new_event_loop()); "


class Start(NamedTuple):
    """One kind of process. `code` is what it runs, and `event` makes the JSON of a new first event."""

    title: str
    code: str
    event: Callable[[], str]


class Cost(NamedTuple):
    """Milliseconds of processor time and of elapsed time."""

    cpu_ms: float
    wall_ms: float


def starts(accept_event: Callable[[], str], attempt_event: Callable[[], str]) -> tuple[Start, ...]:
    """The three deployed entry points, and the processes that they are compared with."""
    return (
        Start("`python -c pass`", "pass", str),
        Start("`import botocore.session`", "import botocore.session", str),
        Start(
            "botocore with both clients of the baseline",
            "import botocore.session as b; s = b.get_session(); s.create_client('dynamodb'); s.create_client('sns')",
            str,
        ),
        Start(
            "api: app.main, POST /v1/emails",
            f"{_LOOP}{_EVENT}{_CONTEXT}import app.main as m; m.handler(event, c)",
            accept_event,
        ),
        Start(
            "worker: workers.attempts",
            f"{_EVENT}{_CONTEXT}import workers.attempts as m; m.handler(event, c)",
            attempt_event,
        ),
        Start("sweep: workers.sweep", f"{_CONTEXT}import workers.sweep as m; m.handler({{}}, c)", str),
    )


def measure(kinds: tuple[Start, ...], env: Mapping[str, str], rounds: int) -> dict[str, Cost]:
    """The median costs over `rounds` rounds, by title. The kinds take turns within each round."""
    costs: dict[str, list[Cost]] = {kind.title: [] for kind in kinds}
    for _ in range(rounds + 1):  # the first round reads everything from disk and is not counted
        for kind in kinds:
            costs[kind.title].append(_once(kind, env))
    return {
        title: Cost(median(cost.cpu_ms for cost in found[1:]), median(cost.wall_ms for cost in found[1:]))
        for title, found in costs.items()
    }


def _once(kind: Start, env: Mapping[str, str]) -> Cost:
    child_env = {**env, "BENCH_EVENT": kind.event()}
    began_s = perf_counter()
    process = subprocess.Popen([sys.executable, "-c", kind.code], cwd=ROOT, env=child_env, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{kind.title} ended with status {process.returncode}")
    return Cost((usage.ru_utime + usage.ru_stime) * 1000, (perf_counter() - began_s) * 1000)
