"""The deployed service: from API Gateway to a provider and back."""

import json
import sys
from typing import Any

import httpx
import pytest

from app.domain.lane import Lane, of_lane
from infra import interpreters
from tests.conftest import EMULATOR_PYTHON
from tests.deploy.cloud import DOORS, EMAIL, ENVIRONMENT, Team, until


def story(api: httpx.Client, email_id: str) -> dict[str, Any]:
    answer = api.get(f"/v1/emails/{email_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def delivered(api: httpx.Client, email_id: str, within_s: float = 30) -> dict[str, Any]:
    until("delivered", lambda: story(api, email_id)["status"] == "delivered", within_s)
    return story(api, email_id)


def send(api: httpx.Client, **more: Any) -> str:
    answer = api.post("/v1/emails", json={**EMAIL, **more})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


@pytest.mark.parametrize("door", DOORS)
def test_functions_are_configured_for_what_their_package_is_built_for(team: Team, door: str) -> None:
    interpreter = interpreters.ask(str(EMULATOR_PYTHON))
    assert interpreter
    function = team.function(door)
    assert function["Runtime"] == f"python{interpreter.version}"
    assert function["Architectures"] == [{"aarch64": "arm64"}.get(interpreter.machine, interpreter.machine)]


def test_email_goes_through_the_next_provider_and_its_webhook_comes_back(team: Team, api: httpx.Client) -> None:
    team.fault("sendgrid", "unavailable")
    email_id = send(api)
    told = delivered(api, email_id)
    assert [(a["provider"], a["outcome"]) for a in told["attempts"]] == [
        ("sendgrid", "unavailable"),
        ("mailgun", "accepted"),
    ]
    assert [(e["provider"], e["kind"]) for e in told["events"]] == [("mailgun", "delivered")]
    assert team.inbox(email_id) == ["mailgun"]


@pytest.mark.parametrize("lane", Lane)
def test_each_lane_is_worked_on_by_its_own_function(team: Team, api: httpx.Client, lane: Lane) -> None:
    email_id = send(api, lane=lane)
    assert delivered(api, email_id)["lane"] == lane
    logs, group = team.cloud.client("logs"), f"/aws/lambda/emailsminder-{ENVIRONMENT}-attempts-{lane}"

    def said() -> bool:
        events = logs.filter_log_events(logGroupName=group, filterPattern='"message"')["events"]
        lines = [json.loads(one["message"]) for one in events if one["message"].startswith("{")]
        return any(line.get("email_id") == email_id and line.get("lane") == lane for line in lines)

    until("in the log of its lane", said, within_s=60)


def test_first_providers_signed_webhook_passes_api_gateway(team: Team, api: httpx.Client) -> None:
    told = delivered(api, send(api))
    assert {e["provider"] for e in told["events"]} == {"sendgrid"}


def test_forged_webhook_is_refused(api: httpx.Client) -> None:
    headers = {"X-Twilio-Email-Event-Webhook-Signature": "AAAA", "X-Twilio-Email-Event-Webhook-Timestamp": "1"}
    assert api.post("/v1/webhooks/sendgrid", content=b"[]", headers=headers).status_code == 401


def test_a_dead_mailbox_is_suppressed_named_listed_and_lifted(team: Team, api: httpx.Client) -> None:
    team.fault("sendgrid", "accept_then_bounce")
    email_id = send(api, to=["gone@example.net"])
    until("bounced", lambda: story(api, email_id)["recipients"][0]["status"] == "bounced", 30)
    until("listed", lambda: bool(api.get("/v1/suppressions").json()["suppressions"]), 10)
    [known] = api.get("/v1/suppressions", params={"address": "gone@example.net"}).json()["suppressions"]
    accepted = api.post("/v1/emails", json={**EMAIL, "to": ["gone@example.net"]}).json()
    assert [each["reason"] for each in accepted["suppressed"]] == ["hard_bounce"]
    printed = team.run(sys.executable, "-m", "app.admin", "suppressions", "list", env=team.variables())
    assert printed.splitlines()[1].split()[:3] == ["gone@example.net", "all", "hard_bounce"]
    assert api.delete(f"/v1/suppressions/{known['id']}").status_code == 204


def test_large_content_takes_the_way_through_the_bucket(team: Team, api: httpx.Client) -> None:
    # Hex of a counter's squares: text that does not compress to what a table takes.
    text = "".join(f"{n * n * 2654435761 % 2**32:08x}" for n in range(100_000))
    email_id = send(api, text=text)
    delivered(api, email_id)
    bucket = team.variables()["CONTENT_BUCKET"]
    stored = team.cloud.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])
    assert any(email_id in found["Key"] for found in stored)


def test_list_by_recipient(api: httpx.Client) -> None:
    email_id = send(api, to=["bob@example.net"])
    until(
        "listed",
        lambda: any(
            email["id"] == email_id
            for email in api.get("/v1/emails", params={"recipient": "bob@example.net"}).json()["emails"]
        ),
        within_s=60,
    )


def test_problem_is_not_encoded(api: httpx.Client) -> None:
    answer = api.get("/v1/emails/eml_unknown")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:emailsminder:problem:not-found"


def test_documentation_works_under_the_stage(api: httpx.Client) -> None:
    document = api.get("/openapi.json").json()
    assert document["servers"] == [{"url": f"/{ENVIRONMENT}"}]
    page = api.get("/docs")
    assert page.status_code == 200
    assert api.get("/docs/swagger-ui-bundle.js").status_code == 200


def test_sweep_knows_where_the_api_is(team: Team) -> None:
    url = team.function("sweep")["Environment"]["Variables"]["API_URL"]
    assert url.startswith("https://")
    assert url.endswith(f"/{ENVIRONMENT}")


def test_sweep_publishes_what_was_never_published(team: Team, api: httpx.Client) -> None:
    """What the topic does not take, the sweep finds."""
    sns = team.cloud.client("sns")
    topic_arn = of_lane(team.variables()["TOPIC_ARN"], Lane.NORMAL)
    subscription = sns.list_subscriptions_by_topic(TopicArn=topic_arn)["Subscriptions"][0]
    sns.set_subscription_attributes(
        SubscriptionArn=subscription["SubscriptionArn"],
        AttributeName="FilterPolicy",
        AttributeValue=json.dumps({"nobody": ["never"]}),
    )
    email_id = send(api)
    sns.set_subscription_attributes(
        SubscriptionArn=subscription["SubscriptionArn"], AttributeName="FilterPolicy", AttributeValue="{}"
    )
    assert story(api, email_id)["attempts"] == []
    delivered(api, email_id, within_s=150)


def test_metrics_of_that_in_the_logs(team: Team, api: httpx.Client) -> None:
    team.fault("sendgrid", "unavailable")
    delivered(api, send(api))
    logs = team.cloud.client("logs")

    def metrics() -> set[str]:
        found = set()
        for door in ("", "-attempts-normal"):
            group = f"/aws/lambda/emailsminder-{ENVIRONMENT}{door}"
            for event in logs.filter_log_events(logGroupName=group, filterPattern='"_aws"')["events"]:
                line = json.loads(event["message"])
                for directive in line["_aws"]["CloudWatchMetrics"]:
                    assert all(name in line for dimensions in directive["Dimensions"] for name in dimensions)
                    found |= {metric["Name"] for metric in directive["Metrics"] if metric["Name"] in line}
        return found

    wanted = {"Requests2xx", "MessagesProcessed", "Attempts", "FailoversAccepted", "TimeToSent", "TimeToDelivered"}
    until("all metrics", lambda: wanted <= metrics(), within_s=60)
