"""What bench/assumptions.py says was measured, measured anew: the paper may not go stale."""

import asyncio
import io
import json
import logging
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, Final

import httpx
import pytest
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from app import metrics
from app.api.application import create
from app.delivery.pending_counts import FLUSH_EVERY_S
from app.domain.head import Status
from app.domain.kinds import Kind
from app.domain.lifetime import KEPT_FOR_S, LIFETIME_S
from app.logs import QUIET
from app.store.head_items import HeadItem
from app.wiring.parts import Container
from bench import assumptions
from bench.round_trips import shortest
from infra.gateway import ACCESS_LOG
from tests.support.harness import Harness
from tests.support.installation import ROOT
from tests.support.ordinary import html, receipt
from tests.support.outcomes import UNAVAILABLE, accepted
from tests.support.samples import somebody
from tests.support.write_units import Write, counted
from workers import attempts

MESSAGE_ID: Final = "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0"  # as long as those of SendGrid
EVENT_ID: Final = "ZGVsaXZlcmVkLTAtMTIzNDU2Nzg5MA"
DAY_S: Final = 24 * 3600
# A number, which may have a different number of digits from run to run.
WITHIN: Final = 0.02


def delivered(harness: Harness) -> str:
    """Accept an ordinary email, send it, and record that it was delivered."""
    harness.send.plan("sendgrid", accepted(MESSAGE_ID))
    email_id = harness.take(receipt(somebody()))
    harness.work()
    harness.report(harness.event(email_id, Kind.DELIVERED, event_id=EVENT_ID))
    assert harness.only(email_id).status is Status.DELIVERED
    return email_id


def units(writes: list[Write]) -> Counter[str]:
    """The write units by what they were written to, of the table of emails."""
    found: Counter[str] = Counter()
    for write in writes:
        if write.table == HeadItem.Meta.table_name:
            found.update({"emails": int(write.units), **{name: int(count) for name, count in write.indexes}})
    return found


def test_the_write_units_of_a_delivered_email(harness: Harness) -> None:
    harness.partitions.note("team")  # a process does this once
    with counted() as writes:
        delivered(harness)
    assert units(writes) == assumptions.WRITE_UNITS


def sent(harness: Harness) -> Counter[str]:
    """The write units of an ordinary email until a provider has it. Time passes between its calls."""
    with counted() as writes:
        harness.take(receipt(somebody()))
        while messages := harness.published():
            harness.clock.advance(0.2)
            harness.attempt(*messages[0])
    return units(writes)


def test_the_write_units_of_a_failover(harness: Harness) -> None:
    harness.partitions.note("team")
    plain = sent(harness)
    harness.send.plan("sendgrid", UNAVAILABLE)
    assert sent(harness) - plain == +Counter(assumptions.FAILOVER_WRITE_UNITS)


def test_the_round_trips(harness: Harness) -> None:
    delivered(harness)  # so that what a process keeps is known
    found = {"accept": shortest(lambda: harness.take(receipt(somebody()))).one_after_another}
    messages = iter(harness.published())
    found["attempt"] = shortest(lambda: harness.attempt(*next(messages))).one_after_another
    sent_ids = [one for one in harness.taken if harness.only(one).status is Status.SENT]
    events = iter([harness.event(email_id, Kind.DELIVERED) for email_id in sent_ids])
    found["webhook"] = shortest(lambda: harness.report(next(events))).one_after_another
    assert found == assumptions.ROUND_TRIPS


def size(item: dict[str, Any]) -> int:
    """The bytes of an item as DynamoDB bills its storage: names, values, and a hundred ("Item sizes and formats")."""
    return 100 + sum(len(name) + _value_size(*value.popitem()) for name, value in item.items())


def _value_size(kind: str, value: Any) -> int:
    match kind:
        case "S":
            return len(value.encode())
        case "B":
            return len(value)
        case "N":
            return len(value.lstrip("-")) // 2 + 1
        case _:
            return 1  # a truth value, or none


def test_the_bytes_that_are_kept_of_an_email(harness: Harness) -> None:
    email_id = delivered(harness)
    connection: Any = HeadItem._get_connection().connection.client
    found = connection.scan(TableName=HeadItem.Meta.table_name)["Items"]
    items = [item for item in found if email_id in json.dumps(item, default=str)]
    assert len(items) == 4  # head, content, entry by recipient, event
    indexed = connection.scan(TableName=HeadItem.Meta.table_name, IndexName="created")["Items"]
    items += [item for item in indexed if email_id in json.dumps(item, default=str)]
    assert len(items) == 5
    assert sum(map(size, items)) == pytest.approx(assumptions.STORED_BYTES, rel=WITHIN)


