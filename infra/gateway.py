"""Settings of the API that Zappa does not make: throttling, access logs, a usage plan. Every call may be repeated."""

import json
from collections.abc import Mapping
from typing import Any

from infra.stages import Stage

# The access log has one line of JSON per request, without the client's address, the path, the query and the API key.
# The route of a request is in the API's own log, under the same request id.
ACCESS_LOG = {
    "request_id": "$context.requestId",
    "at": "$context.requestTime",
    "method": "$context.httpMethod",
    "resource": "$context.resourcePath",
    "status": "$context.status",
    "response_bytes": "$context.responseLength",
    "latency_ms": "$context.responseLatency",
    "function_ms": "$context.integration.latency",
    "error": "$context.error.responseType",
}
# The answer of API Gateway itself when it throttles a client. Its body is a problem, like every error of the API.
THROTTLED = {
    "responseType": "THROTTLED",
    "statusCode": "429",
    "responseParameters": {
        "gatewayresponse.header.Retry-After": "'1'",
        "gatewayresponse.header.Content-Type": "'application/problem+json'",
    },
    "responseTemplates": {
        "application/json": json.dumps(
            {
                "type": "urn:emailsminder:problem:throttled",
                "title": "Too many requests",
                "status": 429,
                "detail": "slow down and try again",
            }
        )
    },
}


def configure(client: Any, api_id: str, stage: Stage, outputs: Mapping[str, str], settings: Mapping[str, Any]) -> None:
    """Apply `throttle` and `usage_plan` of the stage's settings, and log every request."""
    _allow_logging(client, outputs["GatewayLogRoleArn"])
    _answer_throttled(client, api_id, stage)
    throttle = settings["throttle"]
    values = {
        "/*/*/throttling/rateLimit": str(throttle["rate"]),
        "/*/*/throttling/burstLimit": str(throttle["burst"]),
        "/accessLogSettings/destinationArn": outputs["AccessLogsArn"].removesuffix(":*"),
        "/accessLogSettings/format": json.dumps(ACCESS_LOG),
    }
    client.update_stage(
        restApiId=api_id,
        stageName=stage.name,
        patchOperations=[{"op": "replace", "path": path, "value": value} for path, value in values.items()],
    )
    if "usage_plan" in settings:
        _plan(client, api_id, stage, settings["usage_plan"])


def subscribe_webhook(client: Any, topic_arn: str, url: str) -> None:
    """Subscribe `url` to SES's topic, and unsubscribe every URL that the API had before.

    The API confirms the subscription by itself.
    """
    subscriptions = client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn)
    for page in subscriptions:
        for known in page["Subscriptions"]:
            if known["Endpoint"] != url and known["SubscriptionArn"].startswith("arn:"):
                client.unsubscribe(SubscriptionArn=known["SubscriptionArn"])
    client.subscribe(TopicArn=topic_arn, Protocol="https", Endpoint=url)


def _allow_logging(client: Any, role_arn: str) -> None:
    """Set API Gateway's role for logs, unless there is one: all APIs of an account and region share it."""
    if not client.get_account().get("cloudwatchRoleArn"):
        client.update_account(patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": role_arn}])


def _answer_throttled(client: Any, api_id: str, stage: Stage) -> None:
    known = client.get_gateway_response(restApiId=api_id, responseType="THROTTLED")
    if known.get("responseTemplates") != THROTTLED["responseTemplates"]:
        client.put_gateway_response(restApiId=api_id, **THROTTLED)
        client.create_deployment(restApiId=api_id, stageName=stage.name)  # this puts the new answer into effect


def _plan(client: Any, api_id: str, stage: Stage, wanted: Mapping[str, Any]) -> None:
    """Create a usage plan that is named like the function, unless there is one.

    `wanted` has `throttle` and `quota`, in the form of API Gateway's API.
    """
    if any(plan["name"] == stage.function for plan in client.get_usage_plans(limit=500)["items"]):
        return
    client.create_usage_plan(name=stage.function, apiStages=[{"apiId": api_id, "stage": stage.name}], **wanted)
