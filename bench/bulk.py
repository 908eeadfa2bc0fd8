"""`make bench-bulk`: what many emails at once cost: a sweep of 5,000 that are due, and a webhook of 1,000 events.

    python -m bench.bulk [--rounds 3] [--due 5000] [--events 1000]

As in bench.throughput, the yardstick is what bare botocore takes for the least that either can mean, in the same run:
for a sweep, to read the ids that are due and the number of the next attempt, and to publish by ten; for a webhook, one
conditional write an email, and the events by twenty-five. CPU time is that of this process alone.
"""

import argparse
import json
import os
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, redirect_stdout
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

import botocore.session
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app import main as api
from app.delivery.monitor import Monitor
from app.domain.attempts import Attempt
from app.domain.head import Evidence, Status
from app.domain.kinds import Kind
from app.domain.shards import SHARDS
from app.settings import Process
from app.store import tables
from app.store.cursors import Cursors
from app.store.head_items import HeadItem
from app.store.heads import Heads
from app.store.health import Healths
from app.store.partitions import Partitions
from app.topic import Topic
from app.wiring.process import container
from app.wiring.sweep import build_sweep
from bench import backlog
from bench.backends import emulator
from bench.cold_start import Cost
from bench.throughput import Samples, environment
from tests.support.samples import a_head

BY_TEN, BY_TWENTY_FIVE, BY_HUNDRED = 10, 25, 100
KEY: Final = ec.generate_private_key(ec.SECP256R1())


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.bulk")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--due", type=int, default=5000)
    parser.add_argument("--events", type=int, default=1000)
    options = parser.parse_args()
    with ExitStack() as stack:
        stack.enter_context(redirect_stdout(stack.enter_context(Path(os.devnull).open("w"))))  # the product's log lines
        os.environ.update(environment(stack.enter_context(emulator()), "http://127.0.0.1:9"))
        public = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        os.environ["SENDGRID_WEBHOOK_PUBLIC_KEY"] = b64encode(public).decode()
        session = botocore.session.get_session()
        bare = Bare(session.create_client("dynamodb"), session.create_client("sns"))
        os.environ["TOPIC_ARN"] = bare.topic
        container(Process.API)
        tables.create_all()
        samples = Samples()
        measure(samples, bare, options.rounds, options.due, options.events)
    print(report(samples, options.due, options.events))
    return 0


def measure(samples: Samples, bare: "Bare", rounds: int, due: int, events: int) -> None:
    """Run each of the four paths once a round. What comes first in the process is not counted."""
    run_webhooks(Samples(), bare, events)
    for _ in range(rounds):
        run_webhooks(samples, bare, events)
    found = len(backlog.fill(due))
    run_sweeps(Samples(), bare, found)
    for _ in range(rounds):
        run_sweeps(samples, bare, found)


def run_sweeps(samples: Samples, bare: "Bare", due: int) -> None:
    """Sweep all emails that are due, and let the baseline do so."""
    monitor = Monitor(Healths(), (), time.time)
    topic = Topic(bare.sns, bare.topic)
    sweep = build_sweep(Heads(), Cursors(), topic.publish_many, time.time, monitor, Healths(), Partitions(time.time))
    add(samples, "sweep, ours", due, lambda: sweep(60))
    add(samples, "sweep, baseline", due, bare.sweep)


def run_webhooks(samples: Samples, bare: "Bare", events: int) -> None:
    """Report as many new emails as delivered, in one webhook, to each."""
    emails = list(sent(events))
    payload = [event(email_id, address) for email_id, address in emails]
    request = webhook(payload)
    add(samples, "webhook, ours", events, lambda: accepted(api.handler(request, None)))
    emails = list(sent(events))
    request = webhook([event(email_id, address) for email_id, address in emails])
    add(samples, "webhook, baseline", events, lambda: bare.record(request))


def add(samples: Samples, name: str, count: int, run: Callable[[], Any]) -> None:
    """Add the cost of one of `count` emails that `run` handles together."""
    whole = Samples()
    whole.add(name, 1, lambda _: run())
    cost = whole[name][0]
    samples.setdefault(name, []).append(Cost(cost.cpu_ms / count, cost.wall_ms / count))


def sent(count: int) -> Iterator[tuple[str, str]]:
    """Store as many emails that SendGrid has accepted. Returns their ids and recipients."""
    heads, now_ms = Heads(), int(time.time() * 1000)
    for _ in range(count):
        head = a_head(now_ms)
        [(key, recipient)] = head.recipients.items()
        call = Attempt(1, "sendgrid", (key,), now_ms, Kind.ACCEPTED, status_code=202, message_id=f"sg-{head.email_id}")
        took = replace(recipient, status=Status.SENT, attempt=1, evidence={1: frozenset({Evidence.ACCEPTED})})
        heads.create(replace(head, recipients={key: took}, attempts=(call,), next_attempt=2), now_ms)
        yield head.email_id, key


