"""The answers that API Gateway makes by itself, without calling the function. Each is a problem, as the API's own are.

The types of answers and their statuses: "Gateway response types for API Gateway", API Gateway Developer Guide, read
2026-11-29.
"""

import json
from typing import Any, Final, NamedTuple

from infra.stages import Stage

# As in app/api/problems.py, which the environment that deploys cannot import: it has no FastAPI.
MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:emailsminder:problem:"
RETRY_AFTER_S: Final = 5


class Answer(NamedTuple):
    """One answer. Without a `status`, API Gateway uses that of the error, of which there are several."""

    status: int | None
    type: str
    title: str
    detail: str
    retry_after_s: int | None = None


_FORBIDDEN: Final = Answer(403, "forbidden", "Not allowed", "API Gateway does not let this request through")
_MALFORMED: Final = Answer(400, "malformed", "Malformed request", "API Gateway cannot read this request")
_BROKEN: Final = Answer(500, "internal", "Internal error", "something broke on our side, in front of the API")
_NOT_ANSWERED: Final = Answer(
    504,
    "unavailable",
    "Unavailable",
    "the API did not answer in time, and may have done what was asked: repeat a POST with its idempotency key",
    RETRY_AFTER_S,
)
ANSWERS: Final[dict[str, Answer]] = {
    "DEFAULT_4XX": Answer(None, "refused", "Request refused", "API Gateway does not let this request through"),
    "DEFAULT_5XX": Answer(
        None, "internal", "Internal error", "something broke on our side, in front of the API", RETRY_AFTER_S
    ),
    "ACCESS_DENIED": _FORBIDDEN,
    "API_CONFIGURATION_ERROR": _BROKEN,
    "AUTHORIZER_CONFIGURATION_ERROR": _BROKEN,
    "AUTHORIZER_FAILURE": _BROKEN,
    "BAD_REQUEST_BODY": _MALFORMED,
    "BAD_REQUEST_PARAMETERS": _MALFORMED,
    "EXPIRED_TOKEN": _FORBIDDEN,
    "INTEGRATION_FAILURE": _NOT_ANSWERED,
    "INTEGRATION_TIMEOUT": _NOT_ANSWERED,
    "INVALID_API_KEY": _FORBIDDEN,
    "INVALID_SIGNATURE": _FORBIDDEN,
    # A path that the API does not have reaches the function. This is for what reaches no function.
    "MISSING_AUTHENTICATION_TOKEN": Answer(403, "forbidden", "Not allowed", "there is no API at this path"),
    "QUOTA_EXCEEDED": Answer(429, "throttled", "Too many requests", "the quota of this usage plan is used up", 3600),
    "REQUEST_TOO_LARGE": Answer(413, "too-large", "Request too large", "the body is larger than AWS Lambda takes"),
    "RESOURCE_NOT_FOUND": Answer(404, "not-found", "Not found", "there is no API at this path"),
    "THROTTLED": Answer(429, "throttled", "Too many requests", "slow down and try again", 1),
    "UNAUTHORIZED": Answer(401, "unauthenticated", "Not authenticated", "API Gateway knows no such caller"),
    "UNSUPPORTED_MEDIA_TYPE": Answer(
        415, "unsupported-media-type", "Unsupported media type", "API Gateway takes no body of this content type"
    ),
    "WAF_FILTERED": _FORBIDDEN,
}


def apply(client: Any, api_id: str, stage: Stage) -> None:
    """Make API Gateway give these answers. `client` is one of API Gateway. Applied again, it changes nothing."""
    known = {one["responseType"]: one for one in client.get_gateway_responses(restApiId=api_id, limit=500)["items"]}
    wanted = [put_request(name, answer) for name, answer in ANSWERS.items()]
    changed = [request for request in wanted if not request.items() <= known.get(request["responseType"], {}).items()]
    for request in changed:
        client.put_gateway_response(restApiId=api_id, **request)
    if changed:
        client.create_deployment(restApiId=api_id, stageName=stage.name)  # this puts the answers into effect


def put_request(name: str, answer: Answer) -> dict[str, Any]:
    """What API Gateway is asked for, but for the API's id."""
    headers = {"Content-Type": MEDIA_TYPE}
    if answer.retry_after_s is not None:
        headers["Retry-After"] = str(answer.retry_after_s)
    body: dict[str, object] = {"type": TYPE_PREFIX + answer.type, "title": answer.title}
    if answer.status is not None:
        body["status"] = answer.status
    return {
        "responseType": name,
        **({} if answer.status is None else {"statusCode": str(answer.status)}),
        "responseParameters": {f"gatewayresponse.header.{header}": f"'{value}'" for header, value in headers.items()},
        "responseTemplates": {"application/json": json.dumps({**body, "detail": answer.detail})},
    }
