"""What an email of a batch costs beside a single one: CPU, write units and calls, as a ratio, in the same run.

    python -m bench.batches [--rounds 5] [--size 100]

Each goes from API Gateway's event to its answer. CPU time is that of this process alone.
"""

import argparse
import json
import os
from collections.abc import Callable
from contextlib import ExitStack, redirect_stdout
from pathlib import Path
from typing import Any

import botocore.session

from app import main as api
from app.settings import Process
from app.store import tables
from app.wiring.process import container
from bench.backends import emulator
from bench.bulk import add
from bench.round_trips import held_back
from bench.throughput import EMAIL, Samples, accept_event, environment
from tests.support import write_units


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.batches")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=100)
    options = parser.parse_args()
    size: int = options.size
    with ExitStack() as stack:
        stack.enter_context(redirect_stdout(stack.enter_context(Path(os.devnull).open("w"))))  # the product's log lines
        os.environ.update(environment(stack.enter_context(emulator()), "http://127.0.0.1:9"))
        sns: Any = botocore.session.get_session().create_client("sns")
        os.environ["TOPIC_ARN"] = sns.create_topic(Name="attempts")["TopicArn"]
        parts = container(Process.API)
        tables.create_all()
        key = parts.api_keys.create("bench", {"send"}, ())
        single, batch = event("/v1/emails", EMAIL, key), event("/v1/emails/batch", [EMAIL] * size, key)

        def singly() -> None:
            for _ in range(size):
                send(single)

        def together() -> None:
            send(batch)

        samples = Samples()
        for _ in range(2):  # what comes first in the process is not counted
            together()
            send(single)
        for _ in range(options.rounds):
            add(samples, "single", size, singly)
            add(samples, "batch", size, together)
        counted = {"single": count(lambda: send(single), 1), "batch": count(together, size)}
    print(report(samples, counted, size))
    return 0


def count(run: Callable[[], None], emails: int) -> tuple[float, float]:
    """The write units and the calls of AWS for one of as many emails."""
    with write_units.counted() as writes, held_back(0.0) as calls:
        run()
    return sum(write.total for write in writes) / emails, len(calls) / emails


def event(path: str, body: Any, key: str) -> dict[str, Any]:
    """API Gateway's event of a call with this body."""
    found = accept_event()
    headers = found["headers"] | {"Authorization": f"Bearer {key}"}
    return found | {
        "path": path,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "pathParameters": {"proxy": path.lstrip("/")},
        "requestContext": found["requestContext"] | {"path": f"/dev{path}"},
        "body": json.dumps(body),
    }


def send(request: dict[str, Any]) -> None:
    """Make the call, and make sure that it was accepted."""
    answer = api.handler(request, None)
    if answer["statusCode"] not in (200, 202) or '"errors"' in answer["body"]:
        raise RuntimeError(answer["body"][:500])


def report(samples: Samples, counted: dict[str, tuple[float, float]], size: int) -> str:
    """The table, in Markdown."""
    rows = [f"| of one email | single | in a batch of {size} | ratio |", "|---|---|---|---|"]
    one, many = samples.middle("single"), samples.middle("batch")
    values = {
        "CPU, ms": (one.cpu_ms, many.cpu_ms),
        "wall, ms": (one.wall_ms, many.wall_ms),
        "write units": (counted["single"][0], counted["batch"][0]),
        "calls of AWS": (counted["single"][1], counted["batch"][1]),
        "requests of API Gateway and Lambda": (1.0, 1 / size),
    }
    rows += [f"| {name} | {a:.2f} | {b:.2f} | {b / a:.2f} |" for name, (a, b) in values.items()]
    return "\n".join(rows)


if __name__ == "__main__":
    raise SystemExit(main())
