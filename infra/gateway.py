"""Settings of the API that Zappa does not make: answers, throttling, access logs. Every call may be repeated."""

import json
from collections.abc import Mapping
from typing import Any

from infra import gateway_answers, usage_plan
from infra.stages import Stage

# The access log has one line of JSON per request, without the client's address, the path, the query and the API key.
# The route of a request is in the API's own log, under the function's request id, which clients see as X-Request-Id.
ACCESS_LOG = {
    "request_id": "$context.requestId",
    "at": "$context.requestTime",
    "method": "$context.httpMethod",
    "resource": "$context.resourcePath",
    "status": "$context.status",
    "response_bytes": "$context.responseLength",
    "latency_ms": "$context.responseLatency",
    "function_ms": "$context.integration.latency",
    "function_request_id": "$context.integration.requestId",
    "error": "$context.error.responseType",
}


def configure(client: Any, api_id: str, stage: Stage, outputs: Mapping[str, str], settings: Mapping[str, Any]) -> None:
    """Apply `throttle` and `usage_plan` of the stage's settings, and log every request."""
    _allow_logging(client, outputs["GatewayLogRoleArn"])
    gateway_answers.apply(client, api_id, stage)
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
        usage_plan.apply(client, api_id, stage, settings["usage_plan"])


def _allow_logging(client: Any, role_arn: str) -> None:
    """Set API Gateway's role for logs, unless there is one: all APIs of an account and region share it."""
    if not client.get_account().get("cloudwatchRoleArn"):
        client.update_account(patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": role_arn}])
