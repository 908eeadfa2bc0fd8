"""The steps of `make smoke` that the emulator cannot show, over stubs that answer as AWS documents."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.session
import httpx
import pytest
from botocore.stub import ANY, Stubber

from infra.smoke import data, deployment, mail, notifications, watching
from infra.smoke.run import SmokeError
from infra.smoke.world import World
from tests.support.aws import REGION

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
SETTINGS = {
    "aws_region": REGION,
    "xray_tracing": True,
    "aws_environment_variables": {"PROVIDERS": "ses"},
    "stack": {"SesEvents": "on", "SesIdentityArns": "arn:aws:ses:us-east-1:1:identity/example.org"},
}


class Session:
    """A session whose clients are stubbed, one for each service."""

    def __init__(self) -> None:
        self.stubs: dict[str, Stubber] = {}

    def stub(self, service: str) -> Stubber:
        if service not in self.stubs:
            client = botocore.session.get_session().create_client(
                service, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
            )
            self.stubs[service] = Stubber(client)
            self.stubs[service].activate()
        return self.stubs[service]

    def create_client(self, service: str) -> Any:
        return self.stub(service).client


class Api:
    """The deployed API. `ends` are what the stories say, by the id of the email."""

    def __init__(self) -> None:
        self.ends: dict[str, str] = {}
        self.sent: list[dict[str, Any]] = []
        self.status = 202
        self.outcome = "accepted"
        self.told: list[dict[str, Any]] = []
        self.tries: list[dict[str, Any]] = []
        self.kind = "application/problem+json"

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/health"):
            return httpx.Response(200 if self.status < 500 else self.status)
        if "authorization" not in request.headers:
            return httpx.Response(401, headers={"content-type": self.kind})
        if request.method == "POST":
            self.sent.append(json.loads(request.content))
            return httpx.Response(self.status, json={"id": self.sent[-1]["to"][0].partition("@")[0]})
        if request.url.path.endswith("/v1/events"):
            is_last = request.url.params.get("after") == "second"
            is_asked = request.url.params["email_id"] == "success"
            page = {"events": self.told if is_asked and is_last else [], "after": "second", "has_more": not is_last}
            return httpx.Response(200, json=page)
        if request.url.path.endswith("/v1/webhook-endpoints/default/deliveries"):
            return httpx.Response(200, json={"deliveries": self.tries})
        email_id = request.url.path.rpartition("/")[2]
        if email_id not in self.ends:
            return httpx.Response(404)
        return httpx.Response(
            200, json={"attempts": [{"outcome": self.outcome}], "recipients": [{"status": self.ends[email_id]}]}
        )


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def session() -> Session:
    return Session()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def world(api: Api, session: Session, waits: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(World, "settings", SETTINGS)
    found = World(
        "dev",
        session,  # type: ignore[arg-type] # because it is a stub
        transport=httpx.MockTransport(api),
        wait=waits.append,
        folder=tmp_path,
        notes={"api_key": "em_key"},
    )
    for _ in range(200):
        session.stub("apigateway").add_response(
            "get_rest_apis", {"items": [{"name": "emailsminder-dev", "id": "abc123"}]}
        )
    return found


def test_three_mailboxes_of_the_simulator_are_sent_to(world: World, api: Api) -> None:
    api.ends = dict.fromkeys(mail.ENDS, "sent")
    mail.send(world)
    assert [one["to"] for one in api.sent] == [[f"{name}@simulator.amazonses.com"] for name in mail.ENDS]
    assert {one["from"] for one in api.sent} == {"smoke@example.org"}
    assert world.notes["sent"] == {name: name for name in mail.ENDS}


TRY = {"email_id": "success", "status_code": 404, "fault": None}


def test_an_email_s_webhook_is_posted_to_our_own_api(world: World, api: Api) -> None:
    api.told, api.tries = [{"type": "email.queued"}], [{**TRY, "email_id": "other", "status_code": None}, TRY]
    notifications.notifies(world)
    (email,) = api.sent
    assert email["webhook_url"] == "https://abc123.execute-api.us-east-1.amazonaws.com/dev/v1/webhooks/nobody"


@pytest.mark.parametrize(
    ("told", "tries", "why"),
    [
        ([], [TRY], r"^success: an event in the feed: not within 3 minutes"),
        ([{"type": "email.queued"}], [{**TRY, "email_id": "other"}], r"^success: a webhook: not within 3 minutes"),
        (
            [{"type": "email.queued"}],
            [{**TRY, "status_code": None, "fault": "no such host"}],
            r"/v1/webhooks/nobody was called, and nothing answered: no such host$",
        ),
    ],
)
def test_what_is_not_told_is_a_failure(
    world: World, api: Api, told: list[dict[str, Any]], tries: list[dict[str, Any]], why: str
) -> None:
    api.told, api.tries = told, tries
    with pytest.raises(SmokeError, match=why):
        notifications.notifies(world)


def test_an_email_that_is_refused_or_not_taken_is_a_failure(world: World, api: Api, waits: list[float]) -> None:
    api.status = 503
    with pytest.raises(SmokeError, match=r"an email to success@simulator.amazonses.com was answered with 503"):
        mail.send(world)
    api.status, api.outcome = 202, "unavailable"
    api.ends = dict.fromkeys(mail.ENDS, "queued")
    with pytest.raises(SmokeError, match=r"success: a provider took it: not within 2 minutes"):
        mail.send(world)
    assert sum(waits) == mail.SENT_WITHIN_S
    with pytest.raises(SmokeError, match="the story of lost was answered with 404"):
        mail.story(world, "lost")


def test_every_report_must_come_back(world: World, api: Api) -> None:
    with pytest.raises(SmokeError, match="run the step send first"):
        mail.events(world)
    world.note(sent={name: name for name in mail.ENDS})
    api.ends = dict(mail.ENDS)
    mail.events(world)
    for silent in mail.ENDS:
        api.ends = {**mail.ENDS, silent: "sent"}
        with pytest.raises(SmokeError, match=rf"{silent} to {silent}@: {mail.ENDS[silent]}: not within 5 minutes"):
            mail.events(world)


def test_the_api_must_answer_and_know_who_asks(world: World, api: Api) -> None:
    deployment.answers(world)
    api.kind = "application/json"
    with pytest.raises(SmokeError, match=r"without a key, /v1/emails answers 401, application/json"):
        deployment.answers(world)
    api.status = 502
    with pytest.raises(SmokeError, match="/health answers 502"):
        deployment.answers(world)


def alarm(name: str, state: str = "OK", *, is_on: bool = True, topic: str = "ticket") -> dict[str, Any]:
    actions = [f"arn:aws:sns:us-east-1:123456789012:emailsminder-dev-{topic}"]
    return {
        "AlarmName": f"emailsminder-dev-{name}",
        "StateValue": state,
        "ActionsEnabled": is_on,
        "AlarmActions": actions,
    }


SWEEP = alarm("sweep-silent", topic="page")


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        ([SWEEP, alarm("failover", "ALARM")], ""),
        ([], "there are no alarms"),
        ([SWEEP, alarm("backlog", is_on=False)], "alarms tell nobody: emailsminder-dev-backlog"),
        ([{**SWEEP, "StateValue": "INSUFFICIENT_DATA"}], "the sweep's alarm is in the state INSUFFICIENT_DATA"),
        ([SWEEP, alarm("api-slow", "ALARM", topic="page")], "alarms went off: emailsminder-dev-api-slow"),
    ],
)
def test_alarms_must_be_on_and_silent(world: World, session: Session, found: list[dict[str, Any]], fault: str) -> None:
    session.stub("cloudwatch").add_response(
        "describe_alarms", {"MetricAlarms": found}, {"AlarmNamePrefix": "emailsminder-dev-"}
    )
    if not fault:
        watching.alarms(world)
        return
    with pytest.raises(SmokeError, match=fault):
        watching.alarms(world)


def test_metrics_are_waited_for_and_summed(world: World, session: Session, waits: list[float]) -> None:
    world.note(sent={"a": "a", "b": "b", "c": "c"}, sent_at=time.time())
    cloudwatch = session.stub("cloudwatch")
    points: tuple[list[dict[str, float]], ...] = (
        [],
        [{"Sum": 1.0}, {"Sum": 2.0}],
        [{"Sum": 3.0}],
        [{"Sum": 9.0}],
        [{"Sum": 3.0}],
    )
    names = ("EmailsSent", "EmailsSent", "MessagesProcessed", "Requests2xx", "Count")
    for name, found in zip(names, points, strict=True):
        wanted = dict.fromkeys(("Namespace", "Dimensions", "StartTime", "EndTime", "Period", "Statistics"), ANY)
        cloudwatch.add_response("get_metric_statistics", {"Datapoints": found}, {**wanted, "MetricName": name})
    watching.metrics(world)
    assert waits == [5]
    for _ in range(500):
        cloudwatch.add_response("get_metric_statistics", {"Datapoints": [{"Sum": 2.0}]})
    with pytest.raises(SmokeError, match=r"EmailsMinder EmailsSent, 3 or more: not within 15 minutes"):
        watching.metrics(world)


def test_traces_are_waited_for(world: World, session: Session, waits: list[float]) -> None:
    xray = session.stub("xray")
    wanted = {"StartTime": ANY, "EndTime": ANY, "FilterExpression": 'service("emailsminder-dev")'}
    for found in ([], [{"Id": "1-5c1a"}]):
        xray.add_response("get_trace_summaries", {"TraceSummaries": found}, wanted)
    watching.traces(world)
    assert waits == [5]
    for _ in range(500):
        xray.add_response("get_trace_summaries", {"TraceSummaries": []}, wanted)
    with pytest.raises(SmokeError, match="traces in X-Ray: not within 15 minutes"):
        watching.traces(world)


TOPIC = "arn:aws:sns:us-east-1:123456789012:emailsminder-dev-ticket"


def outputs(session: Session, **found: str) -> None:
    stack = {
        "StackName": "emailsminder-dev-resources",
        "CreationTime": NOW,
        "StackStatus": "CREATE_COMPLETE",
        "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in found.items()],
    }
    session.stub("cloudformation").add_response("describe_stacks", {"Stacks": [stack]})


@pytest.mark.parametrize("arrives", [True, False])
def test_an_alarm_that_goes_off_is_heard_and_nothing_stays(world: World, session: Session, arrives: bool) -> None:
    outputs(session, TicketTopicArn=TOPIC)
    sqs, sns, cloudwatch = (session.stub(name) for name in ("sqs", "sns", "cloudwatch"))
    url, arn = "https://sqs.us-east-1.amazonaws.com/1/smoke", "arn:aws:sqs:us-east-1:1:smoke"
    sqs.add_response("create_queue", {"QueueUrl": url}, {"QueueName": "emailsminder-dev-smoke"})
    sqs.add_response("get_queue_attributes", {"Attributes": {"QueueArn": arn}})
    sqs.add_response("set_queue_attributes", {})
    sns.add_response("subscribe", {"SubscriptionArn": f"{TOPIC}:1"})
    name = "emailsminder-dev-breaker"
    cloudwatch.add_response("set_alarm_state", {}, {"AlarmName": name, "StateValue": "ALARM", "StateReason": ANY})
    for _ in range(1 if arrives else 25):
        sqs.add_response("receive_message", {"Messages": [{"Body": f"ALARM: {name}"}]} if arrives else {})
    sns.add_response("unsubscribe", {}, {"SubscriptionArn": f"{TOPIC}:1"})
    sqs.add_response("delete_queue", {}, {"QueueUrl": url})
    cloudwatch.add_response("set_alarm_state", {}, {"AlarmName": name, "StateValue": "OK", "StateReason": ANY})
    if arrives:
        watching.alarm(world)
    else:
        with pytest.raises(SmokeError, match=f"{name} in the queue: not within 2 minutes"):
            watching.alarm(world)
    for stub in (sqs, sns, cloudwatch):
        stub.assert_no_pending_responses()


def backups(session: Session, **described: Any) -> None:
    found = {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": described}
    outputs(session)
    session.stub("dynamodb").add_response("describe_continuous_backups", {"ContinuousBackupsDescription": found})


def test_the_point_in_time_is_after_the_email_that_must_be_there(world: World, session: Session) -> None:
    world.note(kept_at=NOW.timestamp())
    backups(
        session, PointInTimeRecoveryStatus="ENABLED", LatestRestorableDateTime=datetime(2026, 11, 30, 8, tzinfo=UTC)
    )
    assert data._restorable(world) is None
    later = datetime(2026, 11, 30, 9, 1, tzinfo=UTC)
    backups(session, PointInTimeRecoveryStatus="ENABLED", LatestRestorableDateTime=later)
    assert data._restorable(world) == later
    backups(session, PointInTimeRecoveryStatus="DISABLED")
    with pytest.raises(SmokeError, match="emailsminder-dev-emails cannot be restored to a point in time"):
        data._restorable(world)


@pytest.mark.parametrize(("ttl", "status"), [({}, "ENABLED"), ({"AttributeName": "ttl"}, "DISABLED")])
def test_a_restored_table_without_a_setting_is_a_failure(
    world: World, session: Session, ttl: dict[str, str], status: str
) -> None:
    dynamodb = session.stub("dynamodb")
    dynamodb.add_response("describe_time_to_live", {"TimeToLiveDescription": ttl})
    found = {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": status},
    }
    dynamodb.add_response("describe_continuous_backups", {"ContinuousBackupsDescription": found})
    with pytest.raises(SmokeError, match="emailsminder-dev-smoke-emails"):
        data._require_settings(world.client("dynamodb"), "emailsminder-dev-smoke-emails")
