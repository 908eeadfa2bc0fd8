"""The door of deliveries: messages of SQS in, those that must come again out."""

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from app.domain.endpoint import Endpoint
from app.errors import ConfigurationError
from app.local.invocation import Context
from app.notification_queue import NotificationDelay, NotificationTopic
from app.notify.notification import Notification
from app.outgoing.signing import secret_of
from app.settings import Settings
from app.store import tables
from app.store.delivery_log import DeliveryLog
from app.store.endpoints import Endpoints
from app.wiring import deliveries as deployed
from app.wiring.deliveries import build_deliver
from tests.support.aws import REGION, Aws, Queue, client
from tests.support.clock import Clock
from tests.support.deliveries import MASTER, Deliveries
from tests.support.webhook_receivers import Receiver, receiver
from workers.deliveries import handle, handler

TIMEOUT_S = 60
NOT_LEGIBLE = [
    "",
    "no JSON",
    "[]",
    "7",
    '{"event_id": "evt_1"}',
    '{"Message": 7}',
    '{"Message": "[]"}',
    "[" * 50_000,
]


def record(name: str, body: str) -> dict[str, Any]:
    """A record as Lambda gets it from SQS."""
    return {
        "messageId": name,
        "receiptHandle": "AQEB",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1764500000000"},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:notifications",
    }


def records_of(queue: Queue) -> list[dict[str, Any]]:
    return [record(one["MessageId"], one["Body"]) for one in queue.records()]


@pytest.fixture
def parts(store: Aws) -> Iterator[Deliveries]:
    parts = Deliveries(timeout_s=4)  # a machine that pauses is no receiver that does not answer
    yield parts
    parts.deliver.close()


def failed(answer: dict[str, Any]) -> list[str]:
    return [one["itemIdentifier"] for one in answer["batchItemFailures"]]


@pytest.mark.parametrize("is_raw", [True, False])
def test_what_was_published_is_posted_and_settled(parts: Deliveries, aws: Aws, is_raw: bool) -> None:
    queue = aws.queue(raw=is_raw)
    with receiver() as hook:
        endpoint = parts.endpoint(hook.url)
        several = [parts.notification(endpoint) for _ in range(3)]
        assert NotificationTopic(lambda: aws.sns, queue.topic.arn).publish_many(several[:2]) == []
        NotificationDelay(lambda: aws.sqs, queue.url).delay_all([(several[2], 0)])
        answer = handle(parts.deliver, {"Records": records_of(queue)}, Context("deliveries", timeout_s=TIMEOUT_S))
    assert answer == {"batchItemFailures": []}
    assert sorted(hook.ids) == sorted(one.event_id for one in several)


@pytest.mark.parametrize("body", NOT_LEGIBLE)
def test_a_message_that_is_not_legible_fails_alone(
    parts: Deliveries, caplog: pytest.LogCaptureFixture, body: str
) -> None:
    with receiver() as hook:
        one = parts.notification(parts.endpoint(hook.url))
        event = {"Records": [record("bad", body), record("good", one.to_json())]}
        assert failed(handle(parts.deliver, event, object())) == ["bad"]
        assert hook.ids == [one.event_id]
    (line,) = [vars(found) for found in caplog.records if found.getMessage() == "message is no notification"]
    assert (line["levelno"], line["message_id"]) == (logging.ERROR, "bad")


@pytest.mark.parametrize(
    "change", [{"project": ["shop"]}, {"body": None}, {"tries": "1"}, {"more": 1}, {"tries": True}]
)
def test_a_value_of_another_type_is_not_legible(change: dict[str, Any]) -> None:
    one = Notification("evt_1", "email.sent", "shop", "ep_1", "{}", 0)
    assert Notification.from_json(one.to_json()) == one
    with pytest.raises(TypeError):
        Notification.from_json(json.dumps({**json.loads(one.to_json()), **change}))


def test_those_that_fail_are_named_and_no_others(parts: Deliveries) -> None:
    with receiver() as hook:
        endpoint = parts.endpoint(hook.url)
        event = {"Records": [record(f"m{n}", parts.notification(endpoint).to_json()) for n in range(3)]}
        assert failed(handle(parts.deliver, event, Context("deliveries", timeout_s=5))) == ["m0", "m1", "m2"]
        assert hook.received == []


# --- As deployed --------------------------------------------------------------------------------------------------


