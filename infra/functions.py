"""What Zappa leaves undone for the functions that work in the background. Every call may be repeated."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from infra.stages import Stage

RETRIES = 2  # then the dead-letter queue
MAX_AGE_S = 3600  # of an event that waits for a free function; the sweep asks again anyway


def keep_dead_letters(client: Any, stage: Stage, queue_arn: str) -> None:
    """Name the dead-letter queue, which Zappa does on deploy and not on update, and how often to try before."""
    name = stage.function
    configured = client.get_function_configuration(FunctionName=name).get("DeadLetterConfig", {})
    if configured.get("TargetArn") != queue_arn:
        client.update_function_configuration(FunctionName=name, DeadLetterConfig={"TargetArn": queue_arn})
        client.get_waiter("function_updated_v2").wait(FunctionName=name)
    client.put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=RETRIES, MaximumEventAgeInSeconds=MAX_AGE_S
    )


def never_repeat(client: Any, stage: Stage) -> None:
    """A sweep that failed is not tried again: the next one comes within a minute."""
    client.put_function_event_invoke_config(
        FunctionName=stage.function, MaximumRetryAttempts=0, MaximumEventAgeInSeconds=60
    )


def subscribe(client: Any, sns: Any, stage: Stage, outputs: Mapping[str, str]) -> None:
    """Subscribe the function to the topic.

    Not by Zappa's `events`: they unsubscribe on every update, and what is published in that moment is lost.
    """
    topic_arn, queue_arn = outputs["TopicArn"], outputs["DeadLetterQueueArn"]
    with suppress(client.exceptions.ResourceConflictException):  # it has it already
        client.add_permission(
            FunctionName=stage.function,
            StatementId="attempts-topic",
            Action="lambda:InvokeFunction",
            Principal="sns.amazonaws.com",
            SourceArn=topic_arn,
        )
    function = client.get_function_configuration(FunctionName=stage.function)
    sns.subscribe(
        TopicArn=topic_arn,
        Protocol="lambda",
        Endpoint=function["FunctionArn"],
        Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": queue_arn})},
        ReturnSubscriptionArn=True,
    )
