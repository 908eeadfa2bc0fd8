"""The steps that look at what AWS itself measures, alarms and traces."""

import json
import time
from datetime import UTC, datetime
from typing import Any, Final

from app.errors import ConfigurationError
from infra.smoke.run import SmokeError, until
from infra.smoke.world import World

SHOWN_WITHIN_S: Final = 900  # CloudWatch is late by some minutes, and more with a new metric


def alarms(world: World) -> None:
    """The alarms are switched on, the sweep's is in the state OK, and nothing wakes anybody up."""
    found = _alarms(world)
    if not found:
        raise SmokeError("there are no alarms")
    if off := sorted(name for name, one in found.items() if not one["ActionsEnabled"]):
        raise SmokeError(f"alarms tell nobody: {', '.join(off)}")
    if (state := found[f"{world.name}-sweep-silent"]["StateValue"]) != "OK":
        raise SmokeError(f"the sweep's alarm is in the state {state}")
    went_off = {name: str(one["AlarmActions"]) for name, one in found.items() if one["StateValue"] == "ALARM"}
    if pages := sorted(name for name, actions in went_off.items() if "-page" in actions):
        raise SmokeError(f"alarms went off: {', '.join(pages)}")


def metrics(world: World) -> None:
    """CloudWatch reads our metrics out of the logs, and API Gateway has those that the alarms are about."""
    wanted = len(world.notes.get("sent", ()))
    service = [{"Name": "service", "Value": world.name}]
    stage = [{"Name": "ApiName", "Value": world.name}, {"Name": "Stage", "Value": world.environment}]
    for namespace, metric, dimensions in (
        ("EmailsMinder", "EmailsSent", service),
        ("EmailsMinder", "MessagesProcessed", service),
        ("EmailsMinder", "Requests2xx", service),
        ("AWS/ApiGateway", "Count", stage),
    ):
        until(
            f"{namespace} {metric}, {wanted} or more",
            lambda asked=(namespace, metric, dimensions): _sum(world, *asked) >= wanted,  # type: ignore[misc] # because the default has no type
            SHOWN_WITHIN_S,
            world.wait,
        )


def alarm(world: World) -> None:
    """An alarm that goes off reaches who listens to its topic."""
    sqs, sns, cloudwatch = world.client("sqs"), world.client("sns"), world.client("cloudwatch")
    topic_arn, name = world.stack.outputs()["TicketTopicArn"], f"{world.name}-breaker"
    url, subscriptions = sqs.create_queue(QueueName=f"{world.name}-smoke")["QueueUrl"], []
    try:
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(_from_topic(arn, topic_arn))})
        asked = {"TopicArn": topic_arn, "Protocol": "sqs", "Endpoint": arn}
        subscriptions.append(sns.subscribe(**asked, ReturnSubscriptionArn=True)["SubscriptionArn"])
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="make smoke tries this alarm")
        until(f"{name} in the queue", lambda: name in _received(sqs, url), 120, world.wait)
    finally:
        for subscription in subscriptions:
            sns.unsubscribe(SubscriptionArn=subscription)
        sqs.delete_queue(QueueUrl=url)
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="make smoke tried this alarm")


def require_tracing(settings: dict[str, Any]) -> None:
    """Raise ConfigurationError, with what to write, if no function sends traces."""
    if not settings.get("xray_tracing"):
        raise ConfigurationError(
            "there are no traces: set \"xray_tracing\": true in zappa_settings.json, or say ARGS='--without traces'"
        )


def traces(world: World) -> None:
    """X-Ray has traces of the API's function."""
    require_tracing(world.settings)
    xray, began_at = world.client("xray"), world.notes.get("sent_at", time.time()) - 3600

    def found() -> int:
        answer = xray.get_trace_summaries(
            StartTime=datetime.fromtimestamp(began_at, UTC),
            EndTime=datetime.now(UTC),
            FilterExpression=f'service("{world.name}")',
        )
        return len(answer["TraceSummaries"])

    until("traces in X-Ray", found, SHOWN_WITHIN_S, world.wait)


def _alarms(world: World) -> dict[str, Any]:
    pages = world.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{world.name}-")
    return {one["AlarmName"]: one for page in pages for one in page["MetricAlarms"]}


def _sum(world: World, namespace: str, metric: str, dimensions: list[dict[str, str]]) -> float:
    """The sum of a metric since the first email, per minute and all together."""
    answer = world.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=dimensions,
        StartTime=datetime.fromtimestamp(world.notes.get("sent_at", time.time()) - 600, UTC),
        EndTime=datetime.now(UTC),
        Period=60,
        Statistics=["Sum"],
    )
    return sum(float(one["Sum"]) for one in answer["Datapoints"])


def _from_topic(queue_arn: str, topic_arn: str) -> dict[str, Any]:
    """A policy by which a topic may send to a queue."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue_arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
            }
        ],
    }


def _received(sqs: Any, url: str) -> str:
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5)
    return " ".join(message["Body"] for message in answer.get("Messages", ()))
