"""`make bench`: what an email costs, as a ratio to the baseline, which is measured in the same run.

    python -m bench.throughput [--rounds 9] [--emails 60] [--write]

CPU time is that of the client process alone (getrusage); the AWS emulator and the instantly answering provider run in
other processes. Within each round the paths take turns. The medians are printed; nothing is asserted.
"""

import argparse
import asyncio
import json
import os
import resource
import sys
from collections.abc import Callable
from contextlib import ExitStack, redirect_stdout
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Final

import botocore.session

from app import main as api
from app.local.environment import REGION
from app.local.mode import API_KEY
from app.settings import Process
from app.store import tables
from app.wiring.process import container
from bench import cold_start
from bench.backends import emulator, provider
from bench.baseline import Baseline
from bench.cold_start import Cost
from bench.round_trips import Trips, shortest
from tests.support.installation import ROOT
from workers import attempts

PAGE: Final = ROOT / "docs" / "performance.md"
MARK: Final = "<!-- what follows is written by `make bench` -->"
HTML: Final = "<p>" + "".join(f"Line {number} of a receipt, such as shops send.<br>" for number in range(230)) + "</p>"
EMAIL: Final = {
    "from": "no-reply@example.com",
    "to": ["alice@example.net"],
    "subject": "Your receipt",
    "html": HTML,
}


class Samples(dict[str, list[Cost]]):
    """Costs per email by name, one per round."""

    def add(self, name: str, count: int, run: Callable[[int], None]) -> None:
        """Run `count` emails, and add the average cost of one under `name`. `run` gets the index of each email."""
        before, began_s = _cpu_s(), perf_counter()
        for number in range(count):
            run(number)
        cpu_s, wall_s = _cpu_s() - before, perf_counter() - began_s
        self.setdefault(name, []).append(Cost(cpu_s / count * 1000, wall_s / count * 1000))

    def middle(self, name: str) -> Cost:
        """The medians over all rounds, of the CPU time and of the elapsed time."""
        return Cost(median(cost.cpu_ms for cost in self[name]), median(cost.wall_ms for cost in self[name]))


