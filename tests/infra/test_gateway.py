"""What is set on API Gateway, on the emulator. Everything is applied twice: the second time must change nothing."""

import json
from typing import Any
from uuid import uuid4

import pytest

from infra import gateway
from infra.stages import Stage
from tests.support.aws import Aws, client

STAGE = Stage("dev", "api")
OUTPUTS = {
    "GatewayLogRoleArn": "arn:aws:iam::000000000000:role/gateway-logs",
    "AccessLogsArn": "arn:aws:logs:us-east-1:000000000000:log-group:/aws/apigateway/emailsminder-dev:*",
}
SETTINGS = {"throttle": {"rate": 50, "burst": 100}}


@pytest.fixture
def api(aws: Aws) -> tuple[Any, str]:
    """API Gateway, and an API with a stage as Zappa leaves it."""
    found = client(aws.endpoint_url, "apigateway")
    api_id = found.create_rest_api(name=uuid4().hex)["id"]
    found.create_deployment(restApiId=api_id, stageName=STAGE.name)
    return found, api_id


def test_throttling_and_access_logs(api: tuple[Any, str]) -> None:
    found, api_id = api
    for _ in range(2):
        gateway.configure(found, api_id, STAGE, OUTPUTS, SETTINGS)
    stage = found.get_stage(restApiId=api_id, stageName=STAGE.name)
    assert stage["methodSettings"]["*/*"]["throttlingRateLimit"] == 50
    assert stage["methodSettings"]["*/*"]["throttlingBurstLimit"] == 100
    log = stage["accessLogSettings"]
    assert log["destinationArn"] == OUTPUTS["AccessLogsArn"].removesuffix(":*")
    assert "identity" not in log["format"], "no address of a client"
    assert "$context.path" not in log["format"], "a path may hold what is nobody's business"
    assert json.loads(log["format"])["status"] == "$context.status"


def test_logging_role_of_the_account_is_left_alone(api: tuple[Any, str]) -> None:
    found, api_id = api
    gateway.configure(found, api_id, STAGE, OUTPUTS, SETTINGS)
    assert found.get_account()["cloudwatchRoleArn"] == OUTPUTS["GatewayLogRoleArn"]
    gateway.configure(found, api_id, STAGE, {**OUTPUTS, "GatewayLogRoleArn": "arn:aws:iam::0:role/other"}, SETTINGS)
    assert found.get_account()["cloudwatchRoleArn"] == OUTPUTS["GatewayLogRoleArn"]


def test_throttled_clients_read_a_problem(api: tuple[Any, str]) -> None:
    found, api_id = api
    gateway.configure(found, api_id, STAGE, OUTPUTS, SETTINGS)
    deployments = len(found.get_deployments(restApiId=api_id)["items"])
    gateway.configure(found, api_id, STAGE, OUTPUTS, SETTINGS)
    assert len(found.get_deployments(restApiId=api_id)["items"]) == deployments
    answer = found.get_gateway_response(restApiId=api_id, responseType="THROTTLED")
    assert json.loads(answer["responseTemplates"]["application/json"])["status"] == 429


def test_usage_plan_is_made_once(api: tuple[Any, str]) -> None:
    found, api_id = api
    stage = Stage(f"x{uuid4().hex[:8]}", "api")
    found.create_deployment(restApiId=api_id, stageName=stage.name)
    wanted = {**SETTINGS, "usage_plan": {"throttle": {"rateLimit": 5, "burstLimit": 10}}}
    for _ in range(2):
        gateway.configure(found, api_id, stage, OUTPUTS, wanted)
    plans = [plan for plan in found.get_usage_plans(limit=500)["items"] if plan["name"] == stage.function]
    assert len(plans) == 1
    assert plans[0]["throttle"] == {"rateLimit": 5, "burstLimit": 10}
    assert plans[0]["apiStages"] == [{"apiId": api_id, "stage": stage.name}]


def test_webhook_subscription_follows_the_address(aws: Aws) -> None:
    topic_arn = aws.sns.create_topic(Name=uuid4().hex)["TopicArn"]
    for url in ("https://127.0.0.1:9/old", "https://127.0.0.1:9/new", "https://127.0.0.1:9/new"):
        gateway.subscribe_webhook(aws.sns, topic_arn, url)
    # One that is not confirmed yet has no ARN to end it by: SNS drops it after some days.
    found = aws.sns.list_subscriptions_by_topic(TopicArn=topic_arn)["Subscriptions"]
    confirmed = [s["Endpoint"] for s in found if s["SubscriptionArn"].startswith("arn:")]
    assert "https://127.0.0.1:9/old" not in confirmed
    assert "https://127.0.0.1:9/new" in {s["Endpoint"] for s in found}
