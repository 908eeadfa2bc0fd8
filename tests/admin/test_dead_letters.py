"""`dead-letters list` and `redrive`, on the emulator's SQS and SNS."""

import json
from typing import Any
from uuid import uuid4

import pytest
from typer.testing import CliRunner, Result

from app.admin.dead_letters import NOT_SAID, app, asked_for, report_in, why_dead
from app.admin.dead_notifications import notification_in, unpublished_in
from app.domain.lane import Lane
from app.notify.notification import Notification
from tests.support.aws import REGION, Aws

MESSAGE = json.dumps({"email_id": "eml_1", "attempt": 2, "lane": "bulk"})
EVENT = {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": MESSAGE}}]}
SQS_EVENT = {"Records": [{"messageId": "1", "body": json.dumps({"Type": "Notification", "Message": MESSAGE})}]}
LETTERS: dict[str, Any] = {
    "Lambda's dead-letter queue": EVENT,
    "a destination of Lambda": {"requestContext": {"condition": "RetriesExhausted"}, "requestPayload": EVENT},
    "SNS": {"Type": "Notification", "Message": MESSAGE},
    "SQS, raw": json.loads(MESSAGE),
    "SQS through Lambda": SQS_EVENT,
}


@pytest.mark.parametrize("sender", LETTERS)
def test_letter_of_every_sender_is_understood(sender: str) -> None:
    assert asked_for(json.dumps(LETTERS[sender])) == [("eml_1", 2, Lane.BULK)]


def dead(body: object, **attributes: str) -> dict[str, Any]:
    """A dead letter as SQS hands it out."""
    given = {name: {"StringValue": text, "DataType": "String"} for name, text in attributes.items()}
    return {"Body": json.dumps(body), "MessageAttributes": given}


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (
            dead(
                {
                    "requestContext": {"condition": "RetriesExhausted"},
                    "requestPayload": EVENT,
                    "responsePayload": {"errorType": "Contention", "errorMessage": "written\nby others"},
                }
            ),
            "Contention: written by others",
        ),
        (dead(LETTERS["a destination of Lambda"]), "RetriesExhausted"),
        (dead(EVENT, ErrorCode="200", ErrorMessage="Task timed out"), "200: Task timed out"),
        (dead(EVENT), NOT_SAID),
        (dead(["odd"]), NOT_SAID),
        ({"Body": "no JSON"}, NOT_SAID),
    ],
)
def test_why_it_died_is_said_as_its_sender_says_it(message: dict[str, Any], reason: str) -> None:
    assert why_dead(message) == reason


@pytest.mark.parametrize("body", ["", "no JSON", "[]", "null", "{}", '{"Records": 1}', '{"Records": [{"Sns": {}}]}'])
def test_what_is_not_ours_is_not_understood(body: str) -> None:
    assert asked_for(body) == []