@pytest.fixture
def environment(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    """The variables of a deployed process, and its queue."""
    queue = aws.queue(raw=True)
    values = {
        "AWS_ENDPOINT_URL": aws.endpoint_url,
        "AWS_REGION": REGION,
        "TABLE_PREFIX": "test_deliveries_door-",
        "NOTIFICATIONS_TOPIC_ARN": queue.topic.arn,
        "NOTIFICATIONS_QUEUE_URL": queue.url,
        "WEBHOOK_SECRET": MASTER,
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    tables.connect(values["TABLE_PREFIX"], REGION, aws.endpoint_url)
    tables.create_all()
    root = logging.getLogger()
    before = list(root.handlers), root.level
    deployed.deliver.cache_clear()
    yield queue
    if deployed.deliver.cache_info().currsize:
        deployed.deliver().close()
    deployed.deliver.cache_clear()
    root.handlers, root.level = before


def stored(url: str) -> Endpoint:
    endpoint = Endpoints(Clock()).put(Endpoint(f"ep_{uuid4().hex[:26]}", "shop", url, 0, (0,)))
    assert endpoint is not None
    return endpoint


def test_a_deployed_process_calls_nobody_but_by_https_and_lets_the_rest_come_again(environment: Queue) -> None:
    with receiver() as hook:
        endpoint = stored(hook.url)
        one = Notification("evt_1", "email.sent", "shop", endpoint.id, "{}", Clock().now_ms)
        event = {"Records": [record("m1", one.to_json())]}
        assert handler(event, Context("deliveries", timeout_s=TIMEOUT_S)) == {"batchItemFailures": []}
        assert hook.received == []
    ((tried,), _) = DeliveryLog(Clock()).read("shop", endpoint.id, None, 10)
    assert tried.fault.startswith("not called: ")
    counts = environment.sqs.get_queue_attributes(
        QueueUrl=environment.url, AttributeNames=["ApproximateNumberOfMessagesDelayed"]
    )
    assert counts["Attributes"] == {"ApproximateNumberOfMessagesDelayed": "1"}


@pytest.mark.usefixtures("environment")
def test_the_secret_may_stand_in_the_secret_of_the_process_which_says_nothing_else(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = client(aws.endpoint_url, "secretsmanager")
    secrets.create_secret(Name="deliveries-door", SecretString=json.dumps({"WEBHOOK_SECRET": "s" * 40, "SHARDS": "x"}))
    monkeypatch.delenv("WEBHOOK_SECRET")
    monkeypatch.setenv("SECRET_NAME", "deliveries-door")
    endpoint = stored("https://hooks.example.com/")
    headers = deployed.deliver()._sign(endpoint.id, endpoint.began_ms, "evt_1", 1_800_000_000_000, b"{}")
    assert headers == deployed.sign("s" * 40, endpoint.id, (0,), "evt_1", 1_800_000_000_000, b"{}")


@pytest.mark.usefixtures("environment")
def test_without_a_secret_nothing_is_delivered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEBHOOK_SECRET")
    with pytest.raises(ConfigurationError, match="not set: WEBHOOK_SECRET"):
        handler({"Records": []}, object())


def test_in_local_mode_receivers_of_this_machine_are_called(store: Aws) -> None:
    settings = replace(Settings.from_env({"WEBHOOK_SECRET": MASTER}), aws_endpoint_url=store.endpoint_url)
    later: list[tuple[Notification, int]] = []

    def keep(delayed: Sequence[tuple[Notification, int]]) -> list[tuple[int, str]]:
        later.extend(delayed)
        return []

    deliver = build_deliver(settings, Clock(), is_local=True, publish_later=keep)
    try:
        _post_twice(deliver, later)
    finally:
        deliver.close()


def _post_twice(deliver: Any, later: list[tuple[Notification, int]]) -> None:
    hook: Receiver
    with receiver(500) as hook:
        endpoint = stored(hook.url)
        one = Notification("evt_1", "email.sent", "shop", endpoint.id, "{}", Clock().now_ms)
        assert deliver([one], TIMEOUT_S) == [True]
        assert later == [(replace(one, tries=1), 5)]
        assert deliver([later[0][0]], TIMEOUT_S) == [True]
    assert [got.is_signed_with(secret_of(MASTER, endpoint.id, 1)) for got in hook.received] == [True, True]