@contextmanager
def logged() -> Iterator[list[int]]:
    """The bytes of each line that is logged meanwhile, as a deployed function writes it."""
    lines: list[int] = []
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LambdaPowertoolsFormatter(service="emailsminder-production", utc=True))
    handler.addFilter(metrics.Embed("EmailsMinder", "emailsminder-production"))
    root = logging.getLogger()
    root.handlers, root.level = [handler], logging.INFO
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    yield lines
    lines += [len(line.encode()) + assumptions.LOG_EVENT_BYTES for line in stream.getvalue().splitlines()]


def test_the_bytes_of_the_log_lines(harness: Harness) -> None:
    harness.send.plan("sendgrid", accepted(MESSAGE_ID))
    parts = harness.another_process()
    key = parts.api_keys.create("measured", {"send"}, (), project="team")
    send = {"from": "receipts@shop.example.com", "to": [somebody().address], "subject": "A receipt", "html": html()}
    post(parts, "/v1/emails", send, {"Authorization": f"Bearer {key}"})
    with logged() as accept:
        answer = post(parts, "/v1/emails", send, {"Authorization": f"Bearer {key}"})
    email_id = answer.json()["id"]
    message = {"Message": json.dumps({"email_id": email_id, "attempt": 1}), "Timestamp": "2026-11-30T01:00:00.123Z"}
    with logged() as attempt:
        attempts.handle(parts, {"Records": [{"Sns": message}]}, None)
    event = asdict(harness.event(email_id, Kind.DELIVERED, event_id=EVENT_ID))
    with logged() as webhook:
        post(parts, "/v1/webhooks/sendgrid", [event], {"signature": "good"})
    found = {"accept": accept, "attempt": attempt, "webhook": webhook}
    assert {step: len(lines) for step, lines in found.items()} == {"accept": 1, "attempt": 3, "webhook": 3}
    assert {step: sum(lines) for step, lines in found.items()} == pytest.approx(assumptions.LOG_BYTES, rel=WITHIN)


def post(parts: Container, path: str, body: object, headers: dict[str, str]) -> httpx.Response:
    """A request to the API over these parts, which must take it."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(create(lambda: parts))
        async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
            return await client.post(path, json=body, headers=headers)

    answer = asyncio.run(send())
    assert answer.is_success, answer.text
    return answer


def test_the_size_of_the_access_log() -> None:
    values = {"request_id": 36, "at": 26, "method": 4, "resource": 9, "status": 3, "response_bytes": 3}
    values |= {"latency_ms": 2, "function_ms": 2, "function_request_id": 36, "error": 1}
    line = json.dumps({name: "x" * values[name] for name in ACCESS_LOG})
    assert len(line) == pytest.approx(assumptions.ACCESS_LOG_BYTES, rel=WITHIN)


def test_the_times_that_follow_from_the_code() -> None:
    assert (LIFETIME_S + KEPT_FOR_S) / DAY_S == assumptions.KEPT_DAYS
    assert FLUSH_EVERY_S == assumptions.PROCESS_COUNTS_EVERY_S


def test_the_cpu_is_that_of_the_page_of_performance() -> None:
    page = (ROOT / "docs" / "performance.md").read_text()
    rows = dict(re.findall(r"^\| (accept|worker) \| [\d.]+ \([\d.]+\) \| ([\d.]+) \(", page, re.MULTILINE)[:2])
    assert {"accept": float(rows["accept"]), "attempt": float(rows["worker"])} == {
        step: assumptions.CPU_MS[step] for step in ("accept", "attempt")
    }
    (least, most) = re.findall(r"^\| sweep, of an email .* (0\.\d+) to (0\.\d+) ", page, re.MULTILINE)[0]
    assert float(least) <= assumptions.CPU_MS["sweep"] <= float(most)
    cold = dict(re.findall(r"^\| (api|worker): [^|]* \| (\d+) ", page, re.MULTILINE))
    assert {"accept": int(cold["api"]), "attempt": int(cold["worker"])} == assumptions.COLD_START_CPU_MS