class Stage:
    """A dead-letter queue, and a queue behind the topic that shows what is put back."""

    def __init__(self, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
        monkeypatch.setenv("AWS_REGION", REGION)
        self.aws, self.name = aws, f"x{uuid4().hex[:8]}"
        self.url = aws.sqs.create_queue(QueueName=f"emailsminder-{self.name}-dead-letters")["QueueUrl"]
        self.seen_url = aws.sqs.create_queue(QueueName=self.name)["QueueUrl"]
        self.topic_arn = self.topic("attempts-bulk")

    def topic(self, name: str) -> str:
        """The ARN of a topic of this stage, whose messages are seen."""
        arn: str = self.aws.sns.create_topic(Name=f"emailsminder-{self.name}-{name}")["TopicArn"]
        seen = self.aws.sqs.get_queue_attributes(QueueUrl=self.seen_url, AttributeNames=["QueueArn"])
        self.aws.sns.subscribe(
            TopicArn=arn,
            Protocol="sqs",
            Endpoint=seen["Attributes"]["QueueArn"],
            Attributes={"RawMessageDelivery": "true"},
        )
        return arn

    def die(self, body: str) -> None:
        self.aws.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def run(self, command: str) -> Result:
        return CliRunner().invoke(app, [command, "--stage", self.name])

    def put_back(self) -> list[dict[str, Any]]:
        taken = self.aws.sqs.receive_message(QueueUrl=self.seen_url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in taken]


@pytest.fixture
def stage(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(aws, monkeypatch)


def test_list_shows_each_and_hides_none(stage: Stage) -> None:
    stage.die(json.dumps(EVENT))
    stage.die("no message of ours")
    for _ in range(2):
        result = stage.run("list")
        assert result.exit_code == 0, result.output
        assert result.output.count("\n") == 3
        assert "eml_1 attempt 2" in result.output
        assert "not understood" in result.output
    assert stage.put_back() == []


def test_list_says_why_and_since_when(stage: Stage) -> None:
    said = {"ErrorMessage": {"StringValue": "timed out", "DataType": "String"}}
    stage.aws.sqs.send_message(QueueUrl=stage.url, MessageBody=json.dumps(EVENT), MessageAttributes=said)
    heads, line = stage.run("list").output.splitlines()
    assert heads.split() == ["WHAT", "SINCE", "REASON", "MESSAGE"]
    assert line.startswith("eml_1 attempt 2 (bulk)  20")
    assert "Z  timed out  " in line
    result = CliRunner().invoke(app, ["list", "--stage", stage.name, "--json"])
    (record,) = json.loads(result.output)
    assert (record["attempts"], record["reason"]) == ([{"email": "eml_1", "number": 2, "lane": "bulk"}], "timed out")


def test_redrive_puts_back_and_leaves_what_it_does_not_understand(stage: Stage) -> None:
    for _ in range(12):  # more than SQS hands out at once
        stage.die(json.dumps(EVENT))
    stage.die("no message of ours")
    result = stage.run("redrive")
    assert result.exit_code == 0, result.output
    assert "12 put back" in result.output
    assert stage.put_back() == [{"email_id": "eml_1", "attempt": 2, "lane": "bulk"}] * 10
    assert stage.run("list").output.count("not understood") == 1


REPORTS = "arn:aws:sns:us-east-1:000000000000:emailsminder-dev-"


@pytest.mark.parametrize(
    ("body", "prefix"),
    [
        ({"TopicArn": f"{REPORTS}attempts-normal", "Message": MESSAGE}, REPORTS),
        ({"TopicArn": f"{REPORTS}ses", "Message": "{}"}, ""),
        ({"TopicArn": "arn:aws:sns:us-east-1:000000000000:somebody-s", "Message": "{}"}, REPORTS),
        ({"TopicArn": 7, "Message": "{}"}, REPORTS),
        ({"Message": "{}"}, REPORTS),
        ([], REPORTS),
    ],
)
def test_what_is_no_report(body: Any, prefix: str) -> None:
    assert report_in(json.dumps(body), prefix) is None


def test_a_report_that_could_not_be_delivered_is_published_again(stage: Stage) -> None:
    topic_arn = stage.topic("ses")
    report = {"eventType": "Delivery", "mail": {}}
    stage.die(json.dumps({"Type": "Notification", "TopicArn": topic_arn, "Message": json.dumps(report)}))
    assert f"a provider's report, from emailsminder-{stage.name}-ses" in stage.run("list").output
    assert "1 put back" in stage.run("redrive").output
    assert stage.put_back() == [report]
    assert stage.run("list").output == "none\n"


NOTIFICATION = Notification("evt_1", "email.delivered", "team", "ep_1", "{}", 1, email_id="eml_1", tries=3)


@pytest.mark.parametrize("is_enveloped", [False, True])  # of the queue, which received it too often; of its topic
def test_a_notification_that_died_is_shown_and_put_back(stage: Stage, is_enveloped: bool) -> None:
    topic_arn = stage.topic("notifications")
    text = NOTIFICATION.to_json()
    stage.die(json.dumps({"Type": "Notification", "TopicArn": topic_arn, "Message": text}) if is_enveloped else text)
    assert "email.delivered evt_1 for the endpoint ep_1 of team" in stage.run("list").output
    assert "1 put back" in stage.run("redrive").output
    assert stage.put_back() == [json.loads(text)]
    assert stage.run("list").output == "none\n"


def test_a_notification_stays_if_its_topic_does_not_take_it(stage: Stage) -> None:
    stage.die(NOTIFICATION.to_json())
    result = stage.run("redrive")
    assert result.exit_code == 1
    assert "0 put back, then: the topic takes no notifications" in result.output


# As Lambda's documentation shows it, but for the names.
GIVEN_UP = {
    "requestContext": {
        "requestId": "316aa6d0-8154-xmpl-9af7-85d5f4a6bc81",
        "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:emailsminder-dev-changes:live",
        "condition": "RetryAttemptsExhausted",
        "approximateInvokeCount": 1,
    },
    "responseContext": {"statusCode": 200, "executedVersion": "1", "functionError": "Unhandled"},
    "version": "1.0",
    "timestamp": "2026-11-30T09:13:49.717Z",
    "DDBStreamBatchInfo": {
        "shardId": "shardId-00000001573689847184-864758bb",
        "startSequenceNumber": "800000000003126276362",
        "endSequenceNumber": "800000000003126276364",
        "approximateArrivalOfFirstRecord": "2026-11-30T09:13:19Z",
        "approximateArrivalOfLastRecord": "2026-11-30T09:13:24Z",
        "batchSize": 2,
        "streamArn": "arn:aws:dynamodb:us-east-1:123456789012:table/emailsminder-dev-emails/stream/2026-11-30T08:00:00",
    },
}
REMEDY = "events rebuild --notify --from 2026-11-23T09:13:19Z"


def test_a_part_of_the_stream_that_was_given_up_is_shown_with_its_remedy_and_left(stage: Stage) -> None:
    stage.die(json.dumps(GIVEN_UP))
    shown = "changes of 2 writes from 2026-11-30T09:13:19Z to 2026-11-30T09:13:24Z that were not told"
    listed = stage.run("list").output
    assert f"{shown}: {REMEDY}" in listed
    assert "RetryAttemptsExhausted" in listed
    (record,) = json.loads(CliRunner().invoke(app, ["list", "--stage", stage.name, "--json"]).output)
    assert (record["unpublished"]["writes"], record["unpublished"]["remedy"]) == (2, REMEDY)
    result = stage.run("redrive")
    assert result.exit_code == 0, result.output
    assert f"left, {shown}: {REMEDY}: message" in result.output
    assert "0 put back" in result.output
    assert shown in stage.run("list").output


def test_a_part_of_the_stream_of_which_no_time_is_said_has_a_remedy_all_the_same() -> None:
    info = {"batchSize": 1, "startSequenceNumber": "1", "streamArn": "arn"}
    found = unpublished_in(json.dumps({"DDBStreamBatchInfo": info}))
    assert str(found) == "changes of 1 writes that were not told: events rebuild --notify --from TIME"
    for body in ("", "[]", "{}", '{"DDBStreamBatchInfo": []}', '{"DDBStreamBatchInfo": {"batchSize": "many"}}'):
        assert unpublished_in(body) is None
        assert notification_in(body) is None


def test_letter_stays_if_the_topic_does_not_take_it(stage: Stage) -> None:
    stage.die(json.dumps(EVENT))
    stage.aws.sns.delete_topic(TopicArn=stage.topic_arn)
    result = stage.run("redrive")
    assert result.exit_code == 1
    assert "0 put back" in result.output
    attributes = stage.aws.sqs.get_queue_attributes(QueueUrl=stage.url, AttributeNames=["All"])["Attributes"]
    assert (
        int(attributes["ApproximateNumberOfMessages"]) + int(attributes["ApproximateNumberOfMessagesNotVisible"]) == 1
    )


def test_unknown_stage_is_said(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
    monkeypatch.setenv("AWS_REGION", REGION)
    result = CliRunner().invoke(app, ["list", "--stage", "nowhere"])
    assert result.exit_code == 1
    assert "emailsminder-nowhere-dead-letters" in result.output