def main() -> int:
    """Measure and print; with `--write`, also write docs/performance.md."""
    parser = argparse.ArgumentParser(prog="python -m bench.throughput")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--emails", type=int, default=60, help="per round and path")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    options = parser.parse_args()
    with ExitStack() as stack:
        stack.enter_context(redirect_stdout(stack.enter_context(Path(os.devnull).open("w"))))  # the product's log lines
        provider_url = stack.enter_context(provider())
        os.environ.update(environment(stack.enter_context(emulator()), provider_url))
        asyncio.set_event_loop(asyncio.new_event_loop())  # as in a Lambda process
        baseline = prepare(provider_url)
        samples = warm_paths(baseline, options.rounds, options.emails)
        trips = round_trips(baseline)
        kinds = cold_start.starts(lambda: json.dumps(accept_event()), lambda: json.dumps(sns_event(accept_ours())))
        cold = cold_start.measure(kinds, os.environ, max(3, options.rounds // 2))
    text = report(samples, trips, cold)
    print(text)
    if options.write:
        PAGE.write_text(f"{PAGE.read_text().partition(MARK)[0]}{MARK}\n\n{text}")
    return 0


def warm_paths(baseline: Baseline, rounds: int, count: int) -> Samples:
    """What accept and worker cost, ours and the baseline's. The four take turns, once in each round."""
    samples = Samples()
    one_round(Samples(), baseline, count)  # warms up and is not counted
    for _ in range(rounds):
        one_round(samples, baseline, count)
    return samples


def one_round(samples: Samples, baseline: Baseline, count: int) -> None:
    """Run `count` emails through each of the four paths."""
    ours: list[str] = []
    bare: list[str] = []
    samples.add("accept, ours", count, lambda _: ours.append(accept_ours()))
    samples.add("accept, baseline", count, lambda _: bare.append(baseline.accept(accept_event())))
    samples.add("worker, ours", count, lambda number: _ignore(attempts.handler(sns_event(ours[number]), None)))
    samples.add("worker, baseline", count, lambda number: baseline.attempt(sns_event(bare[number])))


def round_trips(baseline: Baseline) -> dict[str, Trips]:
    """The calls of AWS of each path, of which each is held back for some milliseconds. Nothing here is cold."""
    ours: list[str] = []
    bare: list[str] = []
    return {
        "accept, ours": shortest(lambda: ours.append(accept_ours())),
        "accept, baseline": shortest(lambda: bare.append(baseline.accept(accept_event()))),
        "worker, ours": shortest(lambda: _ignore(attempts.handler(sns_event(ours.pop()), None))),
        "worker, baseline": shortest(lambda: baseline.attempt(sns_event(bare.pop()))),
    }


def accept_ours() -> str:
    """Accept an email through the API's Lambda handler. Returns its id."""
    answer = api.handler(accept_event(), None)
    if answer["statusCode"] != 202:
        raise RuntimeError(answer["body"])
    return str(json.loads(answer["body"])["id"])


def accept_event() -> dict[str, Any]:
    """The event of a request, as a REST API of API Gateway sends it."""
    sent = {"Host": "api.example.com", "Content-Type": "application/json", "Authorization": f"Bearer {API_KEY}"}
    return {
        "resource": "/{proxy+}",
        "path": "/v1/emails",
        "httpMethod": "POST",
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": "v1/emails"},
        "requestContext": {"path": "/dev/v1/emails", "stage": "dev", "httpMethod": "POST", "identity": {}},
        "body": json.dumps(EMAIL),
        "isBase64Encoded": False,
    }


def sns_event(email_id: str) -> dict[str, Any]:
    """The event of a message that asks the worker for the email's first attempt, as SNS sends it to Lambda."""
    return {"Records": [{"Sns": {"Message": json.dumps({"email_id": email_id, "attempt": 1})}}]}


def prepare(provider_url: str) -> Baseline:
    """Create the topic, our tables, an API key, and the baseline with its table."""
    sns: Any = botocore.session.get_session().create_client("sns")
    topic: str = sns.create_topic(Name="attempts")["TopicArn"]
    os.environ["TOPIC_ARN"] = topic
    parts = container(Process.API)
    tables.create_all()
    parts.api_keys.create("bench", {"send"}, (), API_KEY)
    baseline = Baseline(REGION, topic, provider_url, "SG.bench")
    baseline.create_table()
    return baseline


def environment(aws_url: str, provider_url: str) -> dict[str, str]:
    """The environment variables of a deployed process, over the emulator."""
    return {
        "AWS_ENDPOINT_URL": aws_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "TABLE_PREFIX": "bench-",
        "CONTENT_BUCKET": "bench",
        "ADDRESS_SECRET": "a benchmark has nothing to keep from anybody",
        "PROVIDERS": "sendgrid",
        "SENDGRID_API_KEY": "SG.bench",
        "SENDGRID_BASE_URL": provider_url,
    }


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _ignore(_: object) -> None:
    pass


def report(samples: Samples, trips: dict[str, Trips], cold: dict[str, Cost]) -> str:
    """The results as three Markdown tables."""
    lines = ["| CPU ms per email (wall) | baseline | ours | ratio of CPU | of wall |", "|---|---|---|---|---|"]
    for path in ("accept", "worker"):
        bare, ours = samples.middle(f"{path}, baseline"), samples.middle(f"{path}, ours")
        lines.append(
            f"| {path} | {bare.cpu_ms:.2f} ({bare.wall_ms:.1f}) | {ours.cpu_ms:.2f} ({ours.wall_ms:.1f}) "
            f"| {ours.cpu_ms / bare.cpu_ms:.2f} | {ours.wall_ms / bare.wall_ms:.2f} |"
        )
    lines += ["", "| round trips, one after the other (calls) | baseline | ours |", "|---|---|---|"]
    for path in ("accept", "worker"):
        both = (trips[f"{path}, {whose}"] for whose in ("baseline", "ours"))
        cells = " | ".join(f"{one.one_after_another} ({len(one.calls)})" for one in both)
        lines.append(f"| {path} | {cells} |")
    python, botocore_ms = cold["`python -c pass`"].cpu_ms, cold["`import botocore.session`"].cpu_ms
    lines += [
        "",
        "| cold start to the end of the first event | CPU ms (wall) | ÷ python | ÷ botocore |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {title} | {cost.cpu_ms:.0f} ({cost.wall_ms:.0f}) "
        f"| {cost.cpu_ms / python:.1f} | {cost.cpu_ms / botocore_ms:.2f} |"
        for title, cost in cold.items()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
