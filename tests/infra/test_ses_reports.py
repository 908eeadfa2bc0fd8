"""The subscription of the webhook to SES's topic: on the emulator, and asked of SNS where the emulator does less."""

import json
from typing import Any
from uuid import uuid4

import botocore.session
import pytest
from botocore.stub import Stubber

from app.domain.lane import Lane
from app.providers.ses import sns
from infra import ses_reports
from tests.infra import template
from tests.support.aws import REGION, Aws

TOPIC = "arn:aws:sns:us-east-1:123456789012:emailsminder-production-ses"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:emailsminder-production-dead-letters"
API = "https://new1234567.execute-api.us-east-1.amazonaws.com/production"
OURS = {
    "DeliveryPolicy": json.dumps(
        {"healthyRetryPolicy": {**ses_reports.POLICY["healthyRetryPolicy"], "numNoDelayRetries": 0}}
    ),
    "RedrivePolicy": json.dumps({"deadLetterTargetArn": QUEUE}),
}
FORMER = "https://old1234567.execute-api.us-east-1.amazonaws.com/production/v1/webhooks/ses"
FOREIGN = [
    ("sqs", "arn:aws:sqs:us-east-1:123456789012:operators"),
    ("email", "ann@example.com"),
    ("https", "https://mail.example.com/v1/webhooks/ses"),
    ("https", "https://old1234567.execute-api.us-east-1.amazonaws.com/staging/v1/webhooks/ses"),
    ("https", "https://old1234567.execute-api.us-east-1.amazonaws.com/production/v1/other"),
    ("https", "https://old1234567.execute-api.eu-west-1.amazonaws.com/production/v1/webhooks/ses"),
]


class Sns:
    """A stub of SNS with subscriptions, which notes what is changed. Each has the number of its place as its ARN."""

    def __init__(self, *subscriptions: tuple[str, str], attributes: dict[str, str] | None = None) -> None:
        self.client = botocore.session.get_session().create_client(
            "sns", region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
        )
        self.changes: list[tuple[str, dict[str, Any]]] = []
        for name in ("Subscribe", "Unsubscribe", "SetSubscriptionAttributes"):
            self.client.meta.events.register(
                f"provide-client-params.sns.{name}",
                lambda params, name=name, **_: self.changes.append((name, params)),
            )
        self.stub = Stubber(self.client)
        listed = [
            {"SubscriptionArn": f"{TOPIC}:{place}", "Protocol": protocol, "Endpoint": endpoint}
            for place, (protocol, endpoint) in enumerate(subscriptions)
        ]
        self.stub.add_response("list_subscriptions_by_topic", {"Subscriptions": listed}, {"TopicArn": TOPIC})
        self.attributes = OURS if attributes is None else attributes

    def knows(self, times: int = 1) -> "Sns":
        for _ in range(times):
            self.stub.add_response("get_subscription_attributes", {"Attributes": self.attributes})
        return self

    def answers(self, *calls: str) -> "Sns":
        for call in calls:
            self.stub.add_response(call, {}, None)
        return self

    def subscribe(self) -> list[tuple[str, dict[str, Any]]]:
        with self.stub:
            ses_reports.subscribe(self.client, TOPIC, API, QUEUE)
            self.stub.assert_no_pending_responses()
        return self.changes


def test_a_subscription_has_an_hour_of_retries_and_a_dead_letter_queue() -> None:
    ((name, asked),) = Sns().answers("subscribe").subscribe()
    assert (name, asked["Protocol"], asked["Endpoint"]) == ("Subscribe", "https", API + "/v1/webhooks/ses")
    assert json.loads(asked["Attributes"]["RedrivePolicy"]) == {"deadLetterTargetArn": QUEUE}
    assert json.loads(asked["Attributes"]["DeliveryPolicy"]) == ses_reports.POLICY


def test_the_retries_last_for_an_hour_as_far_as_sns_allows_and_a_signature_longer() -> None:
    tries = ses_reports.RETRIES
    slow = tries["numMaxDelayRetries"] * tries["maxDelayTarget"]
    fast = tries["numMinDelayRetries"] * tries["minDelayTarget"]
    between = tries["numRetries"] - tries["numMaxDelayRetries"] - tries["numMinDelayRetries"]
    shortest_s = slow + fast + between * tries["minDelayTarget"]
    longest_s = slow + fast + between * tries["maxDelayTarget"]
    assert shortest_s >= 50 * 60
    assert longest_s <= 3600, "SNS refuses a policy that may take longer"
    answers_within_s = 15
    assert longest_s + tries["numRetries"] * answers_within_s <= sns.MAX_AGE_MS / 1000


def test_applied_again_it_changes_nothing() -> None:
    assert Sns(("https", API + "/v1/webhooks/ses")).knows().subscribe() == []


def test_a_subscription_that_is_there_gets_what_it_lacks() -> None:
    found = Sns(("https", API + "/v1/webhooks/ses"), attributes={"Protocol": "https"}).knows()
    changes = found.answers(*["set_subscription_attributes"] * 2).subscribe()
    assert [asked["AttributeName"] for _, asked in changes] == ["DeliveryPolicy", "RedrivePolicy"]
    assert {asked["SubscriptionArn"] for _, asked in changes} == {f"{TOPIC}:0"}


def test_our_former_webhook_goes_and_that_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    found = Sns(("https", API + "/v1/webhooks/ses"), ("https", FORMER)).knows(2).answers("unsubscribe")
    assert found.subscribe() == [("Unsubscribe", {"SubscriptionArn": f"{TOPIC}:1"})]
    assert f"Unsubscribed {FORMER}" in capsys.readouterr().out


def test_a_webhook_of_the_same_form_that_is_not_ours_stays() -> None:
    found = Sns(("https", FORMER), attributes={}).answers("subscribe").knows()
    assert [name for name, _ in found.subscribe()] == ["Subscribe"]


@pytest.mark.parametrize(("protocol", "endpoint"), FOREIGN)
def test_what_is_not_ours_stays(protocol: str, endpoint: str) -> None:
    found = Sns((protocol, endpoint), ("https", API + "/v1/webhooks/ses")).knows()
    assert found.subscribe() == []


def test_the_emulator_takes_it(aws: Aws) -> None:
    topic_arn = aws.sns.create_topic(Name=uuid4().hex)["TopicArn"]
    for _ in range(2):
        ses_reports.subscribe(aws.sns, topic_arn, "https://127.0.0.1:9", QUEUE)
    found = aws.sns.list_subscriptions_by_topic(TopicArn=topic_arn)["Subscriptions"]
    assert {one["Endpoint"] for one in found} == {"https://127.0.0.1:9/v1/webhooks/ses"}


def test_the_queue_takes_what_no_topic_can_deliver() -> None:
    policy = template.resources("AWS::SQS::QueuePolicy")["DeadLetterQueuePolicy"]
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Condition"]["ArnEquals"]["aws:SourceArn"] == [
        *({"Ref": f"{lane}AttemptsTopic"} for lane in Lane),
        {"Ref": "NotificationsTopic"},
        {"If": ["HasSesEvents", {"Ref": "SesTopic"}, {"Ref": "AWS::NoValue"}]},
    ]
