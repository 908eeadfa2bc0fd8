"""The environment variables that a deployment sets, for its functions and for whoever works with it from a shell."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.domain.lane import PLACEHOLDER, Lane
from infra.stages import PROJECT, Stage


def variables(stage: Stage, outputs: Mapping[str, str], worker_timeout_s: int) -> dict[str, str]:
    """The environment variables that the function of `stage` needs, as `app.settings` names them."""
    named = {
        "TABLE_PREFIX": outputs["TablePrefix"],
        "TOPIC_ARN": _of_any_lane(outputs, "TopicArn"),
        "DELAY_QUEUE_URL": _of_any_lane(outputs, "DelayQueueUrl"),
        "CONTENT_BUCKET": outputs["ContentBucket"],
        "SECRET_NAME": stage.secret_name,
        "WORKER_TIMEOUT_S": str(worker_timeout_s),
        "POWERTOOLS_SERVICE_NAME": f"{PROJECT}-{stage.environment}",
        "POWERTOOLS_METRICS_NAMESPACE": "EmailsMinder",
    }
    if not stage.lane:  # a worker publishes no notifications: what changed, the stream says
        named |= {
            "NOTIFICATIONS_TOPIC_ARN": outputs["NotificationsTopicArn"],
            "NOTIFICATIONS_QUEUE_URL": outputs["NotificationsQueueUrl"],
        }
    if "SesTopicArn" in outputs:
        named |= {"SES_TOPIC_ARN": outputs["SesTopicArn"], "SES_CONFIGURATION_SET": outputs["SesConfigurationSet"]}
    return named


def _of_any_lane(outputs: Mapping[str, str], name: str) -> str:
    """What the lanes' topics or queues are called, with a place for the lane."""
    start = outputs[f"{Lane.NORMAL}{name}"].removesuffix(Lane.NORMAL)
    return f"{start}{PLACEHOLDER}"


def lines(base: Mapping[str, Any], made: Mapping[str, str]) -> Iterator[str]:
    """The environment of `python -m app.admin` against a deployment, as lines for `env $(…)`.

    `base` are the settings of the API's stage; `made` is what the deployment made. A shell divides such lines at
    blanks, and none of these variables needs the blanks in its value.
    """
    values = {"AWS_REGION": base["aws_region"], **made, **base.get("aws_environment_variables", {})}
    return (f"{name}={''.join(value.split())}\n" for name, value in values.items())
