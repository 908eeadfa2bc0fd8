"""What is set on API Gateway, on the emulator. Everything is applied twice: the second time must change nothing."""

import json
from typing import Any
from uuid import uuid4

import pytest

from app.api import problems
from app.errors import Problem
from infra import gateway, gateway_answers
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
    assert json.loads(log["format"])["function_request_id"] == "$context.integration.requestId"


def test_logging_role_of_the_account_is_left_alone(api: tuple[Any, str]) -> None:
    found, api_id = api
    gateway.configure(found, api_id, STAGE, OUTPUTS, SETTINGS)
    assert found.get_account()["cloudwatchRoleArn"] == OUTPUTS["GatewayLogRoleArn"]
    gateway.configure(found, api_id, STAGE, {**OUTPUTS, "GatewayLogRoleArn": "arn:aws:iam::0:role/other"}, SETTINGS)
    assert found.get_account()["cloudwatchRoleArn"] == OUTPUTS["GatewayLogRoleArn"]


def test_what_api_gateway_answers_by_itself_is_a_problem_like_the_api_s_own(api: tuple[Any, str]) -> None:
    found, api_id = api
    gateway.configure(found, api_id, STAGE, OUTPUTS, SETTINGS)
    deployments = len(found.get_deployments(restApiId=api_id)["items"])
    gateway.configure(found, api_id, STAGE, OUTPUTS, SETTINGS)
    assert len(found.get_deployments(restApiId=api_id)["items"]) == deployments
    for name in ("DEFAULT_4XX", "THROTTLED", "INTEGRATION_TIMEOUT", "REQUEST_TOO_LARGE"):
        answer = found.get_gateway_response(restApiId=api_id, responseType=name)
        headers, body = answer["responseParameters"], json.loads(answer["responseTemplates"]["application/json"])
        assert headers["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
        assert str(body.get("status", "")) == answer.get("statusCode", "")
        assert body["type"].startswith("urn:emailsminder:problem:")
    throttled = found.get_gateway_response(restApiId=api_id, responseType="THROTTLED")
    assert throttled["responseParameters"]["gatewayresponse.header.Retry-After"] == "'1'"


def test_an_answer_that_somebody_changed_is_ours_again(api: tuple[Any, str]) -> None:
    found, api_id = api
    gateway.configure(found, api_id, STAGE, OUTPUTS, SETTINGS)
    ours = gateway_answers.put_request("THROTTLED", gateway_answers.ANSWERS["THROTTLED"])
    found.put_gateway_response(restApiId=api_id, **{**ours, "responseParameters": {}})
    gateway.configure(found, api_id, STAGE, OUTPUTS, SETTINGS)
    answer = found.get_gateway_response(restApiId=api_id, responseType="THROTTLED")
    assert answer["responseParameters"] == ours["responseParameters"]


def test_every_answer_of_api_gateway_is_there(api: tuple[Any, str]) -> None:
    found, _ = api
    known = found.meta.service_model.shape_for("GatewayResponseType").enum
    assert set(gateway_answers.ANSWERS) == set(known)


def test_a_fallback_keeps_the_status_of_each_error() -> None:
    """Its status would replace that of every error that has no answer of its own."""
    for name in ("DEFAULT_4XX", "DEFAULT_5XX"):
        assert "statusCode" not in gateway_answers.put_request(name, gateway_answers.ANSWERS[name])


def test_answers_are_in_the_words_of_the_api() -> None:
    assert gateway_answers.MEDIA_TYPE == problems.MEDIA_TYPE
    assert gateway_answers.TYPE_PREFIX == problems.TYPE_PREFIX
    assert gateway_answers.RETRY_AFTER_S == problems.RETRY_AFTER_S
    ours = {kind.type: kind for kind in _all(Problem)}
    for answer in gateway_answers.ANSWERS.values():
        if answer.type in ours and answer.status != 504:
            kind = ours[answer.type]
            assert (answer.title, answer.status or kind.status) == (kind.title, kind.status)


def _all(kind: type[Problem]) -> list[type[Problem]]:
    return [kind, *(found for child in kind.__subclasses__() for found in _all(child))]


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