def event(email_id: str, address: str) -> dict[str, Any]:
    """A delivery, as SendGrid reports it."""
    return {
        "email": address,
        "timestamp": int(time.time()),
        "event": "delivered",
        "sg_event_id": f"ZGVsaXZlcmVk-{email_id}",
        "sg_message_id": f"sg-{email_id}.recvd-5f54-1-67BA-6.0",
        "response": "250 OK",
        "em_email_id": email_id,
        "em_attempt": "1",
    }


def webhook(payload: list[dict[str, Any]]) -> dict[str, Any]:
    """The event with which API Gateway hands on a signed webhook of SendGrid."""
    body, timestamp = json.dumps(payload), str(int(time.time()))
    signature = b64encode(KEY.sign((timestamp + body).encode(), ec.ECDSA(SHA256()))).decode()
    headers = {
        "Host": "api.example.com",
        "Content-Type": "application/json",
        "X-Twilio-Email-Event-Webhook-Signature": signature,
        "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
    }
    return {
        "resource": "/{proxy+}",
        "path": "/v1/webhooks/sendgrid",
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": "v1/webhooks/sendgrid"},
        "requestContext": {"path": "/dev/v1/webhooks/sendgrid", "stage": "dev", "httpMethod": "POST", "identity": {}},
        "body": body,
        "isBase64Encoded": False,
    }


def accepted(answer: dict[str, Any]) -> None:
    """Make sure that the webhook was recorded."""
    if answer["statusCode"] != 200:
        raise RuntimeError(answer["body"])


class Bare:
    """The baselines, over the product's own tables."""

    def __init__(self, dynamodb: Any, sns: Any) -> None:
        self.dynamodb, self.sns = dynamodb, sns
        self.topic: str = sns.create_topic(Name="attempts")["TopicArn"]

    def sweep(self) -> None:
        """Publish what is due."""
        table, now_ms = HeadItem.Meta.table_name, str(int(time.time() * 1000))
        for shard in range(SHARDS):
            pages = self.dynamodb.get_paginator("query").paginate(
                TableName=table,
                IndexName="due",
                KeyConditionExpression="due_shard = :shard AND due_at <= :now",
                ExpressionAttributeValues={":shard": {"S": str(shard)}, ":now": {"N": now_ms}},
            )
            found_items = (item for page in pages for item in page["Items"])
            keys = ({name: item[name] for name in ("email_id", "part")} for item in found_items)
            while chunk := list(islice(keys, BY_HUNDRED)):
                wanted = {table: {"Keys": chunk, "ProjectionExpression": "email_id, next_attempt"}}
                found = self.dynamodb.batch_get_item(RequestItems=wanted)["Responses"][table]
                for start in range(0, len(found), BY_TEN):
                    entries = [
                        {"Id": str(n), "Message": json.dumps([one["email_id"]["S"], one["next_attempt"]["N"]])}
                        for n, one in enumerate(found[start : start + BY_TEN])
                    ]
                    self.sns.publish_batch(TopicArn=self.topic, PublishBatchRequestEntries=entries)

    def record(self, request: dict[str, Any]) -> None:
        """Record a webhook's events, one after the other."""
        table, found = HeadItem.Meta.table_name, json.loads(request["body"])
        for one in found:
            self.dynamodb.update_item(
                TableName=table,
                Key={"email_id": {"S": one["em_email_id"]}, "part": {"S": "email"}},
                UpdateExpression="SET #s = :after",
                ConditionExpression="#s = :before",
                ExpressionAttributeNames={"#s": "status"},
                ExpressionAttributeValues={":after": {"S": "delivered"}, ":before": {"S": "sent"}},
            )
        for start in range(0, len(found), BY_TWENTY_FIVE):
            items = [
                {"email_id": {"S": one["em_email_id"]}, "part": {"S": f"event#{n}"}, "kind": {"S": one["event"]}}
                for n, one in enumerate(found[start : start + BY_TWENTY_FIVE])
            ]
            self.dynamodb.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": item}} for item in items]})


def report(samples: Samples, due: int, events: int) -> str:
    """The results as a Markdown table, and what all of it takes together."""
    lines = ["| CPU ms of one (wall) | baseline | ours | ratio of CPU | together |", "|---|---|---|---|---|"]
    for path, count, what in (("sweep", due, "emails that are due"), ("webhook", events, "events of as many emails")):
        bare, ours = samples.middle(f"{path}, baseline"), samples.middle(f"{path}, ours")
        each = " | ".join(f"{cost.cpu_ms:.2f} ({cost.wall_ms:.1f})" for cost in (bare, ours))
        together = f"{ours.cpu_ms * count / 1000:.1f} s ({ours.wall_ms * count / 1000:.1f} s)"
        lines.append(f"| {path}, {count:,} {what} | {each} | {ours.cpu_ms / bare.cpu_ms:.2f} | {together} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
